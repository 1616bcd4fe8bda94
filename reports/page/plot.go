package page

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"bench/internal/units"
	"bench/reports/series"
)

// Plots are drawn on a plane of width by height units and stretched to their
// box by the browser; strokes keep their width. Text never stands on the
// plane: it is HTML placed in percent.
const (
	width  = 10_000
	height = 1_000
)

// axis maps time to the horizontal of the plane.
type axis struct{ start, end int64 }

func (a axis) x(us int64) int {
	return int(math.Round(float64(us-a.start) * width / float64(max(a.end-a.start, 1))))
}

// percent is the place of a time in the plot, 0 to 100, or beyond if outside.
func (a axis) percent(us int64) float64 {
	return round3(float64(us-a.start) * 100 / float64(max(a.end-a.start, 1)))
}

// logScale maps microseconds to the vertical of the plane, in whole decades.
type logScale struct{ low, high int }

func (s logScale) y(us float64) int {
	at := (math.Log10(max(us, 1e-9)) - float64(s.low)) / float64(s.high-s.low)
	return int(math.Round(height * (1 - min(max(at, 0), 1))))
}

// ticks are the decades.
func (s logScale) ticks() []tick {
	var out []tick
	for d := s.low; d <= s.high; d++ {
		out = append(out, tick{At: round3(100 * float64(s.high-d) / float64(s.high-s.low)), Text: units.LatencyTick(math.Pow10(d))})
	}
	return out
}

// linScale maps 0 to top to the vertical of the plane.
type linScale struct {
	top, step float64
	format    func(float64) string
}

// newLinScale finds a round top for values from 0 to greatest.
func newLinScale(greatest float64, format func(float64) string) linScale {
	if greatest <= 0 {
		greatest = 1
	}
	step := niceStep(greatest / 3)
	return linScale{step * math.Ceil(greatest/step-1e-9), step, format}
}

// niceStep is the least 1, 2, 2.5 or 5 times a power of ten not below v.
func niceStep(v float64) float64 {
	p := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*p >= v*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

func (s linScale) y(v float64) int {
	return int(math.Round(height * (1 - min(max(v/s.top, 0), 1))))
}

func (s linScale) ticks() []tick {
	var out []tick
	for i := 0; float64(i)*s.step <= s.top*(1+1e-9); i++ {
		v := float64(i) * s.step
		out = append(out, tick{At: round3(100 * (1 - v/s.top)), Text: s.format(v)})
	}
	return out
}

// tick is a label of an axis and its place in percent from the left or top.
type tick struct {
	At   float64
	Text string
	// Wide reports that the label only shows where there is room for it.
	Wide bool
}

// timeSteps are the distances ticks of time may have; each is a multiple of
// one or two before it.
var timeSteps = [...]int64{
	100_000, 200_000, 500_000, 1e6, 2e6, 5e6, 10e6, 20e6, 60e6, 120e6, 300e6, 600e6, 1800e6, 3600e6, 7200e6, 14400e6, 43200e6, 86400e6,
}

// ticks of time are counted from zero, the end of the warm-up.
func (a axis) ticks(zero int64) []tick {
	span := a.end - a.start
	wide, narrow := int64(0), int64(0)
	for _, s := range timeSteps {
		if wide == 0 && span/s <= 10 {
			wide = s
		}
		if wide != 0 && s%wide == 0 && span/s <= 4 {
			narrow = s
			break
		}
	}
	if wide == 0 {
		wide = span/10 + 1
	}
	if narrow == 0 {
		narrow = wide
	}
	var out []tick
	first := (a.start - zero) / wide * wide // towards zero: right for what is negative
	if first < a.start-zero {
		first += wide
	}
	for t := first; t <= a.end-zero; t += wide {
		text := units.ClockSeconds(t)
		if wide < 1e6 {
			text = units.Clock(t)
		}
		out = append(out, tick{At: a.percent(t + zero), Text: text, Wide: t%narrow != 0})
	}
	return out
}

func round3(v float64) float64 { return math.Round(v*1000) / 1000 }

// path builds the d attribute of an SVG path.
type path struct {
	b    strings.Builder
	x, y int
	open bool
}

func (p *path) num(letter byte, v int) {
	p.b.WriteByte(letter)
	p.b.WriteString(strconv.Itoa(v))
}

// move lifts the pen to a place.
func (p *path) move(x, y int) {
	p.num('M', x)
	p.num(' ', y)
	p.x, p.y, p.open = x, y, true
}

// horizontal and vertical draw to a coordinate, written as the way there: it is
// shorter. A line of no length is left out.
func (p *path) horizontal(x int) {
	if x != p.x {
		p.num('h', x-p.x)
		p.x = x
	}
}

func (p *path) vertical(y int) {
	if y != p.y {
		p.num('v', y-p.y)
		p.y = y
	}
}

// step draws the level y from x0 to x1, joined to the last when that ended at x0.
func (p *path) step(x0, x1, y int) {
	if p.open && p.x == x0 {
		p.vertical(y)
	} else {
		p.move(x0, y)
	}
	p.horizontal(max(x1, x0+1))
}

func (p *path) String() string { return p.b.String() }

// stepsPath draws a percentile line.
func stepsPath(steps []series.Step, a axis, s logScale) string {
	var p path
	for _, t := range steps {
		p.step(a.x(t.StartUs), a.x(t.EndUs), s.y(t.Value))
	}
	return p.String()
}

// levels draws one value of each column as a step line; columns apart in time
// are not joined.
func levels(cols []series.Column, a axis, y func(*series.Column) int) string {
	var p path
	for i := range cols {
		p.step(a.x(cols[i].StartUs), a.x(cols[i].EndUs()), y(&cols[i]))
	}
	return p.String()
}

// area fills between two levels of each column.
func area(cols []series.Column, a axis, top, bottom func(*series.Column) int) string {
	var p path
	for i := 0; i < len(cols); {
		if top(&cols[i]) == bottom(&cols[i]) {
			i++
			continue
		}
		j := i + 1
		for j < len(cols) && cols[j].StartUs == cols[j-1].EndUs() && top(&cols[j]) != bottom(&cols[j]) {
			j++
		}
		p.move(a.x(cols[i].StartUs), bottom(&cols[i]))
		for k := i; k < j; k++ {
			p.vertical(top(&cols[k]))
			p.horizontal(a.x(cols[k].EndUs()))
		}
		for k := j - 1; k >= i; k-- {
			p.vertical(bottom(&cols[k]))
			p.horizontal(a.x(cols[k].StartUs))
		}
		p.b.WriteByte('Z')
		p.open = false
		i = j
	}
	return p.String()
}

// grid draws the lines behind a plot.
func grid(xs, ys []tick) string {
	var p path
	for _, t := range ys {
		p.move(0, int(math.Round(t.At*height/100)))
		p.horizontal(width)
	}
	for _, t := range xs {
		p.move(int(math.Round(t.At*width/100)), 0)
		p.vertical(height)
	}
	return p.String()
}

// label is a text beside the end of a line.
type label struct {
	At    float64 // percent from the top
	Text  string
	Class string
}

// spread pushes labels apart so that none covers another in a plot of the
// given height in pixels, keeping their order.
func spread(labels []label, pixels float64) []label {
	const lineHeight = 16.0
	gap := lineHeight * 100 / pixels
	order := make([]int, len(labels))
	for i := range order {
		order[i] = i
	}
	for i := 1; i < len(order); i++ {
		for j := i; j > 0 && labels[order[j]].At < labels[order[j-1]].At; j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	for n, i := range order {
		if n > 0 {
			labels[i].At = max(labels[i].At, labels[order[n-1]].At+gap)
		}
	}
	limit := 100.0
	for _, i := range slices.Backward(order) {
		l := &labels[i]
		l.At = min(l.At, limit)
		limit = l.At - gap
	}
	for i := range labels {
		labels[i].At = round3(labels[i].At)
	}
	return labels
}
