package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"bench/internal/result"
	"bench/internal/thread"
	"bench/scenarios/driver"
	"bench/scenarios/format"
	"bench/scenarios/objective"
)

// measure starts the loads, carries out the events and waits for the end.
func (c *cell) measure(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	c.upstreams = newUpstreams()
	c.usage = newUsage(c.allowed)
	c.conditions = newConditions()
	c.compareMachines(ctx) // by which each of their loads is told when to begin
	// The beginning is chosen before the events can refer to it.
	lead := leadTime
	if c.machines != nil {
		lead = leadElsewhere
	}
	c.start = c.clock.now() + lead.Nanoseconds()
	for _, a := range c.agents {
		if err := a.Begin(c.start); err != nil {
			cancel()
			return fail(exitLost, err)
		}
	}
	if c.clock.now() >= c.start {
		cancel()
		return fail(exitUnclear, fmt.Errorf("this machine is too busy: giving the loads the order to begin took longer than %v; %s", lead, quietRemedy))
	}
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	workers.Go(func() { watching(func() { c.sample(ctx) }) })
	workers.Go(func() { watching(func() { c.usage.waits.follow(ctx, c.sinceStart) }) })
	workers.Go(func() { c.announce(ctx) })
	c.watchMachines(ctx, &workers)
	steady := sync.OnceValue(c.checkSteady)
	if err := c.beginAbuse(ctx, &workers, steady); err != nil {
		return fail(exitLost, err)
	}
	carryOut := c.carryOut(ctx, steady)
	workers.Go(func() {
		if err := schedule(ctx, c.clock, c.start, c.scenario.Occurrences(), carryOut); err != nil {
			c.fail(err)
		}
	})
	for i := range c.scenario.Events {
		if e := &c.scenario.Events[i]; e.When != "" {
			workers.Go(func() {
				if err := c.await(ctx, e, carryOut); err != nil {
					c.fail(err)
				}
			})
		}
	}
	watchEnd := c.watchProcesses(ctx, &workers)

	limit := c.scenario.Length() + lead + agentGrace
	for i := range c.scenario.Load {
		limit = max(limit, c.scenario.Length()+lead+agentGrace+c.scenario.Load[i].Timeout.D())
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for _, a := range c.agents {
		select {
		case <-a.Done():
		case err := <-c.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return fail(exitLost, fmt.Errorf("load %s did not end", a.Name()))
		}
	}
	if err := c.waitAbuse(ctx); err != nil {
		return err
	}
	watchEnd()
	select {
	case err := <-c.failed:
		return err
	default:
	}
	for _, a := range c.agents {
		if _, err := a.Outcome(); err != nil {
			return fail(exitLost, err)
		}
	}
	return nil
}

// watching runs what must see the parts of a run when they are kept from running: with
// their priority, where that is allowed.
func watching(f func()) {
	runtime.LockOSThread() // until the goroutine ends: the thread is never used again
	thread.Prompt(true)
	f()
}

// stopLoads ends the loads early; they report what they have.
func (c *cell) stopLoads() {
	c.live.Message("undoing: loads, proxy, origins")
	ctx, cancel := context.WithTimeout(context.Background(), undoGrace)
	defer cancel()
	var all sync.WaitGroup
	for _, a := range c.agents {
		all.Go(func() { a.Interrupt(ctx) })
	}
	all.Go(func() { c.stopAbuse(ctx) })
	all.Wait()
}

// collect takes what the loads report into the record.
func (c *cell) collect() {
	c.awaitEvents()
	c.collectAbuse()
	over, cancel := context.WithTimeout(context.Background(), undoGrace)
	defer cancel()
	for _, a := range c.agents {
		select {
		case <-a.Done():
		case <-over.Done(): // it was killed: the group reports what does not end all the same
		}
		if load, err := a.Outcome(); load != nil {
			if err != nil {
				c.record.Warnings = append(c.record.Warnings, err.Error())
			}
			c.record.Loads = append(c.record.Loads, *load)
		}
	}
	c.placeUntil(atTheEnd)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number()
	for _, e := range c.events {
		c.record.Events = append(c.record.Events, *e)
		c.store(fileEvents, e)
	}
	c.record.Upstreams = c.upstreams.list()
}

// number gives the events their numbers in order of time.
func (c *cell) number() {
	slices.SortStableFunc(c.events, func(a, b *result.Event) int { return cmp.Compare(a.BeginUs, b.BeginUs) })
	for i, e := range c.events {
		e.ID = i + 1
	}
}

// announce tells the live view when a phase begins.
func (c *cell) announce(ctx context.Context) {
	for _, p := range c.record.Phases {
		if c.clock.sleepUntil(ctx, c.start+p.StartUs*1000) != nil {
			return
		}
		c.live.Phase(p)
	}
}

// watchProcesses ends the cell when a process dies that should not. The
// function it returns ends the watch over the loads, whose time is over.
func (c *cell) watchProcesses(ctx context.Context, workers *sync.WaitGroup) func() {
	loads, done := context.WithCancel(ctx)
	for _, a := range c.agents {
		workers.Go(func() {
			select {
			case <-loads.Done():
			case <-a.Done():
				if _, err := a.Outcome(); err != nil {
					c.fail(fail(exitLost, err))
				}
			}
		})
	}
	for _, o := range c.origins {
		workers.Go(func() { c.watchOrigin(ctx, o) })
	}
	c.watchCompanions(ctx, workers)
	c.watchGeneration(ctx, workers, c.history.latest())
	return done
}

// watchOrigin ends the cell when an origin dies that was not killed.
func (c *cell) watchOrigin(ctx context.Context, o *origin) {
	for {
		p, _ := o.process()
		select {
		case <-ctx.Done():
			return
		case <-p.Done():
		}
		if now, wanted := o.process(); wanted && now == p {
			c.fail(fail(exitProxy, &OriginError{o.name, p.State(), p.Output()}))
			return
		}
		// Killed on purpose: wait for the next process of this origin.
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// watchGeneration ends the cell when a proxy process dies: the present one at
// all, one that was replaced with a failure, but for one stopped by a signal.
func (c *cell) watchGeneration(ctx context.Context, workers *sync.WaitGroup, g *generation) {
	workers.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-g.Ended():
		}
		if g.killed.Load() || g.replaced.Load() && (g.Process.ExitCode() == 0 || c.scenario.Proxy.Reload == driver.Restart) {
			return
		}
		c.fail(fail(exitProxy, g.Exit(c.scenario.Proxy.Driver)))
	})
}

// sinceStart is the present time of the run in microseconds.
func (c *cell) sinceStart() int64 { return (c.clock.now() - c.start) / 1000 }

// newEvent is the record of an event before it is carried out.
func newEvent(o format.Occurrence) result.Event {
	action, _ := format.FindAction(o.Event.Do)
	e := result.Event{
		Kind: o.Event.Do, Target: o.Event.Target(), Class: action.Class, PlannedUs: o.At.Microseconds(), Args: o.Event.Args.Texts(),
	}
	return e
}

// begin records an event that takes effect now.
func (c *cell) begin(e *result.Event, beginUs, endUs int64) {
	c.mu.Lock()
	e.Cell, e.Applied, e.BeginUs, e.EndUs = c.record.Name, true, beginUs, endUs
	c.events = append(c.events, e)
	c.number()
	seen := *e
	c.mu.Unlock()
	c.live.Event(seen, false)
}

// update changes a recorded event and tells the live view that it has ended.
func (c *cell) update(e *result.Event, change func(*result.Event)) {
	c.mu.Lock()
	change(e)
	seen := *e
	c.mu.Unlock()
	c.live.Event(seen, true)
}

// notApplied records an event that could not be carried out: the run cannot
// speak of its effect.
func (c *cell) notApplied(e *result.Event, err error) {
	now := c.sinceStart()
	c.mu.Lock()
	e.Cell, e.BeginUs, e.EndUs, e.Detail = c.record.Name, now, now, err.Error()
	c.events = append(c.events, e)
	c.number()
	seen := *e
	c.mu.Unlock()
	c.live.Event(seen, true)
}

// over evaluates an expression over a stretch of the run, in microseconds.
func (c *cell) over(e *objective.Expr, text string, from, to int64) result.Objective {
	c.mu.Lock()
	d := &objective.Data{
		Intervals: slices.Clone(c.intervals), Phases: slices.Clone(c.record.Phases), Receipts: slices.Clone(c.receipts),
	}
	c.mu.Unlock()
	return objective.EvaluateOver(e, objective.Span{From: from, To: to}, text, d)
}

// checkAborts ends the run when an objective that aborts it is broken. What the
// last moments brought is still on its way.
func (c *cell) checkAborts() error {
	for _, j := range c.objectives {
		if !j.text.Abort {
			continue
		}
		o := c.over(j.expr, "so far", 0, c.sinceStart())
		if o.Verdict == result.Fail {
			c.aborted = &o
			return fail(exitFail, fmt.Errorf("aborted: %s is broken", o.Expr))
		}
	}
	return nil
}

// checkSteady judges the measured time before the first event. The slices of
// the last moments are still on their way and not awaited.
func (c *cell) checkSteady() error {
	if c.steady == nil {
		return nil
	}
	o := c.over(c.steady.expr, "before the first event", 0, c.sinceStart())
	c.record.SteadyState = &o
	switch o.Verdict {
	case result.Pass:
		return nil
	case result.Fail:
		return fail(exitUnclear, fmt.Errorf("the steady state %q did not hold before the first event: %v", o.Expr, o.Got))
	}
	return fail(exitUnclear, fmt.Errorf("the steady state %q could not be judged before the first event: %s", o.Expr, o.Reason))
}

// settleShare of the time after the last event is left for the system to come
// back; leastAfter is the least time to judge that by.
const (
	settleShare = 0.5
	leastAfter  = 500_000 // µs
)

// steadyAgain judges the steady state after the last event; it reports false if
// there is none to judge.
func (c *cell) steadyAgain() (result.Objective, bool) {
	last := int64(-1)
	for i := range c.record.Events {
		if e := &c.record.Events[i]; e.Class != format.ClassSeen {
			last = max(last, e.BeginUs, e.EndUs)
		}
	}
	if c.steady == nil || last < 0 {
		return result.Objective{}, false
	}
	from := last + int64(settleShare*float64(c.record.LengthUs-last))
	if c.record.LengthUs-from < leastAfter {
		c.record.Warnings = append(c.record.Warnings, "the steady state was not judged again: the run ends with its last event")
		return result.Objective{}, false
	}
	return c.over(c.steady.expr, "after the last event", from, c.record.LengthUs), true
}

// ends follows the conditions that end repetitions.
func (c *cell) ends() map[*format.Event]*watched {
	all := map[*format.Event]*watched{}
	for i := range c.scenario.Events {
		e := &c.scenario.Events[i]
		if cond, err := format.ParseCondition(e.Until); e.Until != "" && err == nil {
			all[e] = c.conditions.add(cond)
		}
	}
	return all
}

// carryOut returns what is called for each event when it is due.
func (c *cell) carryOut(ctx context.Context, steady func() error) func(format.Occurrence) error {
	ends := c.ends()
	var reload sync.Mutex
	return func(o format.Occurrence) error {
		if err := steady(); err != nil {
			return err
		}
		if w := ends[o.Event]; w != nil && w.was() {
			return nil
		}
		e := newEvent(o)
		// Each event goes on by itself, so that none is late because of the
		// one before it.
		c.acting.Go(func() {
			if strings.HasPrefix(e.Kind, "proxy.reload") || e.Kind == "proxy.kill" {
				reload.Lock()
				defer reload.Unlock()
			}
			if err := c.act(ctx, &e, o.Event); err != nil && !errors.Is(err, context.Canceled) {
				c.notApplied(&e, err)
			}
		})
		return nil
	}
}
