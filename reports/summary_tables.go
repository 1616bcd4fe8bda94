package reports

import (
	"fmt"
	"strconv"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/internal/tty"
	"bench/reports/series"
	"bench/reports/words"
)

// limits lists the limits, the broken ones first, each with its worst cell.
func (s *summary) limits() {
	all := series.Limits(s.run.Cells)
	if len(all) == 0 {
		return
	}
	shown := all
	if s.width > 0 && len(all) > maxLimits {
		shown = all[:maxLimits-1]
	}
	var rows [][]string
	for i := range shown {
		l := &shown[i]
		o := &l.Worst
		rows = append(rows, []string{words.Objective(o), words.Wanted(o), words.Got(o), words.LimitNote(l, len(s.run.Cells) > 1), o.Verdict})
	}
	s.add("")
	s.addTable([]tty.Column{
		{Head: "limit", Wraps: true, Least: 12}, {Head: "wanted", Right: true}, {Head: "got", Right: true}, {Head: "worst at", Wraps: true, Least: 14}, {},
	}, rows)
	if n := len(all) - len(shown); n > 0 {
		rest := map[string]int{}
		for _, l := range all[len(shown):] {
			rest[l.Worst.Verdict]++
		}
		s.add("and " + strconv.Itoa(n) + " more: " + words.Tally(rest))
	}
}

// phaseLine is one line of the table of phases.
type phaseLine struct {
	name                    string
	n                       uint64
	good                    float64 // per second; negative: not a rate
	p50, p99, p999, maximum float64 // 0: not enough samples
	errors                  string
}

func (s *summary) phases(c *result.Cell) {
	var rows []phaseLine
	for i := range c.Segments {
		g := &c.Segments[i]
		l := phaseLine{
			name: g.Name, n: g.Response.Count, p50: g.Response.P50, p99: g.Response.P99, p999: g.Response.P999, maximum: g.Response.Max,
			errors: words.ErrorMap(g.Failed, g.Errors),
		}
		if g.LengthUs > 0 {
			l.good = float64(g.Good) * 1e6 / float64(g.LengthUs)
		}
		rows = append(rows, l)
	}
	if len(rows) == 0 {
		rows = loadPhases(c)
	}
	rows = append(rows, requestLines(c)...)
	if e, ok := words.AfterEnd(c.Loads); ok {
		rows = append(rows, phaseLine{name: "· " + words.AfterEndName, n: e.Good, good: -1, errors: units.Count(e.Ended - e.Good)})
	}
	if len(rows) == 0 {
		return
	}
	s.add("")
	room := max(3, s.room())
	more := 0
	if len(rows) > room {
		more = len(rows) - room + 1
		rows = rows[:room-1]
	}
	var table [][]string
	for _, r := range rows {
		rate := units.None
		if r.good >= 0 {
			rate = units.Rate(r.good)
		}
		table = append(table, []string{r.name, units.Count(r.n), rate, known(r.p50), known(r.p99), known(r.p999), known(r.maximum), r.errors})
	}
	s.addTable([]tty.Column{
		{Head: "phase", Wraps: true, Least: 12},
		{Head: "n", Right: true},
		{Head: "good/s", Right: true},
		{Head: "p50", Right: true},
		{Head: "p99", Right: true},
		{Head: "p99.9", Right: true},
		{Head: "max", Right: true},
		{Head: "errors", Wraps: true, Least: 12},
	}, table)
	if more > 0 {
		s.add(fmt.Sprintf("and %d more", more))
	}
}

// known prints a latency, or that there were too few samples for it.
func known(us float64) string {
	if us <= 0 {
		return units.None
	}
	return units.Latency(us)
}

// tallyLine is a line of what load agents state, but for the rate.
func tallyLine(name string, t *result.Tally) phaseLine {
	at := latencies(t)
	return phaseLine{
		name: name, n: t.Response.Count, p50: at[0], p99: at[2], p999: at[3], maximum: at[4],
		errors: words.Failures(t.FailuresByCause),
	}
}

// requestLines are the kinds of requests.
func requestLines(c *result.Cell) (rows []phaseLine) {
	for _, k := range requestKinds(c.Loads) {
		l := tallyLine("· "+k.title(len(c.Loads)), k.tally)
		l.good = k.rate()
		rows = append(rows, l)
	}
	return rows
}

// loadPhases are the measured phases as the load agents state them.
func loadPhases(c *result.Cell) []phaseLine {
	var rows []phaseLine
	for i := range c.Loads {
		for j := range c.Loads[i].Phases {
			p := &c.Loads[i].Phases[j]
			if !p.Measured {
				continue
			}
			name := p.Name
			if len(c.Loads) > 1 {
				name = c.Loads[i].Name + " " + p.Name
			}
			l := tallyLine(name, &p.Tally)
			if p.LengthUs > 0 {
				l.good = float64(p.GoodWithin) * 1e6 / float64(p.LengthUs)
			}
			rows = append(rows, l)
		}
	}
	return rows
}

// leftOut speaks of combinations of the matrix that could not be run, and of events that
// could not happen.
func (s *summary) leftOut() {
	l := s.run.LeftOut
	for _, c := range s.run.Cells {
		l = append(l, c.LeftOut...)
	}
	switch len(l) {
	case 0:
	case 1:
		s.add("left out  " + l[0].Name + ": " + l[0].Reason)
	default:
		s.add("left out  " + fmt.Sprintf("%s and %d more: %s", l[0].Name, len(l)-1, l[0].Reason))
	}
}

// leftOutLines is the room for what was left out of a run of one cell.
func (s *summary) leftOutLines() int { return 2 * min(1, len(s.run.Cells[0].LeftOut)) }

// cells is the table of a matrix.
func (s *summary) cells() {
	if len(s.run.Cells) == 0 {
		return
	}
	s.add("")
	s.leftOut()
	shown := s.run.Cells
	if room := max(3, s.room()); s.width > 0 && len(shown) > room {
		shown = shown[:room-1]
	}
	var rows [][]string
	for _, c := range shown {
		var n, failed uint64
		p99, most := 0.0, 0.0
		for j := range c.Loads {
			t := &c.Loads[j].Tally
			n, failed = n+t.Response.Count, failed+t.Failed
			most = max(most, t.Response.Max)
			if result.Enough(0.99, t.Response.Count) {
				p99 = max(p99, t.Response.P99)
			}
		}
		rows = append(rows, []string{c.Name, units.Count(n), known(p99), known(most), units.Count(failed), c.Verdict})
	}
	s.addTable([]tty.Column{
		{Head: "cell", Wraps: true, Least: 24}, {Head: "n", Right: true}, {Head: "p99", Right: true}, {Head: "max", Right: true}, {Head: "errors", Right: true}, {},
	}, rows)
	if n := len(s.run.Cells) - len(shown); n > 0 {
		s.add(fmt.Sprintf("and %d more", n))
	}
}
