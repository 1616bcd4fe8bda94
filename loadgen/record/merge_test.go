package record

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bench/internal/result"
	"bench/loadgen/codec"
	"bench/loadgen/pace"
	"bench/loadgen/workload"
)

// simulated plays a load on a recorder, with answers that follow from the number
// of the request, and returns the lines it gives.
func simulated(t *testing.T, spec *workload.Spec) []*result.AgentLine {
	t.Helper()
	classes := []codec.Class{{Name: "a", Weight: 3}, {Name: "b", Weight: 1}}
	r := New(spec, classes, 0)
	m := pace.NewMix(classes, 1)
	var lines []*result.AgentLine
	rep := StartReporter(r, nil, func(l *result.AgentLine) error { lines = append(lines, l); return nil }, spec.Share.Parts() > 1, nil)
	type done struct {
		q  *Entry
		at int64
	}
	var open []done
	finish := func(until int64) {
		for len(open) > 0 && open[0].at <= until {
			d := open[0]
			open = open[1:]
			if d.q.Order.Seq%17 == 0 {
				r.Bad(d.q, d.at, &Failure{Cause: codec.CauseTimeout})
			} else {
				r.Good(d.q, d.at, 200)
			}
		}
	}
	for o := pace.NewOpenLoop(spec, nil, 0); o.Peek() != pace.Never; {
		at := o.Peek()
		seq, item := o.Pop()
		finish(at)
		lag := rand.New(rand.NewPCG(seq, 1)).Int64N(50_000)
		q := &Entry{Intended: at, Sent: at + lag, Order: codec.Order{Seq: seq, Class: m.Pick(seq), Item: item}}
		r.Intended(q, at+lag, true)
		r.Connected(q)
		r.Received(q, 100)
		open = append(open, done{q, at + 10_000_000})
		r.Flush(o.Peek())
	}
	finish(1 << 60)
	r.Finish(spec.LengthUs()*1000 + 50_000_000)
	rep.Wait()
	load, err := rep.Outcome(spec)
	if err != nil {
		t.Fatal(err)
	}
	return append(lines, &result.AgentLine{Load: load})
}

// What the members of a load say, joined, is what one would have said who had
// done it all: counts, classes, timeline and every histogram, bit by bit.
func TestMergeIsExact(t *testing.T) {
	spec := steadySpec(100, 1e6)
	spec.Phases = []workload.Phase{{Name: "warm", From: 0, To: 3000, LengthUs: 500_000}, {Name: "steady", From: 3000, To: 3000, LengthUs: 1_000_000, Measure: true}}
	one := simulated(t, spec)
	for _, n := range []int{2, 5} {
		var got []*result.AgentLine
		m := NewMerger(n, func(l *result.AgentLine) error { got = append(got, l); return nil })
		var said [][]*result.AgentLine
		for _, part := range spec.Split(n) {
			said = append(said, simulated(t, part))
		}
		rng := rand.New(rand.NewPCG(1, uint64(n))) // in any order of members
		for left := n; left > 0; {
			i := rng.IntN(n)
			if len(said[i]) == 0 {
				continue
			}
			if err := m.Take(i, said[i][0]); err != nil {
				t.Fatal(err)
			}
			if said[i] = said[i][1:]; len(said[i]) == 0 {
				left--
			}
		}
		pick := func(lines []*result.AgentLine) (intervals []*result.Interval, load *result.Load, failures int, offered uint64) {
			for _, l := range lines {
				switch {
				case l.Interval != nil:
					i := *l.Interval
					i.LagP99Us = 0 // the worst member's
					intervals = append(intervals, &i)
				case l.Load != nil:
					load = l.Load
				case l.Failure != nil:
					failures++
				case l.Progress != nil:
					offered += l.Progress.Offered
				}
			}
			return intervals, load, failures, offered
		}
		wantIntervals, wantLoad, wantFailures, wantOffered := pick(one)
		gotIntervals, gotLoad, gotFailures, gotOffered := pick(got)
		if diff := cmp.Diff(wantLoad, gotLoad); diff != "" {
			t.Errorf("%d members: outcome differs (-want +got):\n%s", n, diff)
		}
		if diff := cmp.Diff(wantIntervals, gotIntervals); diff != "" {
			t.Errorf("%d members: timeline differs (-want +got):\n%s", n, diff)
		}
		if gotFailures != wantFailures || gotOffered == 0 || gotOffered > wantLoad.Requests+1000 || wantOffered == 0 {
			t.Errorf("%d members: %d failures told, want %d; %d offered in live readings", n, gotFailures, wantFailures, gotOffered)
		}
	}
}

func TestMergerPassesOnReadinessOnce(t *testing.T) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	m := NewMerger(2, func(l *result.AgentLine) error { return enc.Encode(l) })
	for i := range 2 {
		if err := m.Take(i, &result.AgentLine{Ready: &result.AgentReady{PID: 7}}); err != nil {
			t.Fatal(err)
		}
		if want := i == 1; (out.Len() > 0) != want {
			t.Errorf("after %d members: %s", i+1, out.String())
		}
	}
	if err := m.Take(0, &result.AgentLine{Interval: &result.Interval{Response: "?"}}); err == nil {
		t.Error("a damaged histogram was taken")
	}
}

// Where members are lost, what came of them and of the others is not.
func TestMergerGoesOnWithoutTheLost(t *testing.T) {
	spec := steadySpec(100, 1e6)
	spec.Phases = []workload.Phase{{Name: "steady", From: 3000, To: 3000, LengthUs: 1_000_000, Measure: true}}
	var offered, requests uint64
	loads := 0
	m := NewMerger(3, func(l *result.AgentLine) error {
		if l.Interval != nil {
			offered += l.Interval.Offered
		} else if l.Load != nil {
			loads++
			requests = l.Load.Requests
		}
		return nil
	})
	want := uint64(0)
	for i, part := range spec.Split(3) {
		for _, l := range simulated(t, part) {
			if i == 1 && l.Load != nil {
				break // it is lost before its outcome comes
			}
			if err := m.Take(i, l); err != nil {
				t.Fatal(err)
			}
			if l.Interval != nil {
				want += l.Interval.Offered
			}
		}
	}
	if loads > 0 {
		t.Fatal("an outcome without one of the members")
	}
	for range 2 { // the second time it is known
		if err := m.Leave(1); err != nil {
			t.Fatal(err)
		}
	}
	if offered != want || loads != 1 || requests == 0 || requests >= want {
		t.Errorf("%d of %d requests told, %d outcomes of %d requests", offered, want, loads, requests)
	}
	if err := m.Leave(0); err != nil || loads != 1 {
		t.Errorf("%d outcomes, %v", loads, err)
	}
}

func TestAddCountsLeavesItsSourcesAlone(t *testing.T) {
	a, b := map[string]uint64{"x": 1}, map[string]uint64{"x": 2, "y": 3}
	if got := addCounts(a, b); !maps.Equal(got, map[string]uint64{"x": 3, "y": 3}) || a["x"] != 1 || b["x"] != 2 {
		t.Errorf("sum %v of %v and %v", got, a, b)
	}
}
