package objective

import "math"

// A fault is over when errors are 0 and p99 is at most twice its base line, or
// the limit if that is more, for this long on end.
const (
	recoveryHold = 3_000_000
	recoveryStep = 100_000
	// recoveryLeast is how much of the run must be left after a fault for its
	// recovery to be judged.
	recoveryLeast = 1_000_000
)

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
	faults, longest := 0, 0.0
	for _, e := range d.Events {
		if e.Class != "fault" || !e.Applied {
			continue
		}
		faults++
		if end-e.EndUs < recoveryLeast {
			return 0, "the run ends too soon after " + e.Kind + " to see the recovery"
		}
		longest = max(longest, float64(d.recovered(as, e.EndUs, end, max(2*base, d.LimitUs))-e.EndUs))
	}
	if faults == 0 {
		return 0, "there was no fault to recover from"
	}
	return longest, ""
}

// recovered is the first moment from which on the system is as before; the end
// of the run if there is none.
func (d *Data) recovered(as side, from, end int64, limit float64) int64 {
	for at := from; at+recoveryLeast <= end; at += recoveryStep {
		s := Span{at, min(at+recoveryHold, end)}
		if d.countIn("", s).failed > 0 {
			continue
		}
		if p99 := d.rawP99(as, s); !math.IsNaN(p99) && p99 <= limit {
			return at
		}
	}
	return end
}

// baseline is p99 of the measured time before the first event.
func (d *Data) baseline(as side) float64 {
	first, ok := FirstEvent(d.Events)
	if !ok {
		return 0
	}
	if p99 := d.rawP99(as, Span{0, first}); !math.IsNaN(p99) {
		return p99
	}
	return 0
}

// rawP99 is p99 however few samples there are; NaN without any.
func (d *Data) rawP99(as side, s Span) float64 {
	m := plain("response.p99")
	var texts []string
	for _, i := range d.slicesIn("", s) {
		texts = append(texts, textOf(m, i))
	}
	h, err := d.merged(texts)
	if err != nil || h == nil {
		return math.NaN()
	}
	p99 := float64(h.ValueAtQuantile(99))
	if as == measured {
		return p99
	}
	b := d.latencyBounds(m, &s, p99)
	if as == lowest {
		return b.low
	}
	return b.high
}
