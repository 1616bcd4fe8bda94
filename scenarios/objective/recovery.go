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
func (d *Data) recovery() (us float64, why string) {
	var end int64
	for _, p := range d.Phases {
		if p.Measured {
			end = max(end, p.StartUs+p.LengthUs)
		}
	}
	base := d.baseline()
	faults, longest := 0, 0.0
	for _, e := range d.Events {
		if e.Class != "fault" || !e.Applied {
			continue
		}
		faults++
		if end-e.EndUs < recoveryLeast {
			return 0, "the run ends too soon after " + e.Kind + " to see the recovery"
		}
		longest = max(longest, float64(d.recovered(e.EndUs, end, max(2*base, d.LimitUs))-e.EndUs))
	}
	if faults == 0 {
		return 0, "there was no fault to recover from"
	}
	return longest, ""
}

// recovered is the first moment from which on the system is as before; the end
// of the run if there is none.
func (d *Data) recovered(from, end int64, limit float64) int64 {
	for at := from; at+recoveryLeast <= end; at += recoveryStep {
		s := Span{at, min(at+recoveryHold, end)}
		if d.countIn("", s).failed > 0 {
			continue
		}
		if p99 := d.rawP99(s); !math.IsNaN(p99) && p99 <= limit {
			return at
		}
	}
	return end
}

// baseline is p99 of the measured time before the first event.
func (d *Data) baseline() float64 {
	first, ok := FirstEvent(d.Events)
	if !ok {
		return 0
	}
	if p99 := d.rawP99(Span{0, first}); !math.IsNaN(p99) {
		return p99
	}
	return 0
}

// rawP99 is p99 however few samples there are; NaN without any.
func (d *Data) rawP99(s Span) float64 {
	m := plain("response.p99")
	var texts []string
	for _, i := range d.slicesIn("", s) {
		texts = append(texts, textOf(m, i))
	}
	h, err := d.merged(texts)
	if err != nil || h == nil {
		return math.NaN()
	}
	return float64(h.ValueAtQuantile(99))
}
