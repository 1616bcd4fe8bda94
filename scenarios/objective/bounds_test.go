package objective

import (
	"math"
	"strings"
	"testing"

	"bench/internal/result"
)

// evaluate judges an expression over data.
func evaluate(t *testing.T, text, window string, d *Data) result.Objective {
	t.Helper()
	e, err := Parse(text, Names{Loads: []string{"a", "b"}, Abuse: []string{"rude"}})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var w *Window
	if window != "" {
		if w, err = ParseWindow(window, []string{"warmup", "steady"}, []string{"backend.stall"}); err != nil {
			t.Fatal(err)
		}
	}
	return Evaluate(e, w, d)
}

// A limit that lateness and waits cannot change keeps its verdict, whichever it is; one
// that they could change is INVALID.
func TestBounds(t *testing.T) {
	lag := func(us int64) func(*Data) {
		return func(d *Data) {
			for i := range d.Intervals {
				d.Intervals[i].LagMaxUs = us
			}
		}
	}
	waited := func(proxy, origin, driver int64) func(*Data) {
		return func(d *Data) {
			for i := range d.Loads {
				d.Loads[i].Lag = result.Latency{}
			}
			for at := int64(0); at < 10e6; at += 10_000 {
				d.Waits = append(d.Waits, result.Wait{FromUs: at, ToUs: at + 10_000, ProxyUs: proxy, OriginUs: origin, DriverUs: driver})
			}
		}
	}
	closed := func(d *Data) {
		for i := range d.Loads {
			d.Loads[i].Arrival = "closed"
		}
	}
	doubt := func(concerns, load string) func(*Data) {
		return func(d *Data) {
			d.Doubts = []result.Doubt{{Concerns: concerns, Load: load, Text: "the machine was busy"}}
		}
	}
	both := func(all ...func(*Data)) func(*Data) {
		return func(d *Data) {
			for _, f := range all {
				f(d)
			}
		}
	}
	none := func(*Data) {}
	for _, c := range []struct {
		name, expr, window string
		change             func(*Data)
		verdict            string
		low, high          float64 // NaN: exact, or not known at all
	}{
		// The generator was late by 1 ms; p99 is 9.9 ms.
		{"a response holds the lag", "response.p99 < 10ms", "", none, result.Pass, 8891, 9911},
		{"far beyond the limit", "response.p99 < 5ms", "", none, result.Fail, 8891, 9911},
		{"broken by less than the lag", "response.p99 < 9500us", "", none, result.Invalid, 8891, 9911},
		{"a lower limit held by less than the lag", "response.p99 > 9ms", "", none, result.Invalid, 8891, 9911},
		{"a lower limit held", "response.p99 > 8ms", "", none, result.Pass, 8891, 9911},
		{"lag spares a service time a wait", "service.p99 < 10500us", "", none, result.Invalid, 8895, 10999},
		{"a service time below all that", "service.p99 < 11ms", "", none, result.Pass, 8895, 10999},
		{"greatest", "response.max <= 10ms", "", none, result.Pass, 8999, 9999},
		{"counts are exact", "a.failed == 5", "", none, result.Pass, math.NaN(), 0},
		{"shares are exact", "a.errors < 0.1%", "", none, result.Pass, math.NaN(), 0},
		{"lag takes from a rate", "rate < 2000/s", "", none, result.Pass, 17995.0 / 9, 17995.0 / 9 * 9000 / 8999},
		{"a rate that was reached was reached", "rate >= 1999/s", "", none, result.Pass, 17995.0 / 9, 17995.0 / 9 * 9000 / 8999},
		{"a rate that lag may have cost", "rate > 1999.5/s", "", none, result.Invalid, 17995.0 / 9, 17995.0 / 9 * 9000 / 8999},

		// Windows go by the greatest lag of their slices.
		{"window", "response.p99 < 2ms", "backend.stall -3s..+3s", lag(100), result.Pass, 1889, 1991},
		{"window, late", "response.p99 < 1500us", "backend.stall -3s..+3s", lag(700), result.Invalid, 1289, 1991},
		{"window, punctual", "response.p99 < 1500us", "backend.stall -3s..+3s", none, result.Fail, math.NaN(), 0},

		// 20 µs were waited in each 10 ms, of which a request of 9.9 ms touches two.
		{"waits", "response.p99 < 9900us", "", waited(15, 5, 900), result.Invalid, 9911 - 20 - 40, 9911},
		{"waits of a closed loop", "response.p99 < 9950us", "", both(waited(15, 5, 10), closed), result.Invalid, 9911 - 20 - 60, 9999 + 60},
		{"waits cost a closed loop its rate", "rate > 2010/s", "", both(waited(200, 100, 100), closed), result.Invalid, 17995.0 / 9, 17995.0 / 9 * 9000 / 8600},

		// What is not vouched for cannot be decided.
		{"times", "response.p99 < 500ms", "", doubt(result.ConcernsTimes, ""), result.Invalid, math.NaN(), 0},
		{"rates", "rate > 1/s", "", doubt(result.ConcernsTimes, ""), result.Invalid, math.NaN(), 0},
		{"in a window", "response.p99 < 500ms", "backend.stall -3s..+3s", doubt(result.ConcernsTimes, ""), result.Invalid, math.NaN(), 0},
		{"when, of the whole", "response.p99 < 500ms", "", doubt(result.ConcernsAxis, ""), result.Pass, 8891, 9911},
		{"when, of a phase", "response.p99 < 500ms", "steady", doubt(result.ConcernsAxis, ""), result.Pass, math.NaN(), 0},
		{"when, in a window", "response.p99 < 500ms", "backend.stall -3s..+3s", doubt(result.ConcernsAxis, ""), result.Invalid, math.NaN(), 0},
		{"when, of a recovery", "recovery < 5s", "", doubt(result.ConcernsAxis, ""), result.Invalid, math.NaN(), 0},
		{"but counts", "a.failed == 5", "", doubt(result.ConcernsTimes, ""), result.Pass, math.NaN(), 0},
		{"and conservation", "conservation.delta == 0", "", doubt(result.ConcernsTimes, ""), result.Pass, math.NaN(), 0},
		{"of a load", "a.response.p99 < 500ms", "", doubt(result.ConcernsTimes, "a"), result.Invalid, math.NaN(), 0},
		{"of another", "b.response.p99 < 500ms", "", doubt(result.ConcernsTimes, "a"), result.Pass, 8891, 9911},
		{"of all", "response.p99 < 500ms", "", doubt(result.ConcernsTimes, "a"), result.Invalid, math.NaN(), 0},
		{"not sent", "b.failed == 0", "", doubt(result.ConcernsLoad, "b"), result.Invalid, math.NaN(), 0},
		{"known within bounds", "response.p99 < 500ms", "", doubt(result.ConcernsBounds, ""), result.Pass, 8891, 9911},
	} {
		d := data(t)
		d.Conservation = &result.Conservation{Exact: true, Rows: []result.ConservationRow{{}}}
		c.change(d)
		o := evaluate(t, c.expr, c.window, d)
		if o.Verdict != c.verdict {
			t.Errorf("%s: %s is %s (%s), want %s", c.name, c.expr, o.Verdict, o.Reason, c.verdict)
		}
		if (o.Reason != "") != (o.Verdict == result.Invalid) {
			t.Errorf("%s: %s with the reason %q", c.name, o.Verdict, o.Reason)
		}
		switch {
		case math.IsNaN(c.low):
			if o.Low != nil || o.High != nil {
				t.Errorf("%s: known between %v and %v", c.name, *o.Low, *o.High)
			}
		case o.Low == nil || math.Abs(*o.Low-c.low) > c.low*0.004 || math.Abs(*o.High-c.high) > c.high*0.004:
			t.Errorf("%s: bounds %v and %v, want %v and %v", c.name, *o.Low, *o.High, c.low, c.high)
		}
	}
}

// The reason of an undecided limit names the bounds and what they come from.
func TestBoundsAreTold(t *testing.T) {
	d := data(t)
	o := evaluate(t, "response.p99 < 9500us", "", d)
	for _, part := range []string{"known only to lie between 8.89", "9.91", "the generator sent up to 1.00", "late"} {
		if !strings.Contains(strings.ReplaceAll(o.Reason, "\u202f", " "), part) {
			t.Errorf("%q is not in %q", part, o.Reason)
		}
	}
}

// Of several windows, one that is broken for certain decides; one that could be broken
// leaves the whole undecided.
func TestBoundsOfWindows(t *testing.T) {
	d := data(t)
	d.Events = append(d.Events, result.Event{ID: 2, Kind: "backend.stall", Class: "fault", Applied: true, BeginUs: 7_950_000, EndUs: 8_050_000})
	for i := range d.Intervals {
		if at := d.Intervals[i].StartUs; at >= 7e6 && at < 9e6 { // nobody knows what is in these two seconds
			d.Intervals[i].LagMaxUs = 900
		}
	}
	for limit, want := range map[string]string{"500us": result.Fail, "1000us": result.Fail, "1600us": result.Pass} {
		if o := evaluate(t, "response.p50 < "+limit, "backend.stall -1s..+1s", d); o.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", limit, o.Verdict, o.Reason, want)
		}
	}
	d.Events = d.Events[1:]
	if o := evaluate(t, "response.p50 < 500us", "backend.stall -1s..+1s", d); o.Verdict != result.Invalid {
		t.Errorf("the uncertain window alone: %s (%s)", o.Verdict, o.Reason)
	}
}

// Recovery is given by response times: where they are not known well enough to tell
// when it came, neither is it.
func TestBoundsOfRecovery(t *testing.T) {
	d := data(t)
	if o := evaluate(t, "recovery < 200ms", "", d); o.Verdict != result.Pass || o.Low != nil {
		t.Errorf("punctual: %s, got %v, %s", o.Verdict, o.Got, o.Reason)
	}
	// For two seconds after the fault responses take up to 4.5 ms, more than twice the
	// base line: unless the generator's lateness is part of it.
	slow := histogram(t, 100, 35)
	for i := range d.Intervals {
		if at := d.Intervals[i].StartUs; at >= 4.1e6 && at < 6e6 {
			d.Intervals[i].Response = slow
		}
	}
	if o := evaluate(t, "recovery < 1s", "", d); o.Verdict != result.Fail {
		t.Errorf("slow: %s, got %v, %s", o.Verdict, o.Got, o.Reason)
	}
	for i := range d.Intervals {
		if at := d.Intervals[i].StartUs; at >= 4.1e6 {
			d.Intervals[i].LagMaxUs = 1000
		}
	}
	if o := evaluate(t, "recovery < 1s", "", d); o.Verdict != result.Invalid || *o.Low > 100_000 || *o.High < 1_000_000 {
		t.Errorf("slow or late: %s, got %v, %s", o.Verdict, o.Got, o.Reason)
	}
	if o := evaluate(t, "recovery < 5s", "", d); o.Verdict != result.Pass {
		t.Errorf("slow or late, but in time: %s, got %v, %s", o.Verdict, o.Got, o.Reason)
	}
}
