package httporigin

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"bench/backends/control"
	"bench/backends/fault"
	"bench/backends/tally"
	"bench/internal/dist"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
)

// Config is what the replicas of a process have in common. It is not changed
// once an Origin uses it.
type Config struct {
	Answer Answer
	Check  Check
	Limits Limits
	Seed   uint64

	payload *payload
	path    []byte
	agent   []byte
	method  []byte
}

// NewConfig completes a configuration. Headers that the origin writes itself
// are errors.
func NewConfig(a Answer, c Check, l Limits, seed uint64) (*Config, error) {
	cfg := &Config{Answer: a, Check: c, Limits: l, Seed: seed, payload: newPayload()}
	if cfg.Limits.Head == 0 {
		cfg.Limits.Head = loop.ScratchSize
	}
	cfg.path, cfg.agent = []byte(c.Path), []byte(c.Agent)
	switch c.Method {
	case "":
		cfg.method = []byte("OPTIONS")
	case "-":
	default:
		cfg.method = []byte(c.Method)
	}
	return cfg, checkHeaders(a.Headers)
}

// Origin is one replica on one loop. Its methods are for the loop's goroutine.
type Origin struct {
	name     string
	cfg      *Config
	loop     *loop.Loop
	addr     sock.Addr
	listen   sock.ListenOptions
	lfd      int // -1 once closed
	paused   bool
	tally    *tally.Sheet
	faults   *fault.Keeper
	force    *fault.Force
	rng      *rand.Rand
	conns    []*conn
	free     []*conn
	parked   []*conn // ready to write but stalled, in order
	prepared preparedSet
	retry    loop.Timer // of an accept that ran out of descriptors
	more     loop.Task  // accepts left for the next turn
	head     head
}

const (
	// maxAccept bounds the connections taken in one turn of the loop.
	maxAccept = 128
	// acceptRetry is the pause after descriptors ran out.
	acceptRetry = 10 * time.Millisecond
)

// Start listens and serves a replica on l. The stream tells apart the draws of
// several Origins that share a seed.
func Start(l *loop.Loop, name string, addr sock.Addr, reusePort bool, cfg *Config, ledger *fault.Ledger, stream uint64) (*Origin, error) {
	o := &Origin{
		name: name, cfg: cfg, loop: l, addr: addr, tally: tally.NewSheet(),
		listen: sock.ListenOptions{Backlog: cfg.Limits.Backlog, ReusePort: reusePort, NoDelay: true},
		rng:    dist.NewRand(cfg.Seed, stream),
	}
	o.more.R = o
	o.faults = fault.NewKeeper(l, o, ledger)
	o.force = o.faults.Force()
	o.prepared.init(name, &cfg.Answer, cfg.payload)
	drawn, err := o.drawPort()
	if err != nil {
		return nil, fmt.Errorf("origin %s: %w", name, err)
	}
	fd, err := sock.Listen(&o.addr, &o.listen)
	if drawn >= 0 {
		sock.Close(drawn)
	}
	if err != nil {
		return nil, fmt.Errorf("origin %s: %w", name, err)
	}
	o.lfd = fd
	if err := l.Add(fd, poller.In, o); err != nil {
		sock.Close(fd)
		return nil, fmt.Errorf("origin %s: %w", name, err)
	}
	return o, nil
}

// drawPort replaces port 0 by a free one. A listener that asked for a port by
// number keeps it while it refuses connections; one that had it drawn does not.
// The drawing socket is still open when the other is bound, so that nobody else
// can come between; the caller closes it.
func (o *Origin) drawPort() (fd int, err error) {
	if o.addr.IsUnix() || o.addr.AddrPort().Port() != 0 {
		return -1, nil
	}
	o.listen.ReusePort = true
	if fd, err = sock.Listen(&o.addr, &o.listen); err != nil {
		return -1, err
	}
	bound, errno := sock.LocalAddr(fd)
	if errno != 0 {
		sock.Close(fd)
		return -1, fmt.Errorf("reading the address of a listener: %w", errno)
	}
	o.addr = bound
	return fd, nil
}

// Name is the name of the replica.
func (o *Origin) Name() string { return o.name }

// Addr is the address the replica listens on.
func (o *Origin) Addr() sock.Addr { return o.addr }

// Tally are the counters.
func (o *Origin) Tally() *tally.Sheet { return o.tally }

// Faults keeps the faults in force.
func (o *Origin) Faults() *fault.Keeper { return o.faults }

// ResetCounters begins counting afresh; requests under way are counted as
// received by the new count.
func (o *Origin) ResetCounters() {
	o.tally.Reset()
	for _, c := range o.conns {
		if c.pending() {
			c.mark.Received()
		}
	}
}

// Close stops listening and breaks all connections.
func (o *Origin) Close() {
	o.loop.StopTimer(&o.retry)
	o.closeListener()
	for _, c := range slices.Clone(o.conns) {
		c.cut(false)
	}
	if o.addr.IsUnix() && !o.addr.IsAbstract() {
		_ = os.Remove(o.addr.Path())
	}
}

// Ready accepts connections.
func (o *Origin) Ready(poller.Events) { o.accept() }

// Run goes on accepting.
func (o *Origin) Run() { o.accept() }

// Expired tries again after descriptors ran out.
func (o *Origin) Expired(*loop.Timer) { o.accept() }

func (o *Origin) accept() {
	if o.lfd < 0 || o.paused {
		return
	}
	for range maxAccept {
		fd, errno := sock.Accept(o.lfd, nil)
		switch errno {
		case 0:
			o.open(fd)
		case syscall.EAGAIN:
			o.loop.Rearm(o.lfd, poller.In)
			return
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
			o.loop.SetTimer(&o.retry, o.loop.Now()+int64(acceptRetry), o)
			return
		default: // the connection failed before it was accepted
		}
	}
	o.loop.Wake(&o.more)
}

func (o *Origin) open(fd int) {
	if o.force.ResetNew {
		o.tally.Refused++
		sock.SetLinger0(fd)
		sock.Close(fd)
		return
	}
	c := o.take()
	c.fd = fd
	if err := o.loop.Add(fd, poller.In, c); err != nil {
		sock.Close(fd)
		o.free = append(o.free, c)
		return
	}
	o.tally.Accepted++
	o.tally.Active++
	c.pos = len(o.conns)
	o.conns = append(o.conns, c)
	c.idle()
}

// take returns a blank connection, used before if there is one.
func (o *Origin) take() *conn {
	if n := len(o.free); n > 0 {
		c := o.free[n-1]
		o.free = o.free[:n-1]
		return c
	}
	c := &conn{o: o}
	c.task.R = c
	return c
}

// Changed carries out what has changed for the listener and for live
// connections.
func (o *Origin) Changed(was, now *fault.Force) {
	if was.Refused != now.Refused {
		o.setRefused(now.Refused)
	}
	if now.Truncate && !was.Truncate {
		for _, c := range slices.Clone(o.conns) {
			if c.state == writing {
				c.cut(true)
			}
		}
	}
	if was.Stalled && !now.Stalled {
		o.unpark()
	}
	if was.Every != 0 && !now.Stalled {
		for _, c := range slices.Clone(o.conns) {
			if c.state == writing && c.timer.Active() {
				o.loop.StopTimer(&c.timer)
				c.proceed()
			}
		}
	}
}

// unpark lets the answers flow that a stall held back.
func (o *Origin) unpark() {
	ready := o.parked
	o.parked = nil
	for _, c := range ready {
		if c == nil {
			continue
		}
		c.parked = 0
		c.proceed()
	}
}

// ResetLive breaks every open connection with a RST.
func (o *Origin) ResetLive() {
	for _, c := range slices.Clone(o.conns) {
		sock.SetLinger0(c.fd)
		c.cut(false)
	}
}

// Crash ends the process without a farewell.
func (o *Origin) Crash() { os.Exit(control.CrashExitCode) }

// setRefused stops listening, or listens again. A TCP socket keeps its port
// meanwhile; a unix socket has to be made anew.
func (o *Origin) setRefused(refused bool) {
	unix := o.addr.IsUnix()
	if refused {
		o.paused = true
		o.loop.StopTimer(&o.retry)
		if unix {
			o.closeListener()
			return
		}
		o.loop.Remove(o.lfd)
		if err := sock.StopListening(o.lfd); err != nil {
			o.lost(err)
		}
		return
	}
	o.paused = false
	var err error
	if unix {
		o.lfd, err = sock.Listen(&o.addr, &o.listen)
	} else {
		err = sock.ListenAgain(o.lfd, o.listen.Backlog)
	}
	if err == nil {
		err = o.loop.Add(o.lfd, poller.In, o)
	}
	if err != nil {
		o.lost(err)
	}
}

// lost ends the process: an origin that cannot serve any more must not look
// like one that does.
func (o *Origin) lost(err error) {
	fmt.Fprintf(os.Stderr, "bench: origin %s: %v\n", o.name, err)
	os.Exit(1)
}

func (o *Origin) closeListener() {
	if o.lfd >= 0 {
		o.loop.Remove(o.lfd)
		sock.Close(o.lfd)
		o.lfd = -1
	}
}
