package httporigin

import (
	"bytes"
	"strconv"

	"bench/internal/h2wire"
)

// blockEnds takes the head of a request, or its trailers, once all of it is there. One
// that is not wanted is decoded for what it puts into the table.
func (s *session) blockEnds(f h2wire.Frame) h2wire.Code {
	if s.more = !f.Has(h2wire.EndHeaders); s.more {
		return h2wire.NoError
	}
	id, ends := s.opened.Stream, s.opened.Has(h2wire.EndStream)
	st, late := s.find(id), s.used(id)
	var fault h2wire.Fault
	var err error
	if late {
		s.text, fault, err = s.decoder.AppendTrailersText(s.text[:0], s.block)
	} else {
		s.latest = id
		s.text, fault, err = s.decoder.AppendRequestText(s.text[:0], s.block, &s.pseudo)
	}
	switch {
	case err != nil:
		return h2wire.CompressionError
	case st != nil:
		switch {
		case fault != "" || !ends || st.ended:
			st.malformed()
		default:
			st.finish(s.text)
		}
	case !late && !s.leaving:
		s.request(id, ends, fault)
	}
	return h2wire.NoError
}

// request opens a stream for the request that text is, without the empty line.
func (s *session) request(id uint32, ends bool, fault h2wire.Fault) {
	o := s.c.o
	length, sized := statedLength(s.text)
	switch {
	case fault != "" || ends && length > 0:
		o.Tally().Malformed++
		s.out = h2wire.AppendReset(s.out, id, h2wire.ProtocolError)
		return
	case o.Force().ResetNew:
		o.Tally().Refused++
		s.out = h2wire.AppendReset(s.out, id, h2wire.RefusedStream)
		return
	case len(s.streams) >= maxStreams:
		s.out = h2wire.AppendReset(s.out, id, h2wire.RefusedStream)
		return
	}
	st := o.stream()
	st.s, st.id, st.window, st.credit, st.ended = s, id, s.startWindow, credit, ends
	if st.left = length; !ends && !sized {
		st.chunked = true
		s.text = append(s.text, "transfer-encoding: chunked\r\n"...)
	}
	s.text = append(s.text, crlf...)
	s.streams = append(s.streams, st)
	s.c.StopTimer()
	st.c = o.Carry(st).(*conn)
	st.c.stream, st.c.reqs = st, s.reqs
	s.reqs++
	st.c.Deliver(s.text)
	if limit := o.cfg.Limits.Requests; o.Force().Drain || limit > 0 && s.reqs >= limit {
		s.leave()
	}
}

// statedLength is what a head says about its body. What is no number is left to be
// refused with the head.
func statedLength(text []byte) (n int64, ok bool) {
	const name = "\r\ncontent-length: "
	_, rest, ok := bytes.Cut(text, []byte(name))
	if !ok {
		return 0, false
	}
	value, _, _ := bytes.Cut(rest, crlf)
	n, _ = strconv.ParseInt(string(value), 10, 64)
	return n, true
}

// data takes a part of a request's body.
func (s *session) data(f h2wire.Frame, p []byte) h2wire.Code {
	content, ok := h2wire.Unpad(f, p)
	if !ok || !s.used(f.Stream) {
		return h2wire.ProtocolError
	}
	n := int64(len(p))
	if s.credit -= n; s.credit < 0 {
		return h2wire.FlowControlError
	}
	if s.credit < allCredit/2 {
		s.out = h2wire.AppendCredit(s.out, 0, allCredit-s.credit)
		s.credit = allCredit
	}
	st := s.find(f.Stream)
	if st == nil {
		return h2wire.NoError
	}
	ends := f.Has(h2wire.EndStream)
	if st.credit -= n; st.credit < 0 || st.ended || !st.chunked && int64(len(content)) > st.left {
		st.malformed()
		return h2wire.NoError
	}
	if st.credit < credit/2 && !ends {
		s.out = h2wire.AppendCredit(s.out, st.id, credit-st.credit)
		st.credit = credit
	}
	st.content(content)
	if ends && st.s == s {
		st.finish(nil)
	}
	return h2wire.NoError
}

// content hands a part of the body to the stream.
func (st *stream) content(p []byte) {
	if len(p) == 0 {
		return
	}
	if !st.chunked {
		st.left -= int64(len(p))
		if st.left == 0 {
			st.last = append(st.last, p[len(p)-1])
			p = p[:len(p)-1]
		}
		if len(p) > 0 {
			st.deliver(p)
		}
		return
	}
	s := st.s
	s.text = append(strconv.AppendInt(s.text[:0], int64(len(p)), 16), crlf...)
	st.deliver(s.text)
	st.deliver(p)
	st.deliver(crlf)
}

// finish is the end of the request. What has a length stays a byte short of it until
// then: that it is complete is not for the length to say.
func (st *stream) finish(trailers []byte) {
	st.ended = true
	switch {
	case st.chunked:
		st.deliver([]byte("0\r\n"))
		st.deliver(trailers)
		st.deliver(crlf)
	case st.left > 0:
		st.malformed()
	case len(st.last) > 0:
		if st.c.echo != nil {
			st.c.chunks.trailer = append(st.c.chunks.trailer, trailers...)
		}
		st.deliver(st.last)
	}
}

// deliver hands input to the stream, unless it has come to its end.
func (st *stream) deliver(p []byte) {
	if st.c != nil && len(p) > 0 {
		st.c.Deliver(p)
	}
}
