package runner

import (
	"context"
	"math"
	"slices"

	"bench/internal/result"
	"bench/loadgen/fleet"
)

// late is something whose times are by the clock of another machine. It is put on the axis of
// the run when that clock has been compared with the one here before and after it: between two
// comparisons more is known of it than beyond the last one.
type late struct {
	until int64 // when it was over, by the clock here
	place func()
}

// atTheEnd is for what is placed when nothing more will be learnt of the clocks.
const atTheEnd = math.MaxInt64

// whenKnown has something placed when the clocks are known until then.
func (c *cell) whenKnown(until int64, place func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = append(c.late, late{until, place})
}

// placeUntil places what was over by then.
func (c *cell) placeUntil(known int64) {
	var due []late
	c.mu.Lock()
	c.late = slices.DeleteFunc(c.late, func(l late) bool {
		if l.until > known {
			return false
		}
		due = append(due, l)
		return true
	})
	c.mu.Unlock()
	for _, l := range due {
		l.place()
	}
}

// fleetElsewhere is the load of that name if it is on other machines, nil if it is not.
func (c *cell) fleetElsewhere(load string) *fleet.Fleet {
	for _, a := range c.agents {
		if a.Name() == load && a.Elsewhere() {
			return a
		}
	}
	return nil
}

// placeInterval puts slice n on the axis, and writes it down as a whole.
func (c *cell) placeInterval(load *fleet.Fleet, n int, whole *result.Interval) {
	load.Place(whole)
	c.mu.Lock()
	c.intervals[n].StartUs, c.intervals[n].ShiftUs = whole.StartUs, whole.ShiftUs
	c.mu.Unlock()
	c.store(fileTimeline, cellLine{c.record.Name, *whole})
}

// compareMachines compares the clocks of all machines at this moment.
func (c *cell) compareMachines(ctx context.Context) {
	if c.machines == nil {
		return
	}
	if err := c.machines.session.CompareOnce(ctx); err != nil {
		c.record.Warnings = append(c.record.Warnings, firstLine(err))
	}
}
