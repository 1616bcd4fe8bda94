package simulation

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"syscall"
	"time"

	"bench/proxy/h2"
)

// originMux is a connection at an origin that speaks HTTP/2, and does what the plan says of
// the requests that come, many of them at once.
type originMux struct {
	frames
	w     *world
	e     conn
	rng   *rand.Rand
	begin []byte // of the connection, until the preface has come
	buf   []byte // to be sent

	open    []*share // requests that are not over on both sides
	highest uint32   // stream that was served
	leaving bool     // none above that will be
	wanted  int      // what may be received on a new stream
	granted int      // and what it is until the other side has heard that
	room    int      // what may be received on the connection
	ended   bool     // nothing more is sent
}

// share is a request on such a connection.
type share struct {
	id        uint32
	e         *entry
	got       int  // of its body
	whole     bool // it has come
	answering bool // the head of the answer was written
	body      []byte
	sent      int
	done      bool // and the end was
	window    int
	room      int
	stalled   bool
}

// mostStreamsSetting is SETTINGS_MAX_CONCURRENT_STREAMS.
const mostStreamsSetting = 3

func newOriginMux(w *world, e conn) *originMux {
	s := &originMux{w: w, e: e, room: usualWindow}
	s.rng = rand.New(rand.NewPCG(w.p.Seed, uint64(e.Number())))
	s.init(&s.buf)
	s.granted, s.wanted = usualWindow, []int{1000, usualWindow, usualWindow, 1 << 20}[s.rng.IntN(4)]
	set := binary.BigEndian.AppendUint16(nil, windowSetting)
	set = binary.BigEndian.AppendUint32(set, uint32(s.wanted))
	set = binary.BigEndian.AppendUint16(set, mostStreamsSetting)
	set = binary.BigEndian.AppendUint32(set, []uint32{1, 3, 100}[s.rng.IntN(3)])
	s.frame(h2.FrameSettings, 0, 0, set)
	return s
}

// Ready implements virtual.Actor.
func (s *originMux) Ready() {
	for !s.e.Closed() {
		n, errno := s.e.Read(s.w.room)
		if errno == syscall.EAGAIN {
			break
		}
		if n == 0 {
			s.e.Close() // whatever was asked: a proxy ends when it needs nothing more
			return
		}
		if err := s.feed(s.w.room[:n]); err != nil {
			s.w.books.complain("origin: %v", err)
			s.e.Reset()
		}
	}
	s.write()
}

func (s *originMux) feed(p []byte) error {
	if n := len(preface) - len(s.begin); n > 0 {
		n = min(n, len(p))
		s.begin = append(s.begin, p[:n]...)
		if p = p[n:]; string(s.begin) != preface[:len(s.begin)] {
			return fmt.Errorf("%w: a connection begins with %q", errMalformed, s.begin)
		}
	}
	return s.read(p, s.take)
}

// take takes a frame in.
func (s *originMux) take(h h2.FrameHeader, p []byte) error {
	if s.control(h, p, s.widen, s.widenAll) {
		return nil
	}
	switch h.Type {
	case h2.FrameSettings: // ours have been heard
		for _, x := range s.open {
			x.room += s.wanted - s.granted
		}
		s.granted = s.wanted
		for _, x := range s.open {
			s.grant(x)
		}
	case h2.FrameHeaders, h2.FrameContinuation:
		if s.collect(h, p) {
			return s.fields(h.Stream)
		}
	case h2.FrameData:
		return s.data(h, p)
	case h2.FrameRSTStream:
		s.drop(h.Stream)
	case h2.FrameGoAway:
	default:
		return fmt.Errorf("%w: frame of type %d", errMalformed, h.Type)
	}
	return nil
}

func (s *originMux) widen(id uint32, n int) {
	if x := s.find(id); x != nil {
		x.window += n
	}
}

func (s *originMux) widenAll(n int) {
	for _, x := range s.open {
		x.window += n
	}
}

func (s *originMux) find(id uint32) *share {
	for _, x := range s.open {
		if x.id == id {
			return x
		}
	}
	return nil
}

func (s *originMux) drop(id uint32) {
	s.open = slices.DeleteFunc(s.open, func(x *share) bool { return x.id == id })
}

// fields takes the head of a request in, or its trailer.
func (s *originMux) fields(id uint32) error {
	all, err := s.decode()
	if err != nil {
		return err
	}
	x := s.find(id)
	switch {
	case x != nil && s.last:
		return s.end(x)
	case x != nil:
		return fmt.Errorf("%w: a second head of request %d", errMalformed, x.e.ID)
	case id <= s.highest || s.leaving:
		return nil // of one that is over here, or never will be served
	case id%2 == 0:
		return fmt.Errorf("%w: request on stream %d", errMalformed, id)
	}
	host := cmp.Or(value(all, ":authority"), value(all, "host")) // RFC 9113 §8.3.1
	e, err := s.w.books.asked(value(all, ":method"), value(all, ":path"), host, all)
	if err != nil {
		return err
	}
	s.highest = id
	x = &share{id: id, e: e, window: s.initial, room: s.granted}
	s.open = append(s.open, x)
	s.w.serves(e, s.e)
	if e.Answer.Early {
		s.answer(x)
	}
	if s.last {
		return s.end(x)
	}
	return nil
}

func (s *originMux) data(h h2.FrameHeader, p []byte) error {
	n := len(p)
	p = unpadded(h, p)
	if s.room -= n; s.room < 0 {
		return fmt.Errorf("%w: more content than the window of the connection allows", errMalformed)
	}
	if s.room < usualWindow && (s.room < usualWindow/2 || s.rng.IntN(3) == 0) {
		s.number(h2.FrameWindowUpdate, 0, uint32(usualWindow-s.room))
		s.room = usualWindow
	}
	x := s.find(h.Stream)
	if x == nil {
		return nil
	}
	e := x.e
	if x.room -= n; x.room < 0 {
		return fmt.Errorf("%w: more content of request %d than its window allows", errMalformed, e.ID)
	}
	if x.got+len(p) > e.Body || !follows(p, e.ID, up, x.got) {
		return fmt.Errorf("wrong bytes in request %d, within %d from %d on", e.ID, len(p), x.got)
	}
	x.got += len(p)
	if h.Flags&h2.FlagEndStream != 0 {
		return s.end(x)
	}
	s.grant(x)
	return nil
}

// grant opens the window of a request again, sooner or later.
func (s *originMux) grant(x *share) {
	if !x.whole && x.room < s.granted && (x.room < s.granted/2 || s.rng.IntN(3) == 0) {
		s.number(h2.FrameWindowUpdate, x.id, uint32(s.granted-x.room))
		x.room = s.granted
	}
}

// end takes the end of a request.
func (s *originMux) end(x *share) error {
	e := x.e
	if x.whole = true; x.got != e.Body {
		return fmt.Errorf("request %d has %d of %d bytes", e.ID, x.got, e.Body)
	}
	e.complete++
	if !e.Answer.Early {
		s.answer(x)
	}
	s.over(x)
	return nil
}

// answer writes the head of the answer when it is time.
func (s *originMux) answer(x *share) {
	a := &x.e.Answer
	s.w.m.After(a.Delay, func() {
		if s.e.Closed() || s.find(x.id) != x {
			return
		}
		for range a.Interim {
			s.fieldBlock(s.rng, 0, x.id, appendField(appendField(nil, ":status", "103"), "x-hint", "1"))
		}
		b := appendField(nil, ":status", strconv.Itoa(a.Status))
		x.e.answeredAt = s.w.m.Elapsed()
		for _, f := range a.fields(x.e.Request) {
			b = appendField(b, f.name, f.value)
		}
		bodiless := a.Status == 204 || a.Status == 304
		if !bodiless && a.Framing == ByLength {
			b = appendField(b, "content-length", strconv.Itoa(a.Size))
		}
		flags := h2.Flags(0)
		if bodiless || x.e.Method == "HEAD" || a.Size == 0 && s.rng.IntN(2) == 0 {
			flags, x.done = h2.FlagEndStream, true
		} else {
			x.body = appendBody(nil, x.e.ID, down, a.Size, false)
		}
		s.fieldBlock(s.rng, flags, x.id, b)
		x.answering = true
		x.note()
		s.over(x)
		s.write()
	})
}

// fill writes content, as much as the windows allow, of several answers by turns.
func (s *originMux) fill() {
	for len(s.buf) < enoughUnsent {
		var able []*share
		for _, x := range s.open {
			if x.answering && !x.done && !x.stalled && (len(x.body) == 0 || x.window > 0 && s.window > 0) {
				able = append(able, x)
			}
		}
		if len(able) == 0 {
			return
		}
		x := able[s.rng.IntN(len(able))]
		n := min(len(x.body), max(x.window, 0), max(s.window, 0), 1+s.rng.IntN(frameSize))
		if q := &x.e.Answer.Quit; q.How != Stays && x.sent+n >= q.Sent {
			s.giveUp(x)
			return
		}
		flags := h2.Flags(0)
		if n == len(x.body) && (n == 0 || s.rng.IntN(3) > 0) {
			flags, x.done = h2.FlagEndStream, true
		}
		s.frame(h2.FrameData, flags, x.id, x.body[:n])
		x.body, x.sent, x.window, s.window = x.body[n:], x.sent+n, x.window-n, s.window-n
		x.note()
		s.over(x)
	}
}

// note notes that an answer was sent completely: with its end, or all that its length says.
func (x *share) note() {
	if a := &x.e.Answer; x.done || a.Framing == ByLength && len(x.body) == 0 {
		x.e.given = true
	}
}

// giveUp ends before the time: the answer, or the connection with all of them.
func (s *originMux) giveUp(x *share) {
	switch x.e.Answer.Quit.How {
	case Closes:
		s.e.Close()
	case Resets:
		if s.rng.IntN(2) == 0 {
			s.e.Reset()
			return
		}
		s.number(h2.FrameRSTStream, x.id, uint32(h2.InternalError))
		s.drop(x.id)
	case Halves, Stalls, Stays:
		x.stalled = true
	}
}

// over lets go of a request that has come whole and was answered whole.
func (s *originMux) over(x *share) {
	if !x.done || !x.whole {
		return
	}
	s.drop(x.id)
	s.w.tell("origin: request %d is answered", x.e.ID)
	if x.e.Answer.Close && !s.leaving && (s.w.p.Hostile || !s.w.p.bodies()) {
		s.leaving = true
		s.frame(h2.FrameGoAway, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, s.highest), uint32(h2.NoError)))
	}
}

// bodies tells whether requests have any: one that is partly sent when an origin leaves cannot be sent again.
func (p *Plan) bodies() bool {
	return slices.ContainsFunc(p.Clients, func(c Client) bool {
		return slices.ContainsFunc(c.Requests, func(r Request) bool { return r.Body > 0 })
	})
}

// write sends what there is to send.
func (s *originMux) write() {
	for !s.e.Closed() && !s.ended {
		s.fill()
		if len(s.buf) == 0 || s.e.Closed() {
			break
		}
		n, errno := s.e.Write(s.buf)
		if errno != 0 && errno != syscall.EAGAIN {
			s.e.Close()
			return
		}
		if n == 0 {
			return
		}
		s.buf = s.buf[n:]
	}
	if s.leaving && len(s.open) == 0 && !s.e.Closed() && !s.ended {
		s.ended = true
		s.e.CloseWrite()
		s.w.m.After(time.Minute, s.e.Close)
	}
}
