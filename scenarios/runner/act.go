package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"bench/backends/control"
	"bench/chaos/evidence"
	"bench/internal/result"
	"bench/scenarios/driver"
	"bench/scenarios/format"
)

// act carries out one event. An error means that it had no effect.
func (c *cell) act(ctx context.Context, e *result.Event, do *format.Event) error {
	switch do.Do {
	case "proxy.reload":
		return c.reload(ctx, e)
	case "proxy.reloadBroken":
		return c.reloadBroken(ctx, e)
	case "proxy.kill":
		return c.killProxy(ctx, e, do.Args.For.D())
	case "proxy.command":
		return c.command(e, do.Args.Command)
	case "proxy.renew":
		return c.renew(e, do.Args.Certificate)
	}
	if f, err := c.chaosFault(do); f != nil || err != nil {
		if err != nil {
			return err
		}
		return c.inflict(ctx, e, f, do.Args.For.D())
	}
	names, err := c.scenario.Replicas(do.Args.Name)
	if err != nil {
		return err
	}
	var targets []*origin
	for _, o := range c.origins {
		for _, name := range names {
			if o.name == name {
				targets = append(targets, o)
			}
		}
	}
	switch do.Do {
	case "backend.kill":
		return c.kill(ctx, e, targets, do.Args.For.D())
	case "backend.start":
		return c.startAgain(ctx, e, targets)
	}
	return c.fault(ctx, e, targets, do)
}

// reload replaces the proxy's process. The event lasts from the order until
// the new process serves; the old one drains on.
func (c *cell) reload(ctx context.Context, e *result.Event) error {
	old := c.history.latest()
	began := c.sinceStart()
	old.replaced.Store(true)
	g, err := c.driver.Reload(ctx)
	if errors.Is(err, driver.ErrNoReload) || errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		c.fail(proxyFailed(fmt.Errorf("reload: %w", err)))
		return err
	}
	if g == old.Generation {
		old.replaced.Store(false)
		c.begin(e, began, c.sinceStart())
		c.update(e, func(e *result.Event) { e.EndUs = c.sinceStart() })
		return nil
	}
	ready := c.sinceStart()
	n, err := openGeneration(ctx, g, c.driver.StatsSocket(), c.dialStats)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			c.fail(proxyFailed(fmt.Errorf("reload: %w", err)))
		}
		return err
	}
	c.history.add(n)
	c.watchGeneration(ctx, &c.history.wait, n)
	c.begin(e, began, ready)
	c.update(e, func(*result.Event) {})
	c.history.wait.Go(func() {
		old.drain(c.drains)
		if !old.Running() {
			c.update(e, func(e *result.Event) { e.DrainEndUs = c.sinceStart() })
		}
	})
	return nil
}

// reloadBroken orders a reload that must be refused.
func (c *cell) reloadBroken(ctx context.Context, e *result.Event) error {
	began := c.sinceStart()
	if err := c.driver.ReloadBroken(ctx); err != nil {
		return err
	}
	c.begin(e, began, c.sinceStart())
	c.update(e, func(*result.Event) {})
	return nil
}

// killProxy ends the proxy at once, as a crash does, and starts it again after a
// while. What it counted is gone with it.
func (c *cell) killProxy(ctx context.Context, e *result.Event, length time.Duration) error {
	old := c.history.latest()
	old.killed.Store(true)
	old.lose(fmt.Sprintf("process %d was killed, and its counters with it", old.PID))
	began := c.sinceStart()
	old.Process.Kill()
	cert := killed([]<-chan struct{}{old.Process.Done()})
	end := began + length.Microseconds()
	e.Certificate = cert
	c.begin(e, began, end)
	if err := c.clock.sleepUntil(ctx, c.start+end*1000); err != nil {
		return err
	}
	g, err := c.driver.Start(ctx)
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		c.fail(proxyFailed(fmt.Errorf("start after a kill: %w", err)))
		return nil
	}
	n, err := openGeneration(ctx, g, c.driver.StatsSocket(), c.dialStats)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			c.fail(proxyFailed(fmt.Errorf("start after a kill: %w", err)))
		}
		return err
	}
	if old.conn != nil {
		_ = old.conn.Close() // nobody is at the other end
	}
	c.history.add(n)
	c.watchGeneration(ctx, &c.history.wait, n)
	c.update(e, func(e *result.Event) { e.EndUs = c.sinceStart() })
	return nil
}

// command sends a line to the proxy's stats socket. One that the proxy refuses was not
// carried out.
func (c *cell) command(e *result.Event, line string) error {
	g := c.history.latest()
	if g.conn == nil {
		return errors.New("the proxy has no stats socket")
	}
	line, err := c.fill(line)
	if err != nil {
		return err
	}
	answer, err := g.conn.Order(line)
	if err != nil {
		return err
	}
	e.Detail = answer
	now := c.sinceStart()
	c.begin(e, now, now)
	return nil
}

// renew puts a new certificate into the place of one of the proxy's, through its stats
// socket, as an operator does when the old one is about to expire.
func (c *cell) renew(e *result.Event, name string) error {
	g := c.history.latest()
	if g.conn == nil {
		return errors.New("the proxy has no stats socket")
	}
	// Of two at a time one would commit what the other has begun.
	c.renewing.Lock()
	defer c.renewing.Unlock()
	text, err := c.certs.Renewed(name)
	if err != nil {
		return err
	}
	began := c.sinceStart()
	path := c.certs.Path(name)
	if _, err := g.conn.OrderWith("set ssl cert "+path, string(text)); err != nil {
		return err
	}
	if e.Detail, err = g.conn.Order("commit ssl cert " + path); err != nil {
		return err
	}
	c.begin(e, began, c.sinceStart())
	return nil
}

// fault orders a fault of all targets; it ends by itself. What they count meanwhile
// reports whether it had anything to act on.
func (c *cell) fault(ctx context.Context, e *result.Event, targets []*origin, do *format.Event) error {
	action, _ := format.FindAction(do.Do)
	before := readMet(ctx, targets)
	before.requests -= min(before.requests, open(ctx, targets))
	refused := c.attempts(targets)
	args := do.Args
	if args.For == 0 {
		// To the end of the run: also for the answers that come last.
		args.For = format.Duration(time.Duration(c.record.LengthUs-c.sinceStart())*time.Microsecond + settleLimit)
	}
	if args.Records != nil {
		text, err := c.fill(*args.Records)
		if err != nil {
			return err
		}
		args.Records = &text
	}
	if action.Fault == control.Certificate {
		text, err := c.certs.Text(args.Certificate, args.Flaws...)
		if err != nil {
			return err
		}
		args.Certificate = string(text)
	}
	var applied []*control.Applied
	for _, o := range targets {
		if !o.running() {
			return fmt.Errorf("origin %s is not running", o.name)
		}
		a, err := o.fault(ctx, action.Fault, &args)
		if err != nil {
			return err
		}
		applied = append(applied, a)
	}
	begin, end := c.faultTimes(targets, applied)
	c.begin(e, begin, end)
	if slices.ContainsFunc(targets, func(o *origin) bool { return o.host != nil }) {
		c.whenKnown(atTheEnd, func() {
			begin, end := c.faultTimes(targets, applied)
			c.mu.Lock()
			defer c.mu.Unlock()
			e.BeginUs, e.EndUs = begin, end
		})
	}
	_ = c.clock.sleepUntil(ctx, c.start+end*1000) // a run that ends sooner has seen what it has
	var finding result.Finding
	if action.Fault == control.Refuse {
		finding = c.refusedSince(&refused, begin, end)
	} else {
		after := readMet(ctx, targets)
		finding = effect(action.Fault, do.Args.Scope, &before, &after)
	}
	cert := evidence.Certificate("the origin", true, finding)
	c.update(e, func(e *result.Event) { e.Certificate = cert })
	return nil
}

// faultTimes are when the first of some origins began a fault and the last ended it, in the
// time of the run, as far as the clocks of their machines are known.
func (c *cell) faultTimes(targets []*origin, applied []*control.Applied) (begin, end int64) {
	for i, o := range targets {
		from := (o.here(applied[i].BeginNs) - c.start) / 1000
		if i == 0 || from < begin {
			begin = from
		}
		end = max(end, (o.here(applied[i].EndNs)-c.start)/1000)
	}
	return begin, min(end, max(begin, c.record.LengthUs))
}

// kill ends the processes of the targets, and starts them again after a while
// if one is given.
func (c *cell) kill(ctx context.Context, e *result.Event, targets []*origin, length time.Duration) error {
	for _, o := range targets {
		if !o.running() {
			return fmt.Errorf("origin %s is not running", o.name)
		}
	}
	c.askOrigins(ctx) // what these know goes with them
	// Until something starts them again they are gone.
	now := c.sinceStart()
	end := c.record.LengthUs
	if length > 0 {
		end = now + length.Microseconds()
	}
	var done []<-chan struct{}
	for _, o := range targets {
		o.kill()
		p, _ := o.process()
		done = append(done, p.Done())
	}
	e.Certificate = killed(done)
	c.begin(e, now, end)
	if length == 0 {
		return nil
	}
	if err := c.clock.sleepUntil(ctx, c.start+end*1000); err != nil {
		return err
	}
	if err := c.launch(ctx, targets); err != nil {
		c.fail(fail(exitLost, err))
		return nil
	}
	c.update(e, func(e *result.Event) { e.EndUs = c.sinceStart() })
	return nil
}

// startAgain starts killed origins on the addresses they had. The kill is over
// with it.
func (c *cell) startAgain(ctx context.Context, e *result.Event, targets []*origin) error {
	for _, o := range targets {
		if o.running() {
			return fmt.Errorf("origin %s is running already", o.name)
		}
	}
	began := c.sinceStart()
	if err := c.launch(ctx, targets); err != nil {
		return err
	}
	ready := c.sinceStart()
	c.begin(e, began, ready)
	c.update(e, func(*result.Event) {})
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.events {
		if k.Kind == "backend.kill" && k.Target == e.Target && k.BeginUs < began && k.EndUs > ready {
			k.EndUs = ready
		}
	}
	return nil
}

// launch starts origins at once.
func (c *cell) launch(ctx context.Context, targets []*origin) error {
	var mu sync.Mutex
	var all error
	var started sync.WaitGroup
	for _, o := range targets {
		started.Go(func() {
			if err := o.start(ctx); err != nil {
				mu.Lock()
				all = errors.Join(all, err)
				mu.Unlock()
			}
		})
	}
	started.Wait()
	return all
}
