package series

import "bench/internal/result"

// Quantiles shown in charts and tables, in order.
var Quantiles = [...]float64{0.5, 0.9, 0.99, 0.999}

// Analysis is everything the surfaces derive from one cell, computed once.
type Analysis struct {
	*Cell
	Base     Baseline
	Raw      []Column // as fine as there are
	Overview []Column // what charts start with
	StepUs   int64    // width of an overview column
	Lines    [len(Quantiles)][]Step
	Gaps     []result.Span
	Windows  []Window
	Segments []Segment
	Limit    float64 // of p99, µs; 0 without
	// Low and High are the decades of the latency axis.
	Low, High int
}

// Analyse derives a cell's analysis.
func Analyse(c *Cell) *Analysis {
	a := &Analysis{Cell: c, Base: c.Base(), Raw: c.Columns(), Limit: c.LimitP99()}
	a.Overview, a.StepUs = Overview(a.Raw, c.ZeroUs, MaxOverview)
	for i, q := range Quantiles {
		a.Lines[i] = Line(a.Overview, q)
	}
	a.Gaps = Gaps(a.Overview)
	a.Windows = c.Windows(a.Base)
	Peaks(a.Windows, Line(a.Raw, 0.99))
	a.Segments = c.Segments(a.Windows)
	values := []float64{a.Limit}
	for i := range c.Objectives {
		if o := &c.Objectives[i]; len(o.Spans) > 0 && o.Unit == "us" {
			values = append(values, o.Wanted) // its line is drawn
		}
	}
	for i := range a.Raw {
		if b := a.Raw[i].OK; len(b) > 0 {
			values = append(values, BinValue(int(b[0].Value)), a.Raw[i].Max)
		}
	}
	a.Low, a.High = Decades(values...)
	return a
}

// EvenAxes gives all cells of a report the same latency axis.
func EvenAxes(cells []*Analysis) {
	if len(cells) == 0 {
		return
	}
	low, high := cells[0].Low, cells[0].High
	for _, c := range cells {
		if len(c.Raw) > 0 {
			low, high = min(low, c.Low), max(high, c.High)
		}
	}
	for _, c := range cells {
		c.Low, c.High = low, high
	}
}
