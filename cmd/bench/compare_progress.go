package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports"
	"bench/reports/words"
	"bench/scenarios/compare"
)

// compareView shows how a comparison goes on: a table in place on a terminal, else a
// line for each run and for each pair.
type compareView struct {
	out     *os.File
	inPlace bool

	mu       sync.Mutex
	step     compare.Step
	began    time.Time
	running  bool
	done     string // of the pair: the run that has ended
	note     string
	standing []string
	drawn    int // lines
	stop     chan struct{}
	stopped  sync.WaitGroup
}

func newCompareView(out *os.File, plain bool) *compareView {
	v := &compareView{out: out, stop: make(chan struct{})}
	v.inPlace = !plain && isTerminal(out) && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == ""
	if v.inPlace {
		v.stopped.Go(v.follow)
	}
	return v
}

// follow draws the table anew while runs go on.
func (v *compareView) follow() {
	tick := time.NewTicker(time.Second / 2)
	defer tick.Stop()
	for {
		select {
		case <-v.stop:
			return
		case <-tick.C:
			v.mu.Lock()
			v.draw()
			v.mu.Unlock()
		}
	}
}

// close leaves the terminal as it was; nothing is shown any longer.
func (v *compareView) close() {
	close(v.stop)
	v.stopped.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
}

// erase takes back what was drawn.
func (v *compareView) erase() {
	if v.drawn > 0 {
		fmt.Fprintf(v.out, "\x1b[%dA\r\x1b[J", v.drawn)
		v.drawn = 0
	}
}

// draw puts the table in the place of the last one.
func (v *compareView) draw() {
	if !v.inPlace {
		return
	}
	width, height, err := term.GetSize(int(v.out.Fd()))
	if err != nil || width < 1 {
		width, height = 80, 24
	}
	lines := append([]string{v.now()}, v.standing...)
	if v.note != "" {
		lines = append(lines, v.note)
	}
	// One that does not fit would scroll, and could not be taken back.
	lines = lines[:min(len(lines), max(1, height-1))]
	v.erase()
	for _, l := range lines {
		fmt.Fprintln(v.out, cut(l, width-1))
	}
	v.drawn = len(lines)
}

// cut shortens a line to a number of columns.
func cut(line string, width int) string {
	if r := []rune(line); len(r) > width {
		return string(r[:max(0, width)])
	}
	return line
}

// now says which run goes on.
func (v *compareView) now() string {
	if !v.running {
		return v.title(v.step)
	}
	at := min(time.Since(v.began), time.Duration(v.step.LengthUs)*time.Microsecond+time.Hour)
	return fmt.Sprintf("%s   %s%s running, %s of %s", v.title(v.step), v.done, v.step.Side,
		units.ClockSeconds(at.Microseconds()), units.ClockSeconds(v.step.LengthUs))
}

// title is the pair that a run belongs to.
func (v *compareView) title(s compare.Step) string {
	text := fmt.Sprintf("pair %d", s.Pair)
	if s.Confirm {
		text += ", to confirm"
	}
	if s.Cell != "" {
		text += ", " + s.Cell
	}
	if s.Try > 1 {
		text += fmt.Sprintf(", attempt %d", s.Try)
	}
	return text
}

// Begin implements compare.Progress.
func (v *compareView) Begin(s compare.Step) reports.Live {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.First {
		v.done = ""
	}
	v.step, v.began, v.running = s, time.Now(), true
	v.draw()
	return quietRun{}
}

// End implements compare.Progress.
func (v *compareView) End(s compare.Step, run result.ComparedRun) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.running = false
	took := time.Since(v.began)
	v.done += fmt.Sprintf("%s done in %s, ", s.Side, roughly(took))
	if !v.inPlace {
		order := "second"
		if s.First {
			order = "first"
		}
		// What its objectives come to decides nothing here, unless they fail.
		outcome := run.Verdict
		if outcome == result.Invalid && run.Reason == "" {
			outcome = "objectives undecided"
		}
		text := fmt.Sprintf("%s  %s %s  %s  %s", v.title(s), s.Side, order, outcome, roughly(took))
		if run.Reason != "" {
			text += "  " + run.Reason
		}
		fmt.Fprintln(v.out, text)
	}
}

// Again implements compare.Progress.
func (v *compareView) Again(s compare.Step, why string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.note = fmt.Sprintf("%s is made again: %s", v.title(s), why)
	if !v.inPlace {
		fmt.Fprintln(v.out, v.note)
	}
}

// Standing implements compare.Progress.
func (v *compareView) Standing(c *result.Comparison, left compare.Left) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.note = ""
	v.standing = nil
	var short []string
	for i := range c.Measures {
		m := &c.Measures[i]
		if !m.Gated {
			continue
		}
		name := words.ComparedFull(m)
		v.standing = append(v.standing, fmt.Sprintf("  %-30s %10s  %s", name, change(m), m.Verdict))
		short = append(short, fmt.Sprintf("%s %s %s", name, change(m), m.Verdict))
	}
	rest := leftInWords(left)
	v.standing = append(v.standing, rest)
	if v.inPlace {
		v.draw()
		return
	}
	if c.Pairs == 0 {
		fmt.Fprintf(v.out, "no pair counts yet; %s\n", rest)
		return
	}
	fmt.Fprintf(v.out, "after %s: %s; %s\n", words.ComparePairs(c.Pairs), strings.Join(short, ", "), rest)
}

// change of a measure so far; of what is counted, both counts.
func change(m *result.ComparedMeasure) string {
	if m.Known && words.IsShare(m) {
		return words.ComparedValue(m, m.Base) + " / " + words.ComparedValue(m, m.New)
	}
	return words.Change(m)
}

// leftInWords is what is still to come, within bounds.
func leftInWords(l compare.Left) string {
	switch {
	case l.TimeUp:
		return "the time is up"
	case l.AtMost == 0:
		return "nothing is left to do"
	}
	var text string
	switch {
	case l.From > l.AtMost:
		text = "more pairs are wanted than are left"
	case l.To == 0:
		text = fmt.Sprintf("at least %s (%s)", morePairs(l.From), roughly(l.FromTime))
	case l.From == l.To:
		text = fmt.Sprintf("%s (%s)", morePairs(l.To), roughly(l.ToTime))
	default:
		text = fmt.Sprintf("%d to %s (%s to %s)", l.From, morePairs(l.To), roughly(l.FromTime), roughly(l.ToTime))
	}
	text += fmt.Sprintf(", at most %d (%s)", l.AtMost, roughly(l.AtMostTime))
	if len(l.Undecided) > 0 {
		text = "undecided: " + strings.Join(l.Undecided, ", ") + "; " + text
	}
	return text
}

func morePairs(n int) string {
	if n == 1 {
		return "1 more pair"
	}
	return fmt.Sprintf("%d more pairs", n)
}

// roughly is a length of time in the units that people plan by.
func roughly(d time.Duration) string {
	switch s := int(d.Round(time.Second) / time.Second); {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case s < 2*3600:
		return fmt.Sprintf("%d min", (s+30)/60)
	default:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	}
}

// quietRun is the live view of a run within a comparison: there is none.
type quietRun struct{}

func (quietRun) Begin(reports.Plan)       {}
func (quietRun) Phase(result.Phase)       {}
func (quietRun) Progress(result.Progress) {}
func (quietRun) Interval(result.Interval) {}
func (quietRun) Event(result.Event, bool) {}
func (quietRun) Sample(result.Sample)     {}
func (quietRun) Message(string)           {}
func (quietRun) End(*result.Cell)         {}
func (quietRun) Close()                   {}

// printFloor shows a noise floor.
func printFloor(out io.Writer, f *result.NoiseFloor, path string) {
	fmt.Fprintf(out, "noise floor of %s, by %d pairs of the same (%d made again or left out)\n\n", f.Host, f.Pairs, f.Invalid)
	if f.Disturbed > 0 {
		fmt.Fprintf(out, "! %d of these pairs were disturbed and count all the same\n\n", f.Disturbed)
	}
	fmt.Fprintf(out, "%-30s %10s  least change that 20, 50, 100 pairs can show\n", "measure", "deviation")
	for _, m := range f.Measures {
		fmt.Fprintf(out, "%-30s %10s  %s, %s, %s\n", m.Name, units.Percent(m.SD), units.Percent(m.Floor[20]), units.Percent(m.Floor[50]), units.Percent(m.Floor[100]))
	}
	fmt.Fprintf(out, "\nkept in %s\n", path)
}
