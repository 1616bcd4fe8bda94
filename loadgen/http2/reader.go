package http2

import (
	"encoding/binary"
	"strings"

	"bench/internal/h2wire"
	"bench/loadgen/codec"
)

// maxBlock bounds the field block of an answer as it is on the wire.
const maxBlock = 64 << 10

// reader is the place in what the peer sends.
type reader struct {
	decoder h2wire.Decoder
	head    [h2wire.HeaderLen]byte
	have    int // of head
	frame   h2wire.Frame
	within  bool   // a frame has begun
	left    int    // of the frame's payload
	pad     int    // of DATA, at its end; -1: its length is still to come
	held    []byte // the payload of a frame that is taken whole
	fields  []byte // a field block
	opened  h2wire.Frame
	more    bool   // the block goes on
	text    []byte // the head of an answer
}

func (r *reader) reset() {
	r.decoder.Reset()
	r.have, r.within, r.left, r.more = 0, false, 0, false
	r.held, r.fields = r.held[:0], r.fields[:0]
}

// broken ends the connection.
func (s *session) broken(why string) codec.State {
	s.answer = codec.Answer{Detail: why}
	return codec.Broken
}

// Feed implements Session.
func (s *session) Feed(p []byte) (n int, st codec.State) {
	for {
		if s.sweep {
			if s.swept() {
				return n, codec.Lost
			}
			s.sweep = false
		}
		switch {
		case !s.within && n == len(p):
			return n, codec.More
		case !s.within:
			took := copy(s.head[s.have:], p[n:])
			n += took
			if s.have += took; s.have < len(s.head) {
				if !s.settled && strings.HasPrefix("HTTP/1.", string(s.head[:min(s.have, 7)])) && s.have >= 5 {
					return n, s.broken("the peer answers in HTTP/1")
				}
				return n, codec.More
			}
			if why := s.beginFrame(); why != "" {
				return n, s.broken(why)
			}
			continue
		case s.frame.Type == h2wire.Data:
			took, state := s.data(p[n:])
			if n += took; state != codec.Reply {
				return n, state
			}
			continue
		}
		took := min(s.left, len(p)-n)
		s.held = append(s.held, p[n:n+took]...)
		n += took
		if s.left -= took; s.left > 0 {
			return n, codec.More
		}
		s.within, s.have = false, 0
		if state := s.whole(s.held); state != codec.Reply {
			return n, state
		}
	}
}

// beginFrame takes the header of a frame; the result is what is wrong with it.
func (s *session) beginFrame() string {
	s.frame = h2wire.ParseFrame(s.head[:])
	f := s.frame
	switch {
	case !s.settled && string(s.head[:7]) == "HTTP/1.":
		return "the peer answers in HTTP/1"
	case !s.settled && (f.Type != h2wire.Settings || f.Has(h2wire.Ack)):
		return "the peer does not begin with the settings of HTTP/2"
	case f.Length > h2wire.MaxFrame:
		return "a frame longer than 16 KiB"
	case s.more && (f.Type != h2wire.Continuation || f.Stream != s.opened.Stream):
		return "a field block is interrupted"
	case !s.more && f.Type == h2wire.Continuation:
		return "CONTINUATION without a field block"
	}
	s.within, s.left, s.held = true, f.Length, s.held[:0]
	if f.Type != h2wire.Data {
		return ""
	}
	s.pad = 0
	if f.Has(h2wire.Padded) {
		s.pad = -1
	}
	if f.Stream&1 == 0 || f.Stream > s.latest {
		return "DATA on a stream that is not open"
	}
	if s.credit -= int64(f.Length); s.credit < 0 {
		return "more DATA than the connection's window"
	}
	if st := s.find(f.Stream); st != nil {
		if st.credit -= int64(f.Length); st.credit < 0 {
			return "more DATA than the stream's window"
		}
	}
	return ""
}

// data takes a part of a DATA frame. Reply says that the next frame may follow.
func (s *session) data(p []byte) (n int, state codec.State) {
	if s.pad < 0 && s.left > 0 {
		if len(p) == 0 {
			return 0, codec.More
		}
		s.pad, n = int(p[0]), 1
		if s.left--; s.pad > s.left {
			return n, s.broken("DATA with more padding than payload")
		}
	}
	took := min(len(p)-n, s.left)
	content := p[n : n+min(took, max(0, s.left-s.pad))]
	s.left -= took
	n += took
	st := s.find(s.frame.Stream)
	if st != nil && len(content) > 0 {
		if why := s.content(st, content); why != "" {
			return n, s.malformed(st, why)
		}
	}
	if s.left > 0 {
		return n, codec.More
	}
	s.within, s.have = false, 0
	s.giveBack(st)
	if st != nil && s.frame.Has(h2wire.EndStream) {
		return n, s.finish(st)
	}
	return n, codec.Reply
}

// content takes a part of a body; the result is what is wrong with it.
func (s *session) content(st *stream, p []byte) string {
	switch {
	case !st.head:
		return "DATA before the head of the answer"
	case st.done:
		return "data after the end of the response"
	}
	n, state := st.http.Feed(p)
	switch {
	case state == codec.Broken:
		return st.http.Answer().Detail
	case n < len(p):
		return "data after the end of the response"
	}
	st.done = state == codec.Done
	return ""
}

// giveBack lets the peer send as much as has been taken of the frame, on the whole and on
// its stream, once it is worth a frame.
func (s *session) giveBack(st *stream) {
	n := int64(s.frame.Length)
	if s.taken += n; s.taken >= s.credit {
		s.out = h2wire.AppendCredit(s.out, 0, s.taken)
		s.credit, s.taken = s.credit+s.taken, 0
	}
	if st == nil || s.frame.Has(h2wire.EndStream) {
		return
	}
	if st.taken += n; st.taken >= st.credit {
		s.out = h2wire.AppendCredit(s.out, st.id, st.taken)
		st.credit, st.taken = st.credit+st.taken, 0
	}
}

// whole takes a frame that has come whole. Reply says that the next one may follow.
func (s *session) whole(p []byte) codec.State {
	f := s.frame
	switch f.Type {
	case h2wire.Headers:
		p, ok := h2wire.Unpad(f, p)
		switch {
		case !ok:
			return s.broken("HEADERS with more padding than payload")
		case f.Stream&1 == 0 || f.Stream > s.latest:
			return s.broken("HEADERS on a stream that is not open")
		}
		s.opened, s.fields = f, append(s.fields[:0], p...)
		return s.blockEnds(f)
	case h2wire.Continuation:
		if s.fields = append(s.fields, p...); len(s.fields) > maxBlock {
			return s.broken("a field block of more than 64 KiB")
		}
		return s.blockEnds(f)
	case h2wire.RSTStream:
		if len(p) != 4 || f.Stream&1 == 0 || f.Stream > s.latest {
			return s.broken("RST_STREAM of another length, or of a stream that is not open")
		}
		if st := s.find(f.Stream); st != nil {
			return s.reset(st, h2wire.Code(binary.BigEndian.Uint32(p)))
		}
	case h2wire.Settings:
		return s.settings(f, p)
	case h2wire.PushPromise:
		return s.broken("PUSH_PROMISE, which the settings forbid")
	case h2wire.Ping:
		if len(p) != h2wire.PingLen || f.Stream != 0 {
			return s.broken("PING of another length, or on a stream")
		}
		if !f.Has(h2wire.Ack) {
			s.out = append(h2wire.AppendFrame(s.out, h2wire.Frame{Length: h2wire.PingLen, Type: h2wire.Ping, Flags: h2wire.Ack}), p...)
		}
	case h2wire.GoAway:
		if len(p) < 8 || f.Stream != 0 {
			return s.broken("GOAWAY that is too short, or on a stream")
		}
		s.goAway(binary.BigEndian.Uint32(p)&h2wire.MaxStream, h2wire.Code(binary.BigEndian.Uint32(p[4:])))
	case h2wire.WindowUpdate:
		return s.credited(f, p)
	default: // PRIORITY, and what nobody knows, is passed over; data takes DATA
	}
	return codec.Reply
}

func (s *session) blockEnds(f h2wire.Frame) codec.State {
	if s.more = !f.Has(h2wire.EndHeaders); s.more {
		return codec.Reply
	}
	return s.fieldBlock()
}

// fieldBlock takes the head of an answer, or its trailers. One of a stream that is over is
// decoded for what it puts into the table.
func (s *session) fieldBlock() codec.State {
	st, ends := s.find(s.opened.Stream), s.opened.Has(h2wire.EndStream)
	var fault h2wire.Fault
	var err error
	trailers := st != nil && st.head
	if trailers {
		s.text, fault, err = s.decoder.AppendTrailersText(s.text[:0], s.fields)
	} else {
		s.text, fault, err = s.decoder.AppendAnswerText(s.text[:0], s.fields)
	}
	switch {
	case err != nil:
		return s.broken(err.Error())
	case st == nil:
		return codec.Reply
	}
	st.begun = true
	switch {
	case fault != "":
		return s.malformed(st, string(fault))
	case trailers && !ends:
		return s.malformed(st, "trailers that do not end the stream")
	case trailers:
		return s.finish(st)
	}
	interim := s.text[len("HTTP/1.1 ")] == '1'
	n, state := st.http.Feed(s.text)
	switch {
	case state == codec.Broken || n < len(s.text):
		return s.malformed(st, st.http.Answer().Detail)
	case interim && ends:
		return s.malformed(st, "an interim answer that ends the stream")
	}
	st.head, st.done = !interim, state == codec.Done
	if ends {
		return s.finish(st)
	}
	return codec.Reply
}

// finish is the end of a stream by the peer.
func (s *session) finish(st *stream) codec.State {
	state := codec.Done
	if !st.done {
		state = codec.Broken
		if st.head {
			state = st.http.End()
		}
	}
	s.settle(st)
	if state == codec.Done {
		s.free(st, h2wire.NoError)
		return codec.Done
	}
	s.answer.Fault, s.answer.Detail = codec.CauseTruncated, "the stream ended within the response"
	s.free(st, h2wire.NoError)
	return codec.Lost
}

// settle makes the answer of a stream that of the session.
func (s *session) settle(st *stream) {
	s.slot = s.slotOf(st.id)
	s.answer = codec.Answer{}
	if st.begun {
		s.answer = *st.http.Answer()
	}
	s.answer.KeepAlive = !s.leaving
}

// malformed ends a stream whose answer is none.
func (s *session) malformed(st *stream, why string) codec.State {
	s.settle(st)
	s.answer.Fault, s.answer.Detail = codec.CauseProtocol, why
	s.free(st, h2wire.ProtocolError)
	return codec.Lost
}

// resetDetails are how the ends of streams by the peer are called.
var resetDetails = func() (all [h2wire.HTTP11Required + 2]string) {
	for c := range all {
		all[c] = "RST_STREAM: " + h2wire.Code(c).String()
	}
	return all
}()

// reset is the end of a stream before its answer is complete.
func (s *session) reset(st *stream, c h2wire.Code) codec.State {
	s.settle(st)
	a := &s.answer
	a.Detail = resetDetails[min(int(c), len(resetDetails)-1)]
	switch {
	case st.begun:
		a.Fault = codec.CauseTruncated
	case len(st.rest) > 0:
		a.Fault = codec.CauseResetBefore
	default:
		a.Fault = codec.CauseResetAfter
	}
	a.Unserved = c == h2wire.RefusedStream && !st.begun
	if len(st.rest) > 0 {
		s.owing--
		st.rest = nil
	}
	s.free(st, h2wire.NoError)
	return codec.Lost
}

// goAway is the end of the connection, to which the streams up to last still belong.
func (s *session) goAway(last uint32, c h2wire.Code) {
	s.leaving, s.last, s.sweep = true, last, true
	s.parting = "GOAWAY: " + c.String()
}

// swept gives up one of the streams that the peer has not looked at.
func (s *session) swept() bool {
	for i := range s.streams {
		if st := &s.streams[i]; st.id > s.last {
			s.settle(st)
			s.answer.Unserved, s.answer.Detail = true, s.parting
			if len(st.rest) > 0 {
				s.owing--
				st.rest = nil
			}
			s.free(st, h2wire.NoError)
			return true
		}
	}
	return false
}

// settings takes those of the peer.
func (s *session) settings(f h2wire.Frame, p []byte) codec.State {
	switch {
	case f.Stream != 0 || len(p)%h2wire.SettingLen != 0 || f.Has(h2wire.Ack) && len(p) > 0:
		return s.broken("SETTINGS of another length, or on a stream")
	case f.Has(h2wire.Ack):
		return codec.Reply
	}
	s.settled = true
	for ; len(p) > 0; p = p[h2wire.SettingLen:] {
		value := int64(binary.BigEndian.Uint32(p[2:]))
		switch h2wire.Setting(binary.BigEndian.Uint16(p)) {
		case h2wire.MaxStreams:
			s.limit = int(min(int64(s.client.depth), value))
		case h2wire.TableSize:
			s.shrink = s.shrink || value < 4096 // the smallest one counts (RFC 7541 §4.2)
		case h2wire.InitialWindow:
			if value > h2wire.MaxWindow {
				return s.broken("a window that is too large")
			}
			for i := range s.streams {
				s.streams[i].window += value - s.startWindow
			}
			s.startWindow = value
		default: // it is nothing to a client
		}
	}
	s.out = h2wire.AppendFrame(s.out, h2wire.Frame{Type: h2wire.Settings, Flags: h2wire.Ack})
	return codec.Reply
}

// credited lets more of the bodies go.
func (s *session) credited(f h2wire.Frame, p []byte) codec.State {
	if len(p) != 4 {
		return s.broken("WINDOW_UPDATE of another length")
	}
	n := int64(binary.BigEndian.Uint32(p) & h2wire.MaxWindow)
	window := &s.window
	if f.Stream != 0 {
		st := s.find(f.Stream)
		switch {
		case f.Stream&1 == 0 || f.Stream > s.latest:
			return s.broken("WINDOW_UPDATE on a stream that is not open")
		case st == nil:
			return codec.Reply
		}
		window = &st.window
	}
	if *window += n; n == 0 || *window > h2wire.MaxWindow {
		return s.broken("WINDOW_UPDATE that is zero or too large")
	}
	return codec.Reply
}
