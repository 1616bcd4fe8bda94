package objective

import (
	"testing"

	"bench/internal/result"
)

// A comparison is decided if it comes out the same for every value within the bounds,
// the ends included.
func TestDecided(t *testing.T) {
	at := func(low, high float64) bounds { return bounds{low, high, "late"} }
	for _, c := range []struct {
		a    bounds
		op   string
		b    bounds
		want bool
	}{
		{at(1, 3), "<", exactly(3), false},
		{at(1, 2), "<", exactly(3), true},
		{at(3, 5), "<", exactly(3), true},
		{at(2, 5), "<", exactly(3), false},
		{at(1, 3), "<=", exactly(3), true},
		{at(3, 5), "<=", exactly(3), false},
		{at(4, 5), "<=", exactly(3), true},
		{at(2, 4), "<=", exactly(3), false},
		{at(1, 3), ">", exactly(3), true},
		{at(3, 5), ">", exactly(3), false},
		{at(4, 5), ">", exactly(3), true},
		{at(1, 3), ">=", exactly(3), false},
		{at(3, 5), ">=", exactly(3), true},
		{at(1, 2), ">=", exactly(3), true},
		{at(1, 2), "==", exactly(3), true},
		{at(1, 3), "==", exactly(3), false},
		{at(3, 4), "!=", exactly(3), false},
		{at(4, 5), "!=", exactly(3), true},
		{exactly(3), "<", at(3, 4), false},
		{exactly(3), "<=", at(3, 4), true},
		{exactly(3), "==", exactly(3), true},
	} {
		if got := decided(c.op, c.a, c.b); got != c.want {
			t.Errorf("%v to %v %s %v to %v is decided: %v, want %v", c.a.low, c.a.high, c.op, c.b.low, c.b.high, got, c.want)
		}
	}
}

// A divisor that may have been zero, or of either sign, leaves the quotient open.
func TestDivisorThatMayBeZero(t *testing.T) {
	d := data(t)
	d.Loads[1].Response.HDR = histogram(t, 8000, 1)
	const ratio = "a.response.p50 / (a.response.p50 - b.response.p50)"
	for i := range d.Loads {
		d.Loads[i].Lag = result.Latency{}
	}
	if o := evaluate(t, ratio+" < 100", "", d); o.Verdict != result.Pass || o.Got < 10 || o.Got > 12 {
		t.Errorf("punctual: %s, got %v (%s)", o.Verdict, o.Got, o.Reason)
	}
	for i := range d.Loads {
		d.Loads[i].Lag.HDR = histogram(t, 9000, 0)
	}
	if o := evaluate(t, ratio+" < 100", "", d); o.Verdict != result.Invalid || o.Low != nil {
		t.Errorf("late by more than the difference: %s between %v and %v", o.Verdict, o.Low, o.High)
	}
}

// Where all of the time was lost, nobody knows how much could have been carried, but
// what was carried was.
func TestRateOfTimeThatWasLost(t *testing.T) {
	d := data(t)
	for i := range d.Intervals {
		d.Intervals[i].LagMaxUs = 200_000
	}
	for expr, want := range map[string]string{"rate > 3000/s": result.Invalid, "rate < 3000/s": result.Invalid, "rate > 1000/s": result.Pass, "rate < 1000/s": result.Fail} {
		if o := evaluate(t, expr, "backend.stall", d); o.Verdict != want {
			t.Errorf("%s: %s, got %v (%s), want %s", expr, o.Verdict, o.Got, o.Reason, want)
		}
	}
}

// A response takes no less than nothing, however late its request was.
func TestLatenessBeyondTheResponse(t *testing.T) {
	d := data(t)
	for i := range d.Intervals {
		d.Intervals[i].LagMaxUs = 50_000
	}
	if o := evaluate(t, "response.p99 < 1ms", "backend.stall -3s..+3s", d); o.Verdict != result.Invalid || o.Low == nil || *o.Low != 0 {
		t.Errorf("%s, low %v (%s)", o.Verdict, o.Low, o.Reason)
	}
}

// A wait belongs to a stretch of time if they have more than an end in common.
func TestWaitsOfAStretch(t *testing.T) {
	d := &Data{}
	for at := int64(0); at < 50; at += 10 {
		d.Waits = append(d.Waits, result.Wait{FromUs: at, ToUs: at + 10})
	}
	for _, c := range []struct {
		span        Span
		first, last int64
	}{{Span{10, 20}, 10, 10}, {Span{10, 21}, 10, 20}, {Span{9, 20}, 0, 10}, {Span{15, 16}, 10, 10}, {Span{0, 50}, 0, 40}} {
		got := d.waitsIn(&c.span)
		if len(got) == 0 || got[0].FromUs != c.first || got[len(got)-1].FromUs != c.last {
			t.Errorf("%v has the waits %v, want those from %d to %d", c.span, got, c.first, c.last)
		}
	}
	if got := d.waitsIn(&Span{50, 60}); len(got) != 0 {
		t.Errorf("%v after the last", got)
	}
}

// A request may have met the waits of every step that it can touch: shorter than a
// step, two of them.
func TestDelayBySteps(t *testing.T) {
	d := &Data{}
	for at := int64(0); at < 1e6; at += 10_000 {
		d.Waits = append(d.Waits, result.Wait{FromUs: at, ToUs: at + 10_000, ProxyUs: 15, OriginUs: 5})
	}
	for took, want := range map[float64]float64{9_000: 40, 15_000: 60, 95_000: 220, 5e6: 2000} {
		if got, _ := d.delay(plain("response.p99"), nil, took, 0); got != want {
			t.Errorf("a request of %v µs may have been delayed by %v µs, want %v", took, got, want)
		}
	}
}

// The base line that recovery is measured by is not known better than its response
// times: if it may have been lower, the system may have recovered later.
func TestRecoveryByABaselineThatWasLate(t *testing.T) {
	d := data(t)
	slower := histogram(t, 100, 25) // less than twice the base line
	for i := range d.Intervals {
		switch at := d.Intervals[i].StartUs; {
		case at < 3.9e6:
			d.Intervals[i].LagMaxUs = 800
		case at >= 4.1e6 && at < 6e6:
			d.Intervals[i].Response = slower
		}
	}
	if o := evaluate(t, "recovery < 1s", "", d); o.Verdict != result.Invalid || o.Low == nil || *o.Low > 100_000 || *o.High < 1_500_000 {
		t.Errorf("%s, got %v, bounds %v and %v (%s)", o.Verdict, o.Got, o.Low, o.High, o.Reason)
	}
}

// The bounds in the record are those of the window whose value it has.
func TestBoundsBelongToTheWorstWindow(t *testing.T) {
	d := data(t)
	late := result.Event{ID: 2, Kind: "backend.stall", Class: "fault", Applied: true, BeginUs: 7_950_000, EndUs: 8_050_000}
	d.Events = []result.Event{late, d.Events[0]}
	for i := range d.Intervals {
		if d.Intervals[i].StartUs >= 7e6 {
			d.Intervals[i].LagMaxUs = 900
		}
	}
	if o := evaluate(t, "response.max < 2s", "backend.stall", d); o.Verdict != result.Pass || o.Got < 900_000 || o.Low != nil || o.High != nil {
		t.Errorf("%s, got %v between %v and %v", o.Verdict, o.Got, o.Low, o.High)
	}
}

// Slices are measured in the measured phase of their load, and not when they lie
// after it: then nothing is due.
func TestMeasuredSlices(t *testing.T) {
	d := data(t)
	for _, c := range []struct {
		phase string
		at    int64
		want  bool
	}{{"warmup", 0, false}, {"steady", 900_000, false}, {"steady", 1_000_000, true}, {"steady", 9_900_000, true}, {"steady", 10_000_000, false}, {"", 5_000_000, false}} {
		if got := d.phaseOf(&result.Interval{Phase: c.phase, StartUs: c.at, LengthUs: 100_000}) != nil; got != c.want {
			t.Errorf("a slice of phase %q at %d is measured: %v", c.phase, c.at, got)
		}
	}
}

// A rate is of what ended well within the time, not of what was due in it and ended
// well later.
func TestRateIsWhatEndedInTime(t *testing.T) {
	d := data(t)
	for i := range d.Intervals {
		d.Intervals[i].Good, d.Intervals[i].Retried = 40, 1
	}
	for i := range d.Loads {
		d.Loads[i].GoodWithin, d.Loads[i].Lag = 4500, result.Latency{}
	}
	for _, c := range []struct {
		expr, window string
		got          float64
	}{
		{"rate < 1/s", "", 1000},
		{"rate < 1/s", "steady", 800},
		{"rate < 1/s", "backend.stall", 800},
		{"completed < 1", "backend.stall +1s..+2s", 2400},
		{"retried < 1", "backend.stall +1s..+2s", 24},
	} {
		if o := evaluate(t, c.expr, c.window, d); o.Verdict != result.Fail || o.Got < c.got*0.999 || o.Got > c.got*1.001 {
			t.Errorf("%s [%s]: %s, got %v (%s), want %v", c.expr, c.window, o.Verdict, o.Got, o.Reason, c.got)
		}
	}
}

// A base line of a few requests says nothing: then only failures count. An event that was
// only seen does not end it.
func TestRecoveryByABaselineOfFewRequests(t *testing.T) {
	d := data(t)
	slower := histogram(t, 100, 60) // more than twice the base line
	d.Events = append(d.Events, result.Event{ID: 2, Kind: "check.down", Class: "seen", Applied: true, BeginUs: 1_050_000, EndUs: 1_050_000})
	for i := range d.Intervals {
		if at := d.Intervals[i].StartUs; at >= 4.1e6 && at < 7e6 {
			d.Intervals[i].Response = slower
		}
	}
	if o := evaluate(t, "recovery < 1s", "", d); o.Verdict != result.Fail {
		t.Errorf("with a base line: %s, got %v", o.Verdict, o.Got)
	}
	few := histogram(t, 10, 10)
	for i := range d.Intervals {
		if at := d.Intervals[i].StartUs; at < 3.9e6 {
			d.Intervals[i].Response = few
		}
	}
	if o := evaluate(t, "recovery < 1s", "", d); o.Verdict != result.Pass {
		t.Errorf("with one of a few requests: %s, got %v", o.Verdict, o.Got)
	}
}

// Each row of the table reads what it says, of a run whose figures are known.
func TestRows(t *testing.T) {
	d := data(t)
	d.Loads[0].Integrity = &result.Integrity{Checked: 90, Requests: 2, Answers: 3, Unchecked: 7}
	d.Unreported = 4
	d.Loads[0].Handshakes, d.Loads[0].Resumed = 8, 6
	d.Loads[0].Moved, d.Loads[1].Moved = 1, 2
	d.Conservation = &result.Conservation{Exact: true, Delta: 5, Rows: []result.ConservationRow{{Lost: 6, Repeated: 7}, {Lost: 1, Repeated: 1}}}
	for _, at := range []int64{-10, 12_000_000} {
		d.Receipts = append(d.Receipts, result.OriginCount{Name: "web.1", AtUs: at, Received: uint64(max(0, at)) / 4000})
	}
	want := map[string]float64{
		"received": 1500, "share": 1,
		"requests": 18_000, "completed": 17_995, "failed": 5, "failed.timeout": 3, "failed.refused": 2, "failed.5xx-proxy": 0,
		"errors": 5.0 / 18_000, "retried": 2, "moved": 3, "handshakes": 8, "resumption": 0.75, "rate": 17_995.0 / 9, "recovery": 100_000,
		"conservation.delta": 5, "conservation.lost": 7, "conservation.repeated": 8,
		"integrity.mismatch": 9, "integrity.mismatch.request": 6, "integrity.mismatch.answer": 3,
		"integrity.checked": 90, "integrity.unchecked": 7,
	}
	for _, r := range rows() {
		if ways := [...]bool{r.counts != nil, r.run != nil, r.origins != nil}; ways != [...]bool{
			r.scope == anywhere, r.scope == wholeLoad || r.scope == wholeRun, r.scope == ofOrigins,
		} {
			t.Errorf("%s: want the one way of reading it that its scope has", r.name)
		}
		if _, ok := want[r.name]; !ok {
			t.Errorf("%s is not tried here", r.name)
		}
	}
	for name, v := range want {
		m, why := lookup(name, Names{})
		if m == nil {
			t.Fatal(why)
		}
		if got, why := d.metric(m, nil); got != v || why != "" {
			t.Errorf("%s is %v, want %v (%s)", name, got, v, why)
		}
		none := *d
		none.Loads, none.Conservation, none.Events, none.Receipts = nil, nil, nil, nil
		if got, why := none.metric(m, nil); why == "" && name != "requests" && name != "completed" {
			t.Errorf("%s of a run without loads is %v", name, got)
		}
	}
}

// A slice belongs to the windows in which it was on the axis of the run, and to its phase
// wherever it was there.
func TestSlicesOfOtherClocks(t *testing.T) {
	phases := []result.Phase{{Name: "first", LengthUs: 5e6, Measured: true}, {Name: "second", StartUs: 5e6, LengthUs: 5e6, Measured: true}}
	for _, shift := range []int64{0, -3_000, 3_000, -120_000, 120_000} {
		d := &Data{Phases: phases}
		for at := int64(0); at < 10e6; at += 100_000 {
			i := result.Interval{Load: "a", Phase: "first", StartUs: at + shift, ShiftUs: shift, LengthUs: 100_000, Offered: 1}
			if at >= 5e6 {
				i.Phase = "second"
			}
			if at == 4e6 || at == 4_900_000 || at == 5e6 {
				i.Errors = map[string]uint64{"timeout": 1}
			}
			d.Intervals = append(d.Intervals, i)
		}
		for i, want := range []uint64{2, 1} {
			p := phases[i]
			if f := d.countIn("a", Span{p.StartUs, p.StartUs + p.LengthUs}); f.requests != 50 || f.failed != want {
				t.Errorf("shifted by %d: phase %s has %d requests of which %d failed", shift, p.Name, f.requests, f.failed)
			}
		}
		// What failed in the slice at 4 s did so from 4 s + shift on, for 100 ms.
		for _, w := range []Span{{4_000_000, 4_000_001}, {3_999_000, 4_000_000}, {4_098_000, 4_100_000}, {4_100_000, 4_102_000}, {3_900_000, 3_980_000}} {
			want := uint64(0)
			if w.From < 4_100_000+shift && w.To > 4_000_000+shift {
				want = 1
			}
			if f := d.countIn("a", w); f.failed != want {
				t.Errorf("shifted by %d: %d failed in %v, not %d", shift, f.failed, w, want)
			}
		}
	}
}
