package stream

import (
	"bench/proxy/cookie"
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

// captureCookie keeps a cookie of the request as rules have left it.
func (s *stream) captureCookie() txn.Verdict {
	if s.fe.Spec.CookieCapture == nil {
		return txn.Next
	}
	x, h := s.transaction(), &s.req.Header
	for i := h.First(message.Cookie); i >= 0; i = h.Next(i) {
		out, _ := cookie.EditRequest(s.t.scrap[:0], h.At(i).Value, func(name, value []byte) (cookie.Act, []byte) {
			x.reqCookie = s.keepCookie(x.reqCookie, name, value)
			return cookie.Keep, nil
		})
		s.t.scrap = out[:0]
	}
	return txn.Next
}

// captureSetCookie keeps a cookie that the response sets.
func (s *stream) captureSetCookie() txn.Verdict {
	if s.fe.Spec.CookieCapture == nil {
		return txn.Next
	}
	x, h := s.transaction(), &s.res.Header
	for i := range setCookieFields(h) {
		out, _ := cookie.EditResponse(s.t.scrap[:0], h.At(i).Value, func(name, value []byte) (cookie.Act, []byte) {
			x.resCookie = s.keepCookie(x.resCookie, name, value)
			return cookie.Keep, nil
		})
		s.t.scrap = out[:0]
	}
	return txn.Next
}

// keepCookie keeps a cookie where none is kept yet, if it is the one that is wanted.
func (s *stream) keepCookie(kept, name, value []byte) []byte {
	c := s.fe.Spec.CookieCapture
	if len(kept) > 0 {
		return kept
	}
	kept = append(append(append(kept, name...), '='), value...)
	if len(kept) < len(c.Prefix) || string(kept[:len(c.Prefix)]) != c.Prefix {
		return kept[:0]
	}
	return kept[:min(len(kept), c.Length)]
}

// captured fills in what was kept for the log.
func (s *stream) captured(r *txn.Record) {
	r.RequestCaptures, r.ResponseCaptures = nil, nil
	r.RequestCookie, r.ResponseCookie = nil, nil
	if s.txn == nil {
		return
	}
	r.RequestCookie, r.ResponseCookie = s.txn.reqCookie, s.txn.resCookie
	if n := len(s.fe.reqCaptures.list); n > 0 {
		s.t.reqTexts = s.txn.ReqCaptures.AppendTo(s.t.reqTexts[:0], n)
		r.RequestCaptures = s.t.reqTexts
	}
	if n := len(s.fe.resCaptures.list); n > 0 {
		s.t.resTexts = s.txn.ResCaptures.AppendTo(s.t.resTexts[:0], n)
		r.ResponseCaptures = s.t.resTexts
	}
}
