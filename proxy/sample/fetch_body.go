package sample

import (
	"bench/proxy/message"
	"bench/proxy/txn"
)

// bodyFetches are about the body of a request (configuration manual, section 7.3.6).
// What has come of it is there if "http-request wait-for-body" waited for it.
func bodyFetches() []Fetch {
	have := func(c *Context) bool {
		if c.Txn.Req == nil {
			return c.noRequest()
		}
		return true
	}
	return []Fetch{
		{Row: Row{Name: "req.body", Doc: "What has come of the request's body, without its framing."}, Out: txn.Bin, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.Kind, v.B = txn.Bin, c.Txn.Body
			return have(c)
		}},
		{Row: Row{Name: "req.body_len", Doc: "How much has come of the request's body."}, Out: txn.Int, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetInt(int64(len(c.Txn.Body)))
			return have(c)
		}},
		{Row: Row{Name: "req.body_size", Doc: "Length of the request's body as far as it is known: Content-Length, or what has come of it."}, Out: txn.Int, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			if !have(c) {
				return false
			}
			v.SetInt(int64(len(c.Txn.Body)))
			if b := &c.Txn.Req.Body; b.Kind == message.BodyLength {
				v.SetInt(int64(b.Length))
			}
			return true
		}},
		{Row: Row{Name: "req.body_param", Usage: "([<name>])", params: "|s", Doc: "Value of a parameter of a form in the request's body."}, Out: txn.Str, At: reading, http: true, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			value, off, ok := param(c.Txn.Body, a[0].Str, '&', c.at.off)
			if !ok {
				return have(c) && false
			}
			c.at.off, c.more = off, c.every
			v.SetStr(value)
			return true
		}},
	}
}
