// Package engine is the facade of the proxy: from a checked configuration to running
// event loops and back. It wires the rooms below it together and implements
// what the runtime API acts on; the work on connections is in package stream.
//
// The life of an Engine is New, Bind, Start, then SoftStop or HardStop, with
// Done telling the end.
package engine

import (
	"fmt"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/thread"
	"bench/proxy/cache"
	"bench/proxy/certs"
	"bench/proxy/cli"
	"bench/proxy/h1"
	"bench/proxy/log"
	"bench/proxy/lua"
	"bench/proxy/mail"
	"bench/proxy/peering"
	"bench/proxy/resolver"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/stats"
	"bench/proxy/statspage"
	"bench/proxy/stream"
	"bench/proxy/trace"
	"bench/proxy/txn"
)

// Options are what the process adds to the configuration.
type Options struct {
	// Poller is the polling mechanism; "" takes the best one that the
	// configuration allows.
	Poller string
	// MaxConn overrides the global maxconn; 0: the configured value.
	MaxConn int
	// Take returns an already listening descriptor for a bind line, inherited
	// from another process; ok is false if there is none.
	Take func(b *spec.Bind) (fd int, ok bool)
	// Alert receives operational messages, one line each; nil drops them.
	Alert func(level log.Level, msg string)
	// SendListeners passes the listeners to the process at the other end of
	// the connection ("_getsocks" on a stats socket with expose-fd listeners).
	SendListeners func(conn *net.UnixConn, ls []Listener) error
	// Generation is which start of the proxy this is, for the statistics page; nil
	// where nobody knows.
	Generation func() statspage.Generation
	// StartupLogs are the messages of the start so far, for the runtime API.
	StartupLogs func() string
	// Master is the descriptor over which a master passes connections to the runtime API; 0:
	// there is no master.
	Master int
	// Environ is the environment that the configuration has made, for the runtime API;
	// nil: that of the process.
	Environ []string
	// Version and ReleaseDate are what "show info" reports.
	Version, ReleaseDate string
	// Replaces tells that another process ends in favour of this one, and will tell it
	// what its stick tables hold, where they are shared.
	Replaces bool
}

// Listener is one bound address, for handing over to another process.
type Listener struct {
	FD    int
	Bind  *spec.Bind
	Stats bool // a stats socket
}

// Engine is one running proxy.
type Engine struct {
	// Constant after New.

	cfg       *spec.Config
	opt       Options
	shared    *stream.Shared
	threads   []*stream.Thread
	loops     []*loop.Loop
	node      string // name of the machine
	mechanism *poller.Mechanism
	fds       int // descriptors the process may use
	hard      int // connections that allows, as far as configured
	binds     int // bind lines
	maxPipes  int // limit of pipes, and descriptors set aside for them
	senders   []*log.Sender
	peaks     stats.Peaks // of the process, shared by the threads
	messages  *messages
	post      []*mail.Post    // by proxy, nil where no mail is sent
	page      *statspage.Page // nil: no proxy has one
	variables *txn.Names
	rings     *log.Rings
	relays    []*relay
	checks    *checks
	machines  []*lua.Machine // of scripts, by thread; none: there are no scripts
	certs     *certs.Store
	acceptors map[*spec.Bind]*certs.Acceptor
	resolvers []*resolver.Resolver
	profiling atomic.Int32 // a spec.Profiling
	// naming guards followed: servers whose addresses follow their names.
	naming   sync.Mutex
	followed map[followKey]*followed
	ownRings *log.Rings       // the ring for traces; nil: nobody has wanted it yet. Guarded by mu.
	groups   []*peering.Group // by the index of their section
	done     chan struct{}    // closed at the end

	// Set by Bind and Start, constant after that.

	started time.Time
	// startMono is started on the clock of loop.Nanotime.
	startMono int64
	hidden    []*sock.Hidden // bound and not yet published
	api       *cli.Service

	// members is held while servers come, go, enter or leave maintenance, and while
	// the counters of those there are are added up. The loops never take it: whoever
	// holds it may wait for them.
	members sync.Mutex

	// pausing is held while listening sockets are paused, resumed or closed, and
	// taken before mu.
	pausing     sync.Mutex
	peersPaused bool // guarded by it

	// Guarded by mu.

	mu          sync.Mutex
	listeners   []*stream.Listener
	stats       []*statsSocket
	peerSockets []*peerSocket
	paused      map[*stream.Frontend]bool
	serving     bool

	// Guarded by errMu.

	errMu sync.Mutex
	err   error

	// Safe by themselves.

	running   sync.WaitGroup
	events    events
	emptiness emptiness
	stopOnce  sync.Once
	hardOnce  sync.Once
	drained   atomic.Bool
	relayed   atomic.Uint64 // lines of other programs
	teaching  atomic.Int64  // groups that tell the process which replaces this one what they know
}

// New makes the runtime objects of a configuration; nothing is bound yet.
func New(cfg *spec.Config, opt Options) (*Engine, error) {
	e := &Engine{cfg: cfg, opt: opt, done: make(chan struct{}), paused: map[*stream.Frontend]bool{}}
	if e.variables = cfg.Variables; e.variables == nil {
		e.variables = &txn.Names{}
	}
	if e.node = cfg.Global.Node; e.node == "" {
		e.node, _ = os.Hostname()
	}
	sh := &stream.Shared{Config: cfg}
	sh.Errors = make([]map[int]*h1.Reply, len(cfg.Proxies))
	standard := map[int]*h1.Reply{}
	for _, code := range h1.ReplyCodes() {
		standard[code] = h1.StandardReply(code)
	}
	for i, p := range cfg.Proxies {
		replies, err := errorReplies(p, standard, cfg.Global.Tune.BufSize)
		if err != nil {
			return nil, err
		}
		sh.Errors[i] = replies
		if p.Caps&spec.Backend != 0 {
			sh.Backends.Add(p.Name, server.NewBackend(p, &sh.Slots))
		}
		if p.Caps&spec.Frontend != 0 {
			f := &stream.Frontend{Spec: p, Logs: len(p.Logs) > 0, Limits: h1.Limits{
				MaxHead:   cfg.Global.Tune.BufSize - cfg.Global.Tune.MaxRewrite,
				MaxFields: cfg.Global.Tune.HTTPMaxHdr,
				Relaxed:   p.Options.AcceptInvalidRequest, AnyPayload: cfg.Global.AnyPayload,
			}}
			f.SessPace.SetLimit(p.SessRate)
			sh.Frontends.Add(p.Name, f)
		}
	}
	sh.ConnPace.SetLimit(cfg.Global.MaxConnRate)
	sh.SessPace.SetLimit(cfg.Global.MaxSessRate)
	sh.TLSPace.SetLimit(cfg.Global.TLS.MaxRate)
	sh.CompressionPace.SetLimit(cfg.Global.MaxCompRate)
	e.shared, sh.Trace = sh, trace.New()
	e.profiling.Store(int32(cfg.Global.Profiling))
	if err := e.prepareTLS(); err != nil {
		return nil, err
	}
	sh.Done = e.done
	for _, c := range cfg.Caches {
		sh.Caches = append(sh.Caches, cache.New(c))
	}
	e.makeTables()
	e.prepareServices()
	e.rings = log.NewRings(cfg.Rings)
	plans, err := logPlans(cfg, e.rings)
	if err != nil {
		return nil, err
	}
	process, err := log.NewPlan(&cfg.Global, nil, e.rings)
	if err != nil {
		return nil, err
	}
	e.messages = newMessages(process, plans)
	if err := e.openSinks(); err != nil {
		return nil, err
	}
	e.preparePost()
	if err := e.chooseMechanism(); err != nil {
		return nil, err
	}
	if err := e.limits(); err != nil {
		return nil, err
	}
	if err := e.makeRelays(); err != nil {
		return nil, err
	}
	if err := e.makeThreads(plans); err != nil {
		return nil, err
	}
	if err := e.preparePeers(); err != nil {
		return nil, err
	}
	if err := e.prepareScripts(); err != nil {
		return nil, err
	}
	e.prepareResolving()
	if err := e.prepareChecks(); err != nil {
		return nil, err
	}
	if err := e.restoreServers(); err != nil {
		return nil, err
	}
	e.resumeCounters()
	for _, b := range sh.Backends.All() {
		e.emptiness.changed(b) // what has no server from the start has lost none
	}
	return e, nil
}

// CheckStates looks at the files of server states as the start of an engine would, and says
// by alert what that would warn of.
func CheckStates(cfg *spec.Config, alert func(log.Level, string)) error {
	sh := &stream.Shared{Config: cfg}
	e := &Engine{cfg: cfg, opt: Options{Alert: alert}, shared: sh, checks: &checks{}}
	for _, p := range cfg.Proxies {
		if p.Caps&spec.Backend != 0 {
			sh.Backends.Add(p.Name, server.NewBackend(p, &sh.Slots))
		}
	}
	return e.restoreServers()
}

// errorReplies are the standard replies with those of the proxy in their place.
func errorReplies(p *spec.Proxy, standard map[int]*h1.Reply, bufsize int) (map[int]*h1.Reply, error) {
	if len(p.ErrorFiles) == 0 {
		return standard, nil
	}
	replies := make(map[int]*h1.Reply, len(standard))
	maps.Copy(replies, standard)
	for code, raw := range p.ErrorFiles {
		r, err := h1.ParseReply(code, raw, bufsize)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: errorfile for status %d: %w", p.File, p.Line, code, err)
		}
		replies[code] = r
	}
	return replies, nil
}

// reservedFDs is what a process needs besides connections and listeners:
// standard files, pollers, event descriptors, log and stats sockets.
const reservedFDs = 32

// Start runs the loops. The listeners accept from here on.
func (e *Engine) Start() error {
	e.started, e.startMono = time.Now(), loop.Nanotime()
	if err := e.startPeers(); err != nil {
		return err
	}
	for i, t := range e.threads {
		for _, l := range e.listeners {
			if err := t.Listen(l); err != nil {
				return fmt.Errorf("%s: %w", l.Bind.Text, err)
			}
		}
		e.running.Go(func() {
			e.pin(t.ID)
			if err := e.loops[i].Run(); err != nil {
				e.failed(fmt.Errorf("thread %d: %w", t.ID, err))
			}
		})
	}
	e.serving = true
	e.startScripts()
	e.startChecks()
	if e.page != nil {
		go e.page.Watch(e.done)
	}
	go e.sweepTables()
	e.startResolving()
	if err := e.serveStats(); err != nil {
		return err
	}
	for _, r := range e.relays {
		r.start()
	}
	e.rings.Start()
	go func() {
		e.running.Wait()
		for _, s := range e.senders {
			s.Close()
		}
		for _, r := range e.resolvers {
			r.Close()
		}
		for _, g := range e.groups {
			g.Close()
		}
		e.messages.close()
		for _, p := range e.post {
			p.Close()
		}
		for _, r := range e.relays {
			r.end()
		}
		e.rings.Stop()
		close(e.done)
	}()
	return nil
}

// pin keeps the calling goroutine's thread, which its loop will run on, to the CPUs
// that "cpu-map" gives to a thread of the engine; the last word on a thread
// counts. CPUs that the process may not use are no reason not to run.
func (e *Engine) pin(id int) {
	var cpus []int
	for _, m := range e.cfg.Global.CPUMap {
		if slices.Contains(m.Threads, id) {
			cpus = m.CPUs
		}
	}
	if cpus == nil {
		return
	}
	runtime.LockOSThread() // and the loop locks it, too: it is not given back
	if err := thread.Pin(cpus); err != nil {
		e.alert(log.Warning, fmt.Sprintf("cpu-map: thread %d stays free: %v", id, err))
	}
}

// Done is closed when the engine has ended: all sessions finished after a soft
// stop, or at once after a hard one.
func (e *Engine) Done() <-chan struct{} { return e.done }

// Err is why the engine ended by itself, nil after a stop that was asked for.
func (e *Engine) Err() error {
	e.errMu.Lock()
	defer e.errMu.Unlock()
	return e.err
}

func (e *Engine) failed(err error) {
	e.errMu.Lock()
	if e.err == nil {
		e.err = err
	}
	e.errMu.Unlock()
	e.alert(log.Alert, err.Error())
	e.HardStop()
}

// Stopping tells whether a stop has begun.
func (e *Engine) Stopping() bool { return e.shared.Stopping.Load() }

// Jobs is the number of client connections and bound addresses that keep the
// process alive.
func (e *Engine) Jobs() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return int(e.shared.Conns.Load()) + len(e.listeners) + len(e.stats) + len(e.peerSockets)
}

// drainPoll is how often a stopping engine looks whether it is done.
const drainPoll = 10 * time.Millisecond

// SoftStop stops accepting, lets the sessions finish, answers the next request
// of every client with "Connection: close", and ends when nobody is left or
// hard-stop-after has passed.
func (e *Engine) SoftStop() {
	e.stopOnce.Do(func() {
		e.shared.StopTime.Store(loop.Nanotime())
		e.shared.Stopping.Store(true)
		e.closeStats()
		e.closeListeners()
		e.announceStop(nil)
		e.teachPeers()
		go func() {
			var deadline <-chan time.Time
			if d := e.cfg.Global.HardStopAfter; d > 0 {
				deadline = time.After(d)
			}
			tick := time.NewTicker(drainPoll)
			defer tick.Stop()
			for e.shared.Conns.Load() > 0 || e.statsBusy() || e.teaching.Load() > 0 {
				select {
				case <-tick.C:
				case <-deadline:
					e.announceHardStop()
					e.HardStop()
					return
				case <-e.done:
					return
				}
			}
			e.drained.Store(true)
			e.HardStop()
		}()
	})
}

// HardStop ends everything at once.
func (e *Engine) HardStop() {
	e.hardOnce.Do(func() {
		e.shared.Stopping.Store(true)
		e.closeListeners()
		e.stopStats()
		for _, l := range e.loops {
			l.Stop()
		}
		if !e.serving {
			close(e.done)
		}
	})
}

// alertf reports a failure an operator should know of.
func (e *Engine) alertf(format string, args ...any) { e.alert(log.Alert, fmt.Sprintf(format, args...)) }

// alert reports something an operator should know.
func (e *Engine) alert(level log.Level, msg string) {
	if e.opt.Alert != nil {
		e.opt.Alert(level, msg)
	}
}

// onEach runs fn on every thread's loop and waits.
func (e *Engine) onEach(fn func(t *stream.Thread)) {
	for i, t := range e.threads {
		e.loops[i].Call(func() { fn(t) })
	}
}
