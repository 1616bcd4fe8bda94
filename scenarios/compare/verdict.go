package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/scenarios/gate"
)

// exitLost is that of what the test bed itself lost.
const exitLost = 6

// conclude brings the record up to date: what would be said if this was all.
func (p *procedure) conclude(ctx context.Context, err error) {
	c := p.record
	p.label()
	c.Pairs = p.values.pairs
	c.Floor = p.plan.o.Floor
	p.measures()
	c.Verdict, c.Reason, c.ExitCode = p.verdict()
	c.Confirmed = p.confirmed()
	c.Warnings = p.warnings()
	var refused *RefusedError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		c.Verdict, c.Reason, c.ExitCode = result.Partial, interruptedReason, exitInterrupted
	case errors.As(err, &refused):
		c.Verdict, c.Reason, c.ExitCode = refused.Verdict, refused.Reason, exitUnclear
	case Code(err) == exitFail:
		// An objective that aborts its run: there is no run to compare.
		c.Verdict, c.Reason, c.ExitCode = result.Unclear, firstLine(err.Error()), exitUnclear
	default:
		c.Verdict, c.Reason, c.ExitCode = result.Partial, firstLine(err.Error()), Code(err)
	}
}

// label calls each side by its proxy, and by its settings where that does not tell them
// apart.
func (p *procedure) label() {
	b, n := &p.record.Base, &p.record.New
	b.Label, n.Label = called(b), called(n)
	if b.Label == n.Label || b.Label == "" || n.Label == "" {
		b.Label, n.Label = withSettings(b, Base), withSettings(n, New)
	}
}

func called(s *result.ComparisonSide) string {
	return strings.TrimSpace(s.Proxy.Driver + " " + s.Proxy.Version)
}

func withSettings(s *result.ComparisonSide, name string) string {
	what := strings.Join(s.Settings, ",")
	if what == "" {
		what = name
	}
	if s.Label == "" {
		return what
	}
	return s.Label + " (" + what + ")"
}

// measures makes the lines of the record.
func (p *procedure) measures() {
	p.record.Measures = []result.ComparedMeasure{}
	var report gate.Report
	if p.gate != nil {
		report = p.gate.Report()
	}
	for _, k := range p.values.columns {
		m := k.compared(p.plan.alpha)
		if i := slices.Index(p.gated, k); i >= 0 {
			judged(&m, &report.Measures[i])
		}
		p.record.Measures = append(p.record.Measures, m)
	}
	slices.SortStableFunc(p.record.Measures, func(a, b result.ComparedMeasure) int { return strings.Compare(a.Cell, b.Cell) })
	if m, some := p.crashed(); some {
		p.record.Measures = append([]result.ComparedMeasure{m}, p.record.Measures...)
	}
}

// judged fills in what the gate found.
func judged(m *result.ComparedMeasure, l *gate.Line) {
	m.Gated, m.Verdict = true, l.Verdict
	m.PairsNeeded, m.PairsNeededLow, m.PairsNeededHigh = l.Needed.About, l.Needed.Low, l.Needed.High
	if l.Reason != "" {
		m.Reason = l.Reason
	}
	if !m.Known {
		return
	}
	m.ChangePercent = 100 * l.Change
	m.Low, m.High = nil, nil
	if l.Low != nil && l.High != nil {
		low, high := 100*(*l.Low), 100*(*l.High)
		m.Low, m.High = &low, &high
	}
}

// crashed is the measure of crashes, where there was any.
func (p *procedure) crashed() (m result.ComparedMeasure, some bool) {
	b, n := p.crashes[0], p.crashes[1]
	m = result.ComparedMeasure{
		Name: result.MeasureCrashes, Unit: "1", Gated: true, Known: true, Base: float64(b), New: float64(n),
		BaseValues: []float64{}, NewValues: []float64{}, Verdict: result.Undecided,
	}
	switch {
	case b == 0 && n > 0:
		m.Verdict, m.Reason = result.Worse, p.crash[1]
	case n == 0:
		m.Verdict, m.Reason = result.Better, p.crash[0]
	default:
		m.Reason = "the proxies of both sides crash: " + p.crash[1]
	}
	if p.made > 0 {
		m.ChangePercent = 100 * float64(n-b) / float64(p.made)
	}
	return m, b+n > 0
}

// verdict is the word for the whole, why, and the exit code.
func (p *procedure) verdict() (word, reason string, code int) {
	switch {
	case p.crashes[1] > 0 && p.crashes[0] > 0:
		return result.Unclear, fmt.Sprintf("the proxies of both sides crash (base in %d, new in %d pairs): %s", p.crashes[0], p.crashes[1], p.crash[1]), exitUnclear
	case p.crashes[1] > 0:
		return result.Worse, fmt.Sprintf("the proxy of the new side crashed in %d of %d pairs, that of the base in none: %s", p.crashes[1], p.made, p.crash[1]), exitWorse
	case p.baseCrashed >= mostBaseCrashes:
		return result.Unclear, fmt.Sprintf("the proxy of the base crashed in %d of %d pairs, that of the new side in none: there is nothing to compare its times with: %s",
			p.crashes[0], p.made, p.crash[0]), exitUnclear
	case p.untrustworthy():
		return result.Invalid, fmt.Sprintf("%d of %d pairs could not be trusted, although each was made up to %d times; the last because of %s", p.leftOut, p.made, tries, p.whyLeftOut) + p.hint(), exitUnclear
	case p.gate == nil:
		reason = "no pair counts"
		if p.within {
			reason = "the time was up: " + reason
		}
		if p.whyLeftOut != "" {
			reason += "; the last one because of " + p.whyLeftOut + p.hint()
		}
		return result.Unclear, reason, exitUnclear
	}
	r := p.gate.Report()
	word, reason, code = r.Verdict, r.Reason, r.ExitCode
	if p.within && code == exitUnclear {
		reason = "the time was up: " + reason
	}
	return word, reason, code
}

// hint says what can be done about pairs that other programs disturb.
func (p *procedure) hint() string {
	if !p.others {
		return ""
	}
	return "; --keep-disturbed counts pairs that other programs disturbed"
}

// confirmed speaks of the second look, nil without one.
func (p *procedure) confirmed() *result.ComparisonConfirm {
	if p.gate == nil {
		return nil
	}
	r := p.gate.Report()
	if len(r.Suspects) == 0 {
		return nil
	}
	return &result.ComparisonConfirm{Pairs: r.Confirming, Measures: r.Suspects, Upheld: append([]string{}, r.Upheld...)}
}

// warnings are those about the plan, and those about the pairs that were made.
func (p *procedure) warnings() []string {
	c := p.record
	all := slices.Clone(p.plan.warnings)
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if p.leftOut > 0 {
		add("%d of %d pairs were left out; the last because of %s", p.leftOut, p.made, p.whyLeftOut)
	}
	if p.disturbed > 0 {
		add("%d of %d pairs were disturbed and count all the same; the last one: %s", p.disturbed, p.made, p.whyDisturbed)
	}
	if p.crashes[0] > 0 && p.crashes[1] == 0 {
		add("the proxy of the base crashed in %d of %d pairs, which do not count: %s", p.crashes[0], p.made, p.crash[0])
	}
	if c.Base.Proxy.ProgramHash != "" && c.Base.Proxy.ProgramHash == c.New.Proxy.ProgramHash && slices.Equal(c.Base.Settings, c.New.Settings) {
		add("both sides are the same program with the same settings")
	}
	return all
}
