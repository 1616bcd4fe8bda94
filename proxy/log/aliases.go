package log

import (
	"bytes"
	"time"
)

// badRequest stands for every part of a request that was not understood.
const badRequest = "<BADREQ>"

// aliases are the names log formats may use (configuration manual, section
// 8.2.6). "mode" and "peers" are ours, for the line of the default format.
var aliases = []Alias{
	{"B", func(l *line, r *Record, _ flags) { l.plus(r); l.b = appendUint(l.b, r.BytesOut) }, "bytes sent to the client"},
	{"CC", func(l *line, r *Record, f flags) { l.bytes(r.RequestCookie, f) }, "captured cookie of the request"},
	{"CS", func(l *line, r *Record, f flags) { l.bytes(r.ResponseCookie, f) }, "captured cookie of the response"},
	{"H", func(l *line, _ *Record, f flags) { l.str(l.host, f) }, "name of this host"},
	{"HM", func(l *line, r *Record, f flags) { l.uriPart(r, r.Method, f) }, "method"},
	{"HP", func(l *line, r *Record, f flags) { l.uriPart(r, cutQuery(r.URI), f) }, "target without its query string"},
	{"HPO", func(l *line, r *Record, f flags) { l.uriPart(r, pathOnly(r.URI), f) }, "path of the target"},
	{"HQ", func(l *line, r *Record, f flags) { l.uriPart(r, r.URI[len(cutQuery(r.URI)):], f) }, "query string with its question mark"},
	{"HU", func(l *line, r *Record, f flags) { l.uriPart(r, r.URI, f) }, "target"},
	{"HV", func(l *line, r *Record, f flags) { l.uriPart(r, r.Version, f) }, "protocol version"},
	{"ID", func(l *line, r *Record, f flags) { l.bytes(r.UniqueID, f) }, "unique id"},
	{"ST", func(l *line, r *Record, _ flags) { l.num(int64(max(r.Status, -1))) }, "status"},
	{"T", func(l *line, r *Record, _ flags) { l.gmt(r.AcceptDate) }, "date of the accept, GMT"},
	{"Ta", func(l *line, r *Record, _ flags) { l.plus(r); l.num(r.Active) }, "ms from the request's first byte to the end"},
	{"Tc", func(l *line, r *Record, _ flags) { l.num(r.Connect) }, "ms to connect to the server"},
	{"Td", func(l *line, r *Record, _ flags) { l.num(r.Data) }, "ms to transfer the response's data"},
	{"Th", func(l *line, r *Record, _ flags) { l.num(r.Handshake) }, "ms of handshakes before the first request"},
	{"Ti", func(l *line, r *Record, _ flags) { l.num(r.Idle) }, "ms idle before the request"},
	{"Tl", func(l *line, r *Record, _ flags) { l.local(r.AcceptDate) }, "date of the accept, local time"},
	{"Tq", func(l *line, r *Record, _ flags) { l.num(queueTimer(r)) }, "Th + Ti + TR"},
	{"TR", func(l *line, r *Record, _ flags) { l.num(r.Request) }, "ms to receive the request's head"},
	{"Tr", func(l *line, r *Record, _ flags) { l.num(r.Response) }, "ms until the response's head"},
	{"Ts", timestamp, "accept time in seconds since 1970"},
	{"Tt", func(l *line, r *Record, _ flags) { l.plus(r); l.num(r.Total) }, "ms from the accept to the end"},
	{"Tu", func(l *line, r *Record, _ flags) { l.plus(r); l.num(userTimer(r)) }, "ms as the user sees them: Tt without Ti"},
	{"Tw", func(l *line, r *Record, _ flags) { l.num(r.Queue) }, "ms in queues"},
	{"U", func(l *line, r *Record, _ flags) { l.b = appendUint(l.b, r.BytesIn) }, "bytes received from the client"},
	{"ac", func(l *line, r *Record, _ flags) { l.num(r.ActConn) }, "connections of the process"},
	{"b", func(l *line, r *Record, f flags) { l.str(r.Backend, f) }, "backend"},
	{"bc", func(l *line, r *Record, _ flags) { l.num(r.BeConn) }, "streams of the backend"},
	{"bi", func(l *line, r *Record, f flags) { l.ip(&r.SourceAddr, f) }, "our address towards the server"},
	{"bp", func(l *line, r *Record, f flags) { l.port(&r.SourceAddr, 0, f) }, "our port towards the server"},
	{"bq", func(l *line, r *Record, _ flags) { l.num(r.BeQueue) }, "streams ahead in the backend's queue"},
	{"ci", func(l *line, r *Record, f flags) { l.ip(&r.Client, f) }, "address of the client"},
	{"cp", func(l *line, r *Record, f flags) { l.port(&r.Client, r.ListenerID, f) }, "port of the client"},
	{"f", func(l *line, r *Record, f flags) { l.str(r.Frontend, f) }, "frontend"},
	{"fc", func(l *line, r *Record, _ flags) { l.num(r.FeConn) }, "connections of the frontend"},
	{"fi", func(l *line, r *Record, f flags) { l.ip(r.local(), f) }, "address the client connected to"},
	{"fp", func(l *line, r *Record, f flags) { l.port(r.local(), r.ListenerID, f) }, "port the client connected to"},
	{"ft", transport, "frontend, followed by ~ for TLS"},
	{"hr", func(l *line, r *Record, f flags) { l.captures(r.RequestCaptures, f) }, "captured request headers in braces"},
	{"hrl", func(l *line, r *Record, f flags) { l.captureList(r.RequestCaptures, f) }, "captured request headers one by one"},
	{"hs", func(l *line, r *Record, f flags) { l.captures(r.ResponseCaptures, f) }, "captured response headers in braces"},
	{"hsl", func(l *line, r *Record, f flags) { l.captureList(r.ResponseCaptures, f) }, "captured response headers one by one"},
	{"lc", func(l *line, _ *Record, _ flags) { l.b = appendUint(l.b, l.logs) }, "lines logged before by this frontend"},
	{"mode", func(l *line, r *Record, f flags) { l.str(r.Mode, f) }, "TCP or HTTP"},
	{"ms", func(l *line, r *Record, _ flags) { l.three(r.AcceptDate.Nanosecond() / 1e6) }, "milliseconds of the accept date"},
	{"peers", peers, "both ends of the client's connection in words"},
	{"pid", pid, "process id"},
	{"r", requestLine, "request line"},
	{"rc", retries, "retries, after + if redispatched"},
	{"rt", func(l *line, r *Record, _ flags) { l.b = appendUint(l.b, r.Count) }, "number of the request"},
	{"s", serverName, "server, or <NOSRV>"},
	{"sc", func(l *line, r *Record, _ flags) { l.num(r.SrvConn) }, "streams of the server"},
	{"si", func(l *line, r *Record, f flags) { l.ip(&r.ServerAddr, f) }, "address of the server"},
	{"sp", func(l *line, r *Record, f flags) { l.port(&r.ServerAddr, 0, f) }, "port of the server"},
	{"sq", func(l *line, r *Record, _ flags) { l.num(r.SrvQueue) }, "streams ahead in the server's queue"},
	{"sslc", func(l *line, r *Record, f flags) { l.str(r.TLSCipher, f) }, "TLS cipher suite"},
	{"sslv", func(l *line, r *Record, f flags) { l.str(r.TLSVersion, f) }, "TLS version"},
	{"t", func(l *line, r *Record, _ flags) { l.millis(r.AcceptDate) }, "date of the accept with milliseconds"},
	{"tr", func(l *line, r *Record, _ flags) { l.millis(r.RequestDate) }, "date of the request's first byte with milliseconds"},
	{"trg", func(l *line, r *Record, _ flags) { l.gmt(r.RequestDate) }, "date of the request's first byte, GMT"},
	{"trl", func(l *line, r *Record, _ flags) { l.local(r.RequestDate) }, "date of the request's first byte, local time"},
	{"ts", func(l *line, r *Record, _ flags) { l.endFlags(r.Flags) }, "how the stream ended"},
	{"tsc", func(l *line, r *Record, _ flags) { l.endFlags(r.Flags); l.endFlags(r.HTTPFlags) }, "how the stream ended, and its cookies"},
}

func (l *line) plus(r *Record) {
	if r.AsSoonAsPossible {
		l.b = append(l.b, '+')
	}
}

func (l *line) gmt(t time.Time) {
	l.b = append(l.b, l.date.gmt.get(t, "02/Jan/2006:15:04:05 +0000", time.UTC)...)
}

func (l *line) local(t time.Time) {
	l.b = append(l.b, l.date.zone.get(t, "02/Jan/2006:15:04:05 -0700", time.Local)...)
}

// endFlags writes two flags; a zero byte is a dash.
func (l *line) endFlags(f [2]byte) {
	for _, c := range f {
		if c == 0 {
			c = '-'
		}
		l.b = append(l.b, c)
	}
}

func (l *line) uriPart(r *Record, p []byte, fl flags) {
	if len(r.Method) == 0 {
		l.str(badRequest, fl)
		return
	}
	if len(p) == 0 {
		l.str("", fl)
		return
	}
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
	l.encoded(p, uriSpecial, fl)
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
}

func requestLine(l *line, r *Record, fl flags) {
	if len(r.Method) == 0 {
		l.str(badRequest, fl)
		return
	}
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
	l.encoded(r.Method, uriSpecial, fl)
	l.b = append(l.b, ' ')
	l.encoded(r.URI, uriSpecial, fl)
	if len(r.Version) > 0 {
		l.b = append(l.b, ' ')
		l.encoded(r.Version, uriSpecial, fl)
	}
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
}

func cutQuery(uri []byte) []byte {
	p, _, _ := bytes.Cut(uri, []byte{'?'})
	return p
}

// pathOnly drops scheme, authority and query of a target.
func pathOnly(uri []byte) []byte {
	p := cutQuery(uri)
	i := bytes.Index(p, []byte("://"))
	if i < 0 || p[0] == '/' {
		return p
	}
	p = p[i+3:]
	if j := bytes.IndexByte(p, '/'); j >= 0 {
		return p[j:]
	}
	return nil
}

func transport(l *line, r *Record, fl flags) {
	if !r.TLS {
		l.str(r.Frontend, fl)
		return
	}
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
	l.b = append(append(l.b, r.Frontend...), '~')
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
}

func serverName(l *line, r *Record, fl flags) {
	if r.Server == "" {
		l.str("<NOSRV>", fl)
		return
	}
	l.str(r.Server, fl)
}

func retries(l *line, r *Record, _ flags) {
	if r.Redispatched {
		l.b = append(l.b, '+')
	}
	l.num(int64(r.Retries))
}

func peers(l *line, r *Record, _ flags) {
	if !r.Client.IsUnix() {
		l.b = append(l.b, "from "...)
		l.ip(&r.Client, 0)
		l.b = append(l.b, ':')
		l.port(&r.Client, 0, 0)
		l.b = append(l.b, ' ')
	}
	l.b = append(l.b, "to "...)
	l.ip(r.local(), 0)
	l.b = append(l.b, ':')
	l.port(r.local(), r.ListenerID, 0)
}

func pid(l *line, _ *Record, fl flags) {
	if fl&hex != 0 {
		l.hexNum(uint64(l.pid), 4)
		return
	}
	l.num(int64(l.pid))
}

func timestamp(l *line, r *Record, fl flags) {
	if fl&hex != 0 {
		l.hexNum(uint64(r.AcceptDate.Unix()), 8)
		return
	}
	l.num(r.AcceptDate.Unix())
}

func queueTimer(r *Record) int64 {
	if r.Request < 0 {
		return NotReached
	}
	return max(r.Handshake, 0) + max(r.Idle, 0) + r.Request
}

func userTimer(r *Record) int64 { return r.Total - max(r.Idle, 0) }
