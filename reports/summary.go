package reports

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

const (
	summaryLines = 24
	// maxLimits is the room for limits in the summary on a terminal.
	maxLimits = 6
	// maxProblems is the room for what is wrong with the measurement, likewise.
	maxProblems = 3
	// maxBehind is the line behind which no further load is told of that fell behind.
	maxBehind = 4
)

// SummaryOptions choose how the final summary is drawn.
type SummaryOptions struct {
	Color bool // ANSI colours
	ASCII bool // no character beyond ASCII
	// Width of the terminal in cells. 0: not a terminal; then no line is broken
	// and no limit left out.
	Width int
	// Dir is the result folder, as the user named it; may be empty.
	Dir string
	// FileSizes gives the sizes of the written files by name; may be nil.
	FileSizes map[string]int64
}

// Summary is the final summary of a run, the verdict first, the files last: at
// most 24 lines on a terminal, unless it is so narrow or names are so long that
// lines must be broken. Segments appear when Complete has derived them, else the
// phases of the scenario.
func Summary(run *result.Run, o SummaryOptions) string {
	s := summary{style: style{o.Color, o.ASCII}, run: clean(run), sizes: o.FileSizes, dir: o.Dir, width: o.Width}
	s.head()
	s.limits()
	if len(s.run.Cells) == 1 {
		s.integrity(s.run.Cells[0])
		s.counts(s.run.Cells[0])
		s.phases(s.run.Cells[0])
		s.abuse(s.run.Cells[0])
		s.leftOut()
	} else {
		s.cells()
		for _, c := range s.run.Cells {
			if s.integrity(c) {
				break
			}
		}
		for _, c := range s.run.Cells {
			if s.counts(c) {
				break
			}
		}
	}
	s.trust()
	s.files()
	return strings.Join(s.lines, "\n") + "\n"
}

// clean copies a record and makes its texts safe to print.
func clean(run *result.Run) *result.Run {
	out := new(result.Run)
	raw, err := json.Marshal(run)
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil { // a value JSON cannot hold, such as NaN
		out.Verdict, out.Reason, out.Scenario = result.Invalid, "the record cannot be read: "+err.Error(), run.Scenario
	}
	series.Clean(out)
	return out
}

type summary struct {
	style
	run   *result.Run
	sizes map[string]int64
	dir   string
	width int
	lines []string
}

// add appends a line whose first word may name it ("trust  ..."). What does not
// fit goes on below, under the text.
func (s *summary) add(line string) {
	line = strings.TrimRight(s.safe(line), " ")
	if s.width <= 0 || textWidth(line) <= s.width {
		s.append(line)
		return
	}
	hang := len(line) - len(strings.TrimLeft(line, " "))
	if i := strings.Index(line, "  "); i > 0 && i < 8 {
		hang = len(line) - len(strings.TrimLeft(line[i:], " "))
	}
	for i, l := range wrapText(line[hang:], s.width-hang) {
		if i == 0 {
			s.append(line[:hang] + l)
		} else {
			s.append(strings.Repeat(" ", hang) + l)
		}
	}
}

// addTable appends a table.
func (s *summary) addTable(columns []column, rows [][]string) {
	for _, r := range rows {
		for i := range r {
			r[i] = s.safe(r[i])
		}
	}
	for _, l := range layTable(columns, rows, s.width) {
		s.append(l)
	}
}

// append takes a finished line and colours the verdict at its end.
func (s *summary) append(line string) {
	for _, w := range []string{result.Pass, result.Fail, result.Unclear, result.Invalid, result.Partial} {
		if strings.HasSuffix(line, " "+w) {
			line = strings.TrimSuffix(line, w) + s.verdict(w)
		}
	}
	s.lines = append(s.lines, line)
}

// addParts appends texts that belong together, as many to a line as fit.
func (s *summary) addParts(lead string, leadWidth int, parts []string) {
	line, used := lead, leadWidth
	room := 0
	if s.width > 0 {
		room = max(s.width-leadWidth-2, 1)
	}
	for _, text := range parts {
		for _, p := range wrapText(s.safe(text), room) {
			if p == "" {
				continue
			}
			if room > 0 && used > leadWidth && used+2+textWidth(p) > s.width {
				s.lines = append(s.lines, line)
				line, used = strings.Repeat(" ", leadWidth), leadWidth
			}
			line += "  " + p
			used += 2 + textWidth(p)
		}
	}
	s.lines = append(s.lines, line)
}

func (s *summary) head() {
	run := s.run
	parts := []string{run.Scenario}
	if len(run.Cells) == 1 {
		c := run.Cells[0]
		parts = append(parts, strings.TrimSpace(c.Proxy.Driver+" "+c.Proxy.Version), words.Length(c.Phases, c.LengthUs), words.Loop(c.Loads))
	} else {
		parts = append(parts, strconv.Itoa(len(run.Cells))+" cells")
	}
	parts = append(parts, "seed "+strconv.FormatUint(run.Seed, 10))
	s.addParts(s.verdict(run.Verdict), textWidth(run.Verdict), parts)
	for _, c := range run.Cells {
		for _, text := range words.NotCarried(c.Loads) {
			if len(run.Cells) > 1 {
				text = c.Name + ": " + text
			}
			if s.width > 0 && len(s.lines) > maxBehind {
				break
			}
			s.add("      " + text)
		}
	}
	if run.Reason != "" {
		s.add("      " + run.Reason)
	} else if n := len(series.Limits(run.Cells)); n > 0 {
		s.add(fmt.Sprintf("      all %d limits hold", n))
	}
}

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
	s.addTable([]column{
		{head: "limit", wraps: true, least: 12}, {head: "wanted", right: true}, {head: "got", right: true}, {head: "worst at", wraps: true, least: 14}, {},
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
	room := max(3, summaryLines-3-len(s.lines)-1-min(len(c.Abuse), maxAbuse)-2*min(1, len(c.LeftOut))) // head, trust and files
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
	s.addTable([]column{
		{head: "phase", wraps: true, least: 12},
		{head: "n", right: true},
		{head: "good/s", right: true},
		{head: "p50", right: true},
		{head: "p99", right: true},
		{head: "p99.9", right: true},
		{head: "max", right: true},
		{head: "errors", wraps: true, least: 12},
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

// leftOut tells of combinations of the matrix that could not be run, and of events that
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

// cells is the table of a matrix.
func (s *summary) cells() {
	if len(s.run.Cells) == 0 {
		return
	}
	s.add("")
	s.leftOut()
	shown := s.run.Cells
	if room := max(3, summaryLines-3-len(s.lines)-1); s.width > 0 && len(shown) > room {
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
			if series.EnoughForTable(0.99, t.Response.Count) {
				p99 = max(p99, t.Response.P99)
			}
		}
		rows = append(rows, []string{c.Name, units.Count(n), known(p99), known(most), units.Count(failed), c.Verdict})
	}
	s.addTable([]column{
		{head: "cell", wraps: true, least: 24}, {head: "n", right: true}, {head: "p99", right: true}, {head: "max", right: true}, {head: "errors", right: true}, {},
	}, rows)
	if n := len(s.run.Cells) - len(shown); n > 0 {
		s.add(fmt.Sprintf("and %d more", n))
	}
}

func (s *summary) trust() {
	var t result.Trust
	same, within := false, 0.0
	var events []result.Event
	for _, c := range s.run.Cells {
		events = append(events, c.Events...)
		t.LagP99Us, t.Dropped = max(t.LagP99Us, c.Trust.LagP99Us), t.Dropped+c.Trust.Dropped
		t.DriverCPU, t.ProxyCPU, t.OriginCPU = max(t.DriverCPU, c.Trust.DriverCPU), max(t.ProxyCPU, c.Trust.ProxyCPU), max(t.OriginCPU, c.Trust.OriginCPU)
		t.Doubts = append(t.Doubts, c.Trust.Doubts...)
		for i := range c.Objectives {
			within = max(within, words.Within(&c.Objectives[i]))
		}
		same = same || c.Trust.SameHost
	}
	certified := words.Certificates(events)
	s.add("")
	cpu := fmt.Sprintf("driver %s proxy %s origin %s", units.Percent(t.DriverCPU), units.Percent(t.ProxyCPU), units.Percent(t.OriginCPU))
	quality := fmt.Sprintf("lag p99 %s, dropped %s", known(t.LagP99Us), units.Count(t.Dropped))
	if len(t.Doubts) == 0 {
		if s.run.Verdict == result.Partial {
			s.add("trust  not judged, the run was cut short: " + quality)
		} else {
			s.add("trust  OK: " + quality + ", " + cpu)
		}
		known := ""
		if within > 0 {
			known = "times known to ±" + units.Latency(within) + "; "
		}
		switch {
		case certified != "":
			s.add("       " + known + "faults " + certified + "; one host shared by all parts")
		case known != "" && same:
			s.add("       " + known + "one host shared by all parts: compare instead")
		case same:
			s.add("       one host shared by all parts: absolute numbers are low, compare instead")
		}
		return
	}
	doubts := "1 doubt"
	if n := len(t.Doubts); n > 1 {
		doubts = strconv.Itoa(n) + " doubts"
	}
	s.add("trust  " + doubts + ": " + quality)
	others := slices.DeleteFunc(t.Doubts, func(d result.Doubt) bool { return strings.Contains(s.run.Reason, d.Text) })
	if len(others) == 0 {
		s.add("       cpu " + cpu)
	}
	for i, p := range words.Doubts(others) {
		if s.width > 0 && i == maxProblems {
			s.add(fmt.Sprintf("       and %d more in the report", len(others)-i))
			break
		}
		s.add("       " + p)
	}
}

// files names what was written, the page first.
func (s *summary) files() {
	names := map[string]bool{}
	for _, n := range s.run.Files {
		names[n] = true
	}
	for n := range s.sizes {
		names[n] = true
	}
	var parts []string
	if s.dir != "" {
		parts = append(parts, filepath.Clean(s.dir)+string(filepath.Separator))
	}
	for _, n := range []string{"report.html", "run.json", "seconds.csv", "report.md", "hist.hlog", "junit.xml"} {
		if !names[n] {
			continue
		}
		if size, ok := s.sizes[n]; ok && n == "report.html" {
			n += " " + units.Bytes(float64(size))
		}
		parts = append(parts, n)
	}
	s.addParts("files", len("files"), parts)
}
