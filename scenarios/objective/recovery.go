package objective

import "bench/internal/recovery"

// recoveryStep is how finely recovery is told, by the slices of the timeline, in
// microseconds.
const recoveryStep = 100_000

// recovery is the longest time, in microseconds, from the end of a fault to
// the moment at which the system is as before.
func (d *Data) recovery() (us float64, why string) { return d.recoveryAs(measured) }

// side says which of the values is taken that a response time may have had.
type side int

const (
	measured side = iota
	lowest
	highest
)

// recoveryAs is the recovery told by response times taken as they were measured, or
// as low or high as they may have been; a limit that depends on the base line is then
// taken as high or low as it may be.
func (d *Data) recoveryAs(as side) (us float64, why string) {
	var end int64
	for _, p := range d.Phases {
		if p.Measured {
			end = max(end, p.StartUs+p.LengthUs)
		}
	}
	base := d.baseline([...]side{measured: measured, lowest: highest, highest: lowest}[as])
	slow := recovery.Slow(base, d.LimitUs)
	faults, longest := 0, 0.0
	for _, e := range d.Events {
		if e.Class != "fault" || !e.Applied {
			continue
		}
		faults++
		if end-e.EndUs < recovery.LeastUs {
			return 0, "the run ends too soon after " + e.Kind + " to see the recovery"
		}
		longest = max(longest, float64(d.recovered(as, e.EndUs, end, slow)-e.EndUs))
	}
	if faults == 0 {
		return 0, "there was no fault to recover from"
	}
	return longest, ""
}

// recovered is the first moment from which on the system is as before; the end
// of the run if there is none.
func (d *Data) recovered(as side, from, end int64, limit float64) int64 {
	for at := from; at+recovery.LeastUs <= end; at += recoveryStep {
		s := Span{at, min(at+recovery.HoldUs, end)}
		f := d.countIn("", s)
		p99, n := d.rawP99(as, s)
		w := recovery.Stretch{Offered: f.requests, Failed: f.failed, Good: n, Slow: p99 > limit}
		if w.Well() {
			return at
		}
	}
	return end
}

// baseline is the p99 of the measured time before the first event, 0 if it is not known.
func (d *Data) baseline(as side) float64 {
	first, ok := recovery.FirstEvent(d.Events)
	if !ok {
		return 0
	}
	return recovery.BaseP99(d.rawP99(as, Span{0, first}))
}

// rawP99 is the p99 of n response times, however few they are; 0 without any.
func (d *Data) rawP99(as side, s Span) (p99 float64, n uint64) {
	m := plain("response.p99")
	var texts []string
	for _, i := range d.slicesIn("", s) {
		texts = append(texts, textOf(m, i))
	}
	h, err := d.merged(texts)
	if err != nil || h == nil {
		return 0, 0
	}
	p99, n = float64(h.ValueAtQuantile(99)), uint64(h.TotalCount())
	switch as {
	case measured:
	case lowest:
		p99 = d.latencyBounds(m, &s, p99).low
	case highest:
		p99 = d.latencyBounds(m, &s, p99).high
	}
	return p99, n
}
