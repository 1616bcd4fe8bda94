package series

import (
	"math"
	"slices"
	"strings"

	"bench/internal/result"
)

// Estimate is a measure over the runs of one combination of the matrix: runs of one
// scenario that differ in their seed only, repeat by repeat.
type Estimate struct {
	V float64 // median of the runs
	// Low and High are its interval at 99 %, infinite where there is one run.
	Low, High       float64
	Lowest, Highest float64 // of the runs
	Known, Runs     int     // runs with a value, and all
}

// OK reports whether there is a value at all.
func (e *Estimate) OK() bool { return e.Known > 0 }

// Compares reports whether something can be said beside other combinations: every run
// has a value, and there are several to see how much they differ.
func (e *Estimate) Compares() bool { return e.Known == e.Runs && e.Runs > 1 }

// Overlaps reports whether two intervals have a point in common.
func (e *Estimate) Overlaps(o *Estimate) bool { return e.Low <= o.High && e.High >= o.Low }

// Over estimates a measure from runs. Runs differ by more than requests within one of
// them do: where memory lies, how processors are shared, what else goes on. So the
// interval comes from the spread between runs, and is only never narrower than what
// one run by itself leaves open.
func (me *Measure) Over(runs []*Analysis) (e Estimate) {
	e.Runs = len(runs)
	var all []float64
	within, sum := 0.0, 0.0
	for _, a := range runs {
		if v, low, high, ok := me.Value(a); ok {
			all, sum, within = append(all, v), sum+v, max(within, (high-low)/2)
		}
	}
	n := len(all)
	if e.Known = n; n == 0 {
		return e
	}
	slices.Sort(all)
	e.V, e.Lowest, e.Highest = (all[(n-1)/2]+all[n/2])/2, all[0], all[n-1]
	e.Low, e.High = math.Inf(-1), math.Inf(1)
	if n == 1 {
		return e
	}
	mean, squares := sum/float64(n), 0.0
	for _, v := range all {
		squares += (v - mean) * (v - mean)
	}
	reach := max(within, student(n-1)*math.Sqrt(squares/float64(n-1)/float64(n)))
	e.Low, e.High = mean-reach, mean+reach
	return e
}

// Spreads are the main figures over the repetitions of each combination of a matrix,
// combination by combination; nil where nothing is repeated.
func Spreads(run *result.Run, cells []*Analysis) (all []result.Spread) {
	if !slices.ContainsFunc(run.Axes, func(x result.Axis) bool { return x.Name == result.RepeatAxis }) {
		return nil
	}
	var names []string
	groups := make(map[string][]*Analysis)
	for _, a := range cells {
		var parts []string
		for _, x := range run.Axes {
			if x.Name != result.RepeatAxis {
				parts = append(parts, x.Name+"="+a.Vars[x.Name])
			}
		}
		name := strings.Join(parts, ",")
		if _, ok := groups[name]; !ok {
			names = append(names, name)
		}
		groups[name] = append(groups[name], a)
	}
	for _, name := range names {
		for _, me := range Measures() {
			e := me.Over(groups[name])
			if !e.OK() {
				continue
			}
			s := result.Spread{
				Combination: name, Measure: me.Name, Unit: me.Unit, Runs: e.Runs, Known: e.Known, Median: e.V, Lowest: e.Lowest, Highest: e.Highest,
			}
			if e.Known > 1 {
				low, high := max(e.Low, 0), e.High // none of the figures can be below 0
				s.Low, s.High = &low, &high
			}
			all = append(all, s)
		}
	}
	return all
}

// student is the 99.5 % quantile of Student's t distribution, for intervals of 99 %.
// Beyond twenty degrees of freedom it stays where it is, which is on the safe side.
func student(freedom int) float64 {
	t := [...]float64{
		63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169,
		3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845,
	}
	return t[min(freedom, len(t))-1]
}
