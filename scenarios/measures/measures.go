// Package measures reads what runs measured out of their result folders: one figure a
// measure, to be compared with that of another run, or followed over many. It judges
// nothing and compares nothing.
package measures

import (
	"fmt"
	"slices"

	"bench/internal/result"
	"bench/reports/series"
)

// Kind says how two values of a measure are held against each other.
type Kind int

// Kinds of measures.
const (
	Ratio Kind = iota // a quantity: by the ratio
	Count             // a number of requests or the like, often 0: exactly
)

// Measure is one figure of a cell.
type Measure struct {
	Name  string
	Cell  string // of the matrix; "" without one
	Load  string // "" for all that go through the proxy together
	Class string // of requests of the load
	// Unit is "us", "/s", "bytes" or "" (a plain number) of a ratio, "1" or "%" (a share,
	// 0 to 1) of a count.
	Unit string
	Kind Kind
	// Step is how finely the value is told where it may be 0, as that of a recovery: what
	// differs by much less is the same. 0 of all others.
	Step float64
	// MoreIsBetter reports that a smaller value is worse, as of a throughput.
	MoreIsBetter bool
	Value        float64
	Known        bool
	Why          string // the measure is not known
	// AtLeast reports that the true value is this or more: what was waited for had not
	// happened by the end of the run.
	AtLeast bool
	// Of is how many requests the value is of.
	Of uint64
}

// Gated reports whether a measure decides a comparison unless the scenario says
// otherwise: those of all loads through the proxy together do.
func (m *Measure) Gated() bool {
	return m.Load == "" && slices.Contains(result.GatedMeasures(), m.Name)
}

// Run is a result folder as far as figures are taken from it.
type Run struct {
	Dir      string
	Record   *result.Run
	Env      map[string]any // of the machine; nil if it is not recorded
	Measures []Measure
	// Notes tell what of the folder could not be read.
	Notes []string
}

// Asked is a measure beyond those of every run: a metric of objectives.
type Asked struct {
	Text string // "service.p99", "clients.all.p99 - direct.all.p99"
}

// Read takes the measures of the run in a result folder, those of every run and then
// those asked for. The time of phases with measure: false counts for none of them.
func Read(dir string, asked []Asked) (*Run, error) {
	data, err := series.Open(dir)
	if err != nil {
		return nil, err
	}
	intervals, err := readIntervals(dir)
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, Record: data.Run, Env: data.Env, Notes: data.Notes}
	for _, c := range data.Cells {
		name := c.Name
		if len(data.Run.Axes) == 0 {
			name = ""
		}
		timeline := intervals[c.Name]
		all := slices.Concat(ofLoads(c), ofProxy(c, timeline), recoveries(c))
		more, err := custom(c, timeline, asked)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		all = append(all, more...)
		for i := range all {
			all[i].Cell = name
		}
		r.Measures = append(r.Measures, all...)
	}
	return r, nil
}

// Lookup is the measure of a name in a run of one cell, nil if it has none.
func (r *Run) Lookup(name string) *Measure {
	i := slices.IndexFunc(r.Measures, func(m Measure) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Measures[i]
}

// OfCell are the measures of one cell of a run, as those of a run of it alone.
func (r *Run) OfCell(name string) *Run {
	one := *r
	one.Measures = slices.DeleteFunc(slices.Clone(r.Measures), func(m Measure) bool { return m.Cell != name })
	return &one
}

// unknown is a measure without a value.
func (m Measure) unknown(format string, args ...any) Measure {
	m.Value, m.Known, m.Why = 0, false, fmt.Sprintf(format, args...)
	return m
}

// of is a measure with its value.
func (m Measure) of(v float64) Measure {
	m.Value, m.Known = v, true
	return m
}
