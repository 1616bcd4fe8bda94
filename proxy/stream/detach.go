package stream

import (
	"bench/proxy/message"
	"bench/proxy/transport"
)

// arrival is what has come of a message in this turn and is not put anywhere yet: it
// lies in the buffer that it was received in, for as long as everything goes in one
// go.
type arrival struct {
	of   *stream // whose it is; nil: nobody's
	data []byte  // the buffer
	used int     // how much of it belongs to the message
	kept bool    // it is the connection's own buffer, not that of the loop
	down bool    // the message is a response
	// out and tail are what came of the body, ready to be forwarded.
	out, tail []byte
}

// detached is a message that outlives the turn it came in.
type detached struct {
	req  message.Request
	res  message.Response
	text *transport.Buffer // what it consists of
}

// detach readies the stream for a wait: what is still to be done with the message is
// done with a copy, for the buffer it lies in is somebody else's when the turn is
// over. A message whose head has been written is of no more use, and not copied.
func (s *stream) detach() {
	if s.exchange == nil {
		return
	}
	switch {
	case s.kept != nil:
	case s.req != nil:
		d := s.copyMessage(s.req.TextLen())
		s.req.CopyTo(&d.req, d.text.B)
		s.req = &d.req
	case s.res != nil:
		d := s.copyMessage(s.res.TextLen())
		s.res.CopyTo(&d.res, d.text.B)
		s.res = &d.res
	}
	s.putAway()
}

// copyMessage takes the memory for a message of that much text, and some more for
// what will be added to it.
func (s *stream) copyMessage(text int) *detached {
	d, _ := s.t.reqs.get(s.t.Loop.Turns())
	d.text = s.t.Bufs.Get(text + s.t.Shared.Config.Global.Tune.MaxRewrite)
	s.kept = d
	return d
}

// forget lets go of the message.
func (s *stream) forget() {
	s.req, s.res = nil, nil
	d := s.kept
	if d == nil {
		return
	}
	s.kept = nil
	d.req.Release()
	d.res.Release()
	s.t.Bufs.Put(d.text)
	d.text = nil
	s.t.reqs.put(s.t.Loop.Turns(), d)
}

// putAway keeps what has come of the body until it can be sent, and what has come
// beyond it for the next message.
func (s *stream) putAway() {
	a := &s.t.arrived
	if a.of != s {
		return
	}
	a.of = nil
	f, e := &s.up, &s.c.Endpoint
	if a.down {
		f, e = &s.down, &s.sc.Endpoint
	}
	f.Store(&s.t.Kit, a.out)
	f.Store(&s.t.Kit, a.tail)
	if a.kept {
		e.Consume(a.used)
	} else {
		e.Keep(a.data[a.used:])
	}
}

// abandon gives up what has come in this turn: a stream that ends has no use for it.
// What the client has sent beyond its request stays for the next one; a server whose
// response nobody wants is not asked again.
func (s *stream) abandon() {
	a := &s.t.arrived
	if a.of != s {
		return
	}
	a.of = nil
	switch {
	case a.down:
	case a.kept:
		s.c.Consume(a.used)
	default:
		s.c.Keep(a.data[a.used:])
	}
}
