package simulation

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"syscall"
	"time"

	"bench/proxy/h2"
)

// session is one connection of a client that speaks HTTP/2.
type session struct {
	frames
	c   *client
	rng *rand.Rand

	flows   []*flow // requests under way, in the order of their streams
	id      uint32  // of the next stream
	room    int     // what may be received on the connection
	leaving bool    // the proxy takes no more requests
}

// flow is a request under way.
type flow struct {
	id     uint32
	e      *entry
	of     *entry // the request that the answer was made for
	body   []byte // not sent yet
	sent   bool   // and the end
	window int
	room   int    // what may be received
	got    int    // of the answer
	own    []byte // the content of one of the proxy's own
	packed *packed
	headed bool
	over   bool // the answer has come whole, or never will
}

const (
	frameSize      = 16384
	usualWindow    = 65535
	preface        = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	windowSetting  = 4
	enoughUnsent   = 32 << 10 // what a session writes ahead of its socket
	mostFieldBytes = 1 << 20
)

func newSession(c *client, number int) *session {
	s := &session{c: c, id: 1, room: usualWindow}
	s.rng = rand.New(rand.NewPCG(c.w.p.Seed, uint64(number)))
	s.init(&c.out)
	c.out = append(c.out, preface...)
	var set [6]byte
	binary.BigEndian.PutUint16(set[:], windowSetting)
	binary.BigEndian.PutUint32(set[2:], uint32(c.p.Window))
	s.frame(h2.FrameSettings, 0, 0, set[:])
	return s
}

// ask begins a request.
func (s *session) ask(e *entry) {
	f := &flow{id: s.id, e: e, window: s.initial, room: s.c.p.Window}
	s.id += 2
	s.flows = append(s.flows, f)
	var b []byte
	add := func(name, value string) { b = appendField(b, name, value) }
	add(":method", e.Method)
	add(":scheme", "http")
	add(":authority", e.host())
	add(":path", e.target())
	for _, f := range e.fields() {
		add(f.name, f.value)
	}
	content := e.Chunked || e.Body > 0 || e.Method == "POST"
	if content && !e.Chunked {
		add("content-length", strconv.Itoa(e.Body))
	}
	flags := h2.Flags(0)
	if !content {
		flags, f.sent = h2.FlagEndStream, true
	} else {
		f.body = appendBody(nil, e.ID, up, e.Body, false)
	}
	s.fieldBlock(s.rng, flags, f.id, b)
	if e.Cancel > 0 {
		s.c.w.m.After(e.Cancel, func() {
			if c := s.c; c.h2 == s && c.e != nil && !c.done && !f.over {
				c.w.tell("client %d cancels request %d", c.no, e.ID)
				s.number(h2.FrameRSTStream, f.id, uint32(h2.Cancel))
				f.body, f.sent = nil, true
				s.drop(f)
				c.send()
			}
		})
	}
}

// sending tells whether something of a request is not written yet.
func (s *session) sending() bool {
	return slices.ContainsFunc(s.flows, func(f *flow) bool { return !f.sent })
}

// fill writes content, as much as the windows allow, of several requests by turns.
func (s *session) fill() {
	for len(s.c.out) < enoughUnsent {
		var able []*flow
		for _, f := range s.flows {
			if !f.sent && (len(f.body) == 0 || f.window > 0 && s.window > 0) {
				able = append(able, f)
			}
		}
		if len(able) == 0 {
			return
		}
		f := able[s.rng.IntN(len(able))]
		n := min(len(f.body), max(f.window, 0), max(s.window, 0), 1+s.rng.IntN(frameSize))
		flags := h2.Flags(0)
		if n == len(f.body) && (n == 0 || s.rng.IntN(3) > 0) {
			flags, f.sent = h2.FlagEndStream, true
		}
		s.frame(h2.FrameData, flags, f.id, f.body[:n])
		f.body, f.window, s.window = f.body[n:], f.window-n, s.window-n
		s.forget(f)
	}
}

// forget lets go of a request that is over on both sides.
func (s *session) forget(f *flow) {
	if f.over && f.sent {
		s.flows = slices.DeleteFunc(s.flows, func(x *flow) bool { return x == f })
	}
}

// drop ends a request whose answer will not come.
func (s *session) drop(f *flow) {
	f.over = true
	s.c.asked = slices.DeleteFunc(s.c.asked, func(e *entry) bool { return e == f.e })
	s.forget(f)
}

// feed takes bytes in.
func (s *session) feed(p []byte) error {
	return s.read(p, func(h h2.FrameHeader, p []byte) error {
		if s.c.done {
			return nil
		}
		return s.take(h, p)
	})
}

// take takes a frame in.
func (s *session) take(h h2.FrameHeader, p []byte) error {
	if s.control(h, p, s.widen, s.widenAll) {
		return nil
	}
	switch h.Type {
	case h2.FrameSettings: // ours have been heard
	case h2.FrameHeaders, h2.FrameContinuation:
		if s.collect(h, p) {
			return s.fields(h.Stream)
		}
	case h2.FrameData:
		return s.data(h, p)
	case h2.FrameRSTStream:
		return s.reset(h.Stream, h2.Code(binary.BigEndian.Uint32(p)))
	case h2.FrameGoAway:
		return s.goAway(binary.BigEndian.Uint32(p), h2.Code(binary.BigEndian.Uint32(p[4:])))
	default:
		return fmt.Errorf("%w: frame of type %d", errMalformed, h.Type)
	}
	return nil
}

func (s *session) find(id uint32) *flow {
	for _, f := range s.flows {
		if f.id == id {
			return f
		}
	}
	return nil
}

func (s *session) widen(id uint32, n int) {
	if f := s.find(id); f != nil {
		f.window += n
	}
}

func (s *session) widenAll(n int) {
	for _, f := range s.flows {
		f.window += n
	}
}

// fields takes a block of fields in: a head, or a trailer.
func (s *session) fields(id uint32) error {
	all, err := s.decode()
	if err != nil {
		return err
	}
	status := 0
	if text := value(all, ":status"); text != "" {
		if status, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("%w: status %.100q", errMalformed, text)
		}
	}
	f := s.find(id)
	switch {
	case f == nil || f.over:
		if id >= s.id {
			return fmt.Errorf("%w: fields of stream %d, which was not opened", errMalformed, id)
		}
		return nil // of a request that was given up
	case f.headed != (status == 0), f.headed && !s.last:
		return fmt.Errorf("%w: fields of request %d out of turn", errMalformed, f.e.ID)
	case status >= 200:
		f.headed, f.packed = true, unpack(all)
		if f.of, err = s.c.judge(f.e, status, all); err != nil {
			return err
		}
	}
	if s.last {
		return s.end(f)
	}
	return nil
}

func (s *session) data(h h2.FrameHeader, p []byte) error {
	n := len(p)
	p = unpadded(h, p)
	if s.room -= n; s.room < 0 {
		return fmt.Errorf("%w: more content than the window of the connection allows", errMalformed)
	}
	if s.room < usualWindow/2 || s.rng.IntN(3) == 0 {
		if s.room < usualWindow {
			s.number(h2.FrameWindowUpdate, 0, uint32(usualWindow-s.room))
		}
		s.room = usualWindow
	}
	f := s.find(h.Stream)
	if f == nil || f.over {
		return nil
	}
	if f.room -= n; f.room < 0 {
		return fmt.Errorf("%w: more content of request %d than its window allows", errMalformed, f.e.ID)
	}
	if !f.headed {
		return fmt.Errorf("%w: content of request %d before its head", errMalformed, f.e.ID)
	}
	switch {
	case f.of == nil:
		f.own = append(f.own, p...)
	case !f.packed.take(p):
		s.c.check(f.of, &f.got, p)
	}
	if h.Flags&h2.FlagEndStream != 0 {
		return s.end(f)
	}
	if full := s.c.p.Window; f.room < full && (f.room < full/2 || s.rng.IntN(3) == 0) {
		s.number(h2.FrameWindowUpdate, f.id, uint32(full-f.room))
		f.room = full
	}
	return nil
}

// end takes the end of an answer.
func (s *session) end(f *flow) error {
	if f.of == nil {
		if err := f.e.owned(f.own); err != nil {
			return err
		}
	} else {
		a := &f.of.Answer
		if err := s.c.unpacked(f.e, f.of, f.packed, &f.got); err != nil {
			return err
		}
		cut := a.Framing == ByClose && a.Quit.How != Stays // and nobody could know that it is not the end
		if !f.e.whole(f.of, f.got) && !cut {
			return fmt.Errorf("request %d: %d of %d bytes", f.e.ID, f.got, a.Size)
		}
	}
	s.drop(f)
	s.c.answered(f.e)
	s.moveOn()
	return nil
}

// reset takes the end of a request that the proxy gives up.
func (s *session) reset(id uint32, code h2.Code) error {
	f := s.find(id)
	if f == nil {
		return nil
	}
	f.body, f.sent = nil, true
	s.forget(f)
	if f.over {
		return nil // it needs no more of the request
	}
	if !s.c.w.p.Hostile {
		return fmt.Errorf("request %d is reset: %v", f.e.ID, code)
	}
	s.drop(f)
	s.c.leave()
	s.moveOn()
	return nil
}

// goAway takes in that the proxy will serve no streams beyond the last one.
func (s *session) goAway(last uint32, code h2.Code) error {
	if code != h2.NoError && !s.c.w.p.Hostile {
		return fmt.Errorf("the connection is given up: %v", code)
	}
	s.leaving, s.c.last = true, true
	for _, f := range slices.Backward(slices.Clone(s.flows)) {
		if f.id > last && !f.over {
			f.body, f.sent = nil, true
			s.drop(f)
			s.c.todo = append([]*Request{f.e.Request}, s.c.todo...)
		}
	}
	s.moveOn()
	return nil
}

// moveOn goes to another connection when this one takes no more requests.
func (s *session) moveOn() {
	c := s.c
	if !s.leaving || len(c.asked) > 0 || len(c.todo) == 0 || s.sending() || c.done || c.e == nil || c.quit {
		return
	}
	c.w.tell("client %d: leaves connection %d", c.no, c.e.Number())
	c.e.Close()
	c.e = nil
	c.w.m.After(time.Millisecond, c.begin)
}

// over takes the end of the connection.
func (s *session) over(errno syscall.Errno) {
	c := s.c
	switch {
	case c.quit, len(c.asked) == 0 && len(c.todo) == 0:
		c.finish()
	case c.w.p.Hostile && !s.leaving:
		c.finish()
	case !s.leaving || len(c.asked) > 0:
		if !c.w.p.Hostile {
			c.w.books.complain("client %d, waiting for %s: the connection ends (%v)", c.no, names(c.asked), errno)
		}
		c.finish()
	default:
		c.w.m.After(time.Millisecond, c.begin)
	}
}
