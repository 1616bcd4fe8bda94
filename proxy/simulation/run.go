package simulation

import (
	"crypto/tls"
	"fmt"
	"syscall"
	"time"

	"bench/internal/sock"
	"bench/internal/virtual"
)

// Outcome is what has become of a run.
type Outcome struct {
	// Broken says what should not have happened; empty: all is well.
	Broken []Complaint
	Events uint64
	// Digest is the same where everything that happened was.
	Digest  uint32
	Elapsed time.Duration // in virtual time
	Hits    int           // answers from caches
	Falls   int           // times that checks have taken a server down
}

// Trace is told what happens in a run.
type Trace func(at time.Duration, what string)

// world is a run.
type world struct {
	p       *Plan
	m       *virtual.Machine
	engines []*engine // one, or with a reload the former one, too
	socket  int       // that listens
	books   *books
	clients []*client
	servers []conn          // of origins
	checked []*virtual.End  // connections of checks
	ill     map[int]Illness // servers, from 0
	busy    int             // clients
	calls   uint64
	hits    int // answers from caches
	room    []byte
	trace   Trace
}

// tell adds to the trace.
func (w *world) tell(format string, args ...any) {
	if w.trace != nil {
		w.trace(w.m.Elapsed(), fmt.Sprintf(format, args...))
	}
}

// Run carries a plan out. trace may be nil.
func Run(p *Plan, trace Trace) Outcome {
	return runOn(p, trace, func(m *virtual.Machine) sock.Kernel { return m })
}

// runOn is Run with something between the engine and its machine.
func runOn(p *Plan, trace Trace, kernel func(*virtual.Machine) sock.Kernel) Outcome {
	m := virtual.New(p.Seed)
	m.Unasked, m.Scarce, m.TurnTime, m.Opaque = p.Unasked, p.Scarce, p.Turn, p.TLS || p.Inner
	if trace != nil {
		m.Trace = func(at time.Duration, what string, fd, n int, errno syscall.Errno) {
			text := fmt.Sprintf("%s %d: %d", what, fd, n)
			if errno != 0 {
				text += " " + errno.Error()
			}
			trace(at, text)
		}
	}
	sock.Substitute(kernel(m))
	defer sock.Substitute(nil)
	w := &world{p: p, m: m, books: newBooks(p), ill: map[int]Illness{}, room: make([]byte, 64<<10), trace: trace}
	w.books.tell = w.tell
	w.socket = m.Listen(front)
	if err := w.start(); err != nil {
		return Outcome{Broken: []Complaint{{"start", err.Error()}}}
	}
	if p.Reload > 0 {
		m.After(p.Reload, w.reload)
	}
	for _, v := range p.Moves {
		m.After(v.At, func() {
			w.tell("%s of server %d", v.What, v.Server)
			w.engines[len(w.engines)-1].move(v)
		})
	}
	for i := range len(p.Servers) + added {
		m.Serve(origin(i), func() virtual.Arrival { return w.arrive(i) })
		m.Serve(checkAddress(i), func() virtual.Arrival { return w.arriveCheck(i) })
	}
	for _, s := range p.Spells {
		m.After(s.At, func() { w.fallsIll(s) })
	}
	for i := range p.Clients {
		c := &client{w: w, p: &p.Clients[i], no: i}
		for n := range c.p.Requests {
			c.todo = append(c.todo, &c.p.Requests[n])
		}
		w.clients = append(w.clients, c)
		w.busy++
		m.After(c.p.At, c.begin)
	}
	w.run()
	return Outcome{Broken: w.books.broken, Events: m.Events(), Digest: m.Digest(), Elapsed: m.Elapsed(), Hits: w.hits, Falls: w.books.falls}
}

// start starts an engine.
func (w *world) start() error {
	e, err := start(w.p, w.m, w.books, w.socket)
	if err == nil {
		w.engines = append(w.engines, e)
	}
	return err
}

// reload puts another engine in the place of the first one, which goes when it has done
// what it had begun.
func (w *world) reload() {
	w.tell("reload")
	if err := w.start(); err != nil {
		w.books.complain("%v", err)
		return
	}
	w.engines[0].retire()
}

// secureClient puts TLS on a client's connection, where the plan has it.
func (w *world) secureClient(e *virtual.End) conn {
	if !w.p.TLS {
		return plain{e}
	}
	protocol := "http/1.1"
	if w.p.H2 {
		protocol = "h2"
	}
	return secure(e, tls.Client, &tls.Config{
		InsecureSkipVerify: true, ServerName: "simulation", NextProtos: []string{protocol}, //nolint:gosec // nobody else is here
	})
}

// secureOrigin is secureClient for an origin.
func (w *world) secureOrigin(e *virtual.End) conn {
	id, err := identity()
	if !w.p.Inner || err != nil {
		return plain{e}
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{id.cert}, MinVersion: tls.VersionTLS12}
	if w.p.InnerH2 {
		cfg.NextProtos = []string{"h2"}
	}
	return secure(e, tls.Server, cfg)
}

// arrive decides about a connection to origin i, from 0.
func (w *world) arrive(i int) virtual.Arrival {
	w.connected(i)
	w.calls++
	a := virtual.Arrival{Link: w.p.Link, Actor: w.newOriginConn}
	a.Link.Seed += w.calls
	switch chance := int(mix(a.Link.Seed) % 100); {
	case chance < w.p.Refuse:
		a.Refuse = true
	case chance < w.p.Refuse+w.p.Lose:
		a.Lost = true
	}
	return a
}

// What a run may take: of virtual time, until every client has got what it wanted or
// has been told that it does not, and of events, which are many where a loop turns and
// gets nothing done.
const (
	patience  = time.Hour
	maxEvents = 300_000
	// settling is how long the engine has to give everything back when its peers have
	// gone.
	settling = 3 * time.Minute
)

func (w *world) run() {
	if !w.until(patience, func() bool { return w.busy == 0 }) {
		for _, c := range w.clients {
			if !c.done {
				w.books.complain("client %d waits for ever, for %s", c.no, names(c.asked))
			}
		}
	}
	for _, c := range w.clients {
		if c.e != nil {
			c.e.Close()
		}
		c.done = true
	}
	for _, e := range w.engines {
		e.stopChecks()
	}
	// First with origins that keep their connections open, then without.
	w.until(settling, nil)
	w.left(true)
	for _, s := range w.servers {
		s.Close()
	}
	for _, e := range w.checked {
		e.Close()
	}
	w.until(time.Minute, nil)
	w.left(false)
	for _, e := range w.engines {
		e.hold()
	}
	w.balance()
	for _, e := range w.engines {
		e.stop()
	}
	sock.Close(w.socket)
	if n := w.m.Open(); n > 0 && len(w.books.broken) == 0 {
		w.books.complain("%d descriptors are left", n)
	}
}

// until lets things happen until something is so, which it reports, or so much time has passed.
func (w *world) until(d time.Duration, so func() bool) bool {
	end := w.m.Elapsed() + d
	for w.m.Elapsed() < end {
		if so != nil && so() {
			return true
		}
		more, err := w.m.Step()
		switch {
		case err != nil:
			w.books.complain("%v", err)
			return false
		case w.m.Events() > maxEvents:
			w.books.complain("still at work after %d events", w.m.Events())
			return false
		case !more:
			return false
		}
	}
	return false
}
