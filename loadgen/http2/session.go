package http2

import (
	"bytes"

	"bench/internal/h2wire"
	"bench/loadgen/codec"
	"bench/loadgen/http1"
)

// stream is a request that is under way, or a place for one.
type stream struct {
	id     uint32        // 0: free
	http   codec.Session // nil: never used
	text   []byte        // the request, which rest may be a part of
	rest   []byte        // what of its body has not been handed out
	window int64         // what the peer takes of it
	credit int64         // what the peer may send
	taken  int64         // of that, and not given back yet
	begun  bool          // a part of the answer has come
	head   bool          // its head has
	done   bool          // it is complete but for the end of the stream
}

// session is a virtual user and its connection.
type session struct {
	client  *client
	user    *http1.User
	streams []stream // by half of the number of the stream, as a power of two of them
	latest  uint32   // the number of the latest stream
	live    int
	owing   int // streams whose request has not been handed out
	turn    int // the stream that may go on first

	reader
	greeted bool   // the preface has been handed out
	settled bool   // the peer's first settings have come
	shrink  bool   // the next block says that no table is used
	out     []byte // control frames
	block   []byte // of the request that is being written

	window, startWindow int64 // what the peer takes of the connection, and of a new stream
	credit, taken       int64 // what the peer may send on the connection, and what of that was not given back
	limit               int   // of streams, by the peer
	leaving             bool  // no stream may follow
	last                uint32
	sweep               bool // streams behind last are to be given up
	parting             string

	slot   int
	answer codec.Answer
}

// Open implements Session.
func (s *session) Open() codec.State {
	for i := range s.streams {
		s.streams[i].id, s.streams[i].rest = 0, nil
	}
	s.latest, s.live, s.owing = 0, 0, 0
	s.reader.reset()
	s.greeted, s.settled, s.shrink, s.leaving, s.sweep = false, false, false, false, false
	s.out = s.out[:0]
	s.window, s.startWindow = h2wire.DefaultWindow, h2wire.DefaultWindow
	s.credit, s.taken = min(s.client.window*int64(s.client.depth), h2wire.MaxWindow), 0
	s.credit = max(s.credit, h2wire.DefaultWindow)
	s.limit = s.client.depth
	s.answer = codec.Answer{}
	return codec.Done
}

// greet appends what a connection begins with.
func (s *session) greet(dst []byte) []byte {
	s.greeted = true
	dst = append(dst, h2wire.Preface...)
	dst = h2wire.AppendFrame(dst, h2wire.Frame{Length: 2 * h2wire.SettingLen, Type: h2wire.Settings})
	dst = h2wire.AppendSetting(dst, h2wire.EnablePush, 0)
	dst = h2wire.AppendSetting(dst, h2wire.InitialWindow, uint32(s.client.window))
	if more := s.credit - h2wire.DefaultWindow; more > 0 {
		dst = h2wire.AppendCredit(dst, 0, more)
	}
	return dst
}

// place is the slot of a new stream. Numbers whose slot is in use are passed over, which
// closes them.
func (s *session) place() *stream {
	for {
		if s.latest == 0 {
			s.latest = 1
		} else {
			s.latest += 2
		}
		s.slot = s.slotOf(s.latest)
		if st := &s.streams[s.slot]; st.id == 0 {
			return st
		}
	}
}

func (s *session) slotOf(id uint32) int { return int(id>>1) & (len(s.streams) - 1) }

// find is the stream with a number, nil if it is over.
func (s *session) find(id uint32) *stream {
	if st := &s.streams[s.slotOf(id)]; st.id == id {
		return st
	}
	return nil
}

// Request implements Session.
func (s *session) Request(dst []byte, o *codec.Order) (out, body []byte) {
	if !s.greeted {
		dst = s.greet(dst)
	}
	st := s.place()
	o.Slot = s.slot
	s.live++
	http := st.http
	if http == nil {
		http = s.user.Stream()
	}
	*st = stream{id: s.latest, http: http, text: st.text[:0], window: s.startWindow, credit: s.client.window}
	st.text, st.rest = http.Request(st.text, o)
	http.Await(o)
	end := bytes.Index(st.text, http1.HeadEnd) + len(http1.HeadEnd)
	if len(st.rest) == 0 {
		st.rest = st.text[end:]
	}
	s.block = s.block[:0]
	if s.shrink {
		s.block, s.shrink = append(s.block, 0x20), false
	}
	s.block = h2wire.AppendRequest(s.block, st.text[:end], s.client.scheme)
	dst = s.appendBlock(dst, st)
	if len(st.rest) > 0 {
		s.owing++
		dst = s.push(dst, st)
	}
	return dst, nil
}

// appendBlock appends the frames of the block of a request.
func (s *session) appendBlock(dst []byte, st *stream) []byte {
	f := h2wire.Frame{Type: h2wire.Headers, Stream: st.id}
	if len(st.rest) == 0 {
		f.Flags = h2wire.EndStream
	}
	for rest := s.block; ; f.Type, f.Flags = h2wire.Continuation, 0 {
		f.Length = min(len(rest), h2wire.MaxFrame)
		if f.Length == len(rest) {
			f.Flags |= h2wire.EndHeaders
		}
		dst = append(h2wire.AppendFrame(dst, f), rest[:f.Length]...)
		if rest = rest[f.Length:]; len(rest) == 0 {
			return dst
		}
	}
}

// push appends what the windows let through of a body.
func (s *session) push(dst []byte, st *stream) []byte {
	for len(st.rest) > 0 {
		n := min(int64(len(st.rest)), h2wire.MaxFrame, st.window, s.window)
		if n <= 0 {
			return dst
		}
		f := h2wire.Frame{Length: int(n), Type: h2wire.Data, Stream: st.id}
		if int(n) == len(st.rest) {
			f.Flags = h2wire.EndStream
			s.owing--
		}
		dst = append(h2wire.AppendFrame(dst, f), st.rest[:n]...)
		st.rest = st.rest[n:]
		st.window -= n
		s.window -= n
	}
	return dst
}

// Waits implements Multiplexer.
func (s *session) Waits() bool {
	if len(s.out) > 0 {
		return true
	}
	if s.owing == 0 || s.window <= 0 {
		return false
	}
	for i := range s.streams {
		if st := &s.streams[i]; len(st.rest) > 0 && st.window > 0 {
			return true
		}
	}
	return false
}

// Say implements Session. Where the connection's window is too small for all bodies, the
// stream that goes first changes.
func (s *session) Say(dst []byte) []byte {
	dst = append(dst, s.out...)
	s.out = s.out[:0]
	if s.owing == 0 || s.window <= 0 {
		return dst
	}
	s.turn++
	for i := range s.streams {
		if st := &s.streams[(s.turn+i)&(len(s.streams)-1)]; len(st.rest) > 0 {
			dst = s.push(dst, st)
		}
	}
	return dst
}

// free ends a stream. What is left of the request is not sent.
func (s *session) free(st *stream, why h2wire.Code) {
	if len(st.rest) > 0 {
		s.owing--
		st.rest = nil
		if why == h2wire.NoError {
			why = h2wire.Cancel
		}
	}
	if why != h2wire.NoError {
		s.out = h2wire.AppendReset(s.out, st.id, why)
	}
	st.id = 0
	s.live--
}

// Cancel implements Multiplexer.
func (s *session) Cancel(slot int) { s.free(&s.streams[slot], h2wire.Cancel) }

// Begun implements Multiplexer.
func (s *session) Begun(slot int) (status int, begun bool) {
	st := &s.streams[slot]
	if !st.begun {
		return 0, false
	}
	return st.http.Answer().Status, true
}

// Owes implements Multiplexer.
func (s *session) Owes(slot int) bool { return len(s.streams[slot].rest) > 0 }

// Room implements Multiplexer.
func (s *session) Room() int {
	if s.leaving || s.latest >= h2wire.MaxStream-2*uint32(len(s.streams)) {
		return 0
	}
	return max(1, s.limit)
}

// Slot implements Multiplexer.
func (s *session) Slot() int { return s.slot }

// Await implements Session; a stream knows what it waits for.
func (s *session) Await(*codec.Order) {}

// Answer implements Session.
func (s *session) Answer() *codec.Answer { return &s.answer }

// End implements Session: answers end with their streams.
func (s *session) End() codec.State { return codec.Broken }

// Leave implements Session.
func (s *session) Leave(dst []byte) (out []byte, hangUp bool) {
	if !s.greeted {
		return dst, false
	}
	return h2wire.AppendGoAway(dst, 0, h2wire.NoError), true
}

// Explain implements Explainer.
func (s *session) Explain(o *codec.Order) codec.Difference {
	return s.streams[s.slot].http.(codec.Explainer).Explain(o)
}
