// Package capacity puts what `bench capacity` found into words: for the console, for
// Markdown and for the page. Only wording and tables may enter; what is true is in the
// record, what a page looks like is in package page.
package capacity

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// Searches are the searches of a record: the points of its axis, or the only one.
func Searches(r *result.Capacity) []*result.CapacityPoint {
	if len(r.Points) == 0 {
		return []*result.CapacityPoint{&r.CapacityPoint}
	}
	all := make([]*result.CapacityPoint, len(r.Points))
	for i := range r.Points {
		all[i] = &r.Points[i]
	}
	return all
}

// Rate is a rate with its unit.
func Rate(perSecond float64) string { return units.Rate(perSecond) + "/s" }

// Found is the capacity of a search: "395/s (389/s to 401/s)".
func Found(p *result.CapacityPoint) string {
	switch {
	case !p.Known && p.High != nil:
		return "less than " + Rate(*p.High)
	case !p.Known:
		return "not known"
	case p.High == nil:
		return "at least " + Rate(p.Low)
	}
	return fmt.Sprintf("%s (%s to %s)", Rate(p.Rate), Rate(p.Low), Rate(*p.High))
}

// Limit is what gave way first, in a few words: "maxconn: server web/s1 maxconn 4".
func Limit(p *result.CapacityPoint) string {
	switch l := p.LimitedBy; {
	case l == nil && p.Known && p.High == nil && p.Verdict == result.Pass:
		return "nothing gave way"
	case l == nil:
		return "not known"
	case l.Name == "":
		return l.What
	default:
		return l.What + ": " + series.OneLine(l.Name)
	}
}

// Outcome is what became of a trial.
func Outcome(t *result.Trial) string {
	switch {
	case t.Invalid != "":
		return "does not count: " + series.OneLine(t.Invalid)
	case t.Held:
		return "held"
	case t.Doubt != "":
		return "broken, with others at work: " + series.OneLine(t.Doubt)
	}
	return "broken: " + series.OneLine(strings.Join(t.Broken, ", "))
}

// P99 of the responses of a trial, where there are enough.
func P99(t *result.Trial) string {
	if !result.Enough(0.99, t.Response.Count) {
		return units.None
	}
	return units.Latency(t.Response.P99)
}

// Bounds of a search so far; 0 is not known.
func Bounds(low, high float64) string {
	end := func(rate float64) string {
		if rate == 0 {
			return "?"
		}
		return units.Rate(rate)
	}
	return end(low) + " .. " + end(high)
}

// Need says how many it takes, "" where nobody asked.
func Need(r *result.Capacity) []string {
	if r.NeedRefused != "" {
		return []string{"how many it takes cannot be said: " + series.OneLine(r.NeedRefused)}
	}
	n := r.Need
	if n == nil {
		return nil
	}
	text := fmt.Sprintf("%s takes %d such systems side by side, each with its share of the requests", Rate(n.Rate), n.N)
	if n.N == 1 {
		text = fmt.Sprintf("%s takes 1 such system", Rate(n.Rate))
	}
	if r.Axis != "" {
		text = fmt.Sprintf("%s takes %s = %d", Rate(n.Rate), series.OneLine(r.Axis), n.N)
	}
	switch {
	case n.High == nil:
		text += fmt.Sprintf(", at least %d", n.Low)
	case n.Low != *n.High:
		text += fmt.Sprintf(" (%d to %d)", n.Low, *n.High)
	}
	if n.Spare != nil {
		text += fmt.Sprintf("; %d, so that one may fail", *n.Spare)
	}
	all := []string{text}
	if n.Reason != "" {
		all = append(all, series.OneLine(n.Reason))
	}
	return all
}

// Law is the scalability law in words; nil where there is no axis.
func Law(r *result.Capacity) []string {
	s := r.Scaling
	if s == nil {
		if r.ScalingRefused == "" {
			return nil
		}
		return []string{"no scalability law: " + series.OneLine(r.ScalingRefused)}
	}
	all := []string{
		fmt.Sprintf("scalability law: one carries %s (%s to %s), contention %s (%s to %s), coherence %s (%s to %s)",
			Rate(s.Gamma), Rate(s.GammaLow), Rate(s.GammaHigh),
			units.Percent(s.Alpha), units.Percent(s.AlphaLow), units.Percent(s.AlphaHigh),
			coherence(s.Beta), coherence(s.BetaLow), coherence(s.BetaHigh)),
	}
	if s.Peak != nil {
		text := "more bring less beyond " + units.Number(*s.Peak)
		if s.PeakLow != nil && s.PeakHigh != nil {
			text += fmt.Sprintf(" (%s to %s)", units.Number(*s.PeakLow), units.Number(*s.PeakHigh))
		}
		all = append(all, text)
	} else if s.NoPeak != "" {
		all = append(all, s.NoPeak)
	}
	if s.Doubt != "" {
		all = append(all, s.Doubt)
	}
	return all
}

func coherence(v float64) string {
	if math.IsInf(v, 0) {
		return "any"
	}
	return units.Percent(v)
}

// Heads and Row are the table of trials.
func Heads() []string { return []string{"trial", "rate", "good", "p50", "p99", "failed", "result"} }

// Row is a trial in the table.
func Row(t *result.Trial) []string {
	p50 := units.None
	if result.Enough(0.5, t.Response.Count) {
		p50 = units.Latency(t.Response.P50)
	}
	return []string{
		fmt.Sprint(t.Number), Rate(t.Rate), Rate(t.Got), p50, P99(t), units.Count(t.Failed), Outcome(t),
	}
}

// Merged is what the trials of one rate came to together, their histograms added.
type Merged struct {
	Rate         float64
	Trials, Held int
	P50, P99     float64 // microseconds; 0 where there are too few samples
}

// ByRate puts the trials of each rate together, in order of rate.
func ByRate(p *result.CapacityPoint) []Merged {
	var all []Merged
	sums := map[float64]*hdrhistogram.Histogram{}
	for i := range p.Trials {
		t := &p.Trials[i]
		if t.Invalid != "" {
			continue
		}
		at := slices.IndexFunc(all, func(m Merged) bool { return m.Rate == t.Rate })
		if at < 0 {
			all = append(all, Merged{Rate: t.Rate})
			at = len(all) - 1
		}
		all[at].Trials++
		if t.Held {
			all[at].Held++
		}
		h, err := hdrhistogram.Decode([]byte(t.Response.HDR))
		if err != nil {
			continue // the percentiles of the trial are there all the same
		}
		if sums[t.Rate] == nil {
			sums[t.Rate] = hdrhistogram.New(h.LowestTrackableValue(), h.HighestTrackableValue(), int(h.SignificantFigures()))
		}
		sums[t.Rate].Merge(h)
	}
	slices.SortFunc(all, func(a, b Merged) int { return cmp.Compare(a.Rate, b.Rate) })
	for i := range all {
		m := &all[i]
		h := sums[m.Rate]
		if h == nil {
			continue
		}
		n := uint64(h.TotalCount())
		if result.Enough(0.5, n) {
			m.P50 = float64(h.ValueAtQuantile(50))
		}
		if result.Enough(0.99, n) {
			m.P99 = float64(h.ValueAtQuantile(99))
		}
	}
	return all
}

// Objectives in one line.
func Objectives(r *result.Capacity) string { return series.OneLine(strings.Join(r.Objectives, ", ")) }

// Subject is what was searched: "haproxy 2.6.12".
func Subject(p *result.CapacityPoint) string {
	return series.OneLine(strings.TrimSpace(p.Proxy.Driver + " " + p.Proxy.Version))
}
