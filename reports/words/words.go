// Package words holds the phrases all surfaces share: how a limit, an event, a
// load or a count of errors is called. Only wording may enter; what is true is
// decided in package series, what it looks like by each surface.
package words

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// Length is the measured time of a cell.
func Length(phases []result.Phase, lengthUs int64) string {
	var us int64
	for _, p := range phases {
		if p.Measured {
			us += p.LengthUs
		}
	}
	if us == 0 {
		us = lengthUs
	}
	if us > 120e6 {
		return units.ClockSeconds(us)
	}
	return units.Latency(float64(us))
}

// Loop says how load arrives: "open loop 300/s", "3 loads, open loop 900/s".
func Loop(loads []result.Load) string {
	if len(loads) == 0 {
		return ""
	}
	open, closed, rate := 0, 0, 0.0
	for i := range loads {
		if loads[i].Arrival == "closed" {
			closed++
		} else {
			open++
		}
		if loads[i].DurationSeconds > 0 {
			rate += float64(loads[i].Requests) / loads[i].DurationSeconds
		}
	}
	loop := "open loop"
	switch {
	case open == 0:
		loop = "closed loop"
	case closed > 0:
		loop = "open and closed loop"
	}
	if len(loads) > 1 {
		loop = strconv.Itoa(len(loads)) + " loads, " + loop
	}
	return loop + " " + units.Rate(rate) + "/s"
}

// Load is Loop with the connections and protocols: "open loop 300/s, 64
// connections, http1".
func Load(loads []result.Load) string {
	text := Loop(loads)
	var protocols []string
	for i := range loads {
		if p := series.OneLine(loads[i].Protocol); p != "" && !slices.Contains(protocols, p) {
			protocols = append(protocols, p)
		}
	}
	if len(loads) == 1 && loads[0].Connections > 0 {
		text += ", " + units.Count(uint64(loads[0].Connections)) + " connections"
	}
	if len(protocols) > 0 {
		text += ", " + strings.Join(protocols, " + ")
	}
	return text
}

// Quantity prints a value in an objective's unit.
func Quantity(v float64, unit string) string {
	switch unit {
	case "us":
		return units.Latency(v)
	case "%":
		return units.Percent(v)
	case "/s":
		return units.Rate(v) + "/s"
	default:
		if v >= 0 && v < 1<<53 && v == float64(uint64(v)) {
			return units.Count(uint64(v)) // a count is exact
		}
		return units.Number(v)
	}
}

// Wanted is a limit: "≤ 50.0 ms".
func Wanted(o *result.Objective) string {
	sign := o.Op
	switch o.Op {
	case "<=":
		sign = "≤"
	case ">=":
		sign = "≥"
	case "==":
		sign = "="
	case "!=":
		sign = "≠"
	}
	return sign + " " + Quantity(o.Wanted, o.Unit)
}

// Got is what an objective got, or that it is not known.
func Got(o *result.Objective) string {
	if !o.Known {
		return "unknown"
	}
	return Quantity(o.Got, o.Unit)
}

// GotWithin is what an objective got, and how well that is known.
func GotWithin(o *result.Objective) string {
	if known := KnownTo(o); known != "" {
		return Got(o) + " (" + known + ")"
	}
	return Got(o)
}

// KnownTo says how well what an objective got is known: "known to ±700 µs"; "" where
// it is exact.
func KnownTo(o *result.Objective) string {
	if by := within(o); o.Known && by > 0 {
		return "known to ±" + Quantity(by, o.Unit)
	}
	return ""
}

// Within is how well the latency of an objective is known, in microseconds; 0 where it
// is exact or no latency.
func Within(o *result.Objective) float64 {
	if o.Unit != "us" || o.Metric == "recovery" {
		return 0
	}
	return within(o)
}

func within(o *result.Objective) float64 {
	if o.Low == nil || o.High == nil {
		return 0
	}
	return max(o.Got-*o.Low, *o.High-o.Got)
}

// Doubts are what a run does not vouch for, in words.
func Doubts(all []result.Doubt) (texts []string) {
	for _, d := range all {
		if d.Concerns == result.ConcernsBounds {
			d.Text += "; limits are judged by how well times are known"
		}
		texts = append(texts, d.Text)
	}
	return texts
}

// Objective is the name of a limit: its measure, and its window if it has one.
func Objective(o *result.Objective) string {
	name := o.Metric
	if name == "" {
		name = o.Expr
	}
	name = strings.TrimPrefix(name, "response.")
	if o.Window != "" {
		name += " in " + o.Window
	}
	return series.OneLine(name)
}

// Worst is when an objective was at its worst, and in which event.
func Worst(events []result.Event, zeroUs int64, o *result.Objective) string {
	if o.WorstUs < 0 || o.Verdict == result.Pass && o.Got == 0 {
		return ""
	}
	text := units.Clock(o.WorstUs - zeroUs)
	i := slices.IndexFunc(events, func(e result.Event) bool { return o.Event != 0 && e.ID == o.Event })
	if i >= 0 {
		text += "  " + Event(&events[i])
	}
	return text
}

// LimitNote says when and where a limit fared worst, and why it could not be
// judged; with several cells also in which one, and how it went in all of them.
func LimitNote(l *series.Limit, several bool) string {
	var parts []string
	if worst := Worst(l.Cell.Events, series.Zero(l.Cell.Phases), &l.Worst); worst != "" {
		parts = append(parts, worst)
	}
	if l.Worst.Reason != "" {
		reason := l.Worst.Reason
		if l.Worst.Verdict == result.Invalid {
			reason, _, _ = strings.Cut(reason, "; ") // its figures stand among the doubts
		}
		parts = append(parts, series.OneLine(reason))
	}
	text := strings.Join(parts, ": ")
	if several {
		if l.Worst.Verdict == result.Pass {
			return Tally(l.Verdicts)
		}
		if text != "" {
			text += ", "
		}
		text += "in " + series.OneLine(l.Cell.Name) + "; " + Tally(l.Verdicts)
	}
	return text
}

// Tally is a count by verdict, the worst first: "3 FAIL, 5 PASS".
func Tally(verdicts map[string]int) string {
	names := slices.Sorted(maps.Keys(verdicts))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(series.Rank(a), series.Rank(b)) })
	var parts []string
	for _, v := range names {
		parts = append(parts, strconv.Itoa(verdicts[v])+" "+v)
	}
	return strings.Join(parts, ", ")
}

// Event is an event in a few words: "fault 1 stall web.1".
func Event(e *result.Event) string {
	word := "event"
	if e.Class == "fault" {
		word = "fault"
	}
	return strings.TrimSpace(series.OneLine(fmt.Sprintf("%s %d %s %s", word, e.ID, Kind(e), e.Target)))
}

// Kind is the kind of an event without its room: "stall" of "backend.stall".
func Kind(e *result.Event) string {
	_, short, found := strings.Cut(e.Kind, ".")
	if !found {
		short = e.Kind
	}
	return series.OneLine(short)
}

// Errors is a count of errors with its greatest classes: "634: 600 5xx proxy,
// 34 reset".
func Errors(e *series.Errors, most int) string {
	total := e.Total()
	list := e.Classes()
	switch len(list) {
	case 0:
		return "0"
	case 1:
		return units.Count(total) + " " + list[0].Name()
	}
	var parts []string
	other := uint64(0)
	for i, c := range list {
		if i < most {
			parts = append(parts, units.Count(e[c])+" "+c.Name())
		} else {
			other += e[c]
		}
	}
	if other > 0 {
		parts = append(parts, units.Count(other)+" other")
	}
	return units.Count(total) + ": " + strings.Join(parts, ", ")
}

// Failures is Errors of counts by cause.
func Failures(byCause map[string]uint64) string {
	var e series.Errors
	for cause, n := range byCause {
		e[series.ClassOf(cause)] += n
	}
	return Errors(&e, 3)
}

// ErrorMap is the total with its most frequent class, by names: "634 5xx proxy".
func ErrorMap(total uint64, byClass map[string]uint64) string {
	if total == 0 {
		return "0"
	}
	best := ""
	for _, name := range slices.Sorted(maps.Keys(byClass)) {
		if best == "" || byClass[name] > byClass[best] {
			best = name
		}
	}
	text := units.Count(total) + " " + series.OneLine(best)
	if len(byClass) > 1 {
		text += " ..."
	}
	return strings.TrimSpace(text)
}

// Recovery is how long after the end of the fault the system was well again.
func Recovery(w *series.Window) string {
	if r := w.RecoveryUs(); r >= 0 {
		return units.Latency(float64(r))
	}
	return "not seen"
}
