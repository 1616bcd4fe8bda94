package sample

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"bench/internal/sock"
	"bench/proxy/message"
	"bench/proxy/txn"
	"bench/proxy/varint"
)

// urlFetches are about the authority of a target in absolute form (configuration manual,
// section 7.3.6, "url_ip").
func urlFetches() []Fetch {
	return []Fetch{
		{Row: Row{Name: "url_ip", Doc: "Address in a target that begins with a scheme."}, Out: txn.Address, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			if c.Txn.Req == nil {
				return c.noRequest()
			}
			host := c.Txn.Req.Authority()
			ip, ok := parseIPv4(host[:portBegin(host)])
			v.Kind, v.Hi, v.Lo = txn.IPv4, 0, uint64(binary.BigEndian.Uint32(ip[:]))
			return ok
		}},
		{Row: Row{Name: "url_port", Doc: "Port in a target that begins with a scheme and an address, 80 by default."}, Out: txn.Int, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			if c.Txn.Req == nil {
				return c.noRequest()
			}
			host := c.Txn.Req.Authority()
			at := portBegin(host)
			_, ok := parseIPv4(host[:at])
			v.SetInt(80)
			if at < len(host) {
				v.SetInt(leadingInt(host[at+1:]))
			}
			return ok
		}},
		{Row: Row{Name: "req.proto_http", Doc: "Whether it is HTTP that the client speaks."}, Out: txn.Bool, At: reading, fn: fetchProtoHTTP},
	}
}

// responseBodyFetches are about the body of a response. What has come of it is there if
// "http-response wait-for-body" waited for it.
func responseBodyFetches() []Fetch {
	return []Fetch{
		{Row: Row{Name: "res.body", Doc: "What has come of the response's body, without its framing."}, Out: txn.Bin, At: answered, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.Kind, v.B = txn.Bin, c.Txn.Body
			return c.Txn.Res != nil
		}},
		{Row: Row{Name: "res.body_len", Doc: "How much has come of the response's body."}, Out: txn.Int, At: answered, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetInt(int64(len(c.Txn.Body)))
			return c.Txn.Res != nil
		}},
		{Row: Row{Name: "res.body_size", Doc: "Length of the response's body as far as it is known: Content-Length, or what has come of it."}, Out: txn.Int, At: answered, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			if c.Txn.Res == nil {
				return false
			}
			v.SetInt(int64(len(c.Txn.Body)))
			if b := &c.Txn.Res.Body; b.Kind == message.BodyLength {
				v.SetInt(int64(b.Length))
			}
			return true
		}},
		{Row: Row{Name: "capture.res.ver", Doc: "Version of HTTP of the response, such as HTTP/1.1."}, Out: txn.Str, At: known, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			if c.Txn.Res == nil {
				return false
			}
			v.Kind = txn.Str
			ver := c.Txn.Res.Version
			return c.keep(v, append(c.spare(), 'H', 'T', 'T', 'P', '/', byte('0'+ver>>8), '.', byte('0'+ver&0xff)))
		}},
	}
}

// linesBin are all fields of a message in binary: the length of a name, the name, the
// length of a value, the value, and at the end two texts of length 0.
func (c *Context) linesBin(s side, v *txn.Value) bool {
	h := c.fields(s)
	if h == nil {
		return false
	}
	b := c.spare()
	for _, f := range h.All() {
		b = append(varint.Append(b, uint64(len(f.Name))), f.Name...)
		b = append(varint.Append(b, uint64(len(f.Value))), f.Value...)
	}
	v.Kind = txn.Bin
	return c.keep(v, append(b, 0, 0))
}

// tcpFetches are what the system knows of the client's connection (configuration manual,
// section 7.3.3, "fc_rtt").
func tcpFetches() []Fetch {
	row := func(name, doc string, usage, params string, check func(*Env, []Arg) error, get func(i *sock.TCPInfo, a []Arg) int64) Fetch {
		return Fetch{Row: Row{Name: name, Usage: usage, params: params, check: check, Doc: doc}, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			i, ok := c.Txn.Stream.TCPInfo()
			if ok {
				v.SetInt(get(&i, a))
			}
			return ok
		}}
	}
	micros := func(n uint32, a []Arg) int64 {
		if a[0].Int != 0 {
			return int64(n)
		}
		return int64(n / 1000)
	}
	plain := func(name, doc string, get func(i *sock.TCPInfo) uint32) Fetch {
		return row(name, doc, "", "", nil, func(i *sock.TCPInfo, _ []Arg) int64 { return int64(get(i)) })
	}
	return []Fetch{
		row("fc_rtt", "Round-trip time of the client's connection, in ms or us.", "([<unit>])", "|s", checkTimeUnit, func(i *sock.TCPInfo, a []Arg) int64 { return micros(i.RTT, a) }),
		row("fc_rttvar", "How much the round-trip time varies, in ms or us.", "([<unit>])", "|s", checkTimeUnit, func(i *sock.TCPInfo, a []Arg) int64 { return micros(i.RTTVar, a) }),
		plain("fc_unacked", "Segments to the client that it has not acknowledged.", func(i *sock.TCPInfo) uint32 { return i.Unacked }),
		plain("fc_sacked", "Segments that the client has acknowledged out of turn.", func(i *sock.TCPInfo) uint32 { return i.Sacked }),
		plain("fc_retrans", "Segments to the client that were sent again.", func(i *sock.TCPInfo) uint32 { return i.Retrans }),
		plain("fc_fackets", "Segments that the client has acknowledged further on.", func(i *sock.TCPInfo) uint32 { return i.Fackets }),
		plain("fc_lost", "Segments to the client that were lost.", func(i *sock.TCPInfo) uint32 { return i.Lost }),
		plain("fc_reordering", "How far segments to the client may come out of order.", func(i *sock.TCPInfo) uint32 { return i.Reordering }),
	}
}

func checkTimeUnit(_ *Env, a []Arg) error {
	if a[0].set {
		switch string(a[0].Str) {
		case "us":
			a[0].Int = 1
		case "ms":
		default:
			return fmt.Errorf("unit '%s' is unknown: want ms or us", a[0].Str)
		}
	}
	return nil
}

// rdpFetches are about the cookie in the first packet of a remote desktop client
// (configuration manual, section 7.3.5, "rdp_cookie").
func rdpFetches() []Fetch {
	return []Fetch{
		{Row: Row{Name: "req.rdp_cookie", Usage: "([<name>])", params: "|s", Doc: "The cookie of a remote desktop client, of any name or of this one."}, Out: txn.Str, At: buffered, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			b, ok, _ := c.rdpCookie(a[0].Str)
			v.SetStr(b)
			return ok
		}},
		{Row: Row{Name: "req.rdp_cookie_cnt", Usage: "([<name>])", params: "|s", Doc: "Whether there is a cookie of a remote desktop client: 1 or 0."}, Out: txn.Int, At: buffered, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			_, ok, short := c.rdpCookie(a[0].Str)
			v.SetInt(0)
			if ok {
				v.SetInt(1)
			}
			return !short
		}},
	}
}

// rdpCookie reads the line "Cookie: name=value" of a connection request of X.224 in a packet
// of RFC 1006 ([MS-RDPBCGR] 2.2.1.1). As in the reference, the line alone decides, not what
// the headers before it have, and any number of spaces may stand behind the colon. short tells
// that it has not come as a whole.
func (c *Context) rdpCookie(name []byte) (value []byte, ok, short bool) {
	const header = 4 + 7
	field := []byte("Cookie:")
	incomplete := func() ([]byte, bool, bool) {
		c.Unknown = !c.ended()
		return nil, false, true
	}
	b := c.Txn.Content
	if len(b) <= header+len(field) {
		return incomplete()
	}
	if !bytes.EqualFold(b[header:header+len(field)], field) {
		return nil, false, false
	}
	b = bytes.TrimLeft(b[header+len(field):], " ")
	end := bytes.IndexByte(b, '=')
	if len(name) > 0 {
		if len(b) <= len(name) {
			return incomplete()
		}
		if end = len(name); b[end] != '=' || !bytes.EqualFold(b[:end], name) {
			return nil, false, false
		}
	}
	if i := bytes.IndexAny(b, "\r\n"); i >= 0 && (end < 0 || i < end) {
		return nil, false, false
	}
	if end < 0 {
		return incomplete()
	}
	value, rest, found := bytes.Cut(b[end+1:], []byte("\r"))
	if !found || len(rest) == 0 {
		return incomplete()
	}
	return value, rest[0] == '\n', false
}
