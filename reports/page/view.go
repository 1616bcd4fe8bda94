package page

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// view is what the template prints.
type view struct {
	CSP        string
	Style      template.CSS
	Script     template.JS
	Title      string
	Verdict    verdict
	Scenario   string
	Facts      []string
	Reason     string
	Cards      []card
	MoreCards  []card
	Trust      []fact
	Problems   []string
	Matrix     *matrixView
	Cells      []*cellView
	Provenance []fact
	Folded     []fact
	Warnings   []string
	Downloads  []download
	Tool       string
}

// verdict is a word and the class that colours its edge.
type verdict struct{ Word, Class string }

func verdictOf(word string) verdict {
	switch word {
	case result.Pass:
		return verdict{word, "pass"}
	case result.Fail:
		return verdict{word, "fail"}
	case result.Invalid, result.Partial, result.Unclear:
		return verdict{word, "unsure"}
	case "":
		return verdict{"UNCLEAR", "unsure"}
	default:
		return verdict{word, "unsure"}
	}
}

// fact is a name and a value, both prose.
type fact struct{ Name, Value string }

// card is one limit.
type card struct {
	Verdict verdict
	Name    string
	Wanted  string
	Got     string
	Worst   string
	Reason  string
	Cell    string
}

// cellView is one cell's sections 3 to 7.
type cellView struct {
	ID, Name     string
	Verdict      verdict
	Facts        []string
	Reason       string
	Ribbon       ribbon
	Latency      *plot
	Rates        *plot
	Errors       *plot
	Events       []eventGroup
	Attribution  string
	Nines        *plot
	Rows         []percentileRow
	Conservation *table
	Lanes        []lane
	LaneTicks    []tick
	LaneTable    *table
	Resources    []*plot
	ResTable     *table
	Raw          string
	Note         string
}

// cellBuilder gathers what the drawing of one cell needs.
type cellBuilder struct {
	*series.Analysis
	id   string
	axis axis
}

func newCell(index int, a *series.Analysis) *cellView {
	b := &cellBuilder{Analysis: a, id: "c" + strconv.Itoa(index), axis: axis{a.StartUs(), a.EndUs}}
	if b.axis.end <= b.axis.start {
		b.axis.end = b.axis.start + 1_000_000
	}
	v := &cellView{
		ID: b.id, Name: a.Name, Verdict: verdictOf(a.Verdict), Facts: cellFacts(a), Reason: a.Reason,
		Ribbon: b.ribbon(), Events: b.eventGroups(), Attribution: b.attribution(), Rows: b.percentiles(),
		Conservation: conservation(a.Conservation), Raw: b.rawData(),
	}
	if len(a.Raw) == 0 {
		v.Note = "No timeline: no request was recorded, so there is nothing to draw."
		return v
	}
	v.Latency, v.Rates, v.Errors = b.latency(), b.rates(), b.errors()
	v.Nines = b.nines()
	v.Lanes, v.LaneTable = b.lanes()
	v.LaneTicks = b.axis.ticks(a.ZeroUs)
	v.Resources, v.ResTable = b.resources()
	return v
}

// cellFacts are the words behind the scenario's name.
func cellFacts(a *series.Analysis) []string {
	var facts []string
	if p := strings.TrimSpace(a.Proxy.Driver + " " + a.Proxy.Version); p != "" {
		facts = append(facts, series.OneLine(p))
	}
	facts = append(facts, Length(a.Cell))
	if l := LoadWords(a.Loads); l != "" {
		facts = append(facts, l)
	}
	return facts
}

// Length is the measured time in words.
func Length(c *series.Cell) string {
	var us int64
	for _, p := range c.Phases {
		if p.Measured {
			us += p.LengthUs
		}
	}
	if us == 0 {
		us = c.LengthUs
	}
	if us > 120e6 {
		return units.ClockSeconds(us)
	}
	return units.Latency(float64(us))
}

// LoadWords describes the loads: "open loop 300/s, 64 connections".
func LoadWords(loads []result.Load) string {
	if len(loads) == 0 {
		return ""
	}
	open, closed, rate, protocols := 0, 0, 0.0, []string(nil)
	for _, l := range loads {
		if l.Arrival == "closed" {
			closed++
		} else {
			open++
		}
		if l.DurationSeconds > 0 {
			rate += float64(l.Requests) / l.DurationSeconds
		}
		if p := series.OneLine(l.Protocol); p != "" && !slices.Contains(protocols, p) {
			protocols = append(protocols, p)
		}
	}
	loop := "open loop"
	switch {
	case open == 0:
		loop = "closed loop"
	case closed > 0:
		loop = "open and closed loop"
	}
	text := loop + " " + units.Rate(rate) + "/s"
	if len(loads) > 1 {
		text = strconv.Itoa(len(loads)) + " loads, " + text
	} else if n := loads[0].Connections; n > 0 {
		text += ", " + units.Count(uint64(n)) + " connections"
	}
	return text + " " + strings.Join(protocols, " + ")
}

// Quantity prints a value in an objective's unit.
func Quantity(v float64, unit string) string {
	switch unit {
	case "us":
		return units.Latency(v)
	case "%":
		return units.Number(v) + " %"
	case "/s":
		return units.Rate(v) + "/s"
	default:
		return units.Number(v)
	}
}

// Sign is how a comparison is printed.
func Sign(op string) string {
	switch op {
	case "<=":
		return "≤"
	case ">=":
		return "≥"
	case "==":
		return "="
	case "!=":
		return "≠"
	default:
		return op
	}
}

// GotText is what an objective got, or why that is not known.
func GotText(o *result.Objective) string {
	if !o.Known {
		return "unknown"
	}
	return Quantity(o.Got, o.Unit)
}

// SortObjectives puts broken limits first, then those that could not be
// judged, keeping the order given within each.
func SortObjectives(list []result.Objective) []result.Objective {
	rank := func(v string) int {
		switch v {
		case result.Fail:
			return 0
		case result.Pass:
			return 2
		default:
			return 1
		}
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b result.Objective) int { return cmp.Compare(rank(a.Verdict), rank(b.Verdict)) })
	return out
}

// ObjectiveName is the name of a limit: its measure, and its window if it has one.
func ObjectiveName(o *result.Objective) string {
	name := o.Metric
	if name == "" {
		name = o.Expr
	}
	name = strings.TrimPrefix(name, "response.")
	if o.Window != "" {
		name += " in " + o.Window
	}
	return series.OneLine(name)
}

// WorstText is when an objective was at its worst, and in which event.
func WorstText(c *series.Cell, o *result.Objective) string {
	if o.WorstUs < 0 || o.Verdict == result.Pass && o.Got == 0 {
		return ""
	}
	text := units.Clock(o.WorstUs - c.ZeroUs)
	for i := range c.Events {
		if e := &c.Events[i]; o.Event != 0 && e.ID == o.Event {
			text += "  " + EventName(e)
		}
	}
	return text
}

// EventName is an event in a few words: "fault 1 stall web.1".
func EventName(e *result.Event) string {
	_, short, found := strings.Cut(e.Kind, ".")
	if !found {
		short = e.Kind
	}
	word := "event"
	if e.Class == "fault" {
		word = "fault"
	}
	return series.OneLine(fmt.Sprintf("%s %d %s %s", word, e.ID, short, e.Target))
}

func cards(cells []*series.Analysis) []card {
	var out []card
	for _, a := range cells {
		list := a.Objectives
		if a.SteadyState != nil {
			steady := *a.SteadyState
			steady.Metric = "steady state: " + steady.Expr
			list = append(slices.Clone(list), steady)
		}
		for _, o := range SortObjectives(list) {
			c := card{
				Verdict: verdictOf(o.Verdict), Name: ObjectiveName(&o), Wanted: Sign(o.Op) + " " + Quantity(o.Wanted, o.Unit),
				Got: GotText(&o), Worst: WorstText(a.Cell, &o), Reason: series.OneLine(o.Reason),
			}
			if len(cells) > 1 {
				c.Cell = a.Name
			}
			out = append(out, c)
		}
	}
	rank := map[string]int{"fail": 0, "unsure": 1, "pass": 2}
	slices.SortStableFunc(out, func(a, b card) int { return cmp.Compare(rank[a.Verdict.Class], rank[b.Verdict.Class]) })
	return out
}

// trust is the line that tells whether to believe the rest.
func trust(d *series.Data, cells []*series.Analysis) []fact {
	var lag, driver, proxy, origin, foreign float64
	var dropped, samples uint64
	same := len(cells) > 0
	for _, a := range cells {
		t := &a.Trust
		lag, driver = max(lag, t.LagP99Us), max(driver, t.DriverCPU)
		proxy, origin, foreign = max(proxy, t.ProxyCPU), max(origin, t.OriginCPU), max(foreign, t.ForeignCPU)
		dropped += t.Dropped
		same = same && t.SameHost
		for i := range a.Loads {
			samples += a.Loads[i].Requests
		}
	}
	host := "no"
	if same {
		host = "yes: absolute numbers are low, use comparisons"
	}
	facts := []fact{
		{"driver lag p99", units.Latency(lag)},
		{"dropped starts", units.Count(dropped)},
		{"CPU", "driver " + units.Percent(driver) + ", proxy " + units.Percent(proxy) + ", origin " + units.Percent(origin) + ", others " + units.Percent(foreign)},
		{"samples", units.Count(samples)},
	}
	if machine := machineText(d.Env); machine != "" {
		facts = append(facts, fact{"host", machine})
	}
	return append(facts, fact{"same host", host})
}

// machineText is host name and kernel.
func machineText(env map[string]any) string {
	var parts []string
	for _, key := range []string{"host", "hostname", "kernel"} {
		if s, ok := env[key].(string); ok && s != "" {
			parts = append(parts, series.OneLine(s))
		}
	}
	return strings.Join(parts, ", ")
}

// percentileRow is a line of the percentile table.
type percentileRow struct {
	Name, Kind                               string
	N, Good, P50, P90, P99, P999, Max, P99Sv string
	Errors                                   string
}

// percentiles lists the scenario's phases as the load agents measured them,
// then the parts of the time around the events.
func (b *cellBuilder) percentiles() []percentileRow {
	var out []percentileRow
	for i := range b.Loads {
		l := &b.Loads[i]
		for j := range l.Phases {
			p := &l.Phases[j]
			if !p.Measured {
				continue
			}
			name := p.Name
			if len(b.Loads) > 1 {
				name = l.Name + ", " + p.Name
			}
			out = append(out, phaseRow(series.OneLine(name), p))
		}
	}
	if len(b.Windows) > 0 {
		for i := range b.Segments {
			out = append(out, segmentRow(&b.Segments[i]))
		}
	}
	return out
}

func phaseRow(name string, p *result.LoadPhase) percentileRow {
	var errs series.Errors
	for cause, n := range p.FailuresByCause {
		errs[series.ClassOf(cause)] += n
	}
	n := p.Response.Count
	shown := func(l *result.Latency, q, v float64) string {
		if 2*p.Failed > p.Failed+p.Completed || !series.EnoughForTable(q, l.Count) {
			return units.None
		}
		return units.Latency(v)
	}
	r := percentileRow{
		Name: name, Kind: "whole", N: units.Count(n), Good: units.None, Max: units.None, Errors: ErrorText(&errs, 3),
		P50: shown(&p.Response, 0.5, p.Response.P50), P90: shown(&p.Response, 0.9, p.Response.P90),
		P99: shown(&p.Response, 0.99, p.Response.P99), P999: shown(&p.Response, 0.999, p.Response.P999),
		P99Sv: shown(&p.Service, 0.99, p.Service.P99),
	}
	if p.LengthUs > 0 {
		r.Good = units.Rate(float64(p.Completed) * 1e6 / float64(p.LengthUs))
	}
	if n > 0 {
		r.Max = units.Latency(p.Response.Max)
	}
	return r
}

func segmentRow(s *series.Segment) percentileRow {
	shown := func(d series.Dist, q float64) string {
		if s.MostlyFailed() || !series.EnoughForTable(q, d.N()) {
			return units.None
		}
		return units.Latency(d.Quantile(q))
	}
	r := percentileRow{
		Name: s.Name, Kind: "part", N: units.Count(s.OK.N()), Max: units.None, Errors: ErrorText(&s.Errors, 3),
		Good: units.Rate(float64(s.Good) * 1e6 / math.Max(1, float64(s.LengthUs))),
		P50:  shown(s.OK, 0.5), P90: shown(s.OK, 0.9), P99: shown(s.OK, 0.99), P999: shown(s.OK, 0.999), P99Sv: shown(s.Service, 0.99),
	}
	if len(s.OK) > 0 {
		r.Max = units.Latency(s.OK.Max())
	}
	return r
}

// ErrorText is a count of errors with its greatest classes: "634: 600 5xx
// proxy, 34 reset".
func ErrorText(e *series.Errors, most int) string {
	total := e.Total()
	if total == 0 {
		return "0"
	}
	list := e.Classes()
	if len(list) == 1 {
		return units.Count(total) + " " + list[0].Name()
	}
	var parts []string
	other := uint64(0)
	for i, c := range list {
		if i < most {
			parts = append(parts, units.Count(e[c])+" "+c.Name())
		} else {
			other += e[c]
		}
	}
	if other > 0 {
		parts = append(parts, units.Count(other)+" other")
	}
	return units.Count(total) + ": " + strings.Join(parts, ", ")
}

func conservation(c *result.Conservation) *table {
	if c == nil {
		return nil
	}
	t := &table{Head: []string{"class", "sent", "completed", "received", "answered", "lost", "repeated", "difference"}}
	for _, r := range c.Rows {
		t.Rows = append(t.Rows, []string{
			series.OneLine(r.Class), units.Count(r.Sent), units.Count(r.Completed), units.Count(r.Received), units.Count(r.Answered),
			units.Count(r.Lost), units.Count(r.Repeated), units.Count(r.Delta),
		})
	}
	for _, r := range c.Proxy {
		t.Notes = append(t.Notes, fmt.Sprintf("%s: %s and %s, difference %s", series.OneLine(r.Name), units.Count(r.Left), units.Count(r.Right), units.Count(r.Delta)))
	}
	exact := "every counter was read: the difference of " + units.Count(c.Delta) + " is exact"
	if !c.Exact {
		exact = "not exact: " + series.OneLine(c.Detail)
	}
	t.Notes = append(t.Notes, exact)
	return t
}
