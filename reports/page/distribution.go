package page

import (
	"fmt"
	"math"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

// distribution shows latencies by phase, and what the counts of all parties come to.
func (b *cellBuilder) distribution() any {
	rows := b.percentiles()
	if len(rows) == 0 {
		return nil
	}
	var nines *plot
	if b.recorded() {
		nines = b.nines()
	}
	return struct {
		Nines                                *plot
		Rows                                 []percentileRow
		Conservation, Integrity, Differences *table
	}{nines, rows, conservation(b.Conservation), integrity(b.Cell.Cell), differences(b.Analysis)}
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

// conservation holds the counts of clients, proxy and origins against each other; nil without any.
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
