package show

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/internal/units"
)

// Timeline gathers the intervals of a run for a strip of a few dozen columns:
// when there are more, neighbours become one; and the first failure of each cause
// that can be told in words.
type Timeline struct {
	width   int64 // µs of a column
	columns []timeColumn
	first   map[string]string // what happened, by cause
}

type timeColumn struct {
	ok      *hdrhistogram.Histogram // nil without a good response
	offered uint64
	errors  uint64
}

// Bounds of the strip: columns begin as wide as the intervals of a run are.
const (
	maxColumns = 60
	columnUs   = 100_000
)

// Add takes an interval; they come in order of time.
func (t *Timeline) Add(i *result.Interval) error {
	if t.width == 0 {
		t.width = columnUs
	}
	at := int(i.StartUs / t.width)
	for at >= maxColumns {
		t.halve()
		at = int(i.StartUs / t.width)
	}
	for len(t.columns) <= at {
		t.columns = append(t.columns, timeColumn{})
	}
	c := &t.columns[at]
	c.offered += i.Offered
	for _, n := range i.Errors {
		c.errors += n
	}
	return hdr.Add(&c.ok, i.Response)
}

// Fail takes a failure.
func (t *Timeline) Fail(f *result.Failure) {
	if t.first[f.Cause] != "" || f.Detail == "" {
		return
	}
	if t.first == nil {
		t.first = make(map[string]string)
	}
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) { // servers say what they like
			return '?'
		}
		return r
	}, f.Detail)
	if f.Request != "" {
		text = f.Request + ": " + text
	}
	t.first[f.Cause] = text
}

// halve makes every two columns one.
func (t *Timeline) halve() {
	t.width *= 2
	for i := range t.columns {
		to, from := &t.columns[i/2], t.columns[i]
		if i%2 == 0 {
			*to = from
			continue
		}
		to.offered += from.offered
		to.errors += from.errors
		if to.ok == nil {
			to.ok = from.ok
		} else if from.ok != nil {
			to.ok.Merge(from.ok)
		}
	}
	t.columns = t.columns[:(len(t.columns)+1)/2]
}

// glyphs are the characters charts are drawn with.
type glyphs struct {
	levels     string // of a strip, lowest first
	few        rune   // too few samples
	bar, trace string // a full cell, and the sign of what is less than one
}

func chartGlyphs(ascii bool) glyphs {
	if ascii {
		return glyphs{"12345678", '.', "#", "."}
	}
	return glyphs{"▁▂▃▄▅▆▇█", '·', "█", "▏"}
}

func printCharts(w io.Writer, l *result.Load, t *Timeline, ascii bool) error {
	g := chartGlyphs(ascii)
	if t != nil {
		t.print(w, g)
	}
	return printDistribution(w, &l.Response, g)
}

// lineSamples is how many samples of a column its p99 takes; a p50 takes 6.
const (
	p99Samples = 300
	p50Samples = 6
)

// print writes the strips of time: latency in whole decades on a logarithmic
// axis, errors from 0.
func (t *Timeline) print(w io.Writer, g glyphs) {
	low, high, most := math.Inf(1), 0.0, uint64(0)
	enough := false // for a p99 of its own in some column
	for _, c := range t.columns {
		most = max(most, c.errors)
		if c.ok == nil {
			continue
		}
		low, high = min(low, float64(c.ok.ValueAtQuantile(50))), max(high, float64(c.ok.Max()))
		enough = enough || c.ok.TotalCount() >= p99Samples
	}
	if len(t.columns) < 2 {
		return
	}
	fmt.Fprintln(w)
	if high > 0 {
		bottom := math.Floor(math.Log10(max(low, 1)))
		top := max(bottom+1, math.Ceil(math.Log10(high)))
		strip := func(name string, need int64, value func(*hdrhistogram.Histogram) int64) {
			var b strings.Builder
			for _, c := range t.columns {
				switch {
				case c.ok == nil && c.offered == 0:
					b.WriteByte(' ')
				case c.ok == nil || c.ok.TotalCount() < need:
					b.WriteRune(g.few)
				default:
					b.WriteRune(g.level((math.Log10(max(float64(value(c.ok)), 1)) - bottom) / (top - bottom)))
				}
			}
			fmt.Fprintf(w, "%-4s |%s|\n", name, b.String())
		}
		strip("p50", p50Samples, func(h *hdrhistogram.Histogram) int64 { return h.ValueAtQuantile(50) })
		if enough {
			strip("p99", p99Samples, func(h *hdrhistogram.Histogram) int64 { return h.ValueAtQuantile(99) })
		}
		strip("max", 1, (*hdrhistogram.Histogram).Max)
		fmt.Fprintf(w, "      %s to %s log, ", units.Latency(math.Pow(10, bottom)), units.Latency(math.Pow(10, top)))
	} else {
		fmt.Fprint(w, "      ")
	}
	fmt.Fprintf(w, "1 column = %s, %c too few samples\n", units.Latency(float64(t.width)), g.few)
	if most > 0 {
		var b strings.Builder
		for _, c := range t.columns {
			if c.errors == 0 {
				b.WriteByte(' ')
			} else {
				b.WriteRune(g.level(float64(c.errors) / float64(most)))
			}
		}
		fmt.Fprintf(w, "%-4s |%s|\n      0 to %s in a column\n", "err", b.String(), units.Count(most))
	}
}

// level is the character for a share from 0 to 1.
func (g *glyphs) level(share float64) rune {
	all := []rune(g.levels)
	return all[min(max(int(share*float64(len(all))), 0), len(all)-1)]
}

// Rows of the distribution are steps of a logarithmic axis, so many to a decade.
const (
	stepsOfDecade = 10
	maxRows       = 16
	barWidth      = 40
)

// printDistribution writes a histogram of the response times of good answers:
// equal steps of the logarithm, bars in proportion to the counts.
func printDistribution(w io.Writer, of *result.Latency, g glyphs) error {
	var h *hdrhistogram.Histogram
	if err := hdr.Add(&h, of.HDR); err != nil || h == nil {
		return err
	}
	step := func(us int64) int { return int(math.Floor(math.Log10(float64(max(us, 1))) * stepsOfDecade)) }
	first, last := step(h.Min()), step(h.Max())
	per := (last - first + maxRows) / maxRows // steps of a row
	rows := make([]uint64, (last-first)/per+1)
	most := uint64(0)
	for _, bar := range h.Distribution() {
		if bar.Count > 0 {
			i := (step(bar.From) - first) / per
			rows[max(0, i)] += uint64(bar.Count)
			most = max(most, rows[max(0, i)])
		}
	}
	edge := func(i int) float64 { return math.Pow(10, float64(first+i*per)/stepsOfDecade) }
	fmt.Fprintf(w, "\nresponse time of %s OK responses\n", units.Count(of.Count))
	sum := uint64(0)
	for i, n := range rows {
		sum += n
		bar := strings.Repeat(g.bar, int(float64(n)/float64(most)*barWidth))
		if n > 0 && bar == "" {
			bar = g.trace // something is there
		}
		fmt.Fprintf(w, "%9s |%-*s| %s  %s\n", "< "+units.Latency(edge(i+1)), barWidth, bar, units.Count(n), units.Percent(float64(sum)/float64(of.Count)))
	}
	return nil
}
