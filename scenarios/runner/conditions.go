package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bench/scenarios/format"
	"bench/scenarios/statsock"
)

// conditions follows what the events of a scenario wait for, with each reading
// of the proxy's counters.
type conditions struct {
	mu   sync.Mutex
	all  []*watched
	seen map[rowKey]bool // lines of "show stat"
}

// watched is one condition; held is closed when it has held once.
type watched struct {
	format.Condition
	held chan struct{}
}

func newConditions() *conditions { return &conditions{seen: map[rowKey]bool{}} }

// add follows a condition from now on.
func (c *conditions) add(cond format.Condition) *watched {
	w := &watched{cond, make(chan struct{})}
	c.mu.Lock()
	c.all = append(c.all, w)
	c.mu.Unlock()
	return w
}

// note takes a reading in.
func (c *conditions) note(rows []statsock.Row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range rows {
		r := &rows[i]
		c.seen[rowKey{r.Proxy, r.Server}] = true
		for _, w := range c.all {
			if r.Proxy == w.Proxy && r.Server == w.Server && !w.was() && w.Holds(r.Text(w.Column)) {
				close(w.held)
			}
		}
	}
}

// was reports whether the condition has held.
func (w *watched) was() bool {
	select {
	case <-w.held:
		return true
	default:
		return false
	}
}

// never says why a condition never held.
func (c *conditions) never(w *watched) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.seen) == 0:
		return errors.New("the proxy has no stats socket to read the condition from")
	case !c.seen[rowKey{w.Proxy, w.Server}]:
		return fmt.Errorf("the proxy's counters have no line %s/%s", w.Proxy, w.Server)
	}
	return fmt.Errorf("%s never held", w.Text)
}

// await carries out an event when its condition holds first within its time.
func (c *cell) await(ctx context.Context, do *format.Event, carryOut func(format.Occurrence) error) error {
	from, to := c.scenario.Span(do.In)
	if err := c.clock.sleepUntil(ctx, c.start+from.Nanoseconds()); err != nil {
		return err
	}
	cond, err := format.ParseCondition(do.When)
	if err != nil {
		return fail(exitUsage, err) // validation has read it
	}
	w := c.conditions.add(cond)
	over, cancel := context.WithTimeout(ctx, max(to-time.Duration(c.sinceStart())*time.Microsecond, 0))
	defer cancel()
	select {
	case <-w.held:
		return carryOut(format.Occurrence{Event: do, At: time.Duration(c.sinceStart()) * time.Microsecond})
	case <-over.Done():
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := newEvent(format.Occurrence{Event: do, At: to})
	c.notApplied(&e, c.conditions.never(w))
	return nil
}
