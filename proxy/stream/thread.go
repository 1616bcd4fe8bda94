// Package stream moves requests and bytes: it accepts connections, reads
// requests, gets them to a server and the answers back, and keeps the counters
// and the log of it. All of it runs on event loops that share nothing but the
// state of servers and the gauges that limits are measured against.
//
// A client connection lives in one thread from accept to close. It has a stream
// while there is work: from the first byte of a request to the end of the
// response, or in TCP mode for its whole life. A connection to a server belongs
// to a stream, or waits in the thread's pool for the next one.
package stream

import (
	"sync/atomic"
	"time"

	"bench/internal/loop"
	"bench/proxy/balance"
	"bench/proxy/h1"
	"bench/proxy/log"
	"bench/proxy/message"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/stats"
)

// Frontend is the runtime side of a proxy that accepts connections, shared by
// all threads.
type Frontend struct {
	Spec    *spec.Proxy
	Cur     stats.Gauge  // sessions
	MaxConn atomic.Int64 // limit in force
	Limits  h1.Limits
	// Logs tells whether anything is logged at all.
	Logs bool
	// Stopped is set once the frontend was stopped for good.
	Stopped atomic.Bool
}

// Shared is what all threads of an engine have in common.
type Shared struct {
	Config    *spec.Config
	Frontends []*Frontend       // by proxy index; nil: no frontend side
	Backends  []*server.Backend // by proxy index; nil: no backend side
	NumSlots  int               // servers over all backends
	// Errors holds the answers the proxy gives itself, by proxy index and status.
	Errors []map[int]*h1.Reply
	// PoolFDs is the number of connections above which none are kept idle.
	PoolFDs int64

	Conns    stats.Gauge  // client connections in the process
	SrvConns stats.Gauge  // server connections in the process
	Captures Captures     // of invalid messages
	MaxConn  atomic.Int64 // global limit
	// MaxPipes is the limit of pipes for splicing, 0 where none may be used.
	MaxPipes int64
	Pipes    stats.Gauge  // pipes in the process
	Stopping atomic.Bool  // soft stop: answer and close
	StopTime atomic.Int64 // when Stopping was set, monotonic

	threads []*Thread
	starved atomic.Bool // some acceptor stopped at a limit
}

// Threads are the engine's loops.
func (sh *Shared) Threads() []*Thread { return sh.threads }

// Thread is one event loop with all that it owns.
type Thread struct {
	ID     int // from 1
	Loop   *loop.Loop
	Shared *Shared

	Fronts    []Front
	Backs     []Back
	Servers   []ServerSide
	Process   stats.Process
	Listeners []ListenerSide

	bufs  bufferPool
	pipes pipePool
	head  []byte // heads are written here before they are sent
	// The message at hand. What it holds are pieces of the buffer it was parsed in,
	// the loop's scratch buffer most of the time, so it belongs to no stream: what a
	// stream wants to know of it later it copies.
	req       message.Request
	res       message.Response
	acceptors []*acceptor
	clients   clientList
	// connections of clients, those on their way from another thread included.
	connections atomic.Int64
	freeCli     *client
	freeSrv     *serverConn
	freeStr     *stream
	freeExc     *exchange
	// Of the objects in the lists above.
	nCli, nSrv, nStr, nExc count
	sweep                  loop.Timer
	wakeAll                func()
	serial                 uint64 // of streams, for "show sess"
	wall                   wallClock
	rec                    log.Record
}

// Front is a thread's side of one frontend.
type Front struct {
	*Frontend
	C    stats.Frontend
	Sink log.Sink // nil: no logs
}

// Back is a thread's side of one backend.
type Back struct {
	*server.Backend
	C       stats.Backend
	limits  h1.Limits // of responses
	picker  balance.Picker
	version uint64
	usable  []*server.Server
}

// ServerSide is a thread's side of one server.
type ServerSide struct {
	C    stats.Server
	idle idleList
}

// ListenerSide is a thread's side of one listener.
type ListenerSide struct{ C stats.Listener }

// headRoom is the size of the area where heads are written: a head and the
// fields added to it.
const headRoom = 128 << 10

// NewThread makes a thread on its loop. sinks are indexed by proxy; a nil one
// means no logs.
func NewThread(id int, l *loop.Loop, sh *Shared, sinks []log.Sink, listeners int) *Thread {
	t := &Thread{ID: id, Loop: l, Shared: sh, head: make([]byte, 0, headRoom)}
	t.bufs.init(sh.Config.Global.Tune.BufSize)
	t.Fronts = make([]Front, len(sh.Frontends))
	t.Backs = make([]Back, len(sh.Backends))
	for i, f := range sh.Frontends {
		t.Fronts[i].Frontend = f
		if sinks != nil {
			t.Fronts[i].Sink = sinks[i]
		}
	}
	for i, b := range sh.Backends {
		t.Backs[i].Backend = b
		if b != nil {
			tune := &sh.Config.Global.Tune
			t.Backs[i].limits = h1.Limits{
				MaxHead:   tune.BufSize - tune.MaxRewrite,
				MaxFields: tune.HTTPMaxHdr,
				Relaxed:   b.Spec.Options.AcceptInvalidResponse,
			}
			t.Backs[i].picker = balance.New(b.Spec.Balance)
		}
	}
	t.Servers = make([]ServerSide, sh.NumSlots)
	t.Listeners = make([]ListenerSide, listeners)
	t.wakeAll = t.wakeAcceptors
	t.wall.set(l.Now())
	sh.threads = append(sh.threads, t)
	l.SetTimer(&t.sweep, l.Now()+int64(sweepInterval), (*sweeper)(t))
	return t
}

// pick chooses a server of the backend and takes a slot of it. nil with none
// true means that no server is usable, otherwise that all are full.
func (b *Back) pick(avoid *server.Server) (s *server.Server, none bool) {
	if v := b.Version(); v != b.version {
		b.version = v
		b.usable = b.Usable(b.usable[:0])
		b.picker.Build(b.usable)
	}
	if len(b.usable) == 0 {
		return nil, true
	}
	return b.picker.Pick(avoid), false
}

// wallClock turns the loop's monotonic time into dates. It is set anew every
// second, so that a stepped system clock shows in the logs as it should.
type wallClock struct {
	mono int64
	wall time.Time
}

func (w *wallClock) set(now int64) { w.mono, w.wall = now, time.Now() }

func (w *wallClock) at(mono int64) time.Time { return w.wall.Add(time.Duration(mono - w.mono)) }

// sweepInterval is how often idle connections are looked over.
const sweepInterval = time.Second

type sweeper Thread

// Expired implements loop.TimerHandler.
func (s *sweeper) Expired(*loop.Timer) {
	t := (*Thread)(s)
	t.Sweep()
	t.Loop.SetTimer(&t.sweep, t.Loop.Now()+int64(sweepInterval), s)
}

// Sweep closes server connections that have been idle for too long, pipes and
// buffers that were not needed, and once the process is stopping client connections that nobody
// uses. The thread does it every second.
func (t *Thread) Sweep() {
	now := t.Loop.Now()
	t.wall.set(now)
	t.purgeIdle(now)
	t.trimPipes()
	t.bufs.trim()
	if t.Shared.Stopping.Load() {
		t.retireIdleClients(now)
	}
}

// ms converts nanoseconds to the milliseconds of logs and counters.
func ms(ns int64) int64 { return ns / int64(time.Millisecond) }
