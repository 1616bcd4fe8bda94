package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/capacity"
	"bench/reports/series"
)

// capacityPlot is a chart over rates, or over the values of an axis.
type capacityPlot struct {
	Title, Sub string
	Sentence   string
	XName      string
	X, Y       []tick
	Grid       string
	Lines      []mark
	Dots       []capacityDot
	// Limit is the objective, Knee the capacity with its bounds; nil without one.
	Limit  *limitLine
	Knee   *kneeBand
	Ends   []label
	Legend []capacityKey
}

// capacityDot is a trial, or the outcome of a search.
type capacityDot struct {
	Class, Marker string
	place
}

// limitLine is at a height in percent from the top.
type limitLine struct {
	At   float64
	Text string
}

// kneeBand lies between two places, in percent from the left.
type kneeBand struct {
	Left, Width, At float64
	Text            string
}

// capacityKey is an entry of the legend.
type capacityKey struct{ Class, Marker, Text string }

// Markers of trials: colour is never the only sign.
const (
	heldMarker = "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z"
	brokMarker = "M-4.5-4.5L4.5 4.5M4.5-4.5L-4.5 4.5"
	voidMarker = "M-4-4h8v8h-8Z"
	bestMarker = "M0-5.5L5.5 0L0 5.5L-5.5 0Z"
	lineMarker = "M-6 0H6"
)

func trialMarker(class string) string {
	switch class {
	case "held":
		return heldMarker
	case "broke":
		return brokMarker
	default:
		return voidMarker
	}
}

// capacityPlots are the chart of all rates and, where the capacity is known, one of those
// near it.
func capacityPlots(r *result.Capacity, p *result.CapacityPoint) []*capacityPlot {
	merged := capacity.ByRate(p)
	if len(merged) == 0 {
		return nil
	}
	y := latencyScale(r, p)
	highest := 0.0
	for i := range p.Trials {
		highest = max(highest, p.Trials[i].Rate)
	}
	top := newLinScale(highest*1.02, units.NumberTick)
	whole := drawCapacity(r, p, merged, 0, top.top, top.step, y)
	whole.Title, whole.Sub = "Latency against rate", "of all trials of a rate together; a mark is one trial"
	all := []*capacityPlot{whole}
	if !p.Known || p.High == nil {
		return all
	}
	// Near is from a fifth below to a fifth above, by whole steps.
	step := niceStep(p.Rate * 0.08)
	from, to := step*math.Floor(p.Rate*0.8/step), step*math.Ceil(p.Rate*1.2/step)
	near := 0
	for _, m := range merged {
		if m.Rate >= from && m.Rate <= to {
			near++
		}
	}
	if near < 3 || from <= 0 {
		return all
	}
	closer := drawCapacity(r, p, merged, from, to, step, y)
	closer.Title, closer.Sub = "Near the capacity", "the same, from "+capacity.Rate(from)+" to "+capacity.Rate(to)
	return append(all, closer)
}

// latencyScale holds every latency of a search and the limit, in whole decades.
func latencyScale(r *result.Capacity, p *result.CapacityPoint) logScale {
	least, most := math.Inf(1), 0.0
	note := func(us float64) {
		if us > 0 {
			least, most = min(least, us), max(most, us)
		}
	}
	for i := range p.Trials {
		t := &p.Trials[i]
		if result.Enough(0.5, t.Response.Count) {
			note(t.Response.P50)
		}
		if result.Enough(0.99, t.Response.Count) {
			note(t.Response.P99)
		}
	}
	for _, m := range capacity.ByRate(p) {
		note(m.P50)
		note(m.P99)
	}
	if us, _ := capacityLimit(r); us > 0 {
		note(us)
	}
	if most == 0 {
		return logScale{3, 4}
	}
	s := logScale{int(math.Floor(math.Log10(least))), int(math.Ceil(math.Log10(most)))}
	s.high = max(s.high, s.low+1)
	return s
}

// capacityLimit is the limit on the p99 that one of the objectives sets, in microseconds.
func capacityLimit(r *result.Capacity) (us float64, text string) {
	for i, o := range r.Limits {
		if o.Metric == "response.p99" || o.Metric == "p99" {
			return o.Wanted, series.OneLine(r.Limits[i].Expr)
		}
	}
	return 0, ""
}

func drawCapacity(r *result.Capacity, p *result.CapacityPoint, merged []capacity.Merged, from, to, step float64, y logScale) *capacityPlot {
	x := func(rate float64) float64 { return round3(100 * (rate - from) / (to - from)) }
	up := func(us float64) float64 { return round3(100 * float64(y.y(us)) / height) }
	c := &capacityPlot{XName: "requests a second, offered", Y: y.ticks()}
	for i := 0; ; i++ {
		v := from + float64(i)*step
		if v > to*(1+1e-9) {
			break
		}
		c.X = append(c.X, tick{At: x(v), Text: units.NumberTick(v), Wide: i%2 == 1})
	}
	c.Grid = grid(c.X, c.Y)
	for _, line := range []struct {
		name, class string
		of          func(capacity.Merged) float64
	}{
		{"p50", "p50", func(m capacity.Merged) float64 { return m.P50 }},
		{"p99", "p99", func(m capacity.Merged) float64 { return m.P99 }},
	} {
		var d path
		last := place{-1, 0}
		for _, m := range merged {
			if us := line.of(m); us > 0 && m.Rate >= from && m.Rate <= to {
				last = place{x(m.Rate), up(us)}
				d.line(last)
			}
		}
		if last.X >= 0 {
			c.Lines = append(c.Lines, mark{"", "line " + line.class, d.String()})
			c.Ends = append(c.Ends, label{At: last.Y, Text: line.name, Class: line.class})
			c.Legend = append(c.Legend, capacityKey{line.class, lineMarker, line.name})
		}
	}
	c.Ends = spread(c.Ends, plotPixels)
	c.trials(p, from, to, x, up)
	if us, text := capacityLimit(r); us > 0 {
		c.Limit = &limitLine{up(us), text}
	}
	c.knee(p, x, from, to)
	c.Sentence = fmt.Sprintf("p50 and p99 of responses against the rate, %s to %s. The capacity is %s. The table below has the trials.",
		capacity.Rate(from), capacity.Rate(to), capacity.Found(p))
	return c
}

// trials draws one mark for each: at its p99, and at the upper edge where too few were
// answered for one.
func (c *capacityPlot) trials(p *result.CapacityPoint, from, to float64, x, up func(float64) float64) {
	names := map[string]string{"held": "held", "broke": "broken", "void": "did not count"}
	seen := map[string]bool{}
	lost := false
	for i := range p.Trials {
		t := &p.Trials[i]
		if t.Rate < from || t.Rate > to {
			continue
		}
		class := trialClass(t)
		dot := capacityDot{class, trialMarker(class), place{x(t.Rate), 0}}
		if result.Enough(0.99, t.Response.Count) {
			dot.Y = up(t.Response.P99)
		} else {
			lost = true
		}
		c.Dots = append(c.Dots, dot)
		seen[class] = true
	}
	for _, class := range []string{"held", "broke", "void"} {
		if seen[class] {
			c.Legend = append(c.Legend, capacityKey{class, trialMarker(class), names[class]})
		}
	}
	if lost {
		c.Sub += "; one at the upper edge has too few good responses for a p99"
	}
}

// knee marks the capacity.
func (c *capacityPlot) knee(p *result.CapacityPoint, x func(float64) float64, from, to float64) {
	if !p.Known || p.Rate < from || p.Rate > to {
		return
	}
	c.Knee = &kneeBand{At: x(p.Rate), Left: x(p.Rate), Text: capacity.Rate(p.Rate)}
	if p.High != nil {
		c.Knee.Left = max(0, x(p.Low))
		c.Knee.Width = round3(min(100, x(*p.High)) - c.Knee.Left)
	}
}

// scalingPlot is the capacity over the values of an axis, with the law through it where
// there is one; nil where the values are no numbers.
func scalingPlot(r *result.Capacity) *capacityPlot {
	if r.Axis == "" {
		return nil
	}
	ns := make([]float64, len(r.Points))
	for i := range r.Points {
		n, err := strconv.ParseFloat(r.Points[i].Value, 64)
		if err != nil || n < 0 {
			return nil
		}
		ns[i] = n
	}
	widest, highest := slices.Max(ns), 0.0
	for i := range r.Points {
		highest = max(highest, r.Points[i].Rate)
		if h := r.Points[i].High; h != nil {
			highest = max(highest, *h)
		}
	}
	if s := r.Scaling; s != nil {
		for _, q := range s.Curve {
			widest = max(widest, q.N)
			if !math.IsInf(q.High, 0) {
				highest = max(highest, min(q.High, 2*q.Rate))
			}
		}
	}
	if highest == 0 {
		return nil
	}
	ys := newLinScale(highest, units.NumberTick)
	right := widest * 1.05
	x := func(n float64) float64 { return round3(100 * n / right) }
	up := func(v float64) float64 { return round3(100 * float64(ys.y(v)) / height) }
	c := &capacityPlot{
		Title: "Capacity by " + series.OneLine(r.Axis), XName: series.OneLine(r.Axis), Y: ys.ticks(),
		Sentence: "Capacity at each value of " + series.OneLine(r.Axis) + "; the table above has the figures.",
		Legend:   []capacityKey{{"point", bestMarker, "a search, with its bounds"}},
	}
	step := niceStep(widest / 8)
	if step < 1 {
		step = 1
	}
	for n := step; n <= right; n += step {
		c.X = append(c.X, tick{At: x(n), Text: units.NumberTick(n)})
	}
	c.Grid = grid(c.X, c.Y)
	if s := r.Scaling; s != nil && len(s.Curve) > 1 {
		c.law(s, x, up)
	}
	var bars path
	for i := range r.Points {
		p := &r.Points[i]
		if !p.Known {
			continue
		}
		at := place{x(ns[i]), up(p.Rate)}
		c.Dots = append(c.Dots, capacityDot{"point", bestMarker, at})
		if p.High != nil {
			bars.move(plane(at.X, width), plane(up(p.Low), height))
			bars.vertical(plane(up(*p.High), height))
		}
	}
	c.Lines = append(c.Lines, mark{"", "line bars", bars.String()})
	return c
}

// law draws the curve with its bounds, dashed beyond what was measured.
func (c *capacityPlot) law(s *result.Scaling, x, up func(float64) float64) {
	var inside, beyond, low, high path
	for _, q := range s.Curve {
		at := place{x(q.N), up(q.Rate)}
		if q.N <= s.Largest {
			inside.line(at)
		}
		if q.N >= s.Largest {
			beyond.line(at)
		}
		low.line(place{x(q.N), up(q.Low)})
		high.line(place{x(q.N), up(q.High)})
	}
	c.Lines = append(c.Lines,
		mark{"", "line law", inside.String()}, mark{"", "line law beyond", beyond.String()},
		mark{"", "line edge", low.String()}, mark{"", "line edge", high.String()})
	last := s.Curve[len(s.Curve)-1]
	c.Ends = append(c.Ends, label{At: up(last.Rate), Text: "law", Class: "law"})
	c.Sub = "the line is the law, dashed beyond what was measured; dotted are its bounds (95 %)"
}
