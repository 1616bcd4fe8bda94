package capacity

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// Console shows a search as it goes on: a line for each trial, and on a terminal one more
// that is redrawn. It is safe for use from several goroutines.
type Console struct {
	Out io.Writer
	// InPlace says that Out is a terminal on which a line may be redrawn.
	InPlace bool
	ASCII   bool
	// Axis is the name of the axis, "" without one.
	Axis string

	mu    sync.Mutex
	drawn bool
}

// columns of the table of trials, in characters.
const (
	numberWidth = 3
	rateWidth   = 11
	boundsWidth = 17
)

// print writes lines above the one that is redrawn. What cannot be shown is no reason to
// end a measurement.
func (c *Console) print(text string) {
	c.clear()
	if c.ASCII {
		text = units.ASCII(text)
	}
	_, _ = io.WriteString(c.Out, text)
}

func (c *Console) clear() {
	if c.drawn {
		_, _ = io.WriteString(c.Out, "\r\x1b[K")
		c.drawn = false
	}
}

// Begin is the first line of a search.
func (c *Console) Begin(value, title string, objectives, notes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	if value != "" {
		fmt.Fprintf(&b, "\n%s = %s  ", series.OneLine(c.Axis), series.OneLine(value))
	}
	fmt.Fprintf(&b, "%s  %s\n", series.OneLine(title), series.OneLine(strings.Join(objectives, ", ")))
	for _, n := range notes {
		b.WriteString(units.Wrap("  ", series.OneLine(n), 100))
	}
	fmt.Fprintf(&b, "%*s %*s %*s %*s  %-*s %6s  %s\n", numberWidth, "#", rateWidth, "rate", rateWidth, "good", rateWidth, "p99",
		boundsWidth, "bounds so far", "left", "this trial")
	c.print(b.String())
}

// Trial shows which rate is tried now.
func (c *Console) Trial(number int, rate, seconds float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.InPlace {
		return
	}
	c.clear()
	text := fmt.Sprintf("trial %d: %s for %s", number, Rate(rate), units.Trim(units.Latency(seconds*1e6)))
	if c.ASCII {
		text = units.ASCII(text)
	}
	_, _ = io.WriteString(c.Out, text)
	c.drawn = true
}

// Tried shows what a trial came to, the bounds so far, 0 for not known, and about how
// many seconds are left.
func (c *Console) Tried(t *result.Trial, low, high, left float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.print(fmt.Sprintf("%*d %s %s %s  %s %6s  %s\n", numberWidth, t.Number,
		right(Rate(t.Rate), rateWidth), right(Rate(t.Got), rateWidth), right(P99(t), rateWidth),
		leftPad(Bounds(low, high), boundsWidth), units.ClockSeconds(int64(left*1e6)), Outcome(t)))
}

func right(s string, n int) string {
	return strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s))) + s
}

func leftPad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// End removes the line that is redrawn.
func (c *Console) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}

// Print writes the summary: the verdict first, the files last.
func Print(out io.Writer, r *result.Capacity, files string, ascii bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s  %s  %s  load %s  seed %d\n", r.Verdict, series.OneLine(r.Scenario), Subject(&r.CapacityPoint), series.OneLine(r.Load), r.Seed)
	if r.Reason != "" {
		b.WriteString(units.Wrap("      ", series.OneLine(r.Reason), 100))
	}
	b.WriteByte('\n')
	row := func(name, text string) {
		if text == "" {
			return
		}
		fmt.Fprintf(&b, "%-12s%s", name, strings.TrimPrefix(units.Wrap(strings.Repeat(" ", 12), text, 100), strings.Repeat(" ", 12)))
	}
	row("objective", Objectives(r))
	if len(r.Points) == 0 {
		row("capacity", Found(&r.CapacityPoint))
		printLimit(row, &r.CapacityPoint)
	} else {
		printPoints(&b, r)
		if last := &r.Points[len(r.Points)-1]; last.LimitedBy != nil {
			printLimit(row, last) // the others' evidence is in the files
		}
	}
	for _, text := range Law(r) {
		row("scaling", text)
	}
	for _, text := range Need(r) {
		row("need", text)
	}
	for _, w := range r.Warnings {
		row("note", series.OneLine(w))
	}
	row("files", files)
	text := b.String()
	if ascii {
		text = units.ASCII(text)
	}
	_, err := io.WriteString(out, text)
	return err
}

func printLimit(row func(name, text string), p *result.CapacityPoint) {
	row("limited by", Limit(p))
	if p.LimitedBy == nil {
		return
	}
	for _, e := range p.LimitedBy.Evidence {
		row("", series.OneLine(e))
	}
}

// printPoints is the table of an axis, or of the repetitions of one search.
func printPoints(b *strings.Builder, r *result.Capacity) {
	rows := [][]string{{pointsHead(r), "capacity", "limited by"}}
	for i, p := range Searches(r) {
		rows = append(rows, []string{PointName(r, i), Found(p), Limit(p)})
	}
	var wide [2]int
	for _, row := range rows {
		for i := range wide {
			wide[i] = max(wide[i], utf8.RuneCountInString(row[i]))
		}
	}
	for _, row := range rows {
		fmt.Fprintf(b, "  %s  %s  %s\n", leftPad(row[0], wide[0]), leftPad(row[1], wide[1]), row[2])
	}
	b.WriteByte('\n')
}
