package measures

import (
	"cmp"
	"fmt"
	"slices"

	"bench/internal/result"
	"bench/reports/series"
)

// mostOfOne is how often the same may be done to the same target for each time to be a
// measure of its own. Beyond, the longest recovery of all of them is one.
const mostOfOne = 3

// leastLeftUs is how much of a run must be left after an event for its recovery to be
// told.
const leastLeftUs = 1_000_000

// stepUs is how finely recovery is told: by the slices of the timeline.
const stepUs = 100_000

// recoveries are the times from the end of each event until the system was as before,
// by the definition of the reports. Events are numbered in the order they were planned;
// those that were only seen have no number.
func recoveries(c *series.Cell) []Measure {
	var made []result.Event
	for _, e := range c.Events {
		if e.Class != "seen" {
			made = append(made, e)
		}
	}
	slices.SortStableFunc(made, func(a, b result.Event) int { return cmp.Compare(a.PlannedUs, b.PlannedUs) })
	times := map[string]int{}
	for i := range made {
		times[what(&made[i])]++
	}
	windows := c.Windows(c.Base())
	var all []Measure
	for i := range made {
		e := &made[i]
		m := recovery(c, windows, e)
		if times[what(e)] <= mostOfOne {
			m.Name = fmt.Sprintf("%s %d %s", result.MeasureRecovery, i+1, what(e))
			all = append(all, m)
			continue
		}
		m.Name = fmt.Sprintf("%s %s, longest of %d", result.MeasureRecovery, what(e), times[what(e)])
		if j := slices.IndexFunc(all, func(o Measure) bool { return o.Name == m.Name }); j < 0 {
			all = append(all, m)
		} else {
			all[j] = longer(&all[j], &m)
		}
	}
	return all
}

// what was done, and to what.
func what(e *result.Event) string {
	if e.Target == "" {
		return e.Kind
	}
	return e.Kind + " " + e.Target
}

// recovery after one event. Where the next event came before the system was well again,
// it is the recovery from both.
func recovery(c *series.Cell, windows []series.Window, e *result.Event) Measure {
	m := Measure{Unit: "us", Step: stepUs}
	if !e.Applied {
		return m.unknown("the event was not carried out")
	}
	i := slices.IndexFunc(windows, func(w series.Window) bool {
		return slices.ContainsFunc(w.Events, func(o result.Event) bool {
			return o.Kind == e.Kind && o.Target == e.Target && o.BeginUs == e.BeginUs
		})
	})
	switch {
	case i < 0:
		return m.unknown("nothing was measured after the event")
	case windows[i].RecoveredUs >= 0:
		return m.of(float64(max(0, windows[i].RecoveredUs-e.EndUs)))
	case c.LengthUs-e.EndUs < leastLeftUs:
		return m.unknown("the run ends too soon after the event")
	}
	m.AtLeast = true
	return m.of(float64(c.LengthUs - e.EndUs))
}

// longer is the greater of two recoveries. One that is not known leaves the longest
// unknown.
func longer(a, b *Measure) Measure {
	switch {
	case !a.Known:
		return *a
	case !b.Known || b.Value > a.Value:
		return *b
	}
	return *a
}
