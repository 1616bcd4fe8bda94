package capacity

import (
	"cmp"
	"fmt"
	"slices"

	"bench/internal/result"
	"bench/internal/units"
	"bench/loadgen/record"
	"bench/loadgen/workload"
	"bench/scenarios/objective"
)

// Objective is one of those that must hold.
type Objective struct {
	expr  *objective.Expr
	limit float64 // on a time, in seconds; 0 is none
	needs uint64  // samples; 0 is none
}

// NewObjective takes an expression that has been found decidable.
func NewObjective(e *objective.Expr) *Objective {
	o := &Objective{expr: e, needs: e.Samples()}
	if us, ok := e.TimeLimit(); ok {
		o.limit = us / 1e6
	}
	return o
}

// Text is the expression.
func (o *Objective) Text() string { return o.expr.Text }

// Implied is the objective that is added where no other one counts failures: the
// percentiles are of responses that were good, and a rate at which others are refused
// would hold.
const Implied = "errors < 1%"

// Measured is what objectives look at of a trial.
type Measured struct {
	Loads        []result.Load
	Waits        []result.Wait
	Doubts       []result.Doubt
	Conservation *result.Conservation
	Unreported   uint64
	Profile      *Profile // of the load whose rate is searched
}

// Judges hold the objectives against what trials have measured.
type Judges struct {
	Objectives []*Objective
	// Timeout is that of the load whose rate is searched, in seconds: the limit of
	// delays that grow where no objective has one.
	Timeout float64
}

// Planned are the records of the objectives before anything was measured.
func (j *Judges) Planned() []result.Objective {
	var all []result.Objective
	for _, o := range j.Objectives {
		all = append(all, o.expr.Planned(nil))
	}
	return all
}

// limit is the least on a time, in seconds.
func (j *Judges) limit() float64 {
	least := 0.0
	for _, o := range j.Objectives {
		if o.limit > 0 && (least == 0 || o.limit < least) {
			least = o.limit
		}
	}
	return cmp.Or(least, j.Timeout)
}

// Judge says whether a rate holds by all of its trials together: their histograms are
// merged and their counts added, as if they had been one.
func (j *Judges) Judge(all []*Outcome) Judgement {
	d, err := joined(all)
	if err != nil {
		return Judgement{Doubt: err.Error()}
	}
	out := Judgement{Held: true}
	measured := *d
	measured.Waits = nil
	measured.Doubts = slices.DeleteFunc(slices.Clone(d.Doubts), func(d result.Doubt) bool { return d.Concerns != result.ConcernsLoad })
	exact := *d
	exact.AsMeasured = true
	sure := false
	closed := slices.ContainsFunc(d.Loads, func(l result.Load) bool { return l.Arrival == string(workload.Closed) })
	for _, o := range j.Objectives {
		// What holds with all that the machine has delayed holds without it.
		if !closed && o.expr.OnlyLater() && objective.Evaluate(o.expr, nil, &measured).Verdict == result.Pass {
			continue
		}
		got := objective.Evaluate(o.expr, nil, d)
		switch got.Verdict {
		case result.Pass:
			continue
		case result.Fail:
			sure = true
		case result.Unclear:
			if why, most := unanswered(d.Loads); most {
				sure = true
				out.Held, out.Broken = false, append(out.Broken, o.Text()+" ("+why+")")
				continue
			}
			fallthrough
		default:
			out.doubt(o, got.Reason, objective.Evaluate(o.expr, nil, &exact).Verdict == result.Fail)
		}
		out.Held, out.Broken = false, append(out.Broken, o.Text())
	}
	if sure {
		out.Doubt, out.AsMeasured = "", false
	}
	if sum := profiles(all); out.Held && sum != nil {
		if out.BreaksAfter = sum.breaksAfter(j.limit()); out.BreaksAfter > 0 {
			out.Held = false
			out.Broken = append(out.Broken, fmt.Sprintf("would break after %s", units.Trim(units.Latency(out.BreaksAfter*1e6))))
		}
	}
	return out
}

// A trial counts as disturbed where the machine may have delayed requests by that share of
// the limit, all at once where proxy and origins waited for a processor; where one request
// in a hundred was sent late, a shorter stall of the machine shows, which proxy and origins
// have met as well.
const (
	disturbing = 0.5
	lateBy     = 0.1
)

// Disturbed reports whether proxy and origins waited for a processor, or the load was late,
// by so much that it may decide about an objective. A few requests that were late do not.
func (j *Judges) Disturbed(m *Measured) bool {
	limit := j.limit() * 1e6
	for i := range m.Waits {
		if w := &m.Waits[i]; float64(w.ProxyUs+w.OriginUs) >= disturbing*limit {
			return true
		}
	}
	return slices.ContainsFunc(m.Loads, func(l result.Load) bool { return l.Lag.P99 >= lateBy*limit })
}

// doubt notes why an objective cannot be decided; asMeasured reports that it is broken by
// what was measured.
func (j *Judgement) doubt(o *Objective, why string, asMeasured bool) {
	j.AsMeasured = asMeasured && (j.Doubt == "" || j.AsMeasured)
	j.Doubt = cmp.Or(j.Doubt, o.Text()+": "+why)
}

// unanswered speaks of loads whose responses are too few for a figure because most of
// their requests got none.
func unanswered(loads []result.Load) (why string, sure bool) {
	var asked, good uint64
	for i := range loads {
		asked += loads[i].Requests
		good += loads[i].Completed
	}
	return fmt.Sprintf("%s of %s requests got a good answer", units.Count(good), units.Count(asked)), asked > 0 && good < asked-asked/10
}

func profiles(all []*Outcome) *Profile {
	var sum *Profile
	for _, o := range all {
		if p := o.Measured.Profile; p != nil {
			if sum == nil {
				sum = &Profile{}
			}
			sum.add(p)
		}
	}
	return sum
}

// joined is what several trials have measured, as if they had been one.
func joined(all []*Outcome) (*objective.Data, error) {
	d := &objective.Data{}
	first := all[0].Measured
	for i := range first.Loads {
		var same []*result.Load
		for _, o := range all {
			same = append(same, &o.Measured.Loads[i])
		}
		sum := same[0]
		if len(same) > 1 {
			var err error
			if sum, err = record.InTurn(same); err != nil {
				return nil, err
			}
		}
		d.Loads = append(d.Loads, *sum)
	}
	for _, o := range all {
		m := o.Measured
		d.Waits = append(d.Waits, m.Waits...)
		d.Unreported += m.Unreported
		for _, doubt := range m.Doubts {
			if !slices.Contains(d.Doubts, doubt) {
				d.Doubts = append(d.Doubts, doubt)
			}
		}
		d.Conservation = added(d.Conservation, m.Conservation)
	}
	return d, nil
}

// added joins two checks of counters; the rows of each stay apart.
func added(a, b *result.Conservation) *result.Conservation {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &result.Conservation{
		Delta: a.Delta + b.Delta, Exact: a.Exact && b.Exact, Detail: cmp.Or(a.Detail, b.Detail),
		Rows: slices.Concat(a.Rows, b.Rows), Proxy: slices.Concat(a.Proxy, b.Proxy),
	}
}
