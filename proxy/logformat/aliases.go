package logformat

import (
	"bytes"
	"fmt"
	"time"

	"bench/proxy/txn"
)

// badRequest stands for every part of a request that was not understood.
const badRequest = "<BADREQ>"

// aliases are the names log formats may use (configuration manual, section
// 8.2.6). "mode" and "peers" are ours, for the line of the default format.
var aliases = []Alias{
	{"B", func(w *Writer, r *txn.Record, _ flags) { w.plus(r); w.b = appendUint(w.b, r.BytesOut) }, "bytes sent to the client"},
	{"CC", func(w *Writer, r *txn.Record, f flags) { w.bytes(r.RequestCookie, f) }, "captured cookie of the request"},
	{"CS", func(w *Writer, r *txn.Record, f flags) { w.bytes(r.ResponseCookie, f) }, "captured cookie of the response"},
	{"H", func(w *Writer, _ *txn.Record, f flags) { w.str(w.Host, f) }, "name of this host"},
	{"HM", func(w *Writer, r *txn.Record, f flags) { w.uriPart(r, r.Method, f) }, "method"},
	{"HP", func(w *Writer, r *txn.Record, f flags) { w.uriPart(r, cutQuery(r.URI), f) }, "target without its query string"},
	{"HPO", func(w *Writer, r *txn.Record, f flags) { w.uriPart(r, pathOnly(r.URI), f) }, "path of the target"},
	{"HQ", func(w *Writer, r *txn.Record, f flags) { w.uriPart(r, r.URI[len(cutQuery(r.URI)):], f|bare) }, "query string with its question mark"},
	{"HU", func(w *Writer, r *txn.Record, f flags) { w.uriPart(r, r.URI, f) }, "target"},
	{"HV", func(w *Writer, r *txn.Record, f flags) { w.uriPart(r, r.Version, f) }, "protocol version"},
	{"ID", func(w *Writer, r *txn.Record, f flags) { w.bytes(r.UniqueID, f) }, "unique id"},
	{"ST", status, "status"},
	{"T", func(w *Writer, r *txn.Record, _ flags) { w.gmt(r.AcceptDate) }, "date of the accept, GMT"},
	{"Ta", func(w *Writer, r *txn.Record, _ flags) { w.plus(r); w.num(r.Active) }, "ms from the request's first byte to the end"},
	{"Tc", func(w *Writer, r *txn.Record, _ flags) { w.num(r.Connect) }, "ms to connect to the server"},
	{"Td", func(w *Writer, r *txn.Record, _ flags) { w.num(r.Data) }, "ms to transfer the response's data"},
	{"Th", func(w *Writer, r *txn.Record, _ flags) { w.num(r.Handshake) }, "ms of handshakes before the first request"},
	{"Ti", func(w *Writer, r *txn.Record, _ flags) { w.num(r.Idle) }, "ms idle before the request"},
	{"Tl", func(w *Writer, r *txn.Record, _ flags) { w.local(r.AcceptDate) }, "date of the accept, local time"},
	{"Tq", func(w *Writer, r *txn.Record, _ flags) { w.num(queueTimer(r)) }, "Th + Ti + TR"},
	{"TR", func(w *Writer, r *txn.Record, _ flags) { w.num(r.Request) }, "ms to receive the request's head"},
	{"Tr", func(w *Writer, r *txn.Record, _ flags) { w.num(r.Response) }, "ms until the response's head"},
	{"Ts", timestamp, "accept time in seconds since 1970"},
	{"Tt", func(w *Writer, r *txn.Record, _ flags) { w.plus(r); w.num(r.Total) }, "ms from the accept to the end"},
	{"Tu", func(w *Writer, r *txn.Record, _ flags) { w.plus(r); w.num(userTimer(r)) }, "ms as the user sees them: Tt without Ti"},
	{"Tw", func(w *Writer, r *txn.Record, _ flags) { w.num(r.Queue) }, "ms in queues"},
	{"U", func(w *Writer, r *txn.Record, _ flags) { w.b = appendUint(w.b, r.BytesIn) }, "bytes received from the client"},
	{"ac", func(w *Writer, r *txn.Record, _ flags) { w.num(r.ActConn) }, "connections of the process"},
	{"b", func(w *Writer, r *txn.Record, f flags) { w.str(r.Backend, f) }, "backend"},
	{"bc", func(w *Writer, r *txn.Record, _ flags) { w.num(r.BeConn) }, "streams of the backend"},
	{"bi", func(w *Writer, r *txn.Record, f flags) { w.ip(&r.SourceAddr, f) }, "our address towards the server"},
	{"bp", func(w *Writer, r *txn.Record, f flags) { w.port(&r.SourceAddr, 0, f) }, "our port towards the server"},
	{"bq", func(w *Writer, r *txn.Record, _ flags) { w.num(r.BeQueue) }, "streams ahead in the backend's queue"},
	{"ci", func(w *Writer, r *txn.Record, f flags) { w.ip(&r.Client, f) }, "address of the client"},
	{"cp", func(w *Writer, r *txn.Record, f flags) { w.port(&r.Client, r.ListenerID, f) }, "port of the client"},
	{"f", func(w *Writer, r *txn.Record, f flags) { w.str(r.Frontend, f) }, "frontend"},
	{"fc", func(w *Writer, r *txn.Record, _ flags) { w.num(r.FeConn) }, "connections of the frontend"},
	{"fi", func(w *Writer, r *txn.Record, f flags) { w.ip(r.LocalAddr(), f) }, "address the client connected to"},
	{"fp", func(w *Writer, r *txn.Record, f flags) { w.port(r.LocalAddr(), r.ListenerID, f) }, "port the client connected to"},
	{"ft", transport, "frontend, followed by ~ for TLS"},
	{"hr", func(w *Writer, r *txn.Record, f flags) { w.captures(r.RequestCaptures, f) }, "captured request headers in braces"},
	{"hrl", func(w *Writer, r *txn.Record, f flags) { w.captureList(r.RequestCaptures, f) }, "captured request headers one by one"},
	{"hs", func(w *Writer, r *txn.Record, f flags) { w.captures(r.ResponseCaptures, f) }, "captured response headers in braces"},
	{"hsl", func(w *Writer, r *txn.Record, f flags) { w.captureList(r.ResponseCaptures, f) }, "captured response headers one by one"},
	{"lc", logCount, "lines logged before by this frontend"},
	{"mode", func(w *Writer, r *txn.Record, f flags) { w.str(r.Mode, f) }, "TCP or HTTP"},
	{"ms", milliseconds, "milliseconds of the accept date"},
	{"peers", peers, "both ends of the client's connection in words"},
	{"pid", pid, "process id"},
	{"r", requestLine, "request line"},
	{"rc", retries, "retries, after + if redispatched"},
	{"rt", count, "number of the request"},
	{"s", serverName, "server, or <NOSRV>"},
	{"sc", func(w *Writer, r *txn.Record, _ flags) { w.num(r.SrvConn) }, "streams of the server"},
	{"si", func(w *Writer, r *txn.Record, f flags) { w.ip(&r.ServerAddr, f) }, "address of the server"},
	{"sp", func(w *Writer, r *txn.Record, f flags) { w.port(&r.ServerAddr, 0, f) }, "port of the server"},
	{"sq", func(w *Writer, r *txn.Record, _ flags) { w.num(r.SrvQueue) }, "streams ahead in the server's queue"},
	{"sslc", func(w *Writer, r *txn.Record, f flags) { w.str(r.TLSCipher, f) }, "TLS cipher suite"},
	{"sslv", func(w *Writer, r *txn.Record, f flags) { w.str(r.TLSVersion, f) }, "TLS version"},
	{"t", func(w *Writer, r *txn.Record, _ flags) { w.millis(r.AcceptDate) }, "date of the accept with milliseconds"},
	{"tr", func(w *Writer, r *txn.Record, _ flags) { w.millis(r.RequestDate) }, "date of the request's first byte with milliseconds"},
	{"trg", func(w *Writer, r *txn.Record, _ flags) { w.gmt(r.RequestDate) }, "date of the request's first byte, GMT"},
	{"trl", func(w *Writer, r *txn.Record, _ flags) { w.local(r.RequestDate) }, "date of the request's first byte, local time"},
	{"ts", func(w *Writer, r *txn.Record, _ flags) { w.endFlags(r.Flags) }, "how the stream ended"},
	{"tsc", func(w *Writer, r *txn.Record, _ flags) { w.endFlags(r.Flags); w.endFlags(r.HTTPFlags) }, "how the stream ended, and its cookies"},
}

// status is that of the answer, -1 where there is none, and 0 where there is no HTTP.
func status(w *Writer, r *txn.Record, _ flags) {
	n := max(r.Status, -1)
	if r.Mode == "TCP" {
		n = max(n, 0)
	}
	w.num(int64(n))
}

func logCount(w *Writer, _ *txn.Record, f flags) {
	if f&hex != 0 {
		w.b = fmt.Appendf(w.b, "%04X", w.Logs)
		return
	}
	w.b = appendUint(w.b, w.Logs)
}

func (w *Writer) plus(r *txn.Record) {
	if r.AsSoonAsPossible {
		w.b = append(w.b, '+')
	}
}

func (w *Writer) gmt(t time.Time) {
	w.b = append(w.b, w.date.gmt.Get(t, "02/Jan/2006:15:04:05 +0000", time.UTC)...)
}

func (w *Writer) local(t time.Time) {
	w.b = append(w.b, w.date.zone.Get(t, "02/Jan/2006:15:04:05 -0700", time.Local)...)
}

// endFlags writes two flags; a zero byte is a dash.
func (w *Writer) endFlags(f [2]byte) {
	for _, c := range f {
		if c == 0 {
			c = '-'
		}
		w.b = append(w.b, c)
	}
}

func (w *Writer) uriPart(r *txn.Record, p []byte, fl flags) {
	if len(r.Method) == 0 {
		w.str(badRequest, fl)
		return
	}
	if len(p) == 0 {
		w.str("", fl)
		return
	}
	if fl&quote != 0 {
		w.b = append(w.b, '"')
	}
	w.encoded(p, uriSpecial, fl)
	if fl&quote != 0 {
		w.b = append(w.b, '"')
	}
}

func requestLine(w *Writer, r *txn.Record, fl flags) {
	if len(r.Method) == 0 {
		w.str(badRequest, fl)
		return
	}
	if fl&quote != 0 {
		w.b = append(w.b, '"')
	}
	w.encoded(r.Method, uriSpecial, fl)
	w.b = append(w.b, ' ')
	w.encoded(r.URI, uriSpecial, fl)
	if len(r.Version) > 0 {
		w.b = append(w.b, ' ')
		w.encoded(r.Version, uriSpecial, fl)
	}
	if fl&quote != 0 {
		w.b = append(w.b, '"')
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

func transport(w *Writer, r *txn.Record, fl flags) {
	if !r.TLS {
		w.str(r.Frontend, fl)
		return
	}
	if fl&quote != 0 {
		w.b = append(w.b, '"')
	}
	w.b = append(append(w.b, r.Frontend...), '~')
	if fl&quote != 0 {
		w.b = append(w.b, '"')
	}
}

func serverName(w *Writer, r *txn.Record, fl flags) {
	if r.Server == "" {
		w.str("<NOSRV>", fl)
		return
	}
	w.str(r.Server, fl)
}

func retries(w *Writer, r *txn.Record, _ flags) {
	if r.Redispatched {
		w.b = append(w.b, '+')
	}
	w.num(int64(r.Retries))
}

func peers(w *Writer, r *txn.Record, _ flags) {
	if !r.Client.IsUnix() {
		w.b = append(w.b, "from "...)
		w.ip(&r.Client, 0)
		w.b = append(w.b, ':')
		w.port(&r.Client, 0, 0)
		w.b = append(w.b, ' ')
	}
	w.b = append(w.b, "to "...)
	w.ip(r.LocalAddr(), 0)
	w.b = append(w.b, ':')
	w.port(r.LocalAddr(), r.ListenerID, 0)
}

func pid(w *Writer, _ *txn.Record, fl flags) {
	if fl&hex != 0 {
		w.hexNum(uint64(w.PID), 4)
		return
	}
	w.num(int64(w.PID))
}

func count(w *Writer, r *txn.Record, fl flags) {
	if fl&hex != 0 {
		w.hexNum(r.Count, 4)
		return
	}
	w.b = appendUint(w.b, r.Count)
}

func milliseconds(w *Writer, r *txn.Record, fl flags) {
	ms := r.AcceptDate.Nanosecond() / 1e6
	if fl&hex != 0 {
		w.hexNum(uint64(ms), 2)
		return
	}
	w.three(ms)
}

func timestamp(w *Writer, r *txn.Record, fl flags) {
	if fl&hex != 0 {
		w.hexNum(uint64(r.AcceptDate.Unix()), 8)
		return
	}
	w.num(r.AcceptDate.Unix())
}

func queueTimer(r *txn.Record) int64 {
	if r.Request < 0 {
		return txn.NotReached
	}
	return max(r.Handshake, 0) + max(r.Idle, 0) + r.Request
}

func userTimer(r *txn.Record) int64 { return r.Total - max(r.Idle, 0) }
