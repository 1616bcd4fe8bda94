package page

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

// view is what the template prints.
type view struct {
	CSP       string
	Style     template.CSS
	Script    template.JS
	Title     string
	Verdict   verdict
	Scenario  string
	Facts     []string
	Reason    string
	Cards     []card
	MoreCards []card
	Trust     []fact
	Problems  []string
	// MoreProblems are those beyond the first few.
	MoreProblems []string
	Matrix       *matrixView
	Cells        []*cellView
	Provenance   []fact
	Folded       []fact
	Warnings     []string
	Downloads    []download
	Tool         string
}

// Breaks are the pieces of a card's name between which a line may be broken.
func (c card) Breaks() []string { return strings.SplitAfter(c.Name, ".") }

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
	Within  string // how well it is known
	Worst   string
	Reason  string
	// Cell names the one that is shown, and Tally counts them all by verdict,
	// where there are several.
	Cell, Tally string
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
	Abuse        *table
	Nines        *plot
	Rows         []percentileRow
	Conservation *table
	Integrity    *table
	Differences  *table
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
		Conservation: conservation(a.Conservation), Integrity: integrity(a.Cell.Cell), Differences: differences(a), Abuse: abuseTable(a.Abuse), Raw: b.rawData(),
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

// abuseTable is what became of clients that misbehave; nil without any.
func abuseTable(all []result.Abuse) *table {
	if len(all) == 0 {
		return nil
	}
	return &table{Head: words.AbuseHead(), Rows: words.AbuseRows(all)}
}

// cellFacts are the words behind the scenario's name.
func cellFacts(a *series.Analysis) []string {
	var facts []string
	if p := strings.TrimSpace(a.Proxy.Driver + " " + a.Proxy.Version); p != "" {
		facts = append(facts, series.OneLine(p))
	}
	facts = append(facts, words.Length(a.Phases, a.LengthUs))
	if l := words.Load(a.Loads); l != "" {
		facts = append(facts, l)
	}
	return facts
}

// cards shows each limit once, with the cell in which it fared worst.
func cards(cells []*series.Analysis) []card {
	records := make([]*result.Cell, len(cells))
	for i, a := range cells {
		records[i] = a.Cell.Cell
	}
	var out []card
	for _, l := range series.Limits(records) {
		o := &l.Worst
		c := card{
			Verdict: verdictOf(o.Verdict), Name: words.Objective(o), Wanted: words.Wanted(o), Got: words.Got(o), Within: words.KnownTo(o),
			Worst: words.Worst(l.Cell.Events, series.Zero(l.Cell.Phases), o), Reason: series.OneLine(o.Reason),
		}
		if len(cells) > 1 {
			c.Cell = fmt.Sprintf("worst of %d: %s", l.Cells(), series.OneLine(l.Cell.Name))
			c.Tally = words.Tally(l.Verdicts)
		}
		out = append(out, c)
	}
	return out
}

// trust is the line that reports whether to believe the rest.
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
	late := units.None // too few requests for a p99
	if lag > 0 {
		late = units.Latency(lag)
	}
	facts := []fact{
		{"driver lag p99", late},
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
	for i := range b.Loads {
		l := &b.Loads[i]
		for j := range l.Classes {
			c := &l.Classes[j]
			name := "request " + c.Name
			if len(b.Loads) > 1 {
				name = l.Name + ", " + name
			}
			row := phaseRow(series.OneLine(name), &result.LoadPhase{LengthUs: int64(l.DurationSeconds * 1e6), Tally: c.Tally})
			row.Kind = "part"
			out = append(out, row)
		}
	}
	if len(b.Windows) > 0 {
		for i := range b.Segments {
			out = append(out, segmentRow(&b.Segments[i]))
		}
	}
	if e, ok := words.AfterEnd(b.Loads); ok {
		out = append(out, percentileRow{
			Name: "of these " + words.AfterEndName, Kind: "part", N: units.Count(e.Good), Good: units.None, P50: units.None, P90: units.None,
			P99: units.None, P999: units.None, Max: units.None, P99Sv: units.None, Errors: units.Count(e.Ended - e.Good),
		})
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
		if 2*p.Failed > p.Failed+p.Completed || !result.Enough(q, l.Count) {
			return units.None
		}
		return units.Latency(v)
	}
	r := percentileRow{
		Name: name, Kind: "whole", N: units.Count(n), Good: units.None, Max: units.None, Errors: words.Errors(&errs, 3),
		P50: shown(&p.Response, 0.5, p.Response.P50), P90: shown(&p.Response, 0.9, p.Response.P90),
		P99: shown(&p.Response, 0.99, p.Response.P99), P999: shown(&p.Response, 0.999, p.Response.P999),
		P99Sv: shown(&p.Service, 0.99, p.Service.P99),
	}
	if p.LengthUs > 0 {
		r.Good = units.Rate(float64(p.GoodWithin) * 1e6 / float64(p.LengthUs))
	}
	if n > 0 {
		r.Max = units.Latency(p.Response.Max)
	}
	return r
}

func segmentRow(s *series.Segment) percentileRow {
	shown := func(d hdr.Dist, q float64) string {
		if s.MostlyFailed() || !result.Enough(q, d.N()) {
			return units.None
		}
		return units.Latency(d.Quantile(q))
	}
	r := percentileRow{
		Name: s.Name, Kind: "part", N: units.Count(s.OK.N()), Max: units.None, Errors: words.Errors(&s.Errors, 3),
		Good: units.Rate(float64(s.Good) * 1e6 / math.Max(1, float64(s.LengthUs))),
		P50:  shown(s.OK, 0.5), P90: shown(s.OK, 0.9), P99: shown(s.OK, 0.99), P999: shown(s.OK, 0.999), P99Sv: shown(s.Service, 0.99),
	}
	if len(s.OK) > 0 {
		r.Max = units.Latency(s.OK.Max())
	}
	return r
}

func conservation(c *result.Conservation) *table {
	if c == nil {
		return nil
	}
	t := &table{Head: []string{"class", "sent", "completed", "received", "answered", "lost", "repeated", "difference"}}
	for _, r := range c.Rows {
		least, most, difference := "", "", units.Count(r.Delta)
		if r.Incomplete {
			least, most, difference = "≥ ", "≤ ", "unknown"
		}
		t.Rows = append(t.Rows, []string{
			series.OneLine(r.Class), units.Count(r.Sent), units.Count(r.Completed), least + units.Count(r.Received), least + units.Count(r.Answered),
			most + units.Count(r.Lost), least + units.Count(r.Repeated), difference,
		})
	}
	for _, r := range c.Proxy {
		t.Notes = append(t.Notes, fmt.Sprintf("%s: %s and %s, difference %s", series.OneLine(r.Name), units.Count(r.Left), units.Count(r.Right), units.Count(r.Delta)))
	}
	exact := "every counter was read: the difference of " + units.Count(c.Delta) + " is exact"
	if !c.Exact {
		exact = "not exact: " + series.OneLine(c.Detail)
	} else if c.Detail != "" {
		exact += "; " + series.OneLine(c.Detail)
	}
	t.Notes = append(t.Notes, exact)
	return t
}
