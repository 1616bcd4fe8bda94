package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"bench/internal/result"
	"bench/internal/stats"
	"bench/internal/units"
	"bench/scenarios/measures"
)

// Runs that were not made in turns differ by what changed on the machine in between, by
// far more than by what differs within a session. How much that is can only be told from
// several sessions.
const (
	leastSessions = 5
	// sessionGap parts sessions: runs that follow one another faster share the state of
	// the machine.
	sessionGap = time.Hour
)

// costOfApart is what a comparison of such runs costs.
const costOfApart = "the runs were not interleaved, so that what changed on the machine between them looks like a difference of the sides"

// sessions groups runs, which are in order of time, by their places.
func sessions(runs []*measures.Run) (groups [][]int) {
	for i := range runs {
		if i == 0 || started(runs[i]).Sub(started(runs[i-1])) > sessionGap {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], i)
	}
	return groups
}

// apart compares runs that were not interleaved: figures without a verdict, unless the
// base has sessions enough, of the same machine, to tell how much they differ from one
// another.
func (r *recorded) apart(base, other []*measures.Run) error {
	c := r.record
	r.gather(base, other)
	groups := sessions(base)
	refused := otherMachine(c.Differs)
	if refused == "" && len(groups) < leastSessions {
		refused = fmt.Sprintf("it takes %d sessions of the base, an hour or more apart, to tell how much they differ, and there are %d", leastSessions, len(groups))
	}
	gates := 0
	for _, k := range r.values.columns {
		if k.gated && !k.asked && len(known(k.base))+len(known(k.new)) == 0 {
			k.gated = false
			c.Warnings = append(c.Warnings, undecisive(k))
		}
		if k.gated && k.like.Kind != measures.Count {
			gates++
		}
	}
	for _, k := range r.values.columns {
		m := k.apart()
		switch {
		case !k.gated:
		case refused != "", !m.Known:
			m.Verdict = result.Undecided
		case k.like.Kind == measures.Count:
			k.countAgainst(&m, groups)
		default:
			k.timeAgainst(&m, groups, c, c.Alpha/2/float64(gates))
		}
		c.Measures = append(c.Measures, m)
	}
	c.Warnings = append(c.Warnings, costOfApart)
	c.Pairs = 0
	r.conclude(refused, len(groups))
	return nil
}

// conclude gives the verdict of runs that were not interleaved.
func (r *recorded) conclude(refused string, sessions int) {
	c := r.record
	of := func(verdict string) (names []string) {
		for _, m := range c.Measures {
			if !m.Gated || m.Verdict != verdict {
				continue
			}
			name := fullName(m.Cell, m.Name)
			if verdict == result.Undecided && m.Reason != "" {
				name += " (" + m.Reason + ")"
			}
			names = append(names, name)
		}
		return names
	}
	undecided := of(result.Undecided)
	switch {
	case refused != "":
		c.Verdict, c.ExitCode = result.Unclear, exitUnclear
		c.Reason = "figures without a verdict: " + costOfApart + "; " + refused + "; compare live, by bench compare SCENARIO --base ... --new ..."
	case len(of(result.Slower)) > 0:
		c.Verdict, c.ExitCode = result.Slower, exitWorse
		c.Reason = fmt.Sprintf("%s, by more than %d sessions of the base differ", strings.Join(of(result.Slower), ", "), sessions)
	case len(undecided) > 0:
		c.Verdict, c.ExitCode = result.Unclear, exitUnclear
		c.Reason = fmt.Sprintf("undecided, held against %d sessions of the base: %s", sessions, strings.Join(undecided, ", "))
	case len(r.gated()) == 0:
		c.Verdict, c.ExitCode = result.Unclear, exitUnclear
		c.Reason = "nothing that decides is known"
	case len(of(result.Better)) > 0:
		c.Verdict, c.Reason = result.Better, strings.Join(of(result.Better), ", ")
	case len(of(result.Same)) == len(r.gated()):
		c.Verdict, c.Reason = result.Same, "nothing is worse"
	default:
		c.Verdict, c.Reason = under(c.MinEffect), "nothing is worse"
	}
}

// gated are the names of what decides.
func (r *recorded) gated() (all []string) {
	for _, m := range r.record.Measures {
		if m.Gated {
			all = append(all, m.Name)
		}
	}
	return all
}

// otherMachine says in what the machines differ so much that sessions do not tell of
// each other, "" if they do not.
func otherMachine(facts []result.ComparisonFact) string {
	var names []string
	for _, f := range facts {
		if slices.Contains([]string{"cpu", "processors", "kernel"}, f.Name) {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "the sides were run with another " + strings.Join(names, ", another ")
}

// gather puts the values of each side in the order of its runs.
func (r *recorded) gather(base, other []*measures.Run) {
	for _, run := range slices.Concat(base, other) {
		for i := range run.Measures {
			r.values.column(&run.Measures[i])
		}
	}
	for _, c := range r.values.columns {
		for _, side := range []struct {
			runs []*measures.Run
			to   *[]float64
		}{{base, &c.base}, {other, &c.new}} {
			for _, run := range side.runs {
				*side.to = append(*side.to, c.value(run.OfCell(c.like.Cell).Lookup(c.like.Name)))
			}
		}
	}
}

// apart is the line of a measure whose values make no pairs: the change of the medians.
// What either side knows in fewer than half of its runs is not known: that the new one
// cannot state it may be what has changed.
func (c *column) apart() result.ComparedMeasure {
	m := result.ComparedMeasure{
		Name: c.like.Name, Load: c.like.Load, Class: c.like.Class, Cell: c.like.Cell, Unit: c.like.Unit, Gated: c.gated,
		Verdict: result.Shown, BaseValues: known(c.base), NewValues: known(c.new),
	}
	if seldom(m.BaseValues, c.base) || seldom(m.NewValues, c.new) {
		m.Reason = fmt.Sprintf("known in %d of %d runs of the base and %d of %d of the new side", len(m.BaseValues), len(c.base), len(m.NewValues), len(c.new))
		if c.why != "" {
			m.Reason += "; " + c.why
		}
		return m
	}
	m.Known = true
	m.Base, m.New = stats.Median(m.BaseValues), stats.Median(m.NewValues)
	switch {
	case c.like.Kind == measures.Count:
		m.Base, m.New = mean(m.BaseValues), mean(m.NewValues)
		m.ChangePercent = 0
	case m.Base > 0:
		m.ChangePercent = 100 * (m.New/m.Base - 1)
	}
	return m
}

// seldom reports whether a measure is known too seldom.
func seldom(known, all []float64) bool { return len(known) == 0 || 2*len(known) < len(all) }

// perSession are the medians of the base's values by session, of those that have any.
func (c *column) perSession(groups [][]int) (all []float64) {
	for _, g := range groups {
		var values []float64
		for _, i := range g {
			if !math.IsNaN(c.base[i]) {
				values = append(values, c.base[i])
			}
		}
		if len(values) > 0 {
			all = append(all, stats.Median(values))
		}
	}
	return all
}

// timeAgainst holds the new runs, as one session, against those of the base: by Student's
// prediction interval of one more session.
func (c *column) timeAgainst(m *result.ComparedMeasure, groups [][]int, record *result.Comparison, tail float64) {
	m.Verdict = result.Undecided
	per := c.perSession(groups)
	if len(per) < leastSessions || m.New+c.like.Step <= 0 || slices.Min(per)+c.like.Step <= 0 {
		m.Reason = fmt.Sprintf("known in %d sessions of the base; it takes %d", len(per), leastSessions)
		return
	}
	logs := make([]float64, len(per))
	for i, v := range per {
		logs[i] = math.Log(v + c.like.Step)
	}
	k := float64(len(logs))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: k - 1}.Quantile(1 - tail)
	half := t * stat.StdDev(logs, nil) * math.Sqrt(1+1/k)
	d := math.Log(m.New+c.like.Step) - stat.Mean(logs, nil)
	low, high := percent(d-half), percent(d+half)
	m.ChangePercent, m.Low, m.High = percent(d), &low, &high
	sign := 1.0
	if c.like.MoreIsBetter {
		sign = -1
	}
	least, limit := math.Log1p(record.MinEffect), math.Log1p(limitOf(record.MinEffect))
	switch worse := sign * d; {
	case worse-half > 0 && worse > least:
		m.Verdict = result.Slower
	case worse+half < 0 && -worse > least:
		m.Verdict = result.Better
	case math.Abs(d)+half <= least:
		m.Verdict = result.Same
	case worse+half < limit:
		m.Verdict = under(record.MinEffect)
	default:
		m.Reason = fmt.Sprintf("sessions of the base differ by %s (standard deviation)", units.Percent(math.Expm1(stat.StdDev(logs, nil))))
	}
}

// countAgainst holds what failed against the sessions of the base. That it was more than
// in any of them happens by chance once in so many sessions, which is no proof.
func (c *column) countAgainst(m *result.ComparedMeasure, groups [][]int) {
	m.Verdict = result.Same
	if per := c.perSession(groups); len(per) == 0 || m.New > slices.Max(per) {
		m.Verdict, m.Reason = result.Undecided, "more than in any session of the base"
	}
}

// limitOf is what a change is cleared of, as in package gate.
func limitOf(minEffect float64) float64 { return max(0.05, 2.5*minEffect) }

func under(minEffect float64) string { return result.Under(limitOf(minEffect)) }
