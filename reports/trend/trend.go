// Package trend turns a history of runs into words and figures: values in their units,
// changes in a sentence, small lines. It prints them as text; package page draws them.
// Only arithmetic and text layout may enter; where a measure changed is in the record.
package trend

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

// Value prints a value in its unit.
func Value(v float64, unit string) string {
	switch unit {
	case "ratio":
		return units.Number(v) + " ×"
	case "bytes":
		return units.Bytes(v)
	}
	return words.Quantity(v, unit)
}

// Name is that of a measure, without what all measures of latency begin with.
func Name(m *result.HistoryMeasure) string {
	return strings.Replace(series.OneLine(m.Name), "response.", "", 1)
}

// Last is the latest value that is known.
func Last(m *result.HistoryMeasure) string {
	for _, v := range slices.Backward(m.Values) {
		if v != nil {
			return Value(*v, m.Unit)
		}
	}
	return units.None
}

// Word says which way a change went.
func Word(c *result.ChangePoint) string {
	if c.Worse {
		return result.Worse
	}
	return result.Better
}

// By is how much changed: "+30 %".
func By(c *result.ChangePoint) string {
	if c.ChangePercent == nil {
		return "from 0"
	}
	return units.Change(*c.ChangePercent) + " %"
}

// Levels are what a measure went from and to.
func Levels(m *result.HistoryMeasure, c *result.ChangePoint) string {
	return Value(c.Before, m.Unit) + " → " + Value(c.After, m.Unit)
}

// Date of a run.
func Date(r *result.HistoryRun) string {
	day, _, _ := strings.Cut(series.OneLine(r.StartedAt), "T")
	return day
}

// Change is a change with the measure it belongs to.
type Change struct {
	Measure *result.HistoryMeasure
	Point   *result.ChangePoint
	Run     *result.HistoryRun
	Number  int // of the run, from 1
}

// Changes are those of all measures of a group, the latest first, of one run the
// greatest first.
func Changes(g *result.HistoryGroup) []Change {
	var all []Change
	for i := range g.Measures {
		m := &g.Measures[i]
		for j := range m.Changes {
			c := &m.Changes[j]
			all = append(all, Change{m, c, &g.Runs[c.Run], c.Run + 1})
		}
	}
	size := func(c *result.ChangePoint) float64 {
		if c.ChangePercent == nil {
			return math.Inf(1)
		}
		return math.Abs(*c.ChangePercent)
	}
	slices.SortStableFunc(all, func(a, b Change) int {
		return cmp.Or(-cmp.Compare(a.Number, b.Number), -cmp.Compare(size(a.Point), size(b.Point)))
	})
	return all
}

// Sum is a group in a sentence: how many measures changed, and how often.
func Sum(g *result.HistoryGroup) string {
	worse, better, measures, searched := 0, 0, 0, 0
	for i := range g.Measures {
		m := &g.Measures[i]
		if m.Refused == "" {
			searched++
		}
		if len(m.Changes) > 0 {
			measures++
		}
		for j := range m.Changes {
			if m.Changes[j].Worse {
				worse++
			} else {
				better++
			}
		}
	}
	switch {
	case searched == 0:
		return "no measure is known in enough runs to look for changes"
	case worse+better == 0:
		return "no change in " + plural(searched, "measure")
	}
	return fmt.Sprintf("%s in %d of %s: %d worse, %d better", plural(worse+better, "change"), measures, plural(searched, "measure"), worse, better)
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return units.Count(uint64(n)) + " " + what
}

// Machine is where the runs of a group were made.
func Machine(g *result.HistoryGroup) string {
	var parts []string
	for _, p := range []string{g.Host, g.CPU} {
		if p = series.OneLine(p); p != "" {
			parts = append(parts, p)
		}
	}
	if g.CPUs > 0 {
		parts = append(parts, plural(g.CPUs, "processor"))
	}
	if len(parts) == 0 {
		return "unknown machine"
	}
	return strings.Join(parts, ", ")
}

// Span is from when to when: "12 runs, 2026-11-01 to 2026-11-29".
func Span(g *result.HistoryGroup) string {
	text := plural(len(g.Runs), "run")
	if len(g.Runs) == 0 {
		return text
	}
	first, last := Date(&g.Runs[0]), Date(&g.Runs[len(g.Runs)-1])
	if first == last {
		return text + ", " + first
	}
	return text + ", " + first + " to " + last
}

// Hash is that of a scenario, as far as people compare it.
func Hash(g *result.HistoryGroup) string {
	const short = 8
	h := series.OneLine(g.Work)
	return h[:min(len(h), short)]
}

// LeftOut says what does not count: "2 INVALID, 1 unreadable".
func LeftOut(h *result.History) string {
	n := make(map[string]int)
	var order []string
	for i := range h.LeftOut {
		v := cmp.Or(series.OneLine(h.LeftOut[i].Verdict), "unreadable")
		if n[v]++; n[v] == 1 {
			order = append(order, v)
		}
	}
	slices.Sort(order)
	var parts []string
	for _, v := range order {
		parts = append(parts, fmt.Sprintf("%d %s", n[v], v))
	}
	return strings.Join(parts, ", ")
}

// Gaps are the measures of a group of which no value is known, or in which no change was
// looked for, with the reason, each reason once.
func Gaps(g *result.HistoryGroup) []string {
	by := make(map[string][]string)
	var order []string
	for i := range g.Measures {
		m := &g.Measures[i]
		why := m.Refused
		if m.Known() == 0 && m.Unknown != "" {
			why = "not known: " + m.Unknown
		}
		if why = series.OneLine(why); why == "" {
			continue
		}
		if by[why] == nil {
			order = append(order, why)
		}
		name := Name(m)
		if m.Cell != "" {
			name += " " + series.OneLine(m.Cell)
		}
		by[why] = append(by[why], name)
	}
	var all []string
	for _, why := range order {
		if len(by[why]) == len(g.Measures) {
			all = append(all, "no change was looked for: "+why)
			continue
		}
		all = append(all, strings.Join(by[why], ", ")+": "+why)
	}
	return all
}

// leastSpan is the least part of a measure's middle value that its small line spans, so
// that noise does not look like a trend.
const leastSpan = 0.2

// Scale is the range of values that a line of a measure shows.
func Scale(m *result.HistoryMeasure) (low, high float64) {
	var known []float64
	for _, v := range m.Values {
		if v != nil {
			known = append(known, *v)
		}
	}
	if len(known) == 0 {
		return 0, 1
	}
	slices.Sort(known)
	low, high = known[0], known[len(known)-1]
	middle := known[len(known)/2]
	if least := leastSpan * math.Abs(middle); high-low < least {
		add := (least - (high - low)) / 2
		low, high = low-add, high+add
	}
	if high <= low {
		high = low + 1
	}
	return low, high
}

// Spark is a measure as a line of characters, at most so many: a run each, or the
// median of several that follow each other.
func Spark(m *result.HistoryMeasure, columns int, ascii bool) string {
	levels, none := []rune("▁▂▃▄▅▆▇█"), '·'
	if ascii {
		levels, none = []rune("12345678"), '.'
	}
	per := (len(m.Values) + columns - 1) / columns
	low, high := Scale(m)
	var line []rune
	for chunk := range slices.Chunk(m.Values, max(per, 1)) {
		var known []float64
		for _, v := range chunk {
			if v != nil {
				known = append(known, *v)
			}
		}
		if len(known) == 0 {
			line = append(line, none)
			continue
		}
		slices.Sort(known)
		at := (known[(len(known)-1)/2] - low) / (high - low)
		line = append(line, levels[min(max(int(at*float64(len(levels))), 0), len(levels)-1)])
	}
	return string(line)
}
