package compare

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/internal/tty"
	"bench/reports/series"
	"bench/reports/words"
)

// Options choose how a comparison is printed.
type Options struct {
	Style tty.Style
	// Width of the terminal in cells; 0: not a terminal.
	Width int
	// Dir is the folder of the files, as the user named it; may be empty.
	Dir string
	// Files were written; may be empty.
	Files []string
}

// Finish ends a comparison for its user: it writes record and reports into dir and
// prints the outcome. What could be done is done and printed even when some of it fails.
func Finish(out *os.File, dir string, c *result.Comparison, ascii bool) error {
	names, err := Write(dir, c)
	o := Options{Dir: dir, Files: names}
	o.Style, o.Width = tty.Of(out, ascii)
	if _, printed := io.WriteString(out, Text(c, o)); err == nil {
		err = printed
	}
	return err
}

// usual is the width that a table is made for; a narrower terminal loses the column
// of bars.
const usual = 80

// text writes the outcome line by line.
type text struct {
	tty.Style
	record *result.Comparison
	width  int
	lines  []string
}

// Text is the outcome of a comparison for a terminal: the verdict first, what differs,
// the table, the files last. The table takes at most 80 columns.
func Text(c *result.Comparison, o Options) string {
	t := &text{Style: o.Style, record: clean(c), width: o.Width}
	if t.width <= 0 {
		t.width = usual
	}
	t.head()
	t.table()
	t.rest()
	t.files(o)
	return strings.Join(t.lines, "\n") + "\n"
}

// add appends a text behind a lead, going on below it where it does not fit.
func (t *text) add(lead, body string) { t.addPainted(lead, lead, body) }

// addPainted is add with a lead that has a colour.
func (t *text) addPainted(painted, lead, body string) {
	room := tty.Width(lead)
	// In ASCII a number has plain spaces between its digits: lines are broken before.
	for i, l := range tty.Wrap(body, max(t.width-room, 10)) {
		if l = t.Safe(l); i == 0 {
			t.lines = append(t.lines, strings.TrimRight(painted+l, " "))
		} else {
			t.lines = append(t.lines, strings.Repeat(" ", room)+l)
		}
	}
}

func (t *text) head() {
	c := t.record
	word := t.Safe(words.CompareHead(c))
	painted := t.Paint(colourOf(c.Verdict), word) + "  "
	summary := words.CompareSummary(c) + ", " + words.ComparePairs(c.Pairs)
	if ok, why := judged(c); !ok && why != "" {
		t.addPainted(painted, word+"  ", why)
		t.add("      ", summary)
	} else {
		t.addPainted(painted, word+"  ", summary)
		if c.Reason != "" {
			t.add("      ", c.Reason)
		}
	}
	base, fresh := words.CompareSides(c)
	sides := "base  " + base + "   new  " + fresh
	if scenario := series.OneLine(c.Scenario); tty.Width(sides)+tty.Width(scenario)+3 <= t.width {
		t.lines = append(t.lines, t.Safe("base  "+base+"   new  "+fresh+"   "+scenario))
	} else {
		t.add("base  ", base)
		t.add("new   ", fresh)
		t.add("of    ", scenario)
	}
	if differs := words.Differs(c); len(differs) > 0 {
		t.add("differs, too: ", strings.Join(differs, "; "))
	}
	for _, w := range c.Warnings {
		t.add("! ", w)
	}
}

// barCells is the width of a bar: an odd number, zero in the middle.
const barCells = 13

// table lists the measures, group by group.
func (t *text) table() {
	c := t.record
	if len(c.Measures) == 0 {
		return
	}
	bars := t.width >= 76
	columns := []tty.Column{
		{Head: "measure", Wraps: true, Least: 8},
		{Head: "base", Right: true},
		{Head: "new", Right: true},
		{Head: "change", Right: true},
		{Head: words.Confidence(c) + " interval", Right: true},
		{},
		{Wraps: true, Least: 9},
	}
	top := series.ChangeScale(c)
	columns[5].Head = axis(top)
	if !bars {
		columns = append(columns[:5], columns[6])
	}
	var rows [][]string
	groups := words.ComparedGroups(c)
	for _, g := range groups {
		for _, m := range g.Measures {
			row := []string{
				t.Safe(words.ComparedName(m)), t.Safe(words.ComparedValue(m, m.Base)), t.Safe(words.ComparedValue(m, m.New)), t.Safe(words.Change(m)),
				t.Safe(words.ChangeInterval(m)),
			}
			if bars {
				row = append(row, bar(m, top))
			}
			rows = append(rows, append(row, t.Safe(m.Verdict)))
		}
	}
	head, lines := tty.Rows(columns, rows, t.width)
	t.lines = append(t.lines, "", head)
	for _, g := range groups {
		if g.Name != "" {
			t.lines = append(t.lines, "")
			t.add("", g.Name)
		}
		for _, m := range g.Measures {
			for _, l := range lines[0] {
				t.lines = append(t.lines, t.colour(l, m.Verdict))
			}
			lines = lines[1:]
		}
	}
}

// colourOf is the colour of a verdict.
func colourOf(verdict string) string {
	switch {
	case words.IsWorse(verdict):
		return tty.Fail
	case words.Decided(verdict):
		return tty.Pass
	}
	return tty.Unsure
}

// colour paints the verdict at the end of a line.
func (t *text) colour(line, verdict string) string {
	if rest, ok := strings.CutSuffix(line, "  "+verdict); ok && verdict != result.Shown {
		return rest + "  " + t.Paint(colourOf(verdict), verdict)
	}
	return line
}

// axis is the head of the bars: the ends of the axis, and zero in the middle.
func axis(top float64) string {
	low, high := units.ASCII(units.Change(-top)), units.ASCII(units.Change(top))
	left := (barCells-1)/2 - len(low)
	right := (barCells-1)/2 - len(high)
	return low + strings.Repeat(" ", max(left, 0)) + "0" + strings.Repeat(" ", max(right, 0)) + high
}

// bar draws an interval: brackets at its bounds, < or > where it or the estimate lies
// beyond the axis, * a decided estimate and o another one, | zero.
func bar(m *result.ComparedMeasure, top float64) string {
	cells := []byte(strings.Repeat(" ", barCells))
	at := func(v float64) int {
		return min(max(int(math.Round((v/top+1)*(barCells-1)/2)), 0), barCells-1)
	}
	cells[barCells/2] = '|'
	if !m.Known || words.IsShare(m) && m.ChangePercent != 0 {
		return string(cells)
	}
	if !words.IsShare(m) && (m.Low != nil || m.High != nil) {
		low, high := math.Inf(-1), math.Inf(1)
		if m.Low != nil {
			low = *m.Low
		}
		if m.High != nil {
			high = *m.High
		}
		from, to := at(max(low, -top)), at(min(high, top))
		for i := from; i <= to; i++ {
			if cells[i] != '|' {
				cells[i] = '-'
			}
		}
		if from < to {
			cells[from], cells[to] = '[', ']'
			if low < -top {
				cells[from] = '<'
			}
			if high > top {
				cells[to] = '>'
			}
		}
	}
	dot := byte('o')
	if words.Decided(m.Verdict) {
		dot = '*'
	}
	switch {
	case m.ChangePercent > top:
		dot = '>'
	case m.ChangePercent < -top:
		dot = '<'
	}
	cells[at(m.ChangePercent)] = dot
	return string(cells)
}

// because reports that the first line says already why all is unclear.
func because(texts []string, c *result.Comparison) bool {
	ok, why := judged(c)
	return !ok && why != "" && len(texts) == len(words.Gated(c))
}

// rest says what is unclear, confirmed and known of the noise.
func (t *text) rest() {
	c := t.record
	t.lines = append(t.lines, "")
	before := len(t.lines)
	if texts := words.Needs(c); len(texts) > 0 && !because(texts, c) {
		t.add("unclear: ", strings.Join(texts, "; "))
	}
	if text := words.Confirmation(c); text != "" {
		t.add("second look: ", text)
	}
	if text := words.Noise(c); text != "" {
		t.add("noise: ", text)
	}
	if len(t.lines) == before {
		t.lines = t.lines[:before-1]
	}
}

// files names what was written, the page first.
func (t *text) files(o Options) {
	if len(o.Files) == 0 {
		return
	}
	var names []string
	if o.Dir != "" {
		names = append(names, filepath.Clean(o.Dir)+string(filepath.Separator))
	}
	for _, first := range []bool{true, false} {
		for _, n := range o.Files {
			if (n == "compare.html") == first {
				names = append(names, n)
			}
		}
	}
	t.add("files  ", strings.Join(names, "  "))
}
