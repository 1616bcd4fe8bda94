package compare

import (
	"cmp"
	"math"
	"slices"

	"bench/internal/result"
	"bench/internal/stats"
	"bench/scenarios/format"
	"bench/scenarios/gate"
	"bench/scenarios/measures"
)

// column is one measure over all pairs.
type column struct {
	like  measures.Measure // name, unit, what it is of
	gated bool
	asked bool // by the scenario, which says whether it decides
	// base and new are of the pairs in their order, NaN where a value is not known.
	base, new []float64
	counts    []gate.Count // of what is counted
	why       string       // the last reason for which a value was not known
}

// name is unique within the comparison.
func (c *column) name() string { return fullName(c.like.Cell, c.like.Name) }

func fullName(cell, name string) string {
	if cell == "" {
		return name
	}
	return cell + " " + name
}

// values gathers the measures of pairs.
type values struct {
	asked   []format.CompareMeasure
	columns []*column
	pairs   int
}

// add takes the runs of a pair in one combination of the matrix.
func (v *values) add(base, other *measures.Run, cell string) {
	for _, r := range []*measures.Run{base, other} {
		for i := range r.Measures {
			m := r.Measures[i]
			m.Cell = cell
			v.column(&m)
		}
	}
	for _, c := range v.columns {
		if c.like.Cell != cell {
			continue
		}
		c.fill(v.pairs)
		b, n := base.Lookup(c.like.Name), other.Lookup(c.like.Name)
		c.base, c.new = append(c.base, c.value(b)), append(c.new, c.value(n))
		c.counts = append(c.counts, count(b, n))
	}
}

// end is the end of a pair: what no combination of the matrix told is not known.
func (v *values) end() {
	v.pairs++
	for _, c := range v.columns {
		c.fill(v.pairs)
	}
}

// column finds that of a measure, or begins it.
func (v *values) column(m *measures.Measure) {
	if slices.ContainsFunc(v.columns, func(c *column) bool { return c.like.Cell == m.Cell && c.like.Name == m.Name }) {
		return
	}
	c := &column{like: *m, gated: m.Gated()}
	if i := slices.IndexFunc(v.asked, func(a format.CompareMeasure) bool { return a.Name == m.Name }); i >= 0 {
		c.gated, c.asked = v.asked[i].Gate, true
	}
	v.columns = append(v.columns, c)
}

// fill adds pairs in which nothing was known until there are so many.
func (c *column) fill(pairs int) {
	for len(c.base) < pairs {
		c.base, c.new = append(c.base, math.NaN()), append(c.new, math.NaN())
		c.counts = append(c.counts, gate.Count{})
	}
}

// value of a run, NaN if it is not known.
func (c *column) value(m *measures.Measure) float64 {
	if m == nil {
		c.why = "not every run has it"
		return math.NaN()
	}
	if !m.Known {
		c.why = m.Why
		return math.NaN()
	}
	return m.Value
}

// count is what a pair says of something that is counted.
func count(base, other *measures.Measure) gate.Count {
	if base == nil || other == nil || !base.Known || !other.Known {
		return gate.Count{}
	}
	whole := func(m *measures.Measure) (n, all uint64) {
		if m.Unit == "%" {
			return uint64(math.Round(m.Value * float64(m.Of))), m.Of
		}
		return uint64(m.Value), max(m.Of, uint64(m.Value))
	}
	var c gate.Count
	c.Base, c.BaseAll = whole(base)
	c.New, c.NewAll = whole(other)
	return c
}

// ratio is the logarithm by which the new value of a pair differs from the base's, NaN if
// it is not known.
func (c *column) ratio(i int) float64 {
	base, other := c.base[i]+c.like.Step, c.new[i]+c.like.Step
	if !(base >= 0) || !(other >= 0) {
		return math.NaN()
	}
	return gate.LogRatio(base, other)
}

// known are the values of a side that are.
func known(all []float64) (some []float64) {
	for _, v := range all {
		if !math.IsNaN(v) {
			some = append(some, v)
		}
	}
	return some
}

// compared is the line of a measure that is not gated.
func (c *column) compared(alpha float64) result.ComparedMeasure {
	m := result.ComparedMeasure{
		Name: c.like.Name, Load: c.like.Load, Class: c.like.Class, Cell: c.like.Cell, Unit: c.like.Unit, Gated: c.gated,
		Verdict: result.Shown, BaseValues: []float64{}, NewValues: []float64{},
	}
	var d []float64
	for i := range c.base {
		if math.IsNaN(c.base[i]) || math.IsNaN(c.new[i]) {
			continue
		}
		m.BaseValues, m.NewValues = append(m.BaseValues, c.base[i]), append(m.NewValues, c.new[i])
		if r := c.ratio(i); !math.IsNaN(r) {
			d = append(d, r)
		}
	}
	if len(m.BaseValues) == 0 {
		m.Reason = cmp.Or(c.why, "no pair has it on both sides")
		return m
	}
	m.Known = true
	if c.like.Kind == measures.Count {
		c.counted(&m)
		return m
	}
	m.Base, m.New = stats.Median(m.BaseValues), stats.Median(m.NewValues)
	if len(d) == 0 {
		return m
	}
	m.ChangePercent = percent(stats.HodgesLehmann(d))
	if low, high, ok := stats.SignInterval(d, 2/alpha); ok {
		l, h := percent(low), percent(high)
		m.Low, m.High = &l, &h
	}
	return m
}

// counted are the sums of what is counted, and the difference of the shares.
func (c *column) counted(m *result.ComparedMeasure) {
	if c.like.Unit == "%" {
		m.Base, m.New = mean(m.BaseValues), mean(m.NewValues)
		m.ChangePercent = 100 * (m.New - m.Base)
		return
	}
	for i := range m.BaseValues {
		m.Base += m.BaseValues[i]
		m.New += m.NewValues[i]
	}
	var all gate.Count
	for _, n := range c.counts {
		all.BaseAll += n.BaseAll
		all.NewAll += n.NewAll
	}
	if all.BaseAll > 0 && all.NewAll > 0 {
		m.ChangePercent = 100 * (m.New/float64(all.NewAll) - m.Base/float64(all.BaseAll))
	}
}

func mean(all []float64) (sum float64) {
	for _, v := range all {
		sum += v / float64(len(all))
	}
	return sum
}

// percent is the change that a logarithm of a ratio stands for.
func percent(log float64) float64 { return 100 * math.Expm1(log) }
