package stream

import (
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// capturing are the fields that a frontend keeps of a message, by slot; without a name
// the slot is one for rules.
type capturing struct {
	list []spec.Capture
	ids  []message.HeaderID
}

func newCapturing(list []spec.Capture) capturing {
	c := capturing{list: list, ids: make([]message.HeaderID, len(list))}
	for i := range list {
		c.ids[i] = message.LookupString(list[i].Field)
	}
	return c
}

// fields reports whether any field is kept.
func (c *capturing) fields() bool {
	for i := range c.list {
		if c.list[i].Field != "" {
			return true
		}
	}
	return false
}

// keep keeps the last of each field.
func (c *capturing) keep(h *message.Header, to *txn.Captures) {
	for _, f := range h.All() {
		for i := range c.list {
			if c.ids[i] == f.ID && (f.ID != message.Other || string(f.Name) == c.list[i].Field) && c.list[i].Field != "" {
				to.Put(i, c.list[i].Length, f.Value)
			}
		}
	}
}

// captureRequest keeps fields of the request as it came.
func (s *stream) captureRequest() txn.Verdict {
	s.fe.reqCaptures.keep(&s.req.Header, &s.transaction().ReqCaptures)
	return txn.Next
}

// captureResponse keeps fields of the response as it came.
func (s *stream) captureResponse() txn.Verdict {
	if c := &s.fe.resCaptures; c.fields() {
		c.keep(&s.res.Header, &s.transaction().ResCaptures)
	}
	return txn.Next
}

// captured fills in what was kept for the log.
func (s *stream) captured(r *txn.Record) {
	r.RequestCaptures, r.ResponseCaptures = nil, nil
	if s.txn == nil {
		return
	}
	if n := len(s.fe.reqCaptures.list); n > 0 {
		s.t.reqTexts = s.txn.ReqCaptures.AppendTo(s.t.reqTexts[:0], n)
		r.RequestCaptures = s.t.reqTexts
	}
	if n := len(s.fe.resCaptures.list); n > 0 {
		s.t.resTexts = s.txn.ResCaptures.AppendTo(s.t.resTexts[:0], n)
		r.ResponseCaptures = s.t.resTexts
	}
}
