package objective

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"bench/internal/result"
)

// An objective over the windows of several events is judged by the worst of them, and
// its record says when that was and in which event.
func TestWorstOfSeveralWindows(t *testing.T) {
	const (
		slice  = 100_000
		apart  = 3_000_000 // between the beginnings of two events
		length = 500_000
	)
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.IntRange(1, 5).Draw(t, "events")
		d := &Data{Phases: []result.Phase{{Name: "steady", LengthUs: int64(events+1) * apart, Measured: true}}}
		// Of each window what it sums up to, and its slice with most failures.
		type window struct {
			failed, completed uint64
			due               bool
			worst             int64
			most              uint64
		}
		windows := make([]window, events)
		for k := range events {
			begin := int64(k+1) * apart
			d.Events = append(d.Events, result.Event{ID: k + 1, Kind: "backend.stall", Class: "fault", Applied: true, BeginUs: begin, EndUs: begin + length})
			windows[k] = window{worst: -1, due: rapid.IntRange(0, 5).Draw(t, "due") > 0}
		}
		for at := int64(0); at < int64(events+1)*apart; at += slice {
			i := result.Interval{Load: "a", Phase: "steady", StartUs: at, LengthUs: slice, Offered: 100}
			k := int(at/apart) - 1
			within := k >= 0 && at%apart < length
			failed := uint64(0)
			switch {
			case !within:
				failed = 7 // of no window
			case !windows[k].due:
				i.Offered = 0
			default:
				failed = rapid.Uint64Range(0, 20).Draw(t, "failed")
			}
			if failed > 0 {
				i.Errors = map[string]uint64{"timeout": failed}
			}
			i.Good = i.Offered - failed
			d.Intervals = append(d.Intervals, i)
			if within {
				w := &windows[k]
				w.failed += failed
				w.completed += i.Good
				if failed > w.most {
					w.worst, w.most = at, failed
				}
			}
		}
		check := func(expr string, limit uint64, of func(*window) uint64, broken func(uint64) bool, worse func(a, b uint64) bool, needsDue bool) {
			o := evaluateModel(t, fmt.Sprintf(expr, limit), d)
			want, unknown := -1, false
			for k := range windows {
				w := &windows[k]
				if needsDue && !w.due {
					unknown = true
				} else if want < 0 || worse(of(w), of(&windows[want])) {
					want = k
				}
			}
			switch {
			case want >= 0 && broken(of(&windows[want])):
				if o.Verdict != result.Fail || o.Got != float64(of(&windows[want])) || !o.Known || o.Reason != "" {
					t.Fatalf("%s: %+v, want FAIL with %d", o.Expr, o, of(&windows[want]))
				}
			case unknown:
				if o.Verdict != result.Unclear || o.Known || o.Reason == "" {
					t.Fatalf("%s: %+v, want UNCLEAR", o.Expr, o)
				}
				return
			default:
				if o.Verdict != result.Pass || o.Got != float64(of(&windows[want])) {
					t.Fatalf("%s: %+v, want PASS with %d", o.Expr, o, of(&windows[want]))
				}
			}
			if len(o.Spans) != events {
				t.Fatalf("%s: %d windows, want %d", o.Expr, len(o.Spans), events)
			}
			if !needsDue {
				return // what went well has no worst moment
			}
			w := &windows[want]
			if event := want + 1; o.WorstUs != w.worst || w.worst >= 0 && o.Event != event {
				t.Fatalf("%s: worst at %d in event %d, want %d in %d", o.Expr, o.WorstUs, o.Event, w.worst, event)
			}
		}
		limit := rapid.Uint64Range(0, 60).Draw(t, "limit")
		check("failed <= %d", limit, func(w *window) uint64 { return w.failed }, func(v uint64) bool { return v > limit },
			func(a, b uint64) bool { return a > b }, true)
		least := 500 - limit
		check("completed >= %d", least, func(w *window) uint64 { return w.completed }, func(v uint64) bool { return v < least },
			func(a, b uint64) bool { return a < b }, false)
	})
}

func evaluateModel(t *rapid.T, text string, d *Data) result.Objective {
	e, err := Parse(text, Names{Loads: []string{"a"}})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	w, err := ParseWindow("backend.stall", nil, []string{"backend.stall"})
	if err != nil {
		t.Fatal(err)
	}
	return Evaluate(e, w, d)
}
