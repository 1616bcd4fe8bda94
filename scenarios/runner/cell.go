package runner

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"bench/chaos"
	chaosnet "bench/chaos/network"
	"bench/internal/hosts/wire"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/loadgen/fleet"
	"bench/loadgen/workload"
	"bench/netns"
	"bench/reports"
	"bench/scenarios/certmaker"
	"bench/scenarios/driver"
	"bench/scenarios/format"
	"bench/scenarios/objective"
)

// cell is one combination of the matrix while it runs.
type cell struct {
	scenario *format.Scenario
	self     []string
	journal  *chaos.Journal
	group    *proc.Group
	out      *folder
	live     reports.Live
	ports    *ports
	allowed  []int
	clock    clock
	record   *result.Cell
	// keep writes the record that stays if the run is killed.
	keep func(events []result.Event) error

	index, count int
	fresh        bool // the proxy's program is copied

	dir        string // sockets and configuration
	certs      *certmaker.Maker
	build      string // of this program
	hub        *wire.Address
	only       []string       // machines that it may use; none is all
	claims     *claims        // of the machines that cells beside it have
	machines   *machines      // nil: everything is on this one
	network    *netns.Network // nil: everything is on the loopback
	wires      *chaosnet.Network
	faults     faults
	place      *placement
	objectives []judged
	altered    uint64 // requests that were not what was sent when origins received them
	steady     *judged
	origins    []*origin
	listeners  map[string]string // addresses of {{bind}} as targets name them
	config     string
	// fill fills in a template, once the addresses are known.
	fill   func(text string) (string, error)
	driver driver.Driver
	// companions are the proxies beside the one under test.
	companions []*companion
	// dialStats connects to the stats sockets of the proxy.
	dialStats dialStats
	history   *history
	agents    []*fleet.Fleet
	abusers   []*abuser
	start     int64 // origin of time, monotonic nanoseconds
	// drains is how long replaced proxies are followed: past the loads, to
	// the end of their sessions.
	drains     context.Context
	watch      stepWatch
	upstreams  *upstreams
	usage      *usage
	conditions *conditions
	// probe watches a trial of a search for the capacity; nil in all other runs.
	probe   *probe
	waits   []result.Wait     // that objectives know of
	aborted *result.Objective // that ended the run

	// acting are the events that go on.
	acting   sync.WaitGroup
	renewing sync.Mutex // held by who puts a certificate into the place of another

	// failed takes the first reason to end the cell before its time.
	failed chan error

	mu        sync.Mutex
	intervals []result.Interval
	late      []late                     // that wait for the clocks of other machines
	failures  map[string]map[uint64]bool // ids of failed requests by load
	receipts  []result.OriginCount       // what origins have told, as it came
	events    []*result.Event
}

// judged is an objective and its parsed parts.
type judged struct {
	text   format.Objective
	expr   *objective.Expr
	window *objective.Window
}

// Bounds of the steps of a cell.
const (
	agentReady = 15 * time.Second
	// leadTime is between the order to begin and the begin: agents must have
	// read it by then.
	leadTime = 300 * time.Millisecond
	// healthyLimit bounds the wait for the proxy's health checks.
	healthyLimit = 15 * time.Second
	// settleLimit bounds the wait for sessions to end after the loads.
	settleLimit = 15 * time.Second
	// agentGrace is how long after the last time-out an agent may still be.
	agentGrace = 10 * time.Second
	// undoGrace is how long a process gets to end by itself.
	undoGrace = 2 * time.Second
)

// run carries the cell out and judges it. An error is a reason to end the
// whole run; what was measured is in the record all the same.
func (c *cell) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.drains = ctx
	c.failed = make(chan error, 1)
	c.history = &history{}
	c.failures = map[string]map[uint64]bool{}
	c.record.Phases = c.scenario.Timeline()
	c.record.LengthUs = c.scenario.Length().Microseconds()
	defer func() {
		if lost := c.machines.lost(err != nil && !interrupted(err)); lost != nil {
			err = fail(exitLost, lostError{lost}) // whatever followed from it
		}
		if err != nil {
			if c.start > 0 {
				c.stopLoads()
				c.collect()
			}
			c.record.Verdict, c.record.Reason = result.Partial, firstLine(err)
			if interrupted(err) {
				c.record.Reason = interruptedReason
			}
			if Code(err) == exitFail {
				c.record.Verdict = result.Fail
				c.record.Objectives = append(c.record.Objectives, *c.aborted)
			}
		}
		c.undo()
		c.live.End(c.record)
	}()
	if err := c.parse(); err != nil {
		return fail(exitUsage, err)
	}
	if err := c.setUp(ctx); err != nil {
		return err
	}
	if err := c.measure(ctx); err != nil {
		return err
	}
	c.conclude(ctx)
	return nil
}

// parse reads the objectives, which validation has found sound.
func (c *cell) parse() error {
	read := func(o format.Objective) (judged, error) {
		expr, window, err := c.scenario.ParseObjective(o)
		return judged{o, expr, window}, err
	}
	for _, o := range c.scenario.Judged() {
		j, err := read(o)
		if err != nil {
			return err
		}
		c.objectives = append(c.objectives, j)
	}
	if c.scenario.SteadyState != "" {
		j, err := read(format.Objective{Expr: c.scenario.SteadyState})
		if err != nil {
			return err
		}
		c.steady = &j
	}
	return nil
}

// setUp starts everything and waits until it serves.
func (c *cell) setUp(ctx context.Context) (err error) {
	if c.place, err = place(c.scenario, c.allowed); err != nil {
		return fail(exitUsage, err)
	}
	c.record.Warnings = append(c.record.Warnings, c.place.warnings...)
	if len(c.scenario.Backends) == 0 {
		c.record.Warnings = append(c.record.Warnings,
			"there are no backends: what the proxy's servers receive is compared with nothing, and integrity is not checked")
	}
	if c.watch, err = newStepWatch(); err != nil {
		return fail(exitLost, err)
	}
	if c.dir, err = c.group.Dir("bench-run-"); err != nil {
		return fail(exitLost, err)
	}
	c.certs = certmaker.New(c.dir)
	if err := c.takeMachines(ctx); err != nil {
		return err
	}
	if err := c.layNetwork(); err != nil {
		return err
	}
	// The proxy's configuration is checked before anything is started: it is
	// what is wrong most often.
	if err := c.planOrigins(); err != nil {
		return fail(exitLost, err)
	}
	if err := c.prepareProxy(ctx); err != nil {
		return err
	}
	if err := c.checkPorts(); err != nil {
		return fail(exitUsage, err)
	}
	if err := c.prepareCompanions(ctx); err != nil {
		return err
	}
	if err := c.startOrigins(ctx); err != nil {
		return fail(exitLost, err)
	}
	if err := c.startProxy(ctx); err != nil {
		return err
	}
	if err := c.startCompanions(ctx); err != nil {
		return err
	}
	c.live.Begin(c.planned(c.record.Proxy.Version))
	c.live.Message("waiting for health checks")
	if err := c.healthy(ctx); err != nil {
		return err
	}
	c.live.Message("starting loads")
	if err := c.startAgents(ctx); err != nil {
		return fail(exitLost, err)
	}
	return c.baseline()
}

// baseline notes what the proxy has counted before the loads begin: one that runs
// already has a history.
func (c *cell) baseline() error {
	g := c.history.latest()
	if err := g.baseline(); err != nil {
		return fail(exitProxy, c.ended(g, err))
	}
	return nil
}

// isOrigin reports whether an address is that of an origin of this run.
func (c *cell) isOrigin(addr string) bool {
	return slices.ContainsFunc(c.origins, func(o *origin) bool { return o.addr == addr })
}

// planOrigins gives every origin an address.
func (c *cell) planOrigins() error {
	for i := range c.scenario.Backends {
		b := &c.scenario.Backends[i]
		for n := 1; n <= b.Replicas; n++ {
			addr, err := c.originAddr(b, n)
			if err != nil {
				return err
			}
			o, err := newOrigin(c.group, c.self, b, n, addr, c.dir, c.scenario.Seed, or(b.CPUs, c.place.origins), c.certs)
			if err != nil {
				return err
			}
			if h := c.machines.at(b.OnHost, n); h != nil {
				o.moveTo(h)
			}
			o.enter = c.network.Node(format.On(b.Node, format.OriginNode)).Enter
			c.origins = append(c.origins, o)
		}
	}
	return nil
}

func (c *cell) startOrigins(ctx context.Context) error {
	errs := make(chan error, len(c.origins))
	for _, o := range c.origins {
		if o.backend.Kind == "dns" {
			records, err := c.fill(o.backend.DNS.Records)
			if err != nil {
				return err
			}
			o.args = append(o.args, dnsArgs(records)...)
		}
	}
	for _, o := range c.origins {
		go func() { errs <- o.start(ctx) }()
	}
	var all error
	for range c.origins {
		all = errors.Join(all, <-errs)
	}
	return all
}

func (c *cell) startAgents(ctx context.Context) error {
	sink := &lineSink{interval: c.tookInterval, progress: c.live.Progress, failure: c.tookFailure}
	for i := range c.scenario.Load {
		l := &c.scenario.Load[i]
		cpus := or(l.CPUs, c.place.loads)
		spec, err := loadSpec(c.scenario, l, c.targets(l.Target), c.certs)
		if err != nil {
			return err
		}
		first := realTime(l, cpus, c.place.proxy)
		if l.OnHost != "" && c.machines != nil {
			cpus, first = l.CPUs, l.Arrival != "closed" // the machine is its own
		} else if first && maySpin(c.scenario.Load, cpus) {
			spec.SpinUs, spec.SpinShare = workload.AutoSpin, spinShare
		}
		a, err := fleet.Start(spec, &fleet.Options{
			Group: c.group, Self: c.self, Processes: l.Processes, CPUs: cpus,
			Nice: niceness, RealTime: first, Sink: sink.take, Hosts: c.machines.all(l.OnHost),
			Enter: c.network.Node(format.On(l.Node, format.ClientNode)).Enter,
		})
		if err != nil {
			return err
		}
		c.agents = append(c.agents, a)
	}
	for _, a := range c.agents {
		if err := a.WaitReady(ctx, agentReady); err != nil {
			return err
		}
	}
	return c.startAbuse(ctx)
}

// targets are the addresses a load speaks to.
func (c *cell) targets(target string) []string {
	name, ok := strings.CutPrefix(target, "origin/")
	if !ok {
		return []string{c.listeners[target]}
	}
	var all []string
	for _, o := range c.origins {
		if o.backend.Name == name {
			all = append(all, o.addr)
		}
	}
	return all
}

// fail ends the cell; the first reason counts.
func (c *cell) fail(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

// undo ends everything the cell has started and removes its directory.
func (c *cell) undo() {
	ctx, cancel := context.WithTimeout(context.Background(), undoGrace)
	defer cancel()
	for _, a := range c.agents {
		a.Kill()
	}
	for _, a := range c.abusers {
		a.process.Kill()
	}
	for _, g := range c.history.list() {
		if g.conn != nil {
			_ = g.conn.Close() // it may have been closed by its drain
		}
	}
	if c.driver != nil {
		c.driver.Stop(ctx)
	}
	for _, own := range c.companions {
		own.stop(ctx)
	}
	c.history.wait.Wait()
	c.endFaults()
	for _, o := range c.origins {
		o.client.Close()
		if p, _ := o.process(); p != nil {
			p.Kill()
		}
	}
	c.leaveMachines()
	c.removeNetwork()
	if c.dir != "" {
		_ = os.RemoveAll(c.dir) // the group tries again at its end and reports
	}
}
