package sample

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"bench/internal/tlsio"
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
		{Row: Row{Name: "req.payload", Usage: "(<offset>,<length>)", params: "ii", check: checkPayload, Doc: "Bytes that the client has sent; a length of 0 means all there are."}, Out: txn.Bin, At: buffered, fn: fetchPayload},
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
				content, _ := h.Extension(tlsio.ExtServerName)
				v.SetStr(serverName(content))
			}
			return ok && h.whole && len(v.B) > 0
		}},
		{Row: Row{Name: "req.ssl_alpn", Doc: "The first of the protocols that the client's TLS hello offers."}, Out: txn.Str, At: buffered, fn: fetchALPN},
		{Row: Row{Name: "req.ssl_ver", Doc: "Version of the client's TLS hello: the major number in the upper 16 bits, the minor one in the lower."}, Out: txn.Int, At: buffered, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			h, ok := c.clientHello()
			if ok {
				v.SetInt(int64(h.version>>8)<<16 | int64(h.version&0xff))
			}
			return ok
		}},
		{Row: Row{Name: "req.ssl_ec_ext", Doc: "True if the client's TLS hello names groups for the exchange of keys."}, Out: txn.Bool, At: buffered, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			h, ok := c.clientHello()
			_, has := h.Extension(tlsio.ExtGroups)
			v.SetBool(true)
			return ok && h.whole && has
		}},
		{Row: Row{Name: "req.ssl_st_ext", Doc: "Whether the client's TLS hello takes session tickets: 0 if not, 1 if it does, 2 if it shows one."}, Out: txn.Int, At: buffered, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			h, ok := c.clientHello()
			ticket, has := h.Extension(tlsio.ExtTicket)
			v.SetInt(0)
			if has {
				v.SetInt(int64(1 + min(len(ticket), 1)))
			}
			return ok && h.whole
		}},
		{Row: Row{Name: "payload_lv", Usage: "(<offset1>,<length>[,<offset2>])", params: "ii|s", check: checkPayloadLV, Doc: "Bytes whose number is said by so many bytes at an offset, of what client or server has sent: those behind the number, or at a second offset, which with a sign counts from there."}, Out: txn.Bin, At: buffered | answered, fn: fetchPayloadLV},
		{Row: Row{Name: "req.payload_lv", Usage: "(<offset1>,<length>[,<offset2>])", params: "ii|s", check: checkPayloadLV, Doc: "The same of what the client has sent."}, Out: txn.Bin, At: buffered, fn: fetchPayloadLV},
		{Row: Row{Name: "res.payload_lv", Usage: "(<offset1>,<length>[,<offset2>])", params: "ii|s", check: checkPayloadLV, Doc: "The same of what the server has sent."}, Out: txn.Bin, At: answered, fn: fetchPayloadLV},
		{Row: Row{Name: "res.len", Doc: "How many bytes have come from the server and wait."}, Out: txn.Int, At: answered, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetInt(int64(len(c.Txn.Content)))
			c.Unknown = !c.ended()
			return true
		}},
		{Row: Row{Name: "res.payload", Usage: "(<offset>,<length>)", params: "ii", check: checkPayload, Doc: "Bytes that the server has sent; a length of 0 means all there are."}, Out: txn.Bin, At: answered, fn: fetchPayload},
		{Row: Row{Name: "res.ssl_hello_type", Doc: "Type of the TLS hello that the server has sent: 2."}, Out: txn.Int, At: answered, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			kind, ok := c.serverHello()
			v.SetInt(int64(kind))
			return ok
		}},
		{Row: Row{Name: "wait_end", Doc: "True once there is nothing more to wait for."}, Out: txn.Bool, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
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

// checkPayloadLV reads the second offset, which follows the first one where it is left out.
func checkPayloadLV(_ *Env, a []Arg) error {
	const longest = 8
	if a[0].Int < 0 || a[0].Int > math.MaxInt32 || a[1].Int < 1 || a[1].Int > longest {
		return fmt.Errorf("the number of bytes is in 1 to %d bytes, at an offset from 0 to %d", longest, math.MaxInt32)
	}
	if len(a[2].Str) == 0 {
		a[2].Int, a[2].isVar = a[0].Int+a[1].Int, false
		return nil
	}
	n, err := strconv.ParseInt(string(a[2].Str), 10, 32)
	if err != nil {
		return fmt.Errorf("want an offset, not '%s'", a[2].Str)
	}
	if c := a[2].Str[0]; c == '+' || c == '-' {
		n += a[0].Int + a[1].Int
	}
	if n < 0 {
		return fmt.Errorf("offset '%s' lies before the first byte", a[2].Str)
	}
	a[2].Int = n
	return nil
}

func fetchPayloadLV(c *Context, a []Arg, v *txn.Value) bool {
	data := c.Txn.Content
	at, n := int(a[0].Int), int(a[1].Int)
	if len(data) < at+n {
		c.Unknown = !c.ended()
		return false
	}
	size := uint64(0)
	for _, b := range data[at : at+n] {
		size = size<<8 | uint64(b)
	}
	const most = 1 << 30
	from := int(a[2].Int)
	if size == 0 || size > most {
		return false
	}
	if len(data) < from+int(size) {
		c.Unknown = !c.ended()
		return false
	}
	v.Kind, v.B = txn.Bin, data[from:from+int(size)]
	return true
}

// serverHello finds out what the handshake message is that the server begins with (RFC 8446,
// section 4). What is none fails at once, what may become one is unknown.
func (c *Context) serverHello() (kind byte, ok bool) {
	const header, kindAt = 9, 5
	b := c.Txn.Content
	if len(b) > 0 && b[0] != 22 || len(b) > 1 && b[1] != 3 {
		return 0, false
	}
	if len(b) < header || len(b) < header+(int(b[6])<<16|int(b[7])<<8|int(b[8])) {
		c.Unknown = !c.ended()
		return 0, false
	}
	return b[kindAt], binary.BigEndian.Uint16(b[3:]) >= 4
}

// hello is a message at the place of a client's hello, whatever its kind.
type hello struct {
	kind    byte
	version uint16
	// whole: the first record has all of it. The rest is known only then, as in the
	// reference.
	whole bool
	tlsio.Hello
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
	r := tlsio.Reader{B: b[:size]}
	h.kind = r.Byte()
	n := int(r.Byte())<<16 | int(r.Uint16())
	h.version = (&tlsio.Reader{B: r.B}).Uint16()
	h.Hello, h.whole = tlsio.ParseHello(r.Take(n), false)
	h.whole = h.whole && h.version>>8 >= 3
	return h, true
}

// serverName is the first host name of a server_name extension (RFC 6066, section 3).
func serverName(content []byte) []byte {
	r := tlsio.Reader{B: content}
	r.Uint16()
	if r.Byte() != 0 {
		return nil
	}
	return r.Take(int(r.Uint16()))
}

// fetchALPN is the protocol that the client prefers, as in the reference.
func fetchALPN(c *Context, _ []Arg, v *txn.Value) bool {
	h, ok := c.clientHello()
	if !ok || !h.whole {
		return false
	}
	content, _ := h.Extension(tlsio.ExtALPN)
	r := tlsio.Reader{B: content}
	r.Uint16()
	v.SetStr(r.Take(int(r.Byte())))
	return len(v.B) > 0
}
