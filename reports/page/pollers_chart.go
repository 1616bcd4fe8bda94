package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/pollers"
	"bench/reports/series"
)

// pollerPlot is a chart of one measure of one work: a line for each poller of one
// proxy over the number of connections. The charts of the proxies beside each other
// have the same axes.
type pollerPlot struct {
	Title    string
	Sentence string
	XName    string
	X, Y     []tick
	Grid     string
	Lines    []pollerLine
}

// pollerLine has its own colour, dash and marker.
type pollerLine struct {
	Class   string
	Name    string
	Marker  string // path on a plane from -6 to 6
	D, Bars string
	Points  []place
	// Label stands at the line's own last point.
	Label place
}

// place is a position in percent from the left and the top.
type place struct{ X, Y float64 }

// pollerMark is the sign of a poller: a class, which the style sheet gives colour and
// dash, and a marker. Colour is never the only sign.
func pollerMark(name string) (class, marker string) {
	switch name {
	case "poll":
		return "k1", "M-4-4h8v8h-8Z"
	case "select":
		return "k2", "M0-5L5 4H-5Z"
	case "io_uring":
		return "k3", "M0-5.5L5.5 0L0 5.5L-5.5 0Z"
	default:
		return "k0", "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z"
	}
}

// connScale maps numbers of connections to percent from the left, by logarithm.
type connScale struct{ low, high float64 }

func (s connScale) x(n int) float64 {
	if s.high <= s.low {
		return 50
	}
	return round3(100 * (math.Log10(float64(n)) - s.low) / (s.high - s.low))
}

// connections is what a row has open at the proxy's front.
func connections(r *result.PollerRow) int { return r.Idle + r.Active }

func newConnScale(w *result.PollerWork) connScale {
	s := connScale{math.Inf(1), math.Inf(-1)}
	for i := range w.Rows {
		at := math.Log10(float64(max(connections(&w.Rows[i]), 1)))
		s.low, s.high = min(s.low, at), max(s.high, at)
	}
	// The last points keep clear of the edge.
	return connScale{s.low - 0.02*(s.high-s.low), s.high + 0.02*(s.high-s.low)}
}

// ticks are the numbers measured, from the right, as far as they have room.
func (s connScale) ticks(w *result.PollerWork) []tick {
	var all []tick
	for i := len(w.Rows) - 1; i >= 0; i-- {
		n := connections(&w.Rows[i])
		t := tick{At: s.x(n), Text: units.Count(uint64(n))}
		if len(all) > 0 && all[len(all)-1].At-t.At < 9 {
			continue
		}
		t.Wide = len(all) > 0 && all[len(all)-1].At-t.At < 16 && !all[len(all)-1].Wide
		all = append(all, t)
	}
	slices.Reverse(all)
	return all
}

// valueScale maps values to percent from the top.
type valueScale struct {
	y     func(float64) float64
	ticks []tick
}

// newValueScale holds every value of a work, with its interval, of all proxies.
func newValueScale(w *result.PollerWork, m *pollers.Measure) valueScale {
	least, most := math.Inf(1), 0.0
	for i := range w.Rows {
		for _, f := range m.Figures(&w.Rows[i]) {
			if !f.Estimate.Known {
				continue
			}
			most = max(most, f.Estimate.High)
			// A short run may read 0, which has no place on a logarithmic scale but its end.
			for _, v := range []float64{f.Estimate.Low, f.Estimate.High} {
				if v > 0 {
					least = min(least, v)
				}
			}
		}
	}
	if m.Linear || most == 0 {
		s := newLinScale(most, m.Tick)
		return valueScale{func(v float64) float64 { return round3(float64(s.y(v)) * 100 / height) }, s.ticks()}
	}
	s := logScale{int(math.Floor(math.Log10(least))), int(math.Ceil(math.Log10(most)))}
	s.high = max(s.high, s.low+1)
	return valueScale{func(v float64) float64 { return round3(float64(s.y(v)) * 100 / height) }, s.ticks()}
}

// pollerPlots are the charts of one measure of one work, one for each proxy. There is
// none where nothing is known.
func pollerPlots(r *result.Pollers, w *result.PollerWork, m *pollers.Measure) []*pollerPlot {
	x, y := newConnScale(w), newValueScale(w, m)
	var all []*pollerPlot
	index := make(map[string]*pollerPlot)
	for i := range r.Contestants {
		c := &r.Contestants[i]
		line := newPollerLine(c, w, m, x, y)
		if line == nil {
			continue
		}
		p := index[c.Proxy]
		if p == nil {
			p = &pollerPlot{Title: proxyTitle(c.Proxy), XName: "connections", X: x.ticks(w), Y: y.ticks}
			p.Grid = grid(p.X, p.Y)
			index[c.Proxy] = p
			all = append(all, p)
		}
		p.Lines = append(p.Lines, *line)
	}
	for _, p := range all {
		p.describe(w, m)
		spreadEnds(p.Lines)
	}
	return all
}

func proxyTitle(proxy string) string {
	switch proxy {
	case "builtin":
		return "built-in engine"
	case "haproxy":
		return "HAProxy"
	}
	return series.OneLine(proxy)
}

// newPollerLine is nil where nothing is known.
func newPollerLine(c *result.PollerContestant, w *result.PollerWork, m *pollers.Measure, x connScale, y valueScale) *pollerLine {
	class, marker := pollerMark(c.Poller)
	line := &pollerLine{Class: class, Name: series.OneLine(c.Poller), Marker: marker}
	var d, bars path
	for i := range w.Rows {
		for j := range w.Rows[i].Cells {
			cell := &w.Rows[i].Cells[j]
			e := m.Of(cell)
			if cell.Contestant != c.Name || !e.Known {
				continue
			}
			at := place{x.x(connections(&w.Rows[i])), y.y(e.Value)}
			line.Points = append(line.Points, at)
			d.line(at)
			bars.move(plane(at.X, width), plane(y.y(e.Low), height))
			bars.vertical(plane(y.y(e.High), height))
		}
	}
	if len(line.Points) == 0 {
		return nil
	}
	line.D, line.Bars = d.String(), bars.String()
	line.Label = line.Points[len(line.Points)-1]
	return line
}

func plane(percent float64, size int) int { return int(math.Round(percent * float64(size) / 100)) }

// line draws to a place; the first begins there.
func (p *path) line(at place) {
	x, y := plane(at.X, width), plane(at.Y, height)
	if !p.open {
		p.move(x, y)
		return
	}
	p.num('L', x)
	p.num(' ', y)
	p.x, p.y = x, y
}

// plotPixels is the least height a chart is shown with.
const plotPixels = 220

// spreadEnds pushes the labels of lines that end at the same number of connections
// apart.
func spreadEnds(lines []pollerLine) {
	ends := make(map[float64][]int)
	for i := range lines {
		ends[lines[i].Label.X] = append(ends[lines[i].Label.X], i)
	}
	for _, group := range ends {
		labels := make([]label, len(group))
		for n, i := range group {
			labels[n].At = lines[i].Label.Y
		}
		for n, l := range spread(labels, plotPixels) {
			lines[group[n]].Label.Y = l.At
		}
	}
}

// describe says the chart in a sentence.
func (p *pollerPlot) describe(w *result.PollerWork, m *pollers.Measure) {
	var parts []string
	for i := range p.Lines {
		parts = append(parts, p.Lines[i].Name)
	}
	first, last := connections(&w.Rows[0]), connections(&w.Rows[len(w.Rows)-1])
	p.Sentence = fmt.Sprintf("%s, %s, of %s over %s to %s connections; the table above has the values",
		p.Title, m.Name, strings.Join(parts, ", "), units.Count(uint64(first)), units.Count(uint64(last)))
}
