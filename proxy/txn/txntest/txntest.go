// Package txntest makes transactions for tests of what reads them, without a stream.
package txntest

import (
	"slices"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/table"
	"bench/proxy/txn"
)

// Stream is a stream with what the fields say.
type Stream struct {
	Src, Dst sock.Addr
	Fe, Be   int
	Srv      string
	SrvID    int
	Count    int
	ID       string // unique-id
	// Of Proxied.
	ProxyVersion       int
	Authority, ProxyID []byte
	Engine             Farm
	Vars               txn.Vars
	Tracked            txn.Tracked
	Log                txn.Record
	Secure             *tlsio.Info
	Described          int // how often Describe was called
	Mark               uint32
	TOS                uint8
	Hints              []string // interim responses, in the wire form of HTTP/1
	Woken              int      // how often Wake was called
	Used, Stored       []int    // caches that were asked, and that were given the response
}

// SetSource implements txn.Stream.
func (s *Stream) SetSource(a sock.Addr) { s.Src = a }

// SetDestination implements txn.Stream.
func (s *Stream) SetDestination(a sock.Addr) { s.Dst = a }

// SetMark implements txn.Stream.
func (s *Stream) SetMark(n uint32) { s.Mark = n }

// Wake implements txn.Stream.
func (s *Stream) Wake() { s.Woken++ }

// SetTOS implements txn.Stream.
func (s *Stream) SetTOS(n uint8) { s.TOS = n }

// Hint implements txn.Stream.
func (s *Stream) Hint(res *message.Response) {
	s.Hints = append(s.Hints, string(h1.AppendResponse(nil, res, h1.WriteOptions{KeepAlive: true, Peer: message.HTTP11})))
}

// Source implements txn.Stream.
func (s *Stream) Source() sock.Addr { return s.Src }

// Destination implements txn.Stream.
func (s *Stream) Destination() sock.Addr { return s.Dst }

// Frontend implements txn.Stream.
func (s *Stream) Frontend() int { return s.Fe }

// Backend implements txn.Stream.
func (s *Stream) Backend() int { return s.Be }

// Server implements txn.Stream.
func (s *Stream) Server() (string, int) { return s.Srv, s.SrvID }

// Requests implements txn.Stream.
func (s *Stream) Requests() int { return s.Count }

// UniqueID implements txn.Stream.
func (s *Stream) UniqueID() []byte { return []byte(s.ID) }

// Proxied implements txn.Stream.
func (s *Stream) Proxied() (version int, authority, uniqueID []byte) {
	return s.ProxyVersion, s.Authority, s.ProxyID
}

// Farm implements txn.Stream.
func (s *Stream) Farm() txn.Farm { return &s.Engine }

// SessionVars implements txn.Stream.
func (s *Stream) SessionVars() *txn.Vars { return &s.Vars }

// TrackSession implements txn.Stream.
func (s *Stream) TrackSession(i int, r table.Ref) txn.Tracked {
	s.Tracked.Put(i, s.Engine.Counters(), r)
	return s.Tracked
}

// TLS implements txn.Stream.
func (s *Stream) TLS() *tlsio.Info { return s.Secure }

// ServerTLS implements txn.Stream.
func (s *Stream) ServerTLS() *tlsio.Info { return s.Secure }

// Fault implements txn.Stream.
func (s *Stream) Fault() txn.Fault { return txn.NoFault }

// ServerFault implements txn.Stream.
func (s *Stream) ServerFault() (txn.Fault, bool) { return txn.NoFault, s.Secure != nil }

// Describe implements txn.Stream.
func (s *Stream) Describe(r *txn.Record) {
	s.Described++
	*r = s.Log
}

// Farm is an engine with proxies of these names.
type Farm struct {
	Names  []string
	Up     int // servers of each backend that take requests
	Tables []*table.Table
	Time   int64
	// Reported is the last line that was written.
	Reported []byte
}

// Report implements txn.Farm.
func (f *Farm) Report(_ int, line []byte) { f.Reported = append(f.Reported[:0], line...) }

// Table implements txn.Farm.
func (f *Farm) Table(i int) *table.Table { return f.Tables[i] }

// Counters implements txn.Farm.
func (f *Farm) Counters() int { return 3 }

// Now implements txn.Farm.
func (f *Farm) Now() int64 { return f.Time }

// Name implements txn.Farm.
func (f *Farm) Name(i int) string { return f.Names[i] }

// ID implements txn.Farm.
func (f *Farm) ID(i int) int { return i + 1 }

// Usable implements txn.Farm.
func (f *Farm) Usable(int) int { return f.Up }

// Conns implements txn.Farm.
func (f *Farm) Conns(i int) int64 { return int64(10 + i) }

// Streams implements txn.Farm.
func (f *Farm) Streams(i int) int64 { return int64(20 + i) }

// Queue implements txn.Farm.
func (f *Farm) Queue(i int) int64 { return int64(30 + i) }

// ServerUp implements txn.Farm.
func (f *Farm) ServerUp(_ int, server string) bool { return server != "down" }

// ServerConns implements txn.Farm.
func (f *Farm) ServerConns(_ int, server string) int64 { return int64(40 + len(server)) }

// Stopping implements txn.Farm.
func (f *Farm) Stopping() bool { return false }

// Threads implements txn.Farm.
func (f *Farm) Threads() int { return 1 }

// Thread implements txn.Farm.
func (f *Farm) Thread() int { return 0 }

// Addr reads an address.
func Addr(t testing.TB, s string) sock.Addr {
	t.Helper()
	a, err := sock.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// New makes a transaction with a request, in the wire form of HTTP/1, "" for none, and
// likewise a response. The client is 10.1.2.3:4567, and came to 192.0.2.1:80.
func New(t testing.TB, request, response string) *txn.Txn {
	t.Helper()
	s := &Stream{Src: Addr(t, "10.1.2.3:4567"), Dst: Addr(t, "192.0.2.1:80"), Be: 1, Srv: "s1", SrvID: 7, Count: 1, ID: "id-7", Engine: Farm{Names: []string{"front", "back"}, Up: 2}}
	x := &txn.Txn{Stream: s, Final: true}
	limits := h1.Limits{MaxHead: 1 << 16, MaxFields: 100}
	if request != "" {
		x.Req = &message.Request{}
		var p h1.Parser
		n, err := p.Request(x.Req, []byte(request), &limits)
		if err != nil || n == 0 {
			t.Fatalf("request %q: %v", request, err)
		}
		x.Method, x.MethodText, x.URI = x.Req.MethodID, x.Req.Method, x.Req.Target
		x.Version = []byte("HTTP/1.1")
		x.Body, x.BodyEnd = []byte(request[n:]), true
	}
	if response != "" {
		x.Res = &message.Response{}
		var p h1.Parser
		n, err := p.Response(x.Res, []byte(response), x.Method, &limits)
		if err != nil || n == 0 {
			t.Fatalf("response %q: %v", response, err)
		}
		x.Status = x.Res.Status
	}
	return x
}

// Arrived implements txn.Stream.
func (s *Stream) Arrived() (src, dst sock.Addr) { return s.Src, s.Dst }

// Beyond implements txn.Stream.
func (s *Stream) Beyond() (src, dst sock.Addr) { return s.Dst, s.Src }

// Calls implements txn.Stream.
func (s *Stream) Calls() int64 { return 2 }

// Reached implements txn.Stream.
func (s *Stream) Reached() bool { return true }

// Encoding implements txn.Stream.
func (s *Stream) Encoding() string { return "" }

// Listener implements txn.Stream.
func (s *Stream) Listener() (int, string) { return 3, "line" }

// Listening implements txn.Stream.
func (s *Stream) Listening() int64 { return 8 }

// Timeout implements txn.Stream.
func (s *Stream) Timeout(what txn.Timeout) time.Duration { return time.Duration(what) * time.Second }

// UseCache implements txn.Stream.
func (s *Stream) UseCache(cache int) { s.Used = append(s.Used, cache) }

// StoreCache implements txn.Stream.
func (s *Stream) StoreCache(cache int) { s.Stored = append(s.Stored, cache) }

// FrontendFigure implements txn.Farm.
func (f *Farm) FrontendFigure(what txn.Figure, frontend int) int64 {
	return int64(what)*100 + int64(frontend)
}

// BackendFigure implements txn.Farm.
func (f *Farm) BackendFigure(what txn.Figure, backend int) int64 {
	return int64(what)*100 + int64(backend)
}

// ServerFigure implements txn.Farm.
func (f *Farm) ServerFigure(what txn.Figure, backend int, server string) int64 {
	return int64(what)*100 + int64(backend*10+len(server))
}

// BackendNamed implements txn.Farm.
func (f *Farm) BackendNamed(name []byte) int { return slices.Index(f.Names, string(name)) }

// Timeout implements txn.Farm.
func (f *Farm) Timeout(what txn.Timeout, proxy int) time.Duration {
	return time.Duration(int(what)*10+proxy+1) * time.Millisecond
}

// DefaultBackend implements txn.Farm.
func (f *Farm) DefaultBackend(int) string { return "back" }

// CaptureLength implements txn.Farm: there is one slot.
func (f *Farm) CaptureLength(_ int, _ bool, slot int) int { return max(4-4*slot, 0) }

// TCPInfo implements txn.Stream.
func (s *Stream) TCPInfo() (sock.TCPInfo, bool) {
	return sock.TCPInfo{RTT: 2500, RTTVar: 1500, Unacked: 1, Sacked: 2, Lost: 3, Retrans: 4, Fackets: 5, Reordering: 6}, true
}

// HasServer implements txn.Farm.
func (f *Farm) HasServer(_ int, server string) bool { return server != "none" }
