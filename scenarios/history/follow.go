package history

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"bench/internal/result"
	"bench/internal/stats/change"
	"bench/scenarios/measures"
)

// runGroup is runs that may be held against each other.
type runGroup struct {
	result.HistoryGroup
	runs []*run
}

// groups tells runs apart in which proxies of other drivers had something else to do, or
// on another processor or host, in the order of their last run. With anyHost, hosts with
// the same processors are as one.
func groups(runs []*run, anyHost bool) []*runGroup {
	var all []*runGroup
	for _, r := range runs {
		host, cpu, _, cpus := r.machine()
		if anyHost {
			host = ""
		}
		g := &runGroup{HistoryGroup: result.HistoryGroup{
			Scenario: r.Record.Scenario, Work: r.work(), Drivers: r.drivers(), Host: host, CPU: cpu, CPUs: cpus, Measures: []result.HistoryMeasure{},
		}}
		i := slices.IndexFunc(all, func(o *runGroup) bool {
			return o.Scenario == g.Scenario && o.Work == g.Work && slices.Equal(o.Drivers, g.Drivers) && o.Host == g.Host && o.CPU == g.CPU && o.CPUs == g.CPUs
		})
		if i >= 0 {
			g = all[i]
			all = slices.Delete(all, i, i+1)
		}
		g.runs = append(g.runs, r)
		all = append(all, g) // the latest last
	}
	return all
}

// key is a measure of a cell.
type key struct{ cell, name string }

// follow makes the record of a group. It is an error where a reference was asked for and
// no run has it.
func (g *runGroup) follow(o Options) (result.HistoryGroup, error) {
	out := g.HistoryGroup
	refs := make([]*reference, len(g.runs))
	some := false
	var fault error
	for i, r := range g.runs {
		if len(o.Reference) > 0 {
			var err error
			if refs[i], err = newReference(r, o.Reference); err != nil {
				fault = fmt.Errorf("--reference %s: %s: %w", settingsText(o.Reference), r.Dir, err)
			} else {
				some = true
			}
		}
		facts := r.facts(refs[i])
		if host, _, _, _ := r.machine(); o.AnyHost && host != "" {
			facts["host"] = host
		}
		out.Runs = append(out.Runs, result.HistoryRun{Dir: r.Dir, Label: r.label(), StartedAt: r.Record.StartedAt, Verdict: r.Record.Verdict, Facts: facts})
	}
	if some {
		fault = nil
	}
	at := make(map[key]int)
	for i, r := range g.runs {
		for _, c := range r.cells {
			if refs[i] != nil && refs[i].is(c) {
				continue
			}
			for _, m := range r.of(c) {
				if chosen(&m, o.Measures) {
					g.put(&out, at, i, c, m, refs[i], len(o.Reference) > 0)
				}
			}
		}
	}
	var searches sync.WaitGroup
	for i := range out.Measures {
		searches.Go(func() { changes(&out, &out.Measures[i]) })
	}
	searches.Wait()
	return out, fault
}

// put enters a measure of one cell of run i, in proportion to the reference where one was
// asked for and the measure is never 0.
func (g *runGroup) put(out *result.HistoryGroup, at map[key]int, i int, c *cell, m measures.Measure, ref *reference, divided bool) {
	k := key{c.name, m.Name}
	j, ok := at[k]
	if !ok {
		j = len(out.Measures)
		at[k] = j
		out.Measures = append(out.Measures, result.HistoryMeasure{
			Name: m.Name, Load: m.Load, Class: m.Class, Cell: c.name, Unit: m.Unit, MoreIsBetter: m.MoreIsBetter,
			Values: make([]*float64, len(g.runs)), Changes: []result.ChangePoint{},
		})
		if divided && m.Kind == measures.Ratio && m.Step == 0 {
			out.Measures[j].Unit = unitRatio
		}
	}
	h := &out.Measures[j]
	if h.Unit == unitRatio {
		m = ref.divide(g.runs[i], c, m)
	}
	if m.Known {
		h.Values[i] = &m.Value
	} else {
		h.Unknown = m.Why
	}
}

// unitRatio is the unit of what was divided by a reference.
const unitRatio = "ratio"

// of are the measures of a cell; of repeats it is the median of those that know it,
// if they are more than half.
func (r *run) of(c *cell) []measures.Measure {
	var all []measures.Measure
	for i := range r.Measures {
		m := r.Measures[i]
		if !slices.Contains(c.parts, m.Cell) || slices.ContainsFunc(all, func(o measures.Measure) bool { return o.Name == m.Name }) {
			continue
		}
		var values []float64
		for _, part := range c.parts {
			j := slices.IndexFunc(r.Measures, func(o measures.Measure) bool { return o.Cell == part && o.Name == m.Name })
			switch {
			case j < 0:
			case r.Measures[j].Known:
				values = append(values, r.Measures[j].Value)
			default:
				m.Why = r.Measures[j].Why
			}
		}
		if m.Known = 2*len(values) > len(c.parts); m.Known {
			slices.Sort(values)
			n := len(values)
			m.Value = (values[(n-1)/2] + values[n/2]) / 2
		}
		all = append(all, m)
	}
	return all
}

// reference is the cells of a run that others are divided by.
type reference struct {
	asked   []Setting
	free    []string // axes by which a cell finds its reference
	cells   []*cell
	proxies []string
}

// keyDriver names the driver of a cell whatever its axis is called.
const keyDriver = "proxy.driver"

func newReference(r *run, asked []Setting) (*reference, error) {
	ref := &reference{asked: asked}
	bound := make(map[string]bool)
	for _, s := range asked {
		switch {
		case s.Key == keyDriver:
			axes := r.driverAxes()
			if len(axes) == 0 {
				return nil, errors.New("it runs one driver only: a reference is another cell of the same run, as of a matrix with an axis of drivers")
			}
			for _, a := range axes {
				bound[a] = true
			}
		case slices.ContainsFunc(r.Record.Axes, func(a result.Axis) bool { return a.Name == s.Key && a.Name != result.RepeatAxis }):
			bound[s.Key] = true
		default:
			return nil, fmt.Errorf("%s is not an axis of its matrix%s", s.Key, r.axesText())
		}
	}
	for _, a := range r.Record.Axes {
		if a.Name != result.RepeatAxis && !bound[a.Name] {
			ref.free = append(ref.free, a.Name)
		}
	}
	for _, c := range r.cells {
		if !ref.is(c) {
			continue
		}
		ref.cells = append(ref.cells, c)
		if v := version(&c.proxy); !slices.Contains(ref.proxies, v) {
			ref.proxies = append(ref.proxies, v)
		}
	}
	if len(ref.cells) == 0 {
		return nil, errors.New("no cell of it that counts is the reference")
	}
	return ref, nil
}

// driverAxes are the axes that decide the driver: each of their values has one, and
// they do not all have the same.
func (r *run) driverAxes() []string {
	var all []string
	for _, a := range r.Record.Axes {
		drivers := make(map[string]string)
		decides, several, first := a.Name != result.RepeatAxis, false, ""
		for _, c := range r.cells {
			v := c.vars[a.Name]
			if d, ok := drivers[v]; ok && d != c.proxy.Driver {
				decides = false
			}
			drivers[v] = c.proxy.Driver
			if first == "" {
				first = c.proxy.Driver
			}
			several = several || c.proxy.Driver != first
		}
		if decides && several {
			all = append(all, a.Name)
		}
	}
	return all
}

func (r *run) axesText() string {
	var names []string
	for _, a := range r.Record.Axes {
		if a.Name != result.RepeatAxis {
			names = append(names, a.Name)
		}
	}
	if len(names) == 0 {
		return "; it has none: a reference is another cell of the same run"
	}
	return "; its axes are " + strings.Join(names, ", ")
}

// is reports whether a cell is a reference.
func (ref *reference) is(c *cell) bool {
	return !slices.ContainsFunc(ref.asked, func(s Setting) bool {
		if s.Key == keyDriver {
			return c.proxy.Driver != s.Value
		}
		return c.vars[s.Key] != s.Value
	})
}

// divide puts a measure of a cell in proportion to the same of its reference.
func (ref *reference) divide(r *run, c *cell, m measures.Measure) measures.Measure {
	if !m.Known {
		return m
	}
	unknown := func(why string) measures.Measure {
		m.Known, m.Why = false, why
		return m
	}
	if ref == nil {
		return unknown("the run has no reference")
	}
	i := slices.IndexFunc(ref.cells, func(o *cell) bool {
		return !slices.ContainsFunc(ref.free, func(axis string) bool { return o.vars[axis] != c.vars[axis] })
	})
	if i < 0 {
		return unknown("the run has no reference for this cell")
	}
	all := r.of(ref.cells[i])
	j := slices.IndexFunc(all, func(o measures.Measure) bool { return o.Name == m.Name })
	switch {
	case j < 0:
		return unknown("the reference has no such measure")
	case !all[j].Known:
		return unknown("of the reference: " + all[j].Why)
	case !(all[j].Value > 0):
		return unknown("of the reference it is 0")
	}
	m.Value /= all[j].Value
	return m
}

// changes looks for the changes of a measure.
func changes(g *result.HistoryGroup, m *result.HistoryMeasure) {
	var values []float64
	var runs []int
	for i, v := range m.Values {
		if v != nil {
			values, runs = append(values, *v), append(runs, i)
		}
	}
	points, err := change.Find(values)
	if err != nil {
		m.Refused = err.Error()
		return
	}
	for _, p := range points {
		at := runs[p.Index]
		c := result.ChangePoint{
			Run: at, Label: g.Runs[at].Label, Before: p.Before, After: p.After, P: p.P,
			Worse: (p.After > p.Before) != m.MoreIsBetter,
			With:  differences(&g.Runs[runs[p.Index-1]], &g.Runs[at]),
		}
		if share := p.Share(); !math.IsInf(share, 0) {
			percent := share * 100
			c.ChangePercent = &percent
		}
		m.Changes = append(m.Changes, c)
	}
}

// differences are the facts that changed from one run to the next that counts.
func differences(before, after *result.HistoryRun) []string {
	var all []string
	for _, name := range factNames {
		if a, b := before.Facts[name], after.Facts[name]; a != b {
			all = append(all, name+" "+orNone(a)+" → "+orNone(b))
		}
	}
	return all
}

func orNone(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
