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

// Rate counts events per second over a sliding second, as HAProxy's frequency
// counters do: the last whole second weighted by what of it is still within
// reach, plus the current one. Times are nanoseconds of one clock.
type Rate struct {
	second    int64
	cur, prev uint64
	Max       uint64 // highest whole-second count
}

const nsPerSecond = 1_000_000_000

// Add notes n events at now.
func (r *Rate) Add(now int64, n uint64) {
	r.rotate(now / nsPerSecond)
	r.cur += n
	r.Max = max(r.Max, r.cur)
}

func (r *Rate) rotate(second int64) {
	switch second - r.second {
	case 0:
		return
	case 1:
		r.prev = r.cur
	default:
		r.prev = 0
	}
	r.cur, r.second = 0, second
}

// Read is the number of events in the second before now.
func (r *Rate) Read(now int64) uint64 {
	r.rotate(now / nsPerSecond)
	left := uint64(nsPerSecond - now%nsPerSecond)
	return r.cur + r.prev*left/nsPerSecond
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
	ConnRate    Rate
	SessRate    Rate
	ReqRate     Rate
}

// Backend counts for one backend in one thread.
type Backend struct {
	Sessions     uint64 // stot
	BytesIn      uint64
	BytesOut     uint64
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
	SessRate     Rate
	Times        Times
	LastSession  int64 // nanoseconds of the monotonic clock; 0: never
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
	SessRate     Rate
	Times        Times
	LastSession  int64
}

// Listener counts for one bind line in one thread ("option socket-stats").
type Listener struct {
	Conns      uint64
	Sessions   uint64
	BytesIn    uint64
	BytesOut   uint64
	DeniedReq  uint64
	DeniedResp uint64
	ErrReq     uint64
	DeniedConn uint64
	DeniedSess uint64
	Responses  HTTP
}

// Process counts for the whole process in one thread.
type Process struct {
	Conns       uint64 // CumConns
	Requests    uint64 // CumReq
	BytesOut    uint64
	ConnRate    Rate
	SessRate    Rate
	LogsDropped uint64
	Accepts     uint64
}

// Times are averages over about the last 1,024 streams, and the highest values,
// in milliseconds.
type Times struct {
	Queue, Connect, Response, Total             Average
	QueueMax, ConnectMax, ResponseMax, TotalMax uint64
}

// averageSamples is the length of the sliding window of Average.
const averageSamples = 1024

// Average is a sliding mean, held as a sum over averageSamples values.
type Average struct {
	sum uint64
	n   uint64
}

// Add takes one value in.
func (a *Average) Add(v uint64) {
	if a.n < averageSamples {
		a.n++
		a.sum += v
		return
	}
	a.sum += v - a.sum/averageSamples
}

// Value is the mean.
func (a *Average) Value() uint64 {
	if a.n == 0 {
		return 0
	}
	return (a.sum + a.n/2) / a.n
}

// Note takes the times of one stream in, in milliseconds; negative values are
// steps that were not reached and are left out.
func (t *Times) Note(queue, connect, response, total int64) {
	note := func(a *Average, m *uint64, v int64) {
		if v >= 0 {
			a.Add(uint64(v))
			*m = max(*m, uint64(v))
		}
	}
	note(&t.Queue, &t.QueueMax, queue)
	note(&t.Connect, &t.ConnectMax, connect)
	note(&t.Response, &t.ResponseMax, response)
	note(&t.Total, &t.TotalMax, total)
}
