// Package stats holds the counters of the engine and writes them as "show stat"
// and "show info" do. Counters are plain numbers, each set owned by one thread;
// whoever wants to read them runs on the owner's loop and adds the sets up.
// What happens on which event is decided elsewhere.
package stats

import "sync/atomic"

// Gauge is a level shared by all threads, with its highest value. The zero
// value is 0.
type Gauge struct{ cur, top atomic.Int64 }

// Load is the present level.
func (g *Gauge) Load() int64 { return g.cur.Load() }

// Max is the highest level since the start or the last ResetMax.
func (g *Gauge) Max() int64 { return g.top.Load() }

// Inc raises the level by one and returns it.
func (g *Gauge) Inc() int64 {
	v := g.cur.Add(1)
	g.note(v)
	return v
}

// TryInc raises the level unless it has reached limit.
func (g *Gauge) TryInc(limit int64) bool {
	for {
		v := g.cur.Load()
		if v >= limit {
			return false
		}
		if g.cur.CompareAndSwap(v, v+1) {
			g.note(v + 1)
			return true
		}
	}
}

// TryTake is TryInc for what may come to nothing: it counts for the highest level by Used
// only.
func (g *Gauge) TryTake(limit int64) bool {
	for {
		v := g.cur.Load()
		if v >= limit {
			return false
		}
		if g.cur.CompareAndSwap(v, v+1) {
			return true
		}
	}
}

// Used says that what TryTake has taken is in use.
func (g *Gauge) Used() { g.note(g.cur.Load()) }

// Dec lowers the level by one.
func (g *Gauge) Dec() { g.cur.Add(-1) }

// ResetMax forgets the highest level ("clear counters").
func (g *Gauge) ResetMax() { g.top.Store(g.cur.Load()) }

func (g *Gauge) note(v int64) {
	for {
		m := g.top.Load()
		if v <= m || g.top.CompareAndSwap(m, v) {
			return
		}
	}
}

// HTTP counts responses by class; index 0 is everything outside 1xx to 5xx.
type HTTP [6]uint64

// Frontend counts for one frontend in one thread. The comments name the column
// of "show stat".
type Frontend struct {
	Conns       uint64 // conn_tot: connections accepted
	Sessions    uint64 // stot
	BytesIn     uint64 // bin
	BytesOut    uint64 // bout
	DeniedReq   uint64 // dreq
	DeniedResp  uint64 // dresp
	ErrReq      uint64 // ereq: invalid or unfinished requests
	DeniedConn  uint64 // dcon
	DeniedSess  uint64 // dses
	InternalErr uint64 // eint
	RewriteErr  uint64 // wrew
	Requests    uint64 // req_tot
	Intercepted uint64 // answered by the proxy itself
	Responses   HTTP   // hrsp_*
	Compression Compression
	Cache       Cache
	TLS         TLS
	H1          H1
	H2          H2
	ConnRate    Rate
	SessRate    Rate
	ReqRate     Rate
}

// Backend counts for one backend in one thread.
type Backend struct {
	Sessions     uint64 // stot
	BytesIn      uint64
	BytesOut     uint64
	OwnIn        uint64 // of BytesIn and BytesOut, what no server has seen
	OwnOut       uint64
	DeniedReq    uint64
	DeniedResp   uint64
	ErrConn      uint64 // econ
	ErrResp      uint64 // eresp
	Retries      uint64 // wretr
	Redispatches uint64 // wredis
	LBTotal      uint64 // lbtot
	ClientAborts uint64 // cli_abrt
	ServerAborts uint64 // srv_abrt
	InternalErr  uint64
	RewriteErr   uint64
	Requests     uint64 // req_tot
	Responses    HTTP
	Connects     uint64 // connect
	Reuses       uint64 // reuse
	Intercepted  uint64 // answered by the proxy itself
	Compression  Compression
	Cache        Cache
	TLS          TLS
	H1           H1
	H2           H2
	SessRate     Rate
	Times        Times
	Latency      Latency // added up where it is asked for, not by Sum
	LastSession  int64   // nanoseconds of the monotonic clock; 0: never
}

// Server counts for one server in one thread.
type Server struct {
	Sessions     uint64 // stot
	BytesIn      uint64
	BytesOut     uint64
	DeniedResp   uint64
	ErrConn      uint64
	ErrResp      uint64
	Retries      uint64
	Redispatches uint64
	LBTotal      uint64
	ClientAborts uint64
	ServerAborts uint64
	InternalErr  uint64
	RewriteErr   uint64
	Requests     uint64
	Responses    HTTP
	Connects     uint64
	Reuses       uint64
	TLS          TLS
	SessRate     Rate
	Times        Times
	Latency      Latency // added up where it is asked for, not by Sum
	LastSession  int64
}

// TLS counts handshakes: those that agree on keys anew, those that go on with an earlier
// session, and those that come to nothing.
type TLS struct{ Sessions, Resumed, Failed uint64 }

// Done counts a handshake that has come to its end.
func (h *TLS) Done(resumed bool) {
	if resumed {
		h.Resumed++
	} else {
		h.Sessions++
	}
}

// Sum adds the handshakes of another thread.
func (h *TLS) Sum(o *TLS) {
	h.Sessions += o.Sessions
	h.Resumed += o.Resumed
	h.Failed += o.Failed
}

// Listener counts for one bind line in one thread ("option socket-stats").
type Listener struct {
	Conns       uint64
	Sessions    uint64
	BytesIn     uint64
	BytesOut    uint64
	DeniedReq   uint64
	DeniedResp  uint64
	ErrReq      uint64
	DeniedConn  uint64
	DeniedSess  uint64
	InternalErr uint64
	RewriteErr  uint64
	Responses   HTTP
	TLS         TLS
}

// Process counts for the whole process in one thread.
type Process struct {
	Conns      uint64 // CumConns
	Requests   uint64 // CumReq
	BytesOut   uint64 // TotalBytesOut
	SplicedOut uint64 // of BytesOut, through a kernel pipe
	BytesRate  Rate   // BytesOutRate: in bytes, noted with the bytes
	ConnRate   Rate
	SessRate   Rate
	TLSRate    Rate // connections of clients in TLS
	// KeyRate and ServerKeyRate are handshakes with clients and with servers that agree on
	// keys anew, CompIn and CompOut bytes into and out of encoders.
	KeyRate, ServerKeyRate Rate
	CompIn, CompOut        Rate
	LogsDropped            uint64
	Accepts                uint64
}

// Compression counts what the HTTP compressor did, in bytes but for Responses.
type Compression struct {
	In, Out, Bypassed uint64 // comp_in, comp_out, comp_byp
	Responses         uint64 // comp_rsp
}

// Cache counts look-ups of the HTTP cache.
type Cache struct {
	Lookups, Hits uint64 // cache_*
}

// H1 counts what the HTTP/1 codec saw on one side of a proxy. The two levels
// are differences of one thread; only their sum over all threads is a level.
type H1 struct {
	OpenConns, OpenStreams int64
	Conns, Streams         uint64 // totals
	BytesIn, BytesOut      uint64 // of messages including their framing
	SplicedIn, SplicedOut  uint64
}

// H2 counts what the HTTP/2 codec saw on one side of a proxy. The two levels are
// differences of one thread; only their sum over all threads is a level.
type H2 struct {
	OpenConns, OpenStreams                   int64
	Conns, Streams                           uint64 // totals
	BytesIn, BytesOut                        uint64 // of messages, as HTTP/1 counts
	Headers, Data, Settings, Resets, GoAways uint64 // frames received
	ConnErrors, StreamErrors                 uint64 // rules that clients have broken
	ResetsSent, GoAwaysSent                  uint64 // frames sent because of errors
}
