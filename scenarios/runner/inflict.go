package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"bench/chaos"
	"bench/chaos/conn"
	"bench/chaos/impair"
	chaosnet "bench/chaos/network"
	"bench/chaos/process"
	"bench/internal/hosts/session"
	"bench/internal/hosts/wire"
	"bench/internal/result"
	"bench/scenarios/format"
)

// faults are those at work, and how many there have been.
type faults struct {
	mu     sync.Mutex
	active []*active
	count  int
}

// active is a fault at work; it ends once.
type active struct {
	fault chaos.Fault
	once  sync.Once
	cert  *result.Certificate
	err   error
}

func (a *active) end() (*result.Certificate, error) {
	a.once.Do(func() { a.cert, a.err = a.fault.End() })
	return a.cert, a.err
}

// chaosFault is the fault that an event orders, nil if the event is another's work.
func (c *cell) chaosFault(e *format.Event) (chaos.Fault, error) {
	action, _ := format.FindAction(e.Do)
	switch {
	case c.scenario.Placed() && c.network == nil && (action.OnWire() || action.OnConnections()):
		return c.portFault(e)
	case action.OnWire():
		return c.wireFault(e)
	case action.OnConnections():
		return c.attack(e)
	case action.OnProcess():
		return c.processFault(e)
	}
	return nil, nil
}

func (c *cell) processFault(e *format.Event) (chaos.Fault, error) {
	places, err := c.pids(e.Args.Name)
	if err != nil {
		return nil, err
	}
	var all several
	for _, at := range places {
		f, err := faultOf(e, at.host, at.pids)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// faultOf is the fault of processes on one machine, nil for this one.
func faultOf(e *format.Event, host *session.Host, pids []int) (chaos.Fault, error) {
	f, local := &wire.Fault{PIDs: pids}, chaos.Fault(nil)
	switch e.Do {
	case "process.stop":
		f.Kind, local = wire.FaultStop, &process.Stop{PIDs: pids}
	case "process.starve":
		f.Kind, f.Share = wire.FaultStarve, *e.Args.Rate
		local = &process.Starve{PIDs: pids, Share: f.Share}
	case "process.limitFiles":
		f.Kind, f.Value = wire.FaultFiles, uint64(*e.Args.Count)
		local = &process.Limit{PIDs: pids, Resource: process.Files, Value: f.Value}
	case "process.limitMemory":
		f.Kind, f.Value = wire.FaultMemory, uint64(*e.Args.Bytes)
		local = &process.Limit{PIDs: pids, Resource: process.Memory, Value: f.Value}
	default:
		return nil, fmt.Errorf("%s has no fault", e.Do)
	}
	if host != nil {
		return host.Fault(f), nil
	}
	return local, nil
}

func (c *cell) wireFault(e *format.Event) (chaos.Fault, error) {
	addr, _, err := c.server(e.Args.Only)
	if err != nil {
		return nil, err
	}
	f := &chaosnet.Fault{Net: c.wires, Order: chaosnet.Order{Mechanism: chaosnet.Mechanism(e.Args.Mechanism)}}
	if e.Do == "network.mtu" {
		side := 0
		if e.Args.Direction == string(impair.DownOnly) {
			side = 1
		}
		f.Order.MTU, f.Place = int(*e.Args.Bytes), c.end(e.Args.Wire, side)
	} else {
		if f.Order.Spec, err = e.Impairment(addr.Port()); err != nil {
			return nil, err
		}
		if f.Place, err = c.wire(e.Args.Wire); err != nil {
			return nil, err
		}
		if f.Order.Mechanism == chaosnet.Auto && c.shared(e.Args.Wire) {
			f.Order.Mechanism = chaosnet.Userspace
		}
	}
	c.faults.mu.Lock()
	c.faults.count++
	f.Order.ID = fmt.Sprintf("%s-%d", strings.ReplaceAll(e.Do, ".", "-"), c.faults.count)
	c.faults.mu.Unlock()
	f.Order.Seed = c.scenario.Seed ^ hash(e.Do)
	if e.Args.Capture {
		f.Order.Capture = c.out.path(fmt.Sprintf("%d-%s.pcapng", c.index+1, f.Order.ID))
	}
	return f, nil
}

// shared reports whether several events happen to a wire. They may overlap, and what
// the kernel drops of the link's frames the link would have to call lost unasked:
// one mechanism then does it all.
func (c *cell) shared(wire string) bool {
	n := 0
	for i := range c.scenario.Events {
		if e := &c.scenario.Events[i]; e.Args.Wire == wire && strings.HasPrefix(e.Do, "network.") && e.Do != "network.mtu" {
			n++
		}
	}
	return n > 1
}

// attack is the fault of an event on connections.
func (c *cell) attack(e *format.Event) (chaos.Fault, error) {
	addr, node, err := c.server(e.Args.Only)
	if err != nil {
		return nil, err
	}
	seed := c.scenario.Seed ^ hash(e.Do)
	length, count := e.Args.For.D(), 0
	if e.Args.Count != nil {
		count = *e.Args.Count
	}
	switch e.Do {
	case "connections.kill":
		place := conn.Place{Namespace: c.network.Node(node).Path()}
		return &conn.Fault{Order: &conn.Kill{Place: place, Port: addr.Port(), End: conn.BothEnds, Share: e.Args.Share, Seed: seed}}, nil
	case "connections.reset":
		r := &conn.Reset{Port: addr.Port(), Count: count, Share: e.Args.Share, Seed: seed, For: length}
		if c.network != nil {
			w, err := c.wire(e.Args.Wire)
			if err != nil {
				return nil, err
			}
			r.Place, r.Other = conn.Place{Namespace: w.Namespace, Interface: w.Wire[0]}, w.Wire[1]
		}
		return &conn.Fault{Order: r}, nil
	}
	host := c.end(e.Args.Wire, 0)
	place := conn.Place{Namespace: host.Namespace, Interface: host.Device}
	if e.Do == "connections.synFlood" {
		return &conn.Fault{Order: &conn.Flood{Place: place, Target: addr, Rate: float64(e.Args.Arrivals), For: length, Seed: seed}}, nil
	}
	return &conn.Fault{Order: &conn.HalfOpen{Place: place, Target: addr, Count: count, For: length, Seed: seed}}, nil
}

// machineProcesses are processes of a machine, which is nil for this one.
type machineProcesses struct {
	host *session.Host
	pids []int
}

// pids are the processes an event means, by their machines.
func (c *cell) pids(name string) ([]machineProcesses, error) {
	names, err := c.scenario.Processes(name)
	if err != nil {
		return nil, err
	}
	if names[0] == format.ProxyName {
		return []machineProcesses{{c.proxyHost(), []int{c.history.latest().PID}}}, nil
	}
	var places []machineProcesses
	for _, o := range c.origins {
		if !slices.Contains(names, o.name) {
			continue
		}
		if !o.running() {
			return nil, fmt.Errorf("origin %s is not running", o.name)
		}
		p, _ := o.process()
		i := slices.IndexFunc(places, func(at machineProcesses) bool { return at.host == o.host })
		if i < 0 {
			i, places = len(places), append(places, machineProcesses{host: o.host})
		}
		places[i].pids = append(places[i].pids, p.PID())
	}
	return places, nil
}

// inflict lets a fault act for a while, or until the end of the run, and keeps
// what it says of itself.
func (c *cell) inflict(ctx context.Context, e *result.Event, f chaos.Fault, length time.Duration) error {
	began := c.sinceStart()
	if err := f.Begin(ctx, c.journal); err != nil {
		return chaos.Explain(e.Kind, err)
	}
	a := &active{fault: f}
	c.faults.mu.Lock()
	c.faults.active = append(c.faults.active, a)
	c.faults.mu.Unlock()
	end := c.record.LengthUs
	if length > 0 {
		end = min(end, began+length.Microseconds())
	} else if e.Kind == "connections.kill" {
		end = c.sinceStart() // done already
	}
	c.begin(e, began, end)
	interrupted := c.clock.sleepUntil(ctx, c.start+end*1000)
	cert, err := a.end()
	if err != nil {
		c.fail(fail(exitLost, fmt.Errorf("%s cannot be undone: %w", e.Kind, err)))
	}
	c.update(e, func(e *result.Event) { e.EndUs, e.Certificate = c.sinceStart(), cert })
	return interrupted
}

// endFaults ends what is still at work when the cell ends before its time.
func (c *cell) endFaults() {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	var errs []error
	for _, a := range slices.Backward(c.faults.active) {
		_, err := a.end()
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		c.record.Warnings = append(c.record.Warnings, "a fault was not undone: "+firstLine(err))
	}
}
