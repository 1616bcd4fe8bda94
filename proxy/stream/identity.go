package stream

import (
	"time"

	"bench/internal/sock"
	"bench/proxy/logformat"
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// UniqueID implements txn.Stream.
func (s *stream) UniqueID() []byte {
	f := s.fe.Spec.UniqueID
	if f == nil {
		return nil
	}
	x := s.transaction()
	if len(x.id) == 0 && !x.identifying {
		s.makeID(x, f)
	}
	return x.id
}

// makeID makes the identifier of what there is of the request at this moment: what rules
// have been shown last may be gone by now. It takes a runner of its own, and leaves what
// is shown as it was, for whoever asks may be in the middle of a text.
func (s *stream) makeID(x *transaction, f *logformat.Format) {
	req, res, body, end := x.Req, x.Res, x.Body, x.BodyEnd
	x.Req, x.Res, x.Body, x.BodyEnd = nil, nil, nil, true
	if s.http && s.req != nil {
		x.Req, x.Body = s.req, s.content(&s.up, x)
	}
	x.identifying = true // a format that names the identifier finds none
	x.id = append(x.id, s.t.ids.Text(&x.Txn, f)...)
	x.identifying = false
	x.Req, x.Res, x.Body, x.BodyEnd = req, res, body, end
}

// madeID is the identifier if one was made: describing a stream makes none.
func (s *stream) madeID() []byte {
	if s.txn == nil || len(s.txn.id) == 0 {
		return nil
	}
	return s.txn.id
}

// identifyRequest makes the request's identifier while all of the request is there, and
// tells the server, where the frontend asks for that.
func (s *stream) identifyRequest() txn.Verdict {
	id := s.UniqueID()
	name := s.fe.Spec.UniqueIDHeader
	if name == "" || s.fe.Spec.UniqueID == nil {
		return txn.Next
	}
	field := s.req.Arena.CopyString(name)
	message.Lower(field)
	s.req.Add(field, s.req.Arena.Copy(clean(id)))
	return txn.Next
}

// clean is text without the blanks at its ends, which a field's value cannot have.
func clean(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// originalTo tells the server the address that the client connected to, where frontend
// or backend ask for that. The networks that either leaves out are left out.
func (s *stream) originalTo() txn.Verdict {
	front, back := s.fe.Spec.OriginalTo, s.be.Spec.OriginalTo
	f := back
	if f == nil {
		f = front
	}
	if f == nil {
		return txn.Next
	}
	addr := s.Destination()
	if addr.IsUnix() {
		return txn.Next
	}
	for _, o := range []*spec.OriginalTo{front, back} {
		if o == nil {
			continue
		}
		for _, p := range o.Except {
			if p.Contains(&addr) {
				return txn.Next
			}
		}
	}
	name := s.req.Arena.CopyString(f.Header)
	message.Lower(name)
	var text [40]byte
	s.req.Add(name, s.req.Arena.Copy(addr.AddrPort().Addr().AppendTo(text[:0])))
	return txn.Next
}

// restrictFrontNames and restrictBackNames look for fields whose names applications
// may take for others: X_A and X-A are the same in CGI.

func (s *stream) restrictFrontNames() txn.Verdict { return s.restrictNames(s.fe.Spec.FieldNames) }
func (s *stream) restrictBackNames() txn.Verdict  { return s.restrictNames(s.be.Spec.FieldNames) }

func (s *stream) restrictNames(p spec.NamePolicy) txn.Verdict {
	for i, f := range s.req.All() {
		if plainName(f.Name) {
			continue
		}
		if p == spec.RejectNames {
			s.gotReq = s.t.Loop.Now()
			s.countDenied()
			s.answer(403, 'P', 'R')
			return txn.Answered
		}
		s.req.DelAt(i)
	}
	return txn.Next
}

// plainName reports whether a name in lower case has letters, digits and hyphens only.
func plainName(name []byte) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// probes are the settings of TCP keep-alive as the socket takes them.
func probes(p spec.KeepAliveProbes) sock.Probes {
	return sock.Probes{Count: p.Count, Idle: int(p.Idle / time.Second), Interval: int(p.Interval / time.Second)}
}

// wait is how long, in nanoseconds, no connection may be accepted, for the process or
// the frontend has had as many in this second as it may.
func (l *Listener) wait(t *Thread) int64 {
	now := t.Loop.Now()
	d := max(t.Shared.ConnPace.Wait(now), t.Shared.SessPace.Wait(now), l.Frontend.SessPace.Wait(now))
	if l.TLS != nil {
		d = max(d, t.Shared.TLSPace.Wait(now))
	}
	return d
}
