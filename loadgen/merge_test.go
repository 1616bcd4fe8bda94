package loadgen

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bench/internal/result"
)

// simulated plays a load on a recorder, with answers that follow from the number
// of the request, and returns the lines it gives.
func simulated(t *testing.T, spec *Spec) []*result.AgentLine {
	t.Helper()
	classes := []Class{{Name: "a", Weight: 3}, {Name: "b", Weight: 1}}
	r := newRecorder(spec, classes, 0)
	m := newMix(classes, 1)
	var lines []*result.AgentLine
	rep := &reporter{rec: r, sink: func(l *result.AgentLine) error { lines = append(lines, l); return nil }, shared: spec.Share.of() > 1, done: make(chan struct{})}
	go rep.run()
	type done struct {
		q  *request
		at int64
	}
	var open []done
	finish := func(until int64) {
		for len(open) > 0 && open[0].at <= until {
			d := open[0]
			open = open[1:]
			if d.q.order.Seq%17 == 0 {
				r.bad(d.q, d.at, &failure{cause: causeTimeout})
			} else {
				r.good(d.q, d.at, 200)
			}
		}
	}
	for o := newOpenLoop(spec, nil, 0); o.peek() != never; {
		at := o.peek()
		seq, item := o.pop()
		finish(at)
		lag := rand.New(rand.NewPCG(seq, 1)).Int64N(50_000)
		q := &request{intended: at, sent: at + lag, order: Order{Seq: seq, Class: m.pick(seq), Item: item}}
		r.intended(q, at+lag, true)
		r.connected(q)
		r.received(q, 100)
		open = append(open, done{q, at + 10_000_000})
		r.flush(o.peek())
	}
	finish(1 << 60)
	w := &worker{rec: r, classes: classes}
	r.finish(spec.lengthUs()*1000 + 50_000_000)
	<-rep.done
	load, err := w.outcome(spec, &encoder{})
	if err != nil {
		t.Fatal(err)
	}
	return append(lines, &result.AgentLine{Load: load})
}

// What the members of a load say, joined, is what one would have said who had
// done it all: counts, classes, timeline and every histogram, bit by bit.
func TestMergeIsExact(t *testing.T) {
	spec := testSpec()
	spec.Phases = []Phase{{Name: "warm", From: 0, To: 3000, LengthUs: 500_000}, {Name: "steady", From: 3000, To: 3000, LengthUs: 1_000_000, Measure: true}}
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

func TestThreads(t *testing.T) {
	o := startOrigin(t, &testOrigin{}, "")
	for _, arrival := range []Arrival{Constant, Closed} {
		spec := steady(o.addr, 1000, 300_000)
		spec.Arrival, spec.Threads, spec.Connections.Pool = arrival, 3, 10
		if arrival == Closed {
			spec.ThinkUs = 2000
		}
		got, l := load(t, spec)
		if got.Failed != 0 || got.ConnsOpened > 10 || len(l.progress) == 0 {
			t.Errorf("%s: failures %v, %d connections, %d live readings", arrival, got.FailuresByCause, got.ConnsOpened, len(l.progress))
		}
		if arrival == Constant && got.Requests != 300 {
			t.Errorf("%d requests, want 300", got.Requests)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	spec := steady(o.addr, 1000, 60_000_000)
	spec.Threads = 2
	var once sync.Once
	got, err := Run(ctx, spec, func(l *result.AgentLine) error {
		if l.Interval != nil {
			once.Do(cancel)
		}
		return nil
	})
	if err == nil || got == nil || got.Requests == 0 || got.Requests > 30_000 {
		t.Errorf("interrupted: error %v, load %+v", err, got)
	}
}

func TestProcesses(t *testing.T) {
	many := 60_000
	for _, c := range []struct {
		change func(*Spec)
		least  int
	}{
		{func(*Spec) {}, 1},
		{func(s *Spec) { s.Connections.Pool = 9000 }, 1},
		{func(s *Spec) { s.Phases[0].Connections = &many }, 2},
	} {
		s := testSpec()
		c.change(s)
		if n := s.Processes(); n < c.least {
			t.Errorf("%d processes, want %d at least", n, c.least)
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

func TestAddCountsLeavesItsSourcesAlone(t *testing.T) {
	a, b := map[string]uint64{"x": 1}, map[string]uint64{"x": 2, "y": 3}
	if got := addCounts(a, b); !maps.Equal(got, map[string]uint64{"x": 3, "y": 3}) || a["x"] != 1 || b["x"] != 2 {
		t.Errorf("sum %v of %v and %v", got, a, b)
	}
}
