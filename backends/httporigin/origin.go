package httporigin

import (
	"crypto/tls"
	"math/rand/v2"
	"os"
	"slices"

	"bench/backends/control"
	"bench/backends/fault"
	"bench/backends/origin"
	"bench/backends/tally"
	"bench/internal/dist"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/tlsio"
)

// Options describe the origins of a process.
type Options struct {
	// Answer is the response to requests whose path says nothing else.
	Answer Answer
	// Check recognises health checks.
	Check Check
	// Limits of connections and requests.
	Limits Limits
	// TLS is what clients are served with; nil: in clear.
	TLS *tls.Config
}

// Config is what the replicas of a process have in common. It is not changed
// once an Origin uses it. It implements origin.Kind.
type Config struct {
	Options

	payload *payload
	path    []byte
	agent   []byte
	method  []byte
	script  map[string]*Scripted
}

// Protocol is the name faults know these origins by.
const Protocol = "http"

// Protocol implements origin.Kind.
func (*Config) Protocol() string { return Protocol }

// OneThread implements origin.Kind: nothing is shared.
func (*Config) OneThread() bool { return false }

// NewConfig completes a configuration. Headers that the origin writes itself
// are errors.
func NewConfig(o Options) (*Config, error) {
	cfg := &Config{Options: o, payload: newPayload()}
	if cfg.Limits.Head == 0 {
		cfg.Limits.Head = loop.ScratchSize
	}
	cfg.path, cfg.agent = []byte(o.Check.Path), []byte(o.Check.Agent)
	switch o.Check.Method {
	case "":
		cfg.method = []byte("OPTIONS")
	case "-":
	default:
		cfg.method = []byte(o.Check.Method)
	}
	var err error
	if cfg.script, err = script(o.Answer.Scripted); err != nil {
		return nil, err
	}
	return cfg, o.Answer.checkFields()
}

// Origin is one replica on one loop. Its methods are for the loop's goroutine.
type Origin struct {
	*origin.Listener
	name     string
	cfg      *Config
	loop     *loop.Loop
	secure   *tlsio.Queue // nil: in clear
	tally    *tally.Sheet
	faults   *fault.Keeper
	force    *fault.Force
	rng      *rand.Rand
	conns    []*conn
	free     []*conn
	parked   []*conn // ready to write but stalled, in order
	prepared preparedSet
	gzips    gzips
	heads    headReader
}

// Start implements origin.Kind.
func (cfg *Config) Start(at *origin.Place) (origin.Replica, error) {
	o := &Origin{
		name: at.Name, cfg: cfg, loop: at.Loop, tally: tally.NewSheet(), rng: dist.NewRand(at.Seed, at.Stream), gzips: gzips{},
	}
	if cfg.TLS != nil {
		o.secure = tlsio.NewQueue(at.Loop)
	}
	o.faults = fault.NewKeeper(at.Loop, o, at.Ledger)
	o.force = o.faults.Force()
	o.prepared.init(at.Name, &cfg.Answer, cfg.payload)
	var err error
	o.Listener, err = origin.Listen(at, cfg.Limits.Backlog, o.open)
	return o, err
}

// Tally implements origin.Replica.
func (o *Origin) Tally() *tally.Sheet { return o.tally }

// Faults implements origin.Replica.
func (o *Origin) Faults() *fault.Keeper { return o.faults }

// ResetCounters implements origin.Replica.
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
	o.Listener.Close()
	for _, c := range slices.Clone(o.conns) {
		c.cut(false)
	}
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
	o.loop.Receive(fd)
	o.tally.Accepted++
	o.tally.Active++
	c.pos = len(o.conns)
	o.conns = append(o.conns, c)
	if o.secure != nil {
		c.tls = o.secure.Server(fd, o.cfg.TLS, c)
	}
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
		o.SetRefused(now.Refused)
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
	for _, c := range o.conns {
		if c.owed {
			c.sayContinue()
		}
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
