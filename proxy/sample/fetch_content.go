package sample

import (
	"encoding/binary"
	"math"

	"bench/proxy/txn"
)

// contentFetches are about bytes that nobody has taken yet (configuration manual,
// section 7.3.5).
func contentFetches() []Fetch {
	return []Fetch{
		{Row: Row{Name: "req.len", Doc: "How many bytes have come from the client and wait."}, Out: txn.Int, At: buffered, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetInt(int64(len(c.Txn.Content)))
			c.Unknown = !c.ended() // more may come
			return true
		}},
		{Row: Row{Name: "req.payload", Usage: "(<offset>,<length>)", params: "ii", check: checkPayload, Doc: "Bytes that the client has sent; a length of 0 is all there are."}, Out: txn.Bin, At: buffered, fn: fetchPayload},
		{Row: Row{Name: "req.ssl_hello_type", Doc: "Type of the TLS hello that the client has sent: 1."}, Out: txn.Int, At: buffered, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			h, ok := c.clientHello()
			if ok {
				v.SetInt(int64(h.kind))
			}
			return ok
		}},
		{Row: Row{Name: "req.ssl_sni", Doc: "Name of the server that the client's TLS hello asks for."}, Out: txn.Str, At: buffered, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			h, ok := c.clientHello()
			if ok {
				v.SetStr(h.extension(0, serverName))
			}
			return ok && len(v.B) > 0
		}},
		{Row: Row{Name: "req.ssl_alpn", Doc: "Protocols that the client's TLS hello offers, with commas between."}, Out: txn.Str, At: buffered, fn: fetchALPN},
		{Row: Row{Name: "req.ssl_ver", Doc: "Version of the client's TLS hello: the major number in the upper 16 bits, the minor one in the lower."}, Out: txn.Int, At: buffered, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			h, ok := c.clientHello()
			if ok {
				v.SetInt(int64(h.version>>8)<<16 | int64(h.version&0xff))
			}
			return ok
		}},
		{Row: Row{Name: "wait_end", Doc: "True once nothing more is waited for."}, Out: txn.Bool, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetBool(true)
			c.Unknown = !c.Txn.Final
			return c.Txn.Final
		}},
	}
}

// ended reports whether no more bytes will be looked at.
func (c *Context) ended() bool { return c.Txn.Final || c.Txn.ContentEnd }

func checkPayload(_ *Env, a []Arg) error {
	for i := range a {
		a[i].Int = min(max(a[i].Int, 0), math.MaxInt32) // more than any buffer holds, and their sum is a number
	}
	return nil
}

func fetchPayload(c *Context, a []Arg, v *txn.Value) bool {
	from, n := int(a[0].Int), int(a[1].Int)
	data := c.Txn.Content
	if len(data) < from+max(n, 1) {
		c.Unknown = !c.ended()
		return false
	}
	if n == 0 {
		n = len(data) - from
		c.Unknown = !c.ended()
	}
	v.Kind, v.B = txn.Bin, data[from:from+n]
	return true
}

// hello is a TLS client hello (RFC 8446, section 4.1.2).
type hello struct {
	kind       byte
	version    uint16
	extensions []byte
}

// clientHello reads the hello that the client has sent. What is no hello fails at
// once, what may become one is unknown.
func (c *Context) clientHello() (h hello, ok bool) {
	const header = 5
	b := c.Txn.Content
	wait := func() (hello, bool) {
		c.Unknown = !c.ended()
		return hello{}, false
	}
	if len(b) > 0 && b[0] != 22 || len(b) > 1 && b[1] != 3 {
		return h, false
	}
	if len(b) < header {
		return wait()
	}
	size := int(binary.BigEndian.Uint16(b[3:]))
	if size < 4 {
		return h, false
	}
	b = b[header:]
	if len(b) < size {
		return wait()
	}
	r := reader{b: b[:size]}
	h.kind = r.byte()
	body := r.take(int(r.byte())<<16 | int(r.uint16()))
	r.b = body
	h.version = r.uint16()
	r.take(32) // random
	r.take(int(r.byte()))
	r.take(int(r.uint16()))
	r.take(int(r.byte()))
	if r.bad {
		return hello{}, false
	}
	if len(r.b) > 0 {
		h.extensions = r.take(int(r.uint16()))
	}
	return h, !r.bad
}

// reader takes pieces off bytes; bad is set once there were not enough.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.bad = nil, true
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if p := r.take(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

// extension is what part makes of an extension's content, nil if there is none.
func (h *hello) extension(id uint16, part func([]byte) []byte) []byte {
	r := reader{b: h.extensions}
	for len(r.b) > 0 {
		kind := r.uint16()
		content := r.take(int(r.uint16()))
		if r.bad {
			return nil
		}
		if kind == id {
			return part(content)
		}
	}
	return nil
}

// serverName is the first host name of a server_name extension (RFC 6066, section 3).
func serverName(content []byte) []byte {
	r := reader{b: content}
	r.uint16()
	if r.byte() != 0 {
		return nil
	}
	return r.take(int(r.uint16()))
}

func fetchALPN(c *Context, _ []Arg, v *txn.Value) bool {
	h, ok := c.clientHello()
	if !ok {
		return false
	}
	const alpn = 16
	r := reader{b: h.extension(alpn, func(b []byte) []byte { return b })}
	r.uint16()
	b := c.spare()
	for len(r.b) > 0 {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = append(b, r.take(int(r.byte()))...)
	}
	v.Kind = txn.Str
	return len(b) > 0 && c.keep(v, b)
}
