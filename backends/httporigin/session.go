package httporigin

import (
	"encoding/binary"

	"bench/backends/origin"
	"bench/internal/h2wire"
)

const (
	// maxStreams is how many requests a client may have under way on a connection.
	maxStreams = 100
	// credit is how much a client may send on a stream, and allCredit on a connection,
	// before it is told that more is welcome.
	credit    = 1 << 20
	allCredit = 8 << 20
	// maxBlock bounds the field block of a request as it is on the wire.
	maxBlock = 256 << 10
	// maxOut is how much output may wait before streams have to.
	maxOut = 256 << 10
)

// session is a connection of HTTP/2. It is the user of the line in place of the conn that
// began with it, and each of its streams is a conn again, to which the request comes and
// from which the answer goes as text of HTTP/1.1: all that an origin can do, and all that
// a fault does to it, is the same in both. It implements origin.User.
type session struct {
	c       *conn
	decoder h2wire.Decoder
	pseudo  [4][]byte // memory of the decoder's
	text    []byte    // of requests
	block   []byte    // a field block that is under way, or is written
	opened  h2wire.Frame
	out     []byte
	sent    int // of out
	streams []*stream
	ready   []*stream // memory of serve
	turn    int
	latest  uint32 // stream of the client
	reqs    int

	window      int64 // that may be sent
	startWindow int64 // of new streams
	credit      int64 // that the client has left

	begun   bool // the preface has come
	settled bool // and the settings
	more    bool // the block goes on
	shrink  bool // the client wants to hear that the table is not used
	within  bool // the output will be flushed
	leaving bool // GOAWAY has been said
	failed  bool // the client has made a mistake
	severed bool // a fault breaks it off when all is written
}

// prelude tells what a connection begins with: h2wire.ALPN, something else, or "" where
// that cannot be told yet. In TLS it has to be what was agreed on.
func (c *conn) prelude(b []byte) string {
	const preface = h2wire.Preface
	n := min(len(b), len(preface))
	agreed := c.ALPN()
	switch {
	case c.Secure() && agreed != h2wire.ALPN, agreed == "" && string(b[:n]) != preface[:n]:
		return "http/1.1"
	case agreed == "" && n < len(preface):
		return ""
	}
	return h2wire.ALPN
}

// multiplex makes the connection one of HTTP/2.
func (c *conn) multiplex() *session {
	s := &session{c: c, window: h2wire.DefaultWindow, startWindow: h2wire.DefaultWindow, credit: allCredit}
	s.decoder.Reset()
	c.Hand(s, true)
	s.out = h2wire.AppendFrame(s.out, h2wire.Frame{Length: 2 * h2wire.SettingLen, Type: h2wire.Settings})
	s.out = h2wire.AppendSetting(s.out, h2wire.MaxStreams, maxStreams)
	s.out = h2wire.AppendSetting(s.out, h2wire.InitialWindow, credit)
	s.out = h2wire.AppendCredit(s.out, 0, allCredit-h2wire.DefaultWindow)
	return s
}

// Opened implements origin.User: the conn was told.
func (*session) Opened() {}

// Busy implements origin.User.
func (s *session) Busy() bool { return len(s.out) > s.sent }

// Paused implements origin.User.
func (*session) Paused() bool { return false }

// Answering implements origin.User: streams answer.
func (*session) Answering() bool { return false }

// Unpace implements origin.User: streams have a pace.
func (*session) Unpace() {}

// Recount implements origin.User: streams count.
func (*session) Recount() {}

// Expired ends a connection on which nothing has been asked for too long.
func (s *session) Expired() { s.leave() }

// Proceed implements origin.User.
func (s *session) Proceed() {
	s.flush()
	if s.c.Live() && !s.Busy() {
		s.c.Resume(false)
	}
}

// Ended implements origin.User.
func (s *session) Ended() {
	s.drop()
	if s.c.Rest() {
		s.c.o.Tally().Incomplete++
	}
	s.c.Close()
}

// drop ends the streams of a client that is gone.
func (s *session) drop() {
	for len(s.streams) > 0 {
		s.streams[len(s.streams)-1].vanish()
	}
}

// Cut implements origin.User.
func (s *session) Cut(kindly bool) {
	for len(s.streams) > 0 {
		s.streams[len(s.streams)-1].c.Cut(false)
	}
	s.c.Break()
	if kindly {
		s.c.Linger()
		return
	}
	s.c.Close()
}

// Closed implements origin.User.
func (s *session) Closed() {
	s.c.Hand(s.c, false)
	s.c.Closed()
}

// Use takes the frames that have come whole.
func (s *session) Use(b []byte) (n int) {
	s.within = true
	if !s.begun {
		n = s.begin(b)
	}
	for s.begun && s.c.Live() && !s.failed && len(b)-n >= h2wire.HeaderLen {
		f := h2wire.ParseFrame(b[n:])
		if f.Length > h2wire.MaxFrame {
			s.fail(h2wire.FrameSizeError)
			break
		}
		from := n + h2wire.HeaderLen
		if len(b) < from+f.Length {
			break
		}
		n = from + f.Length
		if code := s.take(f, b[from:n]); code != h2wire.NoError {
			s.fail(code)
		}
	}
	s.within = false
	if s.flush(); !s.c.Live() {
		return len(b)
	}
	return n
}

// begin takes the preface.
func (s *session) begin(b []byte) int {
	const preface = h2wire.Preface
	switch k := min(len(b), len(preface)); {
	case string(b[:k]) != preface[:k]:
		s.fail(h2wire.ProtocolError)
		return 0
	case k < len(preface):
		return 0
	}
	s.begun = true
	return len(preface)
}

// wake has the output flushed.
func (s *session) wake() {
	if !s.within {
		s.c.Later()
	}
}

// flush writes what there is, and lets the streams that wait for room say more.
func (s *session) flush() {
	for range origin.MaxSends {
		if s.Busy() {
			n, errno := s.c.Send(s.out[s.sent:])
			if errno != 0 && !again(errno) {
				s.c.Gone()
				return
			}
			if s.sent += n; s.Busy() {
				s.c.AwaitRoom()
				return
			}
			s.out, s.sent = s.out[:0], 0
		}
		if s.serve(); !s.Busy() {
			if s.severed {
				s.Cut(true)
				return
			}
			if (s.leaving || s.failed) && len(s.streams) == 0 {
				s.c.Linger()
			}
			return
		}
	}
	s.c.Later()
}

// serve has the streams go on that can, another one first each time.
func (s *session) serve() {
	s.ready = s.ready[:0]
	for _, st := range s.streams {
		if st.waits && (st.window > 0 && s.window > 0 || !st.headed) {
			s.ready = append(s.ready, st)
		}
	}
	s.within = true
	for i := range s.ready {
		st := s.ready[(s.turn+i)%len(s.ready)]
		if st.s == s && len(s.out) < maxOut { // no other has ended it
			st.waits = false
			st.c.Room()
		}
	}
	s.turn++
	s.within = false
}

// fail ends the connection for a mistake of the client's.
func (s *session) fail(code h2wire.Code) {
	s.c.o.Tally().Malformed++
	s.failed = true
	s.drop()
	s.out = h2wire.AppendGoAway(s.out, s.latest, code)
}

// leave takes no more requests, and ends the connection behind the present ones.
func (s *session) leave() {
	if !s.leaving && !s.failed {
		s.leaving = true
		s.out = h2wire.AppendGoAway(s.out, s.latest, h2wire.NoError)
		s.wake()
	}
}

// find is an open stream, nil for another one.
func (s *session) find(id uint32) *stream {
	for _, st := range s.streams {
		if st.id == id {
			return st
		}
	}
	return nil
}

// used tells whether the client has opened a stream by that number.
func (s *session) used(id uint32) bool { return id&1 == 1 && id <= s.latest }

// take takes one frame; the result is why the connection has to end.
func (s *session) take(f h2wire.Frame, p []byte) h2wire.Code {
	switch {
	case !s.settled && (f.Type != h2wire.Settings || f.Has(h2wire.Ack)), s.more != (f.Type == h2wire.Continuation),
		s.more && f.Stream != s.opened.Stream:
		return h2wire.ProtocolError
	}
	switch f.Type {
	case h2wire.Data:
		return s.data(f, p)
	case h2wire.Headers:
		p, ok := h2wire.Unpad(f, p)
		if !ok || f.Stream&1 == 0 {
			return h2wire.ProtocolError
		}
		s.opened, s.block = f, append(s.block[:0], p...)
		return s.blockEnds(f)
	case h2wire.Continuation:
		if s.block = append(s.block, p...); len(s.block) > maxBlock {
			return h2wire.EnhanceYourCalm
		}
		return s.blockEnds(f)
	case h2wire.RSTStream:
		if len(p) != 4 {
			return h2wire.FrameSizeError
		}
		if !s.used(f.Stream) {
			return h2wire.ProtocolError
		}
		if st := s.find(f.Stream); st != nil {
			st.vanish()
		}
	case h2wire.Settings:
		return s.settings(f, p)
	case h2wire.PushPromise:
		return h2wire.ProtocolError
	case h2wire.Ping:
		switch {
		case len(p) != h2wire.PingLen:
			return h2wire.FrameSizeError
		case f.Stream != 0:
			return h2wire.ProtocolError
		case !f.Has(h2wire.Ack):
			s.out = append(h2wire.AppendFrame(s.out, h2wire.Frame{Length: len(p), Type: h2wire.Ping, Flags: h2wire.Ack}), p...)
		}
	case h2wire.WindowUpdate:
		return s.credited(f, p)
	default: // GOAWAY of a client, which ends by itself; PRIORITY, and what nobody knows
	}
	return h2wire.NoError
}

// settings takes those of the client.
func (s *session) settings(f h2wire.Frame, p []byte) h2wire.Code {
	switch {
	case f.Stream != 0:
		return h2wire.ProtocolError
	case len(p)%h2wire.SettingLen != 0 || f.Has(h2wire.Ack) && len(p) > 0:
		return h2wire.FrameSizeError
	case f.Has(h2wire.Ack):
		return h2wire.NoError
	}
	s.settled = true
	for ; len(p) > 0; p = p[h2wire.SettingLen:] {
		value := int64(binary.BigEndian.Uint32(p[2:]))
		switch h2wire.Setting(binary.BigEndian.Uint16(p)) {
		case h2wire.TableSize:
			s.shrink = s.shrink || value < 4096
		case h2wire.InitialWindow:
			if value > h2wire.MaxWindow {
				return h2wire.FlowControlError
			}
			for _, st := range s.streams {
				st.window += value - s.startWindow
			}
			s.startWindow = value
		default: // frames are as small as any may be, and nothing is pushed
		}
	}
	s.out = h2wire.AppendFrame(s.out, h2wire.Frame{Type: h2wire.Settings, Flags: h2wire.Ack})
	return h2wire.NoError
}

// credited lets more of the answers go.
func (s *session) credited(f h2wire.Frame, p []byte) h2wire.Code {
	if len(p) != 4 {
		return h2wire.FrameSizeError
	}
	n := int64(binary.BigEndian.Uint32(p) & h2wire.MaxWindow)
	if f.Stream == 0 {
		if s.window += n; n == 0 {
			return h2wire.ProtocolError
		} else if s.window > h2wire.MaxWindow {
			return h2wire.FlowControlError
		}
		return h2wire.NoError
	}
	st := s.find(f.Stream)
	switch {
	case !s.used(f.Stream):
		return h2wire.ProtocolError
	case st == nil:
		return h2wire.NoError
	}
	if st.window += n; n == 0 || st.window > h2wire.MaxWindow {
		st.malformed()
	}
	return h2wire.NoError
}
