package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
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
	summaryWidth = 80
	// maxLimits is the room for limits in the summary.
	maxLimits = 6
)

// SummaryOptions choose how the final summary is drawn.
type SummaryOptions struct {
	Color bool // ANSI colours
	ASCII bool // no character beyond ASCII
	// Dir is the result folder, as the user named it; may be empty.
	Dir string
	// FileSizes gives the sizes of the written files by name; may be nil.
	FileSizes map[string]int64
}

// Summary is the final summary of a run: at most 24 lines of at most 80
// columns, the verdict first, the files last. Segments appear when Complete
// has derived them, else the phases of the scenario.
func Summary(run *result.Run, o SummaryOptions) string {
	s := summary{style: style{o.Color, o.ASCII}, run: clean(run), sizes: o.FileSizes, dir: o.Dir}
	s.head()
	s.limits()
	if len(s.run.Cells) == 1 {
		s.phases(s.run.Cells[0])
		s.abuse(s.run.Cells[0])
		s.leftOut()
	} else {
		s.cells()
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
	lines []string
}

// add appends a line, and then colours the words in it that are verdicts.
func (s *summary) add(line string) {
	line = strings.TrimRight(s.plain(strings.ReplaceAll(line, "\n", " "), summaryWidth), " ")
	for _, w := range []string{result.Pass, result.Fail, result.Unclear, result.Invalid, result.Partial} {
		if strings.HasSuffix(line, " "+w) {
			line = strings.TrimSuffix(line, w) + s.verdict(w)
		}
	}
	s.lines = append(s.lines, line)
}

func (s *summary) head() {
	run := s.run
	parts := []string{series.OneLine(run.Scenario)}
	if len(run.Cells) == 1 {
		c := run.Cells[0]
		parts = append(parts, strings.TrimSpace(c.Proxy.Driver+" "+c.Proxy.Version), words.Length(c.Phases, c.LengthUs), words.Loop(c.Loads))
	} else {
		parts = append(parts, strconv.Itoa(len(run.Cells))+" cells")
	}
	parts = append(parts, "seed "+strconv.FormatUint(run.Seed, 10))
	// What does not fit is left out: half a version or rate would mislead.
	room := summaryWidth - len(run.Verdict) - 2
	line := s.plain(parts[0], 40)
	for _, p := range parts[1:] {
		if p = s.plain(p, summaryWidth); p != "" && textWidth(line)+2+textWidth(p) <= room {
			line += "  " + p
		}
	}
	s.lines = append(s.lines, s.verdict(run.Verdict)+"  "+line)
	if run.Reason != "" {
		s.wrap("      ", run.Reason, 2)
	} else if n := s.countObjectives(); n > 0 {
		s.add(fmt.Sprintf("      all %d limits hold", n))
	}
}

// wrap adds a text over at most so many lines, broken between words.
func (s *summary) wrap(indent, text string, most int) {
	words := strings.Fields(series.OneLine(text))
	for n := 0; n < most && len(words) > 0; n++ {
		line := indent + words[0]
		words = words[1:]
		for len(words) > 0 && (n == most-1 || textWidth(line)+1+textWidth(words[0]) <= summaryWidth) {
			line += " " + words[0]
			words = words[1:]
		}
		s.add(line)
	}
}

func (s *summary) countObjectives() int {
	n := 0
	for _, c := range s.run.Cells {
		n += len(c.Objectives)
	}
	return n
}

// limits lists the limits of all cells, the broken ones first.
func (s *summary) limits() {
	type row struct {
		cell *result.Cell
		o    result.Objective
	}
	var rows []row
	for _, c := range s.run.Cells {
		for _, o := range c.Objectives {
			rows = append(rows, row{c, o})
		}
	}
	if len(rows) == 0 {
		return
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(words.Rank(a.o.Verdict), words.Rank(b.o.Verdict)) })
	shown := rows
	if len(rows) > maxLimits {
		shown = rows[:maxLimits-1]
	}
	s.add("")
	s.add(left("limit", 22) + right("wanted", 11) + right("got", 10) + "  worst at")
	for _, r := range shown {
		name := words.Objective(&r.o)
		if len(s.run.Cells) > 1 {
			name = r.cell.Name + " " + name
		}
		worst := words.Worst(r.cell.Events, series.Zero(r.cell.Phases), &r.o)
		if worst == "" {
			worst = r.o.Reason
		}
		s.add(left(name, 22) + right(words.Wanted(&r.o), 11) + right(words.Got(&r.o), 10) + "  " + left(worst, 27) + " " + r.o.Verdict)
	}
	if n := len(rows) - len(shown); n > 0 {
		rest := map[string]int{}
		for _, r := range rows[len(shown):] {
			rest[r.o.Verdict]++
		}
		var parts []string
		for _, v := range slices.Sorted(maps.Keys(rest)) {
			parts = append(parts, strconv.Itoa(rest[v])+" "+v)
		}
		s.add("and " + strconv.Itoa(n) + " more: " + strings.Join(parts, ", "))
	}
}

// phaseLine is one line of the table of phases.
type phaseLine struct {
	name                    string
	n                       uint64
	good                    float64
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
	if len(rows) == 0 {
		return
	}
	s.add("")
	s.add(left("phase", 12) + right("n", 8) + right("good/s", 8) + right("p50", 9) + right("p99", 9) + right("p99.9", 9) + right("max", 9) + "  errors")
	room := summaryLines - 3 - len(s.lines) - min(len(c.Abuse), maxAbuse) // trust and files
	for i, r := range rows {
		if i == room-1 && len(rows) > room {
			s.add(fmt.Sprintf("and %d more", len(rows)-i))
			return
		}
		s.add(left(r.name, 12) + right(units.Count(r.n), 8) + right(units.Rate(r.good), 8) + right(known(r.p50), 9) + right(known(r.p99), 9) +
			right(known(r.p999), 9) + right(known(r.maximum), 9) + "  " + r.errors)
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
				l.good = float64(p.Completed) * 1e6 / float64(p.LengthUs)
			}
			rows = append(rows, l)
		}
	}
	return rows
}

// leftOut tells of combinations of the matrix that could not be run.
func (s *summary) leftOut() {
	switch l := s.run.LeftOut; len(l) {
	case 0:
	case 1:
		s.add("left out  " + l[0].Name + ": " + l[0].Reason)
	default:
		s.add(fmt.Sprintf("left out  %s and %d more: %s", l[0].Name, len(l)-1, l[0].Reason))
	}
}

// cells is the table of a matrix.
func (s *summary) cells() {
	if len(s.run.Cells) == 0 {
		return
	}
	s.add("")
	s.add(left("cell", 34) + right("n", 10) + right("p99", 10) + right("max", 10) + "  errors")
	s.leftOut()
	room := summaryLines - 3 - len(s.lines)
	for i, c := range s.run.Cells {
		if i == room-1 && len(s.run.Cells) > room {
			s.add(fmt.Sprintf("and %d more", len(s.run.Cells)-i))
			return
		}
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
		s.add(left(c.Name, 34) + right(units.Count(n), 10) + right(known(p99), 10) + right(known(most), 10) + "  " + left(units.Count(failed), 6) + " " + c.Verdict)
	}
}

func (s *summary) trust() {
	var t result.Trust
	same := false
	var events []result.Event
	for _, c := range s.run.Cells {
		events = append(events, c.Events...)
		t.LagP99Us, t.Dropped = max(t.LagP99Us, c.Trust.LagP99Us), t.Dropped+c.Trust.Dropped
		t.DriverCPU, t.ProxyCPU, t.OriginCPU = max(t.DriverCPU, c.Trust.DriverCPU), max(t.ProxyCPU, c.Trust.ProxyCPU), max(t.OriginCPU, c.Trust.OriginCPU)
		t.Problems = append(t.Problems, c.Trust.Problems...)
		same = same || c.Trust.SameHost
	}
	certified := words.Certificates(events)
	s.add("")
	cpu := fmt.Sprintf("driver %s proxy %s origin %s", units.Percent(t.DriverCPU), units.Percent(t.ProxyCPU), units.Percent(t.OriginCPU))
	quality := fmt.Sprintf("lag p99 %s, dropped %s", units.Latency(t.LagP99Us), units.Count(t.Dropped))
	if len(t.Problems) == 0 {
		if s.run.Verdict == result.Partial {
			s.add("trust  not judged, the run was cut short: " + quality)
		} else {
			s.add("trust  OK: " + quality + ", " + cpu)
		}
		switch {
		case certified != "":
			s.add("       faults " + certified + "; one host shared by all parts")
		case same:
			s.add("       one host shared by all parts: absolute numbers are low, compare instead")
		}
		return
	}
	problems := "1 problem"
	if n := len(t.Problems); n > 1 {
		problems = strconv.Itoa(n) + " problems"
	}
	s.add("trust  " + problems + ": " + quality)
	other := slices.IndexFunc(t.Problems, func(p string) bool { return p != s.run.Reason })
	if other >= 0 {
		s.add("       " + t.Problems[other])
	} else {
		s.add("       cpu " + cpu)
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
	line := "files"
	if s.dir != "" {
		line += "  " + filepath.Clean(s.dir) + string(filepath.Separator)
	}
	for _, n := range []string{"report.html", "run.json", "seconds.csv", "report.md", "hist.hlog", "junit.xml"} {
		if !names[n] {
			continue
		}
		if size, ok := s.sizes[n]; ok && n == "report.html" {
			n += " " + units.Bytes(float64(size))
		}
		if textWidth(line)+2+textWidth(n) <= summaryWidth {
			line += "  " + n
		}
	}
	s.add(line)
}
