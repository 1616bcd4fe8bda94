package runner

import (
	"fmt"
	"slices"

	"bench/internal/result"
)

func (c *cell) tookInterval(i result.Interval) {
	load := c.fleetElsewhere(i.Load)
	if load == nil {
		c.store(fileTimeline, cellLine{c.record.Name, i})
	}
	c.live.Interval(i)
	whole := i
	// Histograms that no window looks at need not be kept: they are most of
	// what a long run would hold in memory.
	if !c.windowsRead("service") {
		i.Service = ""
	}
	if !c.windowsRead("all") {
		i.All = ""
	}
	if load != nil {
		load.Place(&i) // as far as its clocks are known now
	}
	c.mu.Lock()
	n := len(c.intervals)
	c.intervals = append(c.intervals, i)
	c.mu.Unlock()
	if load != nil {
		c.whenKnown(c.start+i.StartUs*1000, func() { c.placeInterval(load, n, &whole) })
	}
}

// windowsRead reports whether an objective reads a series within windows; the
// steady state is one, too.
func (c *cell) windowsRead(series string) bool {
	return c.steady != nil && c.steady.expr.Reads(series) ||
		slices.ContainsFunc(c.objectives, func(o judged) bool { return o.window != nil && o.expr.Reads(series) })
}

func (c *cell) tookFailure(f result.Failure) {
	c.mu.Lock()
	if c.failures[f.Load] == nil {
		c.failures[f.Load] = map[uint64]bool{}
	}
	c.failures[f.Load][f.ID] = true
	c.mu.Unlock()
	if load := c.fleetElsewhere(f.Load); load != nil {
		c.whenKnown(c.start+f.EndedUs*1000, func() {
			load.PlaceFailure(&f)
			c.writeFailure(&f)
		})
		return
	}
	c.writeFailure(&f)
}

func (c *cell) writeFailure(f *result.Failure) {
	c.mu.Lock()
	f.Events = c.near(f.AtUs, f.EndedUs)
	c.mu.Unlock()
	c.store(fileErrors, failureLine{c.record.Name, *f})
}

// cellLine and failureLine are table lines that say which cell they are of.
type cellLine struct {
	Cell string `json:"cell"`
	result.Interval
}

type failureLine struct {
	Cell string `json:"cell"`
	result.Failure
}

// near lists the events a request met: those that were in force between its
// intended start and its end, or had been up to a second before.
func (c *cell) near(from, to int64) []string {
	const after = 1_000_000
	var names []string
	for _, e := range c.events {
		end := max(e.BeginUs, e.EndUs) + after
		if e.EndUs == 0 {
			end = to
		}
		if e.Applied && e.BeginUs <= to && end >= from {
			names = append(names, fmt.Sprintf("%d %s", e.ID, e.Kind))
		}
	}
	return names
}

// store writes a table line; a full disk ends the run.
func (c *cell) store(file string, record any) {
	if err := c.out.line(file, record); err != nil {
		c.fail(fail(exitLost, err))
	}
}
