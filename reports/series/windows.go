package series

import (
	"strings"

	"bench/internal/hdr"
	"bench/internal/recovery"
	"bench/internal/result"
)

// Window is the time that belongs to one event, or to several when the next
// began before the system had recovered from the last. Windows never overlap,
// so nothing in them counts twice.
type Window struct {
	Events []result.Event
	// BeginUs is the begin of the first event, EndUs the end of the last.
	BeginUs, EndUs int64
	// RecoveredUs is when the system was well again; -1 if that was not seen.
	RecoveredUs int64
	// UntilUs ends the attribution: the recovery, but not before the end of
	// the fault nor within a second of its begin, and not beyond the next event.
	UntilUs int64
	// EffectUs is the end of the first slot with an error or a slow response;
	// -1 without any effect.
	EffectUs   int64
	Offered    uint64
	Good       uint64
	Errors     Errors
	Unanswered uint64
	OK         hdr.Dist
	// PeakP99 is the highest p99 of a stretch long enough to have one, 0 if none was.
	PeakP99 float64
}

// RecoveryUs is the time from the end of the fault to the recovery; -1 if it
// was not seen.
func (w *Window) RecoveryUs() int64 {
	if w.RecoveredUs < 0 {
		return -1
	}
	return max(0, w.RecoveredUs-w.EndUs)
}

// Baseline is what a system did before anything was done to it.
type Baseline struct {
	OK hdr.Dist
	// P99 is 0 if there are too few samples to tell.
	P99 float64
	// SlowUs is what a p99 may reach to count as well: the greater of twice
	// the base line and the limit; infinite when both are unknown.
	SlowUs float64
}

// Base finds the base line: the measured time before the first event.
func (c *Cell) Base() Baseline {
	first, _ := recovery.FirstEvent(c.Events)
	var parts []hdr.Dist
	for i := range c.Slots {
		if s := c.MeasuredPart(&c.Slots[i]); s != nil && s.StartUs+s.LengthUs <= first {
			parts = append(parts, s.OK)
		}
	}
	b := Baseline{OK: hdr.Merge(parts...)}
	b.P99 = recovery.BaseP99(b.OK.Quantile(0.99), b.OK.N())
	b.SlowUs = recovery.Slow(b.P99, c.LimitP99())
	return b
}

// LimitP99 is the limit the scenario sets for p99 over the whole run, in
// microseconds; 0 if it sets none.
func (c *Cell) LimitP99() float64 {
	for _, o := range c.Objectives {
		if o.Unit == "us" && o.Window == "" && strings.HasPrefix(o.Op, "<") &&
			strings.Contains(o.Metric, "p99") && !strings.Contains(o.Metric, "p99.9") && !strings.Contains(o.Metric, "lag") {
			return o.Wanted
		}
	}
	return 0
}

// health answers whether a stretch of slots was well, by sums up to each slot.
type health struct {
	slots                    []Slot
	errors, slow, ok, wanted []uint64 // sums before slot i
}

func newHealth(slots []Slot, slowUs float64) *health {
	n := len(slots) + 1
	h := &health{slots, make([]uint64, n), make([]uint64, n), make([]uint64, n), make([]uint64, n)}
	for i := range slots {
		s := &slots[i]
		h.errors[i+1] = h.errors[i] + s.Errors.Total()
		h.slow[i+1] = h.slow[i] + s.OK.Above(slowUs)
		h.ok[i+1] = h.ok[i] + s.OK.N()
		h.wanted[i+1] = h.wanted[i] + s.Offered
	}
	return h
}

// well reports whether the system was well in slots i to j.
func (h *health) well(i, j int) bool {
	good := h.ok[j] - h.ok[i]
	s := recovery.Stretch{
		Offered: h.wanted[j] - h.wanted[i], Failed: h.errors[j] - h.errors[i],
		Good: good, Slow: recovery.TooMany(h.slow[j]-h.slow[i], good),
	}
	return s.Well()
}

// at is the first slot that starts at or after us.
func (h *health) at(us int64) int {
	lo, hi := 0, len(h.slots)
	for lo < hi {
		if m := (lo + hi) / 2; h.slots[m].StartUs < us {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// within is the slot that holds us.
func (h *health) within(us int64) int {
	i := h.at(us)
	if i > 0 && (i == len(h.slots) || h.slots[i].StartUs > us) && h.slots[i-1].StartUs+h.slots[i-1].LengthUs > us {
		return i - 1
	}
	return i
}

// recovery is the first moment from fromUs on at which the system stays well
// for recovery.HoldUs, or at least LeastUs of it before untilUs; -1 if none.
func (h *health) recovery(fromUs, untilUs int64) int64 {
	for i := h.within(fromUs); i < len(h.slots) && h.slots[i].StartUs < untilUs; i++ {
		start := max(fromUs, h.slots[i].StartUs)
		end := min(start+recovery.HoldUs, untilUs)
		j := h.at(end)
		if end-start < recovery.LeastUs || (j == len(h.slots) && h.slots[j-1].StartUs+h.slots[j-1].LengthUs-start < recovery.LeastUs) {
			return -1
		}
		if h.well(i, j) {
			return start
		}
	}
	return -1
}

// Windows attributes the cell's time to its events. Events that were not
// carried out, and those only seen, have none.
func (c *Cell) Windows(base Baseline) []Window {
	var made []result.Event
	for _, e := range c.Events {
		if e.Applied && e.Class != "seen" {
			made = append(made, e)
		}
	}
	h := newHealth(c.Slots, base.SlowUs)
	var out []Window
	for i := 0; i < len(made); {
		w := Window{Events: made[i : i+1 : i+1], BeginUs: made[i].BeginUs, EndUs: made[i].EndUs, RecoveredUs: -1}
		for i++; ; i++ {
			next := c.EndUs
			if i < len(made) {
				next = made[i].BeginUs
			}
			if next >= w.EndUs {
				w.RecoveredUs = h.recovery(w.EndUs, next)
			}
			if w.RecoveredUs >= 0 || i == len(made) {
				w.UntilUs = min(max(w.RecoveredUs, w.EndUs, w.BeginUs+second), max(next, w.EndUs))
				if w.RecoveredUs < 0 {
					w.UntilUs = c.EndUs
				}
				break
			}
			w.Events = append(w.Events, made[i])
			w.EndUs = max(w.EndUs, made[i].EndUs)
		}
		c.measure(&w, h, base)
		out = append(out, w)
	}
	return out
}

// measure fills in what happened in a window.
func (c *Cell) measure(w *Window, h *health, base Baseline) {
	w.EffectUs = -1
	var parts []hdr.Dist
	i, j := h.within(w.BeginUs), h.at(w.UntilUs)
	for ; i < j; i++ {
		s := &c.Slots[i]
		if w.EffectUs < 0 && (s.Errors.Total() > 0 || recovery.TooMany(s.OK.Above(base.SlowUs), s.OK.N()) || (s.Offered > 0 && len(s.OK) == 0)) {
			w.EffectUs = s.StartUs + s.LengthUs
		}
		w.Offered += s.Offered
		w.Good += s.Good
		w.Errors.Add(&s.Errors)
		w.Unanswered += s.Unanswered
		parts = append(parts, s.OK)
	}
	w.OK = hdr.Merge(parts...)
}

// Peaks fills in PeakP99 of every window from the steps of the p99 line.
func Peaks(windows []Window, line []Step) {
	for i := range windows {
		w := &windows[i]
		for _, s := range line {
			if s.StartUs < w.UntilUs && s.EndUs > w.BeginUs {
				w.PeakP99 = max(w.PeakP99, s.Value)
			}
		}
	}
}
