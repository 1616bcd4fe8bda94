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

	"bench/internal/list"
	"bench/internal/loop"
	"bench/internal/tlsio"
	"bench/proxy/balance"
	"bench/proxy/cache"
	"bench/proxy/compress"
	"bench/proxy/h1"
	"bench/proxy/h2"
	"bench/proxy/hash"
	"bench/proxy/log"
	"bench/proxy/message"
	"bench/proxy/registry"
	"bench/proxy/rule"
	"bench/proxy/script"
	"bench/proxy/server"
	"bench/proxy/service"
	"bench/proxy/spec"
	"bench/proxy/stats"
	"bench/proxy/table"
	"bench/proxy/trace"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// Frontend is the runtime side of a proxy that accepts connections, shared by
// all threads.
type Frontend struct {
	// Constant.

	Spec   *spec.Proxy
	Limits h1.Limits
	// Logs tells whether anything is logged at all.
	Logs bool

	// Atomic.

	Cur     stats.Gauge  // sessions
	Peaks   stats.Peaks  // of the threads' rates
	MaxConn atomic.Int64 // limit in force
	// SessPace holds new sessions to a rate. Where samples ask for rates, ReqPace counts
	// requests.
	SessPace, ReqPace stats.Pace
	// Stopped is set once the frontend was stopped for good.
	Stopped atomic.Bool
}

// Shared is what all threads of an engine have in common.
type Shared struct {
	// Constant once the threads run.

	Config *spec.Config
	Tables []*table.Table // as in the configuration
	// Errors holds the answers the proxy gives itself, by proxy index and status.
	Errors []map[int]*h1.Reply
	// Rules are used instead of those of the configuration, by proxy index; nil: none are.
	Rules  []Rules
	Caches []*cache.Cache
	// Services answer requests inside the engine, by the names that rules use.
	Services map[string]*service.Service
	// Stats is the statistics page; nil: there is none.
	Stats *service.Service
	// Sinks are those of Config.Sinks.
	Sinks []trace.Sink
	// Trace is what is traced; nil: nothing is.
	Trace *trace.Sources
	// Done is closed when the engine has ended; nil: nobody waits for that.
	Done <-chan struct{}
	// PoolFDs is the number of connections above which none are kept idle.
	PoolFDs int64
	threads []*Thread

	// Safe by themselves: their members come and go.

	Frontends registry.List[*Frontend]
	Backends  registry.List[*server.Backend]
	Slots     registry.Slots // of servers, over all backends

	// Atomic, or with locks of their own.

	Conns    stats.Gauge  // client connections in the process
	SrvConns stats.Gauge  // server connections in the process
	Captures Captures     // of invalid messages
	MaxConn  atomic.Int64 // global limit
	Pipes    transport.PipeQuota
	// ConnPace and SessPace hold new connections, and sessions, to a rate.
	ConnPace, SessPace stats.Pace
	// TLSPace holds new connections in TLS to a rate; TLSConns is how many there are, with
	// clients and with servers.
	TLSPace stats.Pace
	// CompressionPace holds what encoders are given to a rate, in KiB.
	CompressionPace stats.Pace
	TLSConns        atomic.Int64
	Stopping        atomic.Bool  // soft stop: answer and close
	StopTime        atomic.Int64 // when Stopping was set, monotonic

	starved atomic.Bool // some acceptor stopped at a limit
}

// Threads are the engine's loops.
func (sh *Shared) Threads() []*Thread { return sh.threads }

// Thread is one event loop with all that it owns.
type Thread struct {
	// Constant.

	ID      int // from 1
	Shared  *Shared
	wakeAll func()
	ruled   bool // there are rules at all

	// Atomic.

	// connections of clients, those on their way from another thread included.
	connections atomic.Int64

	// Of the loop.

	transport.Kit
	// TLS runs the handshakes of the thread.
	TLS *tlsio.Queue

	// What the thread has of its own of each frontend and backend, by the index of the
	// proxy, of each server, by its slot, and of each bind line, by its index.
	Fronts    registry.Table[Front]
	Backs     registry.Table[Back]
	Servers   registry.Table[ServerSide]
	Listeners registry.Table[ListenerSide]
	Process   stats.Process

	head []byte // heads are written here before they are sent
	// The messages at hand, and what came behind the request. What they hold are pieces
	// of the buffer they were parsed in, the loop's scratch buffer most of the time, so
	// they are good for this turn: a stream that has to wait copies them (detach).
	req       message.Request
	res       message.Response
	asking    message.Response // an answer that asks for a password, or to go to a server itself
	arrived   arrival
	acceptors []*acceptor
	clients   list.List[client]
	laned     list.List[client] // those without a connection of their own

	// What is used again in a later turn.
	clis     stock[client]
	srvs     stock[serverConn]
	strs     stock[stream]
	excs     stock[exchange]
	reqs     stock[detached]
	txns     stock[transaction]
	muxes    stock[mux]
	lanes    stock[lane]
	encoders compress.Pool
	load     load
	turns    turns
	trace    *trace.Sources // the engine's
	srvMuxes stock[serverMux]
	srvLanes stock[serverLane]
	// What connections of HTTP/2 work with, of clients and to servers; nil: there was none yet.
	muxWork, srvMuxWork *h2.Workspace

	sweep     loop.Timer
	serial    uint64 // of streams, for "show sess"
	wall      wallClock
	rec       txn.Record
	early     bool // a stream is being logged before its end, earlySent bytes being sent
	earlySent uint64

	// What rules, samples and logs of this thread run with.
	rules    *rule.Runner
	ids      *rule.Runner // of identifiers, which others may ask for; nil: there are none
	farm     farm
	backends map[string]*spec.Proxy // by name, for those that samples name
	scripts  script.Machine         // nil: there are none
	bare     txn.Txn                // of a stream without one, for the moment
	scrap    []byte                 // header fields are changed here
	intro    introduction           // what a server is to learn of a client
	reqTexts [][]byte               // captures, for log lines
	resTexts [][]byte
}

// Front is a thread's side of one frontend.
type Front struct {
	*Frontend
	C    stats.Frontend
	Sink log.Sink // nil: no logs
	// opening is what a connection goes through before it can be used, way how its
	// requests, in TCP mode the connection, get to a backend.
	opening []opening
	way     way
	// http is the way of requests on connections that began in mode tcp.
	http  way
	rules Rules
	page  *page // nil: there is none
	// muxable tells whether clients may begin with HTTP/2, muxSet what they find then.
	muxable bool
	muxSet  h2.Settings

	reqCaptures, resCaptures capturing
	names                    map[string]string // of fields, as clients want them written; nil: as they are
}

// Back is a thread's side of one backend.
type Back struct {
	*server.Backend
	C      stats.Backend
	limits h1.Limits // of responses
	muxSet h2.Settings
	// http and tcp are how requests, and connections in TCP mode, get to a server;
	// back is how responses get to the client.
	http, tcp, back way
	rules           Rules
	page            *page // nil: there is none
	// nameHeader is the field that says which server a request is for, in lower case;
	// nil: none does.
	nameHeader []byte
	names      map[string]string // of fields, as servers want them written; nil: as they are
	cookie     *persisting       // nil: there is none
	picker     balance.Picker
	hasher     balance.Hasher // picker, if it chooses by a hash
	inLine     bool           // balance.Algorithm.InLine
	again      bool           // balance.Algorithm.Again
	version    uint64
	usable     []*server.Server
	// lone is the only server there is to choose, a backup; nil: there are others, or
	// none.
	lone *server.Server
}

// ServerSide is a thread's side of one server.
type ServerSide struct {
	srv *server.Server
	C   stats.Server
	// idle are the idle connections, the most recently used first; muxes those of HTTP/2 that
	// are not idle.
	idle  list.List[serverConn]
	safe  int // of idle
	muxes list.List[serverMux]
}

// ListenerSide is a thread's side of one listener.
type ListenerSide struct{ C stats.Listener }

// headRoom is the size of the area where heads are written: a head and the
// fields added to it.
const headRoom = 128 << 10

// NewThread makes a thread on its loop, with its part of all that is shared so far.
// sinks are indexed by proxy; a nil one means no logs.
func NewThread(id int, l *loop.Loop, sh *Shared, sinks []log.Sink) *Thread {
	t := &Thread{ID: id, Shared: sh, head: make([]byte, 0, headRoom)}
	if t.trace = sh.Trace; t.trace == nil {
		t.trace = trace.New()
	}
	tune := &sh.Config.Global.Tune
	t.TLS = tlsio.NewQueue(l)
	t.TLS.Conns = &sh.TLSConns
	t.TLS.Tracing = tracing(sh.Config)
	t.TLS.Digest = func(b []byte) uint64 { return hash.XXH64(b, 0) }
	t.TLS.MaxRecord = sh.Config.Global.TLS.MaxRecord
	t.Kit.Init(l, tune.BufSize, tune.PipeSize, &sh.Pipes)
	t.encoders.Level = tune.CompLevel
	t.prepareRules()
	for _, f := range sh.Frontends.All() {
		var sink log.Sink
		if sinks != nil {
			sink = sinks[f.Spec.Index]
		}
		t.AddFrontend(f, sink)
	}
	for _, b := range sh.Backends.All() {
		t.AddBackend(b)
	}
	t.wakeAll = t.wakeAcceptors
	t.wall.set(l.Now())
	sh.threads = append(sh.threads, t)
	l.SetTimer(&t.sweep, l.Now()+int64(sweepInterval), (*sweeper)(t))
	return t
}

// wallClock turns the loop's monotonic time into dates. It is set anew every
// second, so that a stepped system clock shows in the logs as it should.
type wallClock struct {
	mono int64
	wall time.Time
}

func (w *wallClock) set(now int64) { w.mono, w.wall = now, loop.Walltime() }

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
	t.Loop.Own()
	now := t.Loop.Now()
	t.wall.set(now)
	t.watchTurns(now)
	t.purgeIdle(now)
	t.Trim()
	for _, w := range []*h2.Workspace{t.muxWork, t.srvMuxWork} {
		if w != nil {
			w.Trim()
		}
	}
	if t.Shared.Stopping.Load() {
		t.retireIdleClients(now)
	}
}

// ms converts nanoseconds to the milliseconds of logs and counters.
func ms(ns int64) int64 { return ns / int64(time.Millisecond) }
