package page

import (
	"math"
	"slices"
	"strconv"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/trend"
)

// historyPlot is a chart of one measure: a dot a run, a line at the level between two
// changes, and a mark at each change.
type historyPlot struct {
	Title, Last, Unit string
	Sentence          string
	X, Y              []tick
	Grid              string
	Dots              string
	Levels            string
	Gaps              string // runs without a value, on the base line
	Marks             []historyMark
	Note              string // why no change was looked for
}

// historyMark is a change: a line with a chip above it.
type historyMark struct {
	At              float64 // percent from the left
	Chip            float64 // of its chip, moved away from its neighbours
	Number, Label   string
	By, Word, Class string
	Levels          string
}

// runAxis has a place for each run, in their order: the time between runs says nothing.
type runAxis struct{ runs int }

func newRunAxis(g *result.HistoryGroup) runAxis { return runAxis{len(g.Runs)} }

// x is the middle of a run's place, on the plane.
func (a runAxis) x(run int) int {
	return int(math.Round((float64(run) + 0.5) * width / float64(max(a.runs, 1))))
}

func (a runAxis) percent(run int) float64 { return round3(float64(a.x(run)) * 100 / width) }

// edge is between a run and the one before it.
func (a runAxis) edge(run int) int {
	return int(math.Round(float64(run) * width / float64(max(a.runs, 1))))
}

// ticks are some numbers of runs: round ones, and the last.
func (a runAxis) ticks() []tick {
	step := max(int(niceStep(float64(a.runs)/5)), 1)
	var all []tick
	for n := step; n < a.runs; n += step {
		all = append(all, tick{At: a.percent(n - 1), Text: strconv.Itoa(n)})
	}
	last := tick{At: a.percent(a.runs - 1), Text: strconv.Itoa(a.runs)}
	if n := len(all); n > 0 && last.At-all[n-1].At < 12 {
		all = all[:n-1]
	}
	return append(all, last)
}

// rangeScale maps values between two bounds to the vertical of the plane.
type rangeScale struct {
	low, high, step float64
}

// newRangeScale has round bounds around what a measure shows. Counts, shares and rates
// begin at 0; changes of a few percent of a time would not be seen so.
func newRangeScale(m *result.HistoryMeasure) rangeScale {
	low, high := trend.Scale(m)
	switch m.Unit {
	case "1", "%", "/s":
		low = min(low, 0)
	}
	if low > 0 && low < 0.3*high {
		low = 0
	}
	step := niceStep((high - low) / 3)
	s := rangeScale{step * math.Floor(low/step+1e-9), step * math.Ceil(high/step-1e-9), step}
	if s.high <= s.low {
		s.high = s.low + step
	}
	return s
}

func (s rangeScale) y(v float64) int {
	return int(math.Round(height * (1 - min(max((v-s.low)/(s.high-s.low), 0), 1))))
}

func (s rangeScale) ticks(unit string) []tick {
	var out []tick
	for i := 0; s.low+float64(i)*s.step <= s.high+s.step/2; i++ {
		v := s.low + float64(i)*s.step
		if math.Abs(v) < s.step/1e6 {
			v = 0
		}
		text := trend.Value(v, unit)
		switch unit {
		case "ratio":
			text = units.NumberTick(v)
		default:
			text = units.Trim(text)
		}
		out = append(out, tick{At: round3(100 * float64(s.y(v)) / height), Text: text})
	}
	return out
}

// gapHeight is that of the tick of a run without a value.
const gapHeight = 45

func newHistoryPlot(g *result.HistoryGroup, m *result.HistoryMeasure, a runAxis) *historyPlot {
	s := newRangeScale(m)
	p := &historyPlot{Title: plotName(m), Last: trend.Last(m), Sentence: describeHistory(g, m), X: a.ticks(), Y: s.ticks(m.Unit), Note: series.OneLine(m.Refused)}
	p.Grid = grid(nil, p.Y)
	var dots, gaps, levels path
	for i, v := range m.Values {
		if v == nil {
			gaps.move(a.x(i), height)
			gaps.vertical(height - gapHeight)
			continue
		}
		dots.move(a.x(i), s.y(*v))
		dots.b.WriteString("h0")
	}
	from := 0
	for i := range m.Changes {
		c := &m.Changes[i]
		levels.move(a.edge(from), s.y(c.Before))
		levels.horizontal(a.edge(c.Run))
		from = c.Run
		if i == len(m.Changes)-1 {
			levels.move(a.edge(from), s.y(c.After))
			levels.horizontal(width)
		}
		class := "pass"
		if c.Worse {
			class = "fail"
		}
		p.Marks = append(p.Marks, historyMark{
			At: round3(float64(a.edge(c.Run)) * 100 / width), Number: strconv.Itoa(c.Run + 1), Label: series.OneLine(c.Label),
			By: trend.By(c), Word: trend.Word(c), Class: class, Levels: trend.Levels(m, c),
		})
	}
	placeChips(p.Marks)
	p.Dots, p.Gaps, p.Levels = dots.String(), gaps.String(), levels.String()
	return p
}

// chipShare is how much of the narrowest chart a chip takes, in percent.
const chipShare = 15.0

// placeChips keeps the chips apart and within the chart; lines stay where they are.
func placeChips(marks []historyMark) {
	least := chipShare / 2
	for i := range marks {
		marks[i].Chip = max(marks[i].At, least)
		least = marks[i].Chip + chipShare
	}
	most := 100 - chipShare/2
	for i := range slices.Backward(marks) {
		marks[i].Chip = round3(min(marks[i].Chip, most))
		most = marks[i].Chip - chipShare
	}
}
