package objective

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"bench/internal/result"
	"bench/internal/units"
)

// bounds hold the value that a quiet machine and a punctual generator would have
// found; why says what moved the ends apart, "" where they are one.
type bounds struct {
	low, high float64
	why       string
}

func exactly(v float64) bounds { return bounds{v, v, ""} }

// anything is what is known of a value that is not vouched for.
func anything(why string) bounds { return bounds{math.Inf(-1), math.Inf(1), why} }

// decided reports whether a comparison comes out the same for all values within the
// bounds.
func decided(op string, a, b bounds) bool {
	if a.low == a.high && b.low == b.high {
		return true
	}
	switch op {
	case "==", "!=":
		return a.high < b.low || b.high < a.low
	case "<", ">=":
		return a.high < b.low || a.low >= b.high
	default:
		return a.high <= b.low || a.low > b.high
	}
}

// comparison is what came out for one stretch of time.
type comparison struct {
	verdict, reason string
	left            bounds
}

// compare holds two values against each other and says whether they are known well enough for that.
func (d *Data) compare(e *Expr, s *Span, left, right float64) comparison {
	j := comparison{verdict: result.Pass, left: d.bounds(e.left, s)}
	if !holds(e.Op, left, right) {
		j.verdict = result.Fail
	}
	other := d.bounds(e.right, s)
	if !decided(e.Op, j.left, other) {
		j.verdict, j.reason = result.Invalid, cmp.Or(j.left.why, other.why)
		if finite(j.left) && j.left.why != "" {
			j.reason = fmt.Sprintf("known only to lie between %s and %s: %s", e.quantity(j.left.low), e.quantity(j.left.high), j.left.why)
		}
	} else if j.verdict == result.Fail && e.Reads("generator.lag") {
		// The generator is no part of what is tested.
		j.verdict, j.reason = result.Invalid, "the generator was late"
	}
	return j
}

func finite(b bounds) bool { return !math.IsInf(b.low, 0) && !math.IsInf(b.high, 0) }

// quantity spells a value of the left side.
func (e *Expr) quantity(v float64) string {
	switch max(e.left.kind, e.right.kind) {
	case Time:
		return units.Latency(v)
	case Rate:
		return units.Rate(v) + "/s"
	case Share:
		return units.Percent(v)
	default:
		return units.Number(v)
	}
}

// bounds are those of a side whose value is known.
func (d *Data) bounds(n *node, s *Span) bounds {
	switch n.op {
	case 'n':
		return exactly(n.value)
	case 'm':
		return d.boundsOf(n.metric, s)
	}
	a, b := d.bounds(n.left, s), d.bounds(n.right, s)
	why := cmp.Or(a.why, b.why)
	if why == "" {
		v, _ := d.value(n, s)
		return exactly(v)
	}
	if !finite(a) || !finite(b) {
		return anything(why)
	}
	switch n.op {
	case '+':
		return bounds{a.low + b.low, a.high + b.high, why}
	case '-':
		return bounds{a.low - b.high, a.high - b.low, why}
	case '*':
		return ends(why, a.low*b.low, a.low*b.high, a.high*b.low, a.high*b.high)
	}
	if b.low <= 0 && b.high >= 0 {
		return anything(why)
	}
	return ends(why, a.low/b.low, a.low/b.high, a.high/b.low, a.high/b.high)
}

func ends(why string, all ...float64) bounds {
	return bounds{slices.Min(all), slices.Max(all), why}
}

// needsAxis reports whether a metric depends on when, by the clocks of several machines, what
// happened: in a window around an event, or until the system had recovered. Phases are those
// of each load's own clock.
func (d *Data) needsAxis(m *metric, s *Span) bool {
	if s == nil {
		return m.base == "recovery"
	}
	return !slices.ContainsFunc(d.Phases, func(p result.Phase) bool { return p.StartUs == s.From && p.StartUs+p.LengthUs == s.To })
}

// boundsOf are those of a metric. Counts are exact: what has failed has failed,
// however late it was sent.
func (d *Data) boundsOf(m *metric, s *Span) bounds {
	got, _ := d.metric(m, s)
	if d.AsMeasured {
		return exactly(got)
	}
	timed := (m.kind == Time || m.kind == Rate) && m.base != "generator.lag"
	for _, doubt := range d.Doubts {
		of := doubt.Load == "" || m.load == "" || m.load == doubt.Load
		if of && (doubt.Concerns == result.ConcernsLoad || timed && doubt.Concerns == result.ConcernsTimes ||
			timed && doubt.Concerns == result.ConcernsAxis && d.needsAxis(m, s)) {
			return anything(doubt.Text)
		}
	}
	switch {
	case m.ofOrigins():
		b, _ := d.ofOrigins(m, s)
		return b
	case !timed:
		return exactly(got)
	case m.base == "recovery":
		return d.recoveryBounds(got)
	case m.base == "rate":
		return d.rateBounds(m, s, got)
	case m.base == "held":
		by, why := d.delay(m, s, got, 0)
		return bounds{max(0, got-by), got + by, why}
	}
	return d.latencyBounds(m, s, got)
}

// latencyBounds of a quantile. A response time holds the generator's lateness and what
// proxy and origins waited for a processor, so the true one can only be less. Both are
// taken at a quantile so high, and the response times at one so much lower, that
// nothing is assumed of which request met which: if a value exceeds the sum of three
// quantiles, one of its parts exceeds its own. Service times begin when a request was
// sent, so that lateness may have spared them a wait; and a closed loop that was
// kept from running has asked less of its target. There the true value may be more.
func (d *Data) latencyBounds(m *metric, s *Span, got float64) bounds {
	beyond := (1 - m.quantile) / 10
	late, whyLate := d.lateness(m, s, beyond)
	waited, whyWaited := d.delay(m, s, got, beyond)
	if late+waited == 0 {
		return exactly(got)
	}
	b := bounds{max(0, d.shifted(m, s, -2*beyond, got)-late-waited), got, whyLate}
	if waited > late {
		b.why = whyWaited
	}
	more := 0.0
	if m.base == "service" {
		more += late
	}
	if d.closed(m.load) {
		more += waited
	}
	if more > 0 {
		b.high = d.shifted(m, s, 2*beyond, got) + more
	}
	return b
}

// shifted is the metric at another quantile.
func (d *Data) shifted(m *metric, s *Span, by, got float64) float64 {
	if by == 0 {
		return got
	}
	near := *m
	near.quantile = min(m.quantile+by, 1)
	if near.quantile == 1 || near.needs() <= m.needs() {
		if v, why := d.quantile(&near, s); why == "" {
			return v
		}
		return got
	}
	// More samples would be needed for a figure to show, not for a bound.
	near.quantile = 1
	v, _ := d.quantile(&near, s)
	return v
}

// rateBounds: who waits for a processor, or is sent its requests late, carries less
// than it could.
func (d *Data) rateBounds(m *metric, s *Span, got float64) bounds {
	length := 0.0
	if s != nil {
		length = float64(s.To - s.From)
	} else {
		length = d.countAll(m.load).seconds * 1e6
	}
	late, whyLate := d.lateness(m, s, 0)
	waited := 0.0
	closed := d.closed(m.load)
	for _, w := range d.waitsIn(s) {
		waited += float64(w.us(closed))
	}
	why := whyLate
	if waited > late {
		why = whyWaits(waited)
	}
	if late+waited == 0 {
		return exactly(got)
	}
	if late+waited >= length {
		return bounds{got, math.Inf(1), why}
	}
	return bounds{got, got * length / (length - late - waited), why}
}

// recoveryBounds are the times of recovery with response times as low, and as high, as
// they may have been.
func (d *Data) recoveryBounds(got float64) bounds {
	low, _ := d.recoveryAs(lowest)
	high, _ := d.recoveryAs(highest)
	if low == got && high == got {
		return exactly(got)
	}
	return bounds{min(low, got), max(high, got), "the response times it is based on are known no better"}
}

// lateness is what no more than a share of the requests of a metric were handed over
// late by, in microseconds; of a stretch of time, none.
func (d *Data) lateness(m *metric, s *Span, beyond float64) (us float64, why string) {
	if s == nil {
		var texts []string
		for i := range d.Loads {
			if m.load == "" || d.Loads[i].Name == m.load {
				texts = append(texts, d.Loads[i].Lag.HDR)
			}
		}
		if h, err := d.merged(texts); err == nil && h != nil {
			us = float64(h.ValueAtQuantile(100 * (1 - beyond)))
		}
	} else {
		for _, i := range d.slicesIn(m.load, *s) {
			us = max(us, float64(i.LagMaxUs))
		}
	}
	if us == 0 {
		return 0, ""
	}
	return us, "the generator sent up to " + units.Latency(us) + " late"
}

// delay is what a request of the given duration may have been delayed by processors
// that others had, but for a share of the time: what was waited in all the steps that
// it touched, as if it had met each of these waits.
func (d *Data) delay(m *metric, s *Span, got, beyond float64) (us float64, why string) {
	all := d.waitsIn(s)
	closed := d.closed(m.load)
	if len(all) == 0 {
		return 0, ""
	}
	slices.SortFunc(all, func(a, b wait) int { return cmp.Compare(a.us(closed), b.us(closed)) })
	length := int64(0)
	for _, w := range all {
		length += w.ToUs - w.FromUs
	}
	left := int64(beyond * float64(length))
	i := len(all) - 1
	for ; i > 0 && left >= all[i].ToUs-all[i].FromUs; i-- {
		left -= all[i].ToUs - all[i].FromUs
	}
	steps := 2 + math.Floor(got*float64(len(all))/float64(max(1, length)))
	if us = float64(all[i].us(closed)) * min(steps, float64(len(all))); us == 0 {
		return 0, ""
	}
	return us, whyWaits(us)
}

func whyWaits(us float64) string {
	return "proxy and origins were ready but had no processor for up to " + units.Latency(us)
}

// wait is what was waited between two readings.
type wait struct{ result.Wait }

// us is the delay of a request that goes through proxy and origin; in a closed loop
// the generator's own is part of the cycle, in an open one it is lateness.
func (w wait) us(closed bool) int64 {
	sum := w.ProxyUs + w.OriginUs
	if closed {
		sum += w.DriverUs
	}
	return sum
}

// waitsIn lists the waits of a stretch of time, nil for all.
func (d *Data) waitsIn(s *Span) []wait {
	list := d.Waits
	if s != nil { // they are in order of time
		from, _ := slices.BinarySearchFunc(list, s.From+1, func(w result.Wait, at int64) int { return cmp.Compare(w.ToUs, at) })
		to, _ := slices.BinarySearchFunc(list, s.To, func(w result.Wait, at int64) int { return cmp.Compare(w.FromUs, at) })
		list = list[from:max(from, to)]
	}
	all := make([]wait, len(list))
	for i, w := range list {
		all[i] = wait{w}
	}
	return all
}

// closed reports whether a load, "" for any, sends when it has been answered.
func (d *Data) closed(load string) bool {
	return slices.ContainsFunc(d.Loads, func(l result.Load) bool {
		return (load == "" || l.Name == load) && l.Arrival == "closed"
	})
}
