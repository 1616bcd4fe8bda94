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
	"bench/reports/internal/tty"
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
	s := summary{Style: tty.Style{Color: o.Color, ASCII: o.ASCII}, run: clean(run), sizes: o.FileSizes, dir: o.Dir, width: o.Width}
	all := blocks()
	for i := range all {
		s.below = all[i+1:]
		all[i].write(&s)
	}
	return strings.Join(s.lines, "\n") + "\n"
}

// block is a part of the summary. It may look different, or be missing, where the
// scenario has several cells.
type block struct {
	one  func(*summary, *result.Cell) // of a run of one cell; nil: missing
	many func(*summary)               // of any other; nil: missing
	// least is how many lines are to be kept for it where it is not missing; nil: none.
	least func(*summary) int
}

// blocks are the parts of the summary, in order.
func blocks() []block {
	return []block{
		always((*summary).head, 0),
		always((*summary).limits, 0),
		{many: (*summary).spreads},
		{many: (*summary).cells},
		firstOf((*summary).integrity),
		firstOf((*summary).counts),
		{one: (*summary).phases},
		{one: (*summary).handshakes, least: (*summary).handshakesLines},
		{one: (*summary).abuse, least: (*summary).abuseLines},
		{one: func(s *summary, _ *result.Cell) { s.leftOut() }, least: (*summary).leftOutLines},
		{one: (*summary).hosts, many: (*summary).sideBySide},
		always((*summary).trust, 3),
		always((*summary).files, 1),
	}
}

// always is a block that is the same whatever the number of cells.
func always(write func(*summary), least int) block {
	return block{
		one:   func(s *summary, _ *result.Cell) { write(s) },
		many:  write,
		least: func(*summary) int { return least },
	}
}

// firstOf is a block that is about the first cell of which there is something to say,
// which write reports.
func firstOf(write func(*summary, *result.Cell) bool) block {
	return block{
		one: func(s *summary, c *result.Cell) { write(s, c) },
		many: func(s *summary) {
			for _, c := range s.run.Cells {
				if write(s, c) {
					return
				}
			}
		},
	}
}

// shown reports that the block is not missing.
func (b *block) shown(s *summary) bool {
	if len(s.run.Cells) == 1 {
		return b.one != nil
	}
	return b.many != nil
}

func (b *block) write(s *summary) {
	switch {
	case !b.shown(s):
	case len(s.run.Cells) == 1:
		b.one(s, s.run.Cells[0])
	default:
		b.many(s)
	}
}

// room is how many lines are left for the block at work.
func (s *summary) room() int {
	n := summaryLines - len(s.lines)
	for i := range s.below {
		if b := &s.below[i]; b.least != nil && b.shown(s) {
			n -= b.least(s)
		}
	}
	return n
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
	tty.Style
	run   *result.Run
	sizes map[string]int64
	dir   string
	width int
	lines []string
	below []block // still to be written
}

// add appends a line whose first word may name it ("trust  ..."). What does not
// fit goes on below, under the text.
func (s *summary) add(line string) {
	line = strings.TrimRight(s.Safe(line), " ")
	if s.width <= 0 || tty.Width(line) <= s.width {
		s.append(line)
		return
	}
	hang := len(line) - len(strings.TrimLeft(line, " "))
	if i := strings.Index(line, "  "); i > 0 && i < 8 {
		hang = len(line) - len(strings.TrimLeft(line[i:], " "))
	}
	for i, l := range tty.Wrap(line[hang:], s.width-hang) {
		if i == 0 {
			s.append(line[:hang] + l)
		} else {
			s.append(strings.Repeat(" ", hang) + l)
		}
	}
}

// addTable appends a table.
func (s *summary) addTable(columns []tty.Column, rows [][]string) {
	for _, r := range rows {
		for i := range r {
			r[i] = s.Safe(r[i])
		}
	}
	for _, l := range tty.Table(columns, rows, s.width) {
		s.append(l)
	}
}

// append takes a finished line and colours the verdict at its end.
func (s *summary) append(line string) {
	for _, w := range []string{result.Pass, result.Fail, result.Unclear, result.Invalid, result.Partial} {
		if strings.HasSuffix(line, " "+w) {
			line = strings.TrimSuffix(line, w) + s.Verdict(w)
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
		for _, p := range tty.Wrap(s.Safe(text), room) {
			if p == "" {
				continue
			}
			if room > 0 && used > leadWidth && used+2+tty.Width(p) > s.width {
				s.lines = append(s.lines, line)
				line, used = strings.Repeat(" ", leadWidth), leadWidth
			}
			line += "  " + p
			used += 2 + tty.Width(p)
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
	if run.Label != "" {
		parts = append(parts, run.Label)
	}
	s.addParts(s.Verdict(run.Verdict), tty.Width(run.Verdict), parts)
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

// hosts says on how many other machines the run was, and how well their clocks are known.
func (s *summary) hosts(c *result.Cell) {
	if len(c.Hosts) == 0 {
		return
	}
	worst := 0.0
	for i := range c.Hosts {
		worst = max(worst, c.Hosts[i].BoundUs)
	}
	s.add("")
	s.add(fmt.Sprintf("hosts  %d, clocks known to ±%s", len(c.Hosts), units.Latency(worst)))
}

// sideBySide says how cells were spread over sets of machines.
func (s *summary) sideBySide() {
	if s.run.SideBySide != "" {
		s.add("")
		s.add("hosts  " + s.run.SideBySide)
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
		case certified != "" && same:
			s.add("       " + known + "faults " + certified + "; one host shared by all parts")
		case certified != "":
			s.add("       " + known + "faults " + certified)
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
	for _, n := range []string{"report.html", "run.json", "seconds.csv", "report.md", "hist.hlog", "junit.xml", "metrics.om", "bench.txt", "badge.svg"} {
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
