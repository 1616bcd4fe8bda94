package series

import (
	"slices"

	"bench/internal/result"
)

const (
	second = 1_000_000
	// slotUs is the length of a slot that no edge of a phase cuts short.
	slotUs = second / 10
	// fineReach is how far around an event the columns stay as fine as the slots.
	fineReach = 10 * second
	// maxFine bounds the fine columns of a cell, so that a report with
	// hundreds of events stays small: the reach shrinks until they fit.
	maxFine = 6000
	// MaxOverview is the greatest number of columns a chart starts with.
	MaxOverview = 900
	// maxLine is how far neighbouring columns merge to reach the samples a
	// line needs.
	maxLine = 10 * second
)

// Column is a stretch of time in a chart. Completed and Good are what ended in
// it; all else is of the requests that were due in it.
type Column struct {
	StartUs, LengthUs        int64
	Offered, Completed, Good uint64
	Errors                   Errors
	LagMaxUs                 int64
	OK                       Bins
	Max                      float64 // exact, of OK
	// Edge reports that an event or phase begins or ends at StartUs: nothing
	// merges across it.
	Edge bool
}

// EndUs is the end of the column.
func (c *Column) EndUs() int64 { return c.StartUs + c.LengthUs }

// Empty reports that nothing was offered and nothing ended well: the column says
// nothing about the system, unlike one whose requests all failed.
func (c *Column) Empty() bool { return c.Offered == 0 && len(c.OK) == 0 }

func (c *Column) merge(o *Column) {
	c.LengthUs = o.EndUs() - c.StartUs
	c.Offered += o.Offered
	c.Completed += o.Completed
	c.Good += o.Good
	c.Errors.Add(&o.Errors)
	c.LagMaxUs = max(c.LagMaxUs, o.LagMaxUs)
	c.OK = c.OK.Merge(o.OK)
	c.Max = max(c.Max, o.Max)
}

// Columns are the raw columns of a cell: its slots near events, whole seconds
// elsewhere.
func (c *Cell) Columns() []Column {
	edges, moments := c.edges(), c.eventEdges()
	reach := int64(fineReach)
	for ; reach > 0; reach /= 2 {
		if c.countFine(moments, reach) <= maxFine {
			break
		}
	}
	var out []Column
	var key, last int64
	next := 0 // the next edge
	for i := range c.Slots {
		s := &c.Slots[i]
		edge := false
		for next < len(edges) && edges[next] < s.StartUs+s.LengthUs {
			edge, next = true, next+1
		}
		k := floorDiv(s.StartUs-c.ZeroUs, second)
		if near(moments, s, reach) {
			k = -1 << 62 // of its own
		}
		col := Column{
			StartUs: s.StartUs, LengthUs: s.LengthUs, Offered: s.Offered, Completed: s.Completed, Good: s.Good,
			Errors: s.Errors, LagMaxUs: s.LagMaxUs, OK: BinsOf(s.OK), Max: s.OK.Max(), Edge: edge || i == 0,
		}
		if i > 0 && !edge && k == key && k != -1<<62 && last == s.StartUs {
			out[len(out)-1].merge(&col)
		} else {
			out = append(out, col)
		}
		key, last = k, s.StartUs+s.LengthUs
	}
	return out
}

// edges are the moments nothing merges across, ascending: begins and ends of
// events and phases.
func (c *Cell) edges() []int64 {
	out := c.eventEdges()
	for _, p := range c.Phases {
		out = append(out, p.StartUs, p.StartUs+p.LengthUs)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// eventEdges are the begins and ends of the events that were carried out.
func (c *Cell) eventEdges() []int64 {
	var out []int64
	for _, e := range c.Events {
		if e.Applied {
			out = append(out, e.BeginUs, max(e.BeginUs, e.EndUs))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *Cell) countFine(edges []int64, reach int64) int {
	n := 0
	for i := range c.Slots {
		if near(edges, &c.Slots[i], reach) {
			n++
		}
	}
	return n
}

// near reports whether a slot lies within reach of an edge.
func near(edges []int64, s *Slot, reach int64) bool {
	i, _ := slices.BinarySearch(edges, s.StartUs-reach)
	return reach > 0 && i < len(edges) && edges[i] <= s.StartUs+s.LengthUs+reach
}

// steps are the widths a chart's columns may have.
var steps = [...]int64{
	second / 10, second / 5, second / 2, second, 2 * second, 4 * second, 5 * second, 10 * second, 15 * second,
	30 * second, 60 * second, 120 * second, 300 * second, 600 * second, 1800 * second, 3600 * second,
}

// Overview merges raw columns into at most limit of them, as far as edges
// allow, and tells the width it chose; single columns may be shorter at edges
// and longer where the raw ones are.
func Overview(raw []Column, zeroUs int64, limit int) (cols []Column, stepUs int64) {
	for _, step := range steps {
		stepUs = step
		if countGroups(raw, zeroUs, step) <= limit {
			break
		}
	}
	for i := range raw {
		if i > 0 && sameGroup(&raw[i-1], &raw[i], zeroUs, stepUs) {
			cols[len(cols)-1].merge(&raw[i])
		} else {
			cols = append(cols, raw[i])
		}
	}
	return cols, stepUs
}

func countGroups(raw []Column, zeroUs, step int64) int {
	n := 0
	for i := range raw {
		if i == 0 || !sameGroup(&raw[i-1], &raw[i], zeroUs, step) {
			n++
		}
	}
	return n
}

func sameGroup(a, b *Column, zeroUs, step int64) bool {
	return !b.Edge && a.EndUs() == b.StartUs && floorDiv(a.StartUs-zeroUs, step) == floorDiv(b.StartUs-zeroUs, step)
}

// Step is one step of a line: a percentile of all OK responses started in it.
type Step struct {
	StartUs, EndUs int64
	Value          float64 // µs
	N              uint64
}

// Line is the percentile q over time. Columns with too few samples merge with
// their neighbours, up to ten seconds and never across an edge; what still has
// too few gives no step. A column whose requests all failed ends the merging:
// it is a gap.
func Line(cols []Column, q float64) []Step {
	var out []Step
	for i := 0; i < len(cols); {
		j, n := i, uint64(0)
		var sum Bins
		for ; j < len(cols) && joins(cols, i, j) && !EnoughForLine(q, n); j++ {
			sum = sum.Merge(cols[j].OK)
			n = sum.N()
		}
		if j == i { // a gap
			i++
			continue
		}
		if EnoughForLine(q, n) {
			out = append(out, Step{cols[i].StartUs, cols[j-1].EndUs(), sum.Quantile(q), n})
		} else if last := len(out) - 1; last >= 0 && canExtend(cols, &out[last], i, j) {
			from := slices.IndexFunc(cols, func(c Column) bool { return c.StartUs == out[last].StartUs })
			sum = nil
			for k := from; k < j; k++ {
				sum = sum.Merge(cols[k].OK)
			}
			out[last] = Step{out[last].StartUs, cols[j-1].EndUs(), sum.Quantile(q), sum.N()}
		}
		i = j
	}
	return out
}

// joins reports whether column j may be part of a step that begins at column i.
func joins(cols []Column, i, j int) bool {
	c := &cols[j]
	if len(c.OK) == 0 && !c.Empty() {
		return false
	}
	return i == j || (!c.Edge && cols[j-1].EndUs() == c.StartUs && c.EndUs()-cols[i].StartUs <= maxLine)
}

// canExtend reports whether the columns i to j, too few on their own, may join
// the step before them.
func canExtend(cols []Column, s *Step, i, j int) bool {
	return s.EndUs == cols[i].StartUs && !cols[i].Edge && cols[j-1].EndUs()-s.StartUs <= maxLine
}

// Gaps are the columns in which requests started and none ended well: times
// without a latency.
func Gaps(cols []Column) []result.Span {
	var out []result.Span
	for i := range cols {
		c := &cols[i]
		if len(c.OK) > 0 || c.Empty() {
			continue
		}
		if n := len(out); n > 0 && out[n-1].EndUs == c.StartUs {
			out[n-1].EndUs = c.EndUs()
		} else {
			out = append(out, result.Span{StartUs: c.StartUs, EndUs: c.EndUs()})
		}
	}
	return out
}

// Decades are the whole powers of ten, in microseconds, that hold all values
// greater than zero, at least one decade apart.
func Decades(values ...float64) (low, high int) {
	low, high = 99, -99
	for _, v := range values {
		if v <= 0 {
			continue
		}
		d := 0
		for p := 1.0; p*10 <= v; p *= 10 {
			d++
		}
		low = min(low, d)
		for p := pow10(d); p < v; p *= 10 {
			d++
		}
		high = max(high, d)
	}
	if low > high {
		return 2, 5
	}
	if low == high {
		high++
	}
	return low, high
}

func pow10(n int) float64 {
	p := 1.0
	for range n {
		p *= 10
	}
	return p
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
