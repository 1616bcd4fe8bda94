package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/loadgen"
	"bench/loadgen/abuse"
	"bench/scenarios/conserve"
	"bench/scenarios/format"
)

// abuser is a set of clients that misbehave, in a process of its own. It has no
// priority over others, unlike the loads: what they measure comes first.
type abuser struct {
	set     *format.Abuse
	at      time.Duration // after the start of the loads
	process *proc.Process
	there   int64 // the start of the loads by the clock of its machine
	ready   chan struct{}
	once    sync.Once // of ready

	mu      sync.Mutex
	outcome *result.Abuse
	fault   string
}

// abuseSpec turns a set of the scenario into an order for its agent.
func abuseSpec(s *format.Scenario, a *format.Abuse, targets []string) *abuse.Spec {
	spec := a.Spec(s.Begin(a))
	spec.Targets = targets
	spec.Seed = s.Seed ^ hash(a.Name)
	return &spec
}

// startAbuse starts the clients that misbehave; they wait for their order.
func (c *cell) startAbuse(ctx context.Context) error {
	for i := range c.scenario.Abuse {
		set := &c.scenario.Abuse[i]
		spec := abuseSpec(c.scenario, set, c.targets(set.Target))
		order, err := json.Marshal(spec)
		if err != nil {
			return err
		}
		a := &abuser{set: set, at: c.scenario.Begin(set), ready: make(chan struct{})}
		cpus := or(set.CPUs, c.place.loads)
		on := c.machines.at(set.OnHost, 1)
		if on != nil {
			cpus = set.CPUs // the machine is its own
		}
		a.process, err = c.group.Start(proc.Spec{
			On: processHost(on), Name: "abuse " + set.Name, Args: append(slices.Clone(c.self), "agent", "abuse"),
			Enter: c.network.Node(format.On(set.Node, format.ClientNode)).Enter,
			CPUs:  cpus, StdinPipe: true, Stdout: &proc.LineWriter{Take: a.take},
		})
		if err != nil {
			return err
		}
		c.abusers = append(c.abusers, a)
		if _, err := a.process.Stdin.Write(append(order, '\n')); err != nil {
			return fmt.Errorf("abuse %s: %w: %s", set.Name, err, a.process.Output())
		}
	}
	for _, a := range c.abusers {
		select {
		case <-a.ready:
		case <-a.process.Done():
			return a.err()
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(agentReady):
			return fmt.Errorf("abuse %s is not ready after %v", a.set.Name, agentReady)
		}
	}
	return nil
}

// take sorts what the agent tells.
func (a *abuser) take(text []byte) {
	var line result.AgentLine
	err := json.Unmarshal(text, &line)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		a.fault = fmt.Sprintf("the agent sent a line that cannot be understood: %.80q", text)
	case line.Ready != nil:
		a.once.Do(func() { close(a.ready) })
	case line.Abuse != nil:
		a.outcome = line.Abuse
	case line.Error != "":
		a.fault = line.Error
	}
}

// err is why an agent that has ended has no outcome, nil if it has one.
func (a *abuser) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.fault != "":
		return fmt.Errorf("abuse %s: %s", a.set.Name, a.fault)
	case a.outcome == nil:
		return fmt.Errorf("abuse %s ended without an outcome (%s): %s", a.set.Name, a.process.State(), a.process.Output())
	}
	return nil
}

// beginAbuse gives the sets the common start time, and records each as an event
// when its own time comes.
func (c *cell) beginAbuse(ctx context.Context, workers *sync.WaitGroup, steady func() error) error {
	for _, a := range c.abusers {
		a.there = a.process.At(c.start)
		line, err := json.Marshal(loadgen.Start{StartAt: a.there})
		if err != nil {
			return err
		}
		_, err = a.process.Stdin.Write(append(line, '\n'))
		if err = errors.Join(err, a.process.Stdin.Close()); err != nil {
			return fmt.Errorf("abuse %s: %w", a.set.Name, err)
		}
		workers.Go(func() { c.followAbuse(ctx, a, steady) })
	}
	return nil
}

// followAbuse records a set as an event, and ends the cell if its agent is lost.
func (c *cell) followAbuse(ctx context.Context, a *abuser, steady func() error) {
	planned := c.start + a.at.Nanoseconds()
	if c.clock.sleepUntil(ctx, planned) != nil {
		return
	}
	if err := steady(); err != nil {
		c.fail(err)
		return
	}
	begin := a.at.Microseconds()
	e := abuseEvent(a.set, begin)
	c.begin(&e, begin, begin+a.set.For.Us())
	if on := a.process.Elsewhere(); on != nil {
		c.whenKnown(atTheEnd, func() {
			onAxis := func(us int64) int64 { return (on.Here(a.there+us*1000) - c.start) / 1000 }
			c.mu.Lock()
			defer c.mu.Unlock()
			e.BeginUs, e.EndUs = onAxis(begin), onAxis(begin+a.set.For.Us())
		})
	}
	select {
	case <-ctx.Done():
		return
	case <-a.process.Done():
	}
	if err := a.err(); err != nil {
		c.fail(fail(exitLost, err))
		return
	}
	c.update(&e, func(*result.Event) {})
}

// abuseEvent is the record of a set as an event that begins at a time.
func abuseEvent(a *format.Abuse, at int64) result.Event {
	return result.Event{
		Kind: a.EventKind(), Target: a.Target, Class: format.ClassFault, PlannedUs: at,
		Args: map[string]string{"name": a.Name, "for": a.For.String()},
	}
}

// abuseGrace bounds the wait for an agent whose time is over.
const abuseGrace = 5 * time.Second

// waitAbuse waits until all sets have ended.
func (c *cell) waitAbuse(ctx context.Context) error {
	timer := time.NewTimer(abuseGrace)
	defer timer.Stop()
	for _, a := range c.abusers {
		select {
		case <-a.process.Done():
		case err := <-c.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return fail(exitLost, fmt.Errorf("abuse %s did not end", a.set.Name))
		}
		if err := a.err(); err != nil {
			return fail(exitLost, err)
		}
	}
	return nil
}

// stopAbuse ends the sets before their time; they report what they have.
func (c *cell) stopAbuse(ctx context.Context) {
	for _, a := range c.abusers {
		if a.process.Running() {
			_ = a.process.Signal(syscall.SIGTERM) // it may end at this moment
		}
	}
	for _, a := range c.abusers {
		select {
		case <-a.process.Done():
		case <-ctx.Done():
			a.process.Kill()
		}
	}
}

// collectAbuse takes what the sets report into the record.
func (c *cell) collectAbuse() {
	for _, a := range c.abusers {
		a.mu.Lock()
		if a.outcome != nil {
			c.record.Abuse = append(c.record.Abuse, *a.outcome)
		}
		a.mu.Unlock()
	}
}

// abused is what the sets did to the proxy's frontends.
func (c *cell) abused(frontends map[string]string) (all []conserve.Abuse) {
	for _, a := range c.abusers {
		a.mu.Lock()
		if name := frontends[a.set.Target]; name != "" && a.outcome != nil {
			all = append(all, conserve.Abuse{Frontend: name, Connections: a.outcome.Opened, Requests: a.outcome.Requests})
		}
		a.mu.Unlock()
	}
	return all
}
