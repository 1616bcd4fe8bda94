package page

import (
	"math"
	"strconv"

	"bench/internal/hdr"
	"bench/internal/units"
)

// maxCurves is how many segments the distribution chart tells apart.
const maxCurves = 5

// nines is chart C4: latency by percentile, one line to each segment.
func (b *cellBuilder) nines() *plot {
	s := logScale{b.Low, b.High}
	var most uint64
	for i := range b.Segments {
		most = max(most, b.Segments[i].OK.N())
	}
	decades := max(1, math.Ceil(math.Log10(max(float64(most), 10))))
	x := func(beyond float64) int { return int(math.Round(width * min(1, math.Log10(max(1/beyond, 1))/decades))) }
	p := &plot{
		ID: b.id + "-nines", Kind: "nines", Title: "Latency by percentile", Y: s.ticks(), XName: "percentile",
		Sub:      "one line to each part of the measured time, ending where its samples end; dotted where fewer than 10 lie beyond",
		Sentence: "Latency by percentile for each part of the measured time; the table below holds the figures.",
	}
	for d := 0; float64(d) <= decades; d++ {
		text := "p" + units.NumberTick(100*(1-math.Pow10(-d)))
		if d >= 3 {
			text = "p99." + "999999999"[:min(d-2, 9)]
		}
		p.X = append(p.X, tick{At: round3(100 * float64(d) / decades), Text: text})
	}
	p.Grid = grid(p.X, p.Y)
	drawn := 0
	for i := range b.Segments {
		g := &b.Segments[i]
		if len(g.OK) == 0 || g.MostlyFailed() || drawn == maxCurves {
			continue
		}
		class := "c" + strconv.Itoa(drawn)
		drawn++
		solid, dotted, end := ninesPaths(g.OK, x, s)
		p.Paths = append(p.Paths, mark{"", "line " + class, solid}, mark{"", "line thin " + class, dotted})
		p.Labels = append(p.Labels, label{At: float64(end) / height * 100, Text: g.Name, Class: class})
		p.Legend = append(p.Legend, label{Text: g.Name, Class: class})
	}
	p.Labels = spread(p.Labels, ninesPixels)
	if drawn == 0 {
		return nil
	}
	return p
}

// finest is the shortest step drawn of a distribution: less than a pixel.
const finest = 8

// ninesPaths draws one distribution: solid as far as ten samples lie beyond,
// dotted to the last sample.
func ninesPaths(d hdr.Dist, x func(beyond float64) int, s logScale) (solid, dotted string, end int) {
	n := float64(d.N())
	var a, z path
	below := uint64(0)
	a.move(0, s.y(float64(d[0].Value)))
	inTail := false
	for _, pt := range d {
		y := s.y(float64(pt.Value))
		below += uint64(pt.Count)
		beyond := n - float64(below)
		to := x(max(beyond, 1) / n)
		if beyond >= 10 {
			if to-a.x >= finest {
				a.vertical(y)
				a.horizontal(to)
			}
			continue
		}
		if !inTail {
			inTail = true
			a.vertical(y)
			a.horizontal(max(a.x, x(min(1, 10/n))))
			z.move(a.x, y)
		}
		z.vertical(y)
		z.horizontal(max(z.x, to))
		end = y
	}
	return a.String(), z.String(), end
}
