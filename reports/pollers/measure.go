// Package pollers turns what `bench pollers` measured into figures: the measures,
// their spread, and which poller is the best where. It prints them as text; package
// page draws them. Only arithmetic and text layout may enter; it measures nothing.
package pollers

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

// Measure is something pollers are compared by.
type Measure struct {
	Key    string // as in --by
	Name   string
	Higher bool // is better
	Linear bool // has an axis from 0; others have a logarithmic one
	Format func(float64) string
	Tick   func(float64) string
	// value is that of one run; not ok where it has too few samples.
	value func(*result.PollerRun) (v float64, ok bool)
	// single is that of the whole cell, where it was taken once.
	single func(*result.PollerCell) float64
}

// Measures in the order they are shown.
func Measures() []Measure {
	percentile := func(q float64, of func(*result.PollerRun) float64) func(*result.PollerRun) (float64, bool) {
		return func(r *result.PollerRun) (float64, bool) { return of(r), result.Enough(q, r.Requests) }
	}
	latency := func(key string, q float64, of func(*result.PollerRun) float64) Measure {
		return Measure{Key: key, Name: key, Format: units.Latency, Tick: units.LatencyTick, value: percentile(q, of)}
	}
	return []Measure{
		{
			Key: "cpu", Name: "CPU per request", Format: units.Latency, Tick: units.LatencyTick,
			value: func(r *result.PollerRun) (float64, bool) { return r.CPUMicros, true },
		},
		{
			Key: "rate", Name: "requests/s", Higher: true, Linear: true, Format: units.Rate, Tick: units.NumberTick,
			value: func(r *result.PollerRun) (float64, bool) { return r.Rate, true },
		},
		latency("p50", 0.5, func(r *result.PollerRun) float64 { return r.P50Us }),
		latency("p99", 0.99, func(r *result.PollerRun) float64 { return r.P99Us }),
		latency("p99.9", 0.999, func(r *result.PollerRun) float64 { return r.P999Us }),
		{
			Key: "syscalls", Name: "system calls per request", Linear: true, Format: units.Number, Tick: units.NumberTick,
			single: func(c *result.PollerCell) float64 { return c.SyscallsPerRequest },
		},
	}
}

// MeasureNamed finds a measure by its key.
func MeasureNamed(key string) (*Measure, error) {
	var keys []string
	for _, m := range Measures() {
		if m.Key == key {
			return &m, nil
		}
		keys = append(keys, m.Key)
	}
	return nil, fmt.Errorf("there is no measure %q; known are %s", key, strings.Join(keys, ", "))
}

// Estimate is the median of the runs and the interval its true value lies in.
type Estimate struct {
	Value, Low, High float64
	Known            bool
	// Bound reports that the load side was the limit: a rate is at least this.
	Bound bool
}

// Of is the estimate of a cell.
func (m *Measure) Of(c *result.PollerCell) Estimate {
	if m.single != nil {
		v := m.single(c)
		return Estimate{Value: v, Low: v, High: v, Known: v > 0}
	}
	var all []float64
	bound := false
	for i := range c.Runs {
		v, ok := m.value(&c.Runs[i])
		if !ok {
			return Estimate{}
		}
		all = append(all, v)
		bound = bound || c.Runs[i].LoadSide > saturated && c.Runs[i].Subject < saturated
	}
	if len(all) == 0 {
		return Estimate{}
	}
	slices.Sort(all)
	n := len(all)
	k, _ := interval(n)
	return Estimate{Value: (all[(n-1)/2] + all[n/2]) / 2, Low: all[k], High: all[n-1-k], Known: true, Bound: bound && m.Higher}
}

// saturated is the share of a processor above which it was the limit.
const saturated = 0.97

// interval says how many of n sorted runs to leave out at either end so that the
// rest still holds the median with at least 95 %, and with how much it does. With
// fewer than six runs even all of them do not reach that.
func interval(n int) (drop int, coverage float64) {
	// The median lies below the (k+1)th of n runs if at most k of them are below it:
	// a binomial tail.
	tail, term := 0.0, math.Pow(0.5, float64(n))
	for k := 0; 2*k < n; k++ {
		tail += term
		term *= float64(n-k) / float64(k+1)
		c := 1 - 2*tail
		if k > 0 && c < 0.95 {
			break
		}
		drop, coverage = k, max(c, 0)
	}
	return drop, coverage
}

// Coverage is how surely an interval of so many runs holds the true median.
func Coverage(runs int) float64 {
	_, c := interval(runs)
	return c
}

// Figure is a cell as it is shown.
type Figure struct {
	Contestant string
	Estimate   Estimate
	Text       string // the value, or "not run: fd"
	// Ratio is "best", "=" (within the spread of the best), how many times the
	// best it is, or empty where that cannot be said.
	Ratio  string
	Reason string // in full, where it was not run
}

// Figures are those of one row.
func (m *Measure) Figures(row *result.PollerRow) []Figure {
	all := make([]Figure, len(row.Cells))
	best, n := -1, 0
	for i := range row.Cells {
		c := &row.Cells[i]
		f := &all[i]
		f.Contestant, f.Reason = c.Contestant, c.Reason
		if f.Estimate = m.Of(c); !f.Estimate.Known {
			f.Text = units.None
			if c.Reason != "" {
				f.Text = "not run: " + c.Short
			}
			continue
		}
		n++
		f.Text = m.Format(f.Estimate.Value)
		if f.Estimate.Bound {
			f.Text = "≥ " + f.Text
		}
		if best < 0 || m.better(f.Estimate.Value, all[best].Estimate.Value) {
			best = i
		}
	}
	if n < 2 || all[best].Estimate.Bound {
		return all
	}
	b := all[best].Estimate
	overlaps := func(e Estimate) bool { return e.Low <= b.High && e.High >= b.Low }
	alone := !slices.ContainsFunc(all, func(f Figure) bool {
		return f.Estimate.Known && f.Contestant != all[best].Contestant && overlaps(f.Estimate)
	})
	for i := range all {
		f := &all[i]
		switch {
		case !f.Estimate.Known || f.Estimate.Bound:
		case m.single != nil: // no spread is known
			if f.Ratio = ratio(f.Estimate.Value / b.Value); f.Ratio == "1.0" {
				f.Ratio = "="
			}
		case i == best && alone:
			f.Ratio = "best"
		case overlaps(f.Estimate):
			f.Ratio = "="
		default:
			f.Ratio = ratio(f.Estimate.Value / b.Value)
		}
	}
	return all
}

func (m *Measure) better(a, b float64) bool {
	if m.Higher {
		return a > b
	}
	return a < b
}

// ratio has two digits: more would be pretence.
func ratio(v float64) string {
	switch {
	case v >= 10:
		return units.Count(uint64(math.Round(v)))
	case v >= 0.1:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// disturbed is the share of the proxy's processor in the hands of strangers from
// which on the figures of a run are rough.
const disturbed = 0.1

// Problems are reasons to distrust the figures.
func Problems(r *result.Pollers) []string {
	var all []string
	if share := Foreign(r); share > disturbed {
		all = append(all, "other programs used up to "+units.Percent(share)+" of the proxy's processor during a run: these figures are rough")
	}
	for i := range r.Works {
		if failed, sum := failures(&r.Works[i]); failed != "" {
			all = append(all, fmt.Sprintf("%s: failed requests, of %s: %s", series.OneLine(r.Works[i].Name), units.Count(sum), failed))
		}
	}
	return all
}

// failures are the requests of a work that failed, by contestant and cause, and the
// number of all.
func failures(w *result.PollerWork) (text string, all uint64) {
	var parts []string
	by := make(map[string]map[string]uint64)
	var order []string
	for i := range w.Rows {
		for j := range w.Rows[i].Cells {
			c := &w.Rows[i].Cells[j]
			for k := range c.Runs {
				run := &c.Runs[k]
				all += run.Failed + run.Requests
				if run.Failed > 0 && by[c.Contestant] == nil {
					by[c.Contestant] = make(map[string]uint64)
					order = append(order, c.Contestant)
				}
				for cause, n := range run.FailuresByCause {
					by[c.Contestant][cause] += n
				}
			}
		}
	}
	for _, name := range order {
		parts = append(parts, series.OneLine(name)+" "+words.Failures(by[name]))
	}
	return strings.Join(parts, "; "), all
}

// Foreign is the greatest share of the proxy's processor that other programs used in a run.
func Foreign(r *result.Pollers) (most float64) {
	for i := range r.Works {
		for j := range r.Works[i].Rows {
			for k := range r.Works[i].Rows[j].Cells {
				for _, run := range r.Works[i].Rows[j].Cells[k].Runs {
					most = max(most, run.Others)
				}
			}
		}
	}
	return most
}

// Obstacles are the reasons for what was not run, each once, by their short form.
func Obstacles(r *result.Pollers) []string {
	var all []string
	seen := map[string]bool{}
	for i := range r.Works {
		for j := range r.Works[i].Rows {
			for k := range r.Works[i].Rows[j].Cells {
				c := &r.Works[i].Rows[j].Cells[k]
				if c.Reason == "" || seen[c.Short] && c.Short != "not here" || seen[c.Reason] {
					continue
				}
				seen[c.Short], seen[c.Reason] = true, true
				all = append(all, series.OneLine(c.Short+": "+c.Reason))
			}
		}
	}
	return all
}

// Notes say how the figures were taken, in whole sentences.
func Notes(r *result.Pollers) []string {
	loop := "Closed loop: every active connection sends as soon as it is answered, so times include waiting behind one another."
	if r.RatePerSecond > 0 {
		loop = fmt.Sprintf("Open loop: %s requests/s for all; times count from when a request was due.", units.Rate(r.RatePerSecond))
	}
	calls := "System calls were counted for half a second by the kernel's tracepoint, all threads of the proxy, apart from what was timed, because counting slows them; once, so = stands there for the same number to two digits."
	if r.NoSyscalls != "" {
		calls = "System calls were not counted: " + series.OneLine(r.NoSyscalls) + "."
	}
	var interrupted []string
	if r.Interrupted {
		interrupted = []string{"The comparison was interrupted: what is missing was not measured, and the last row rests on fewer runs."}
	}
	return append(interrupted,
		fmt.Sprintf("Median of %d runs of %s each, taken in turns there and back; bars and = stand for an interval that holds the median with %s.",
			r.Runs, units.Trim(units.Latency(r.DurationSeconds*1e6)), units.Percent(Coverage(r.Runs))),
		"best: clear of all others. =: within the spread of the best. Numbers: times the best. ≥: the load side was the limit first.",
		loop,
		calls,
		fmt.Sprintf("Each process may open %s descriptors here; proxy, generator, origin and idle clients are processes of their own. A proxy has one thread and one processor, of which other programs used at most %s in a run.",
			units.Count(r.DescriptorLimit), units.Percent(Foreign(r))),
	)
}
