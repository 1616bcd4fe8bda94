package worker

import (
	"context"
	"math"
	"path/filepath"
	"sync"
	"testing"

	"bench/internal/result"
	"bench/loadgen/workload"
)

// lines collects what a run reports.
type lines struct {
	mu        sync.Mutex
	intervals []*result.Interval
	failures  []*result.Failure
	progress  []*result.Progress
}

func (l *lines) sink(a *result.AgentLine) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case a.Interval != nil:
		l.intervals = append(l.intervals, a.Interval)
	case a.Failure != nil:
		l.failures = append(l.failures, a.Failure)
	case a.Progress != nil:
		l.progress = append(l.progress, a.Progress)
	}
	return nil
}

// load runs spec and checks what holds for every run.
func load(t *testing.T, spec *workload.Spec) (*result.Load, *lines) {
	t.Helper()
	var l lines
	got, err := Run(context.Background(), spec, l.sink)
	if err != nil {
		t.Fatal(err)
	}
	checkBooks(t, got, &l)
	return got, &l
}

func checkBooks(t *testing.T, got *result.Load, l *lines) {
	t.Helper()
	var requests, offered, completed, good, errors uint64
	for _, p := range got.Phases {
		requests += p.Requests
		if p.Requests != p.Completed+p.Failed {
			t.Errorf("phase %s: %d requests, %d completed, %d failed", p.Name, p.Requests, p.Completed, p.Failed)
		}
		if p.Response.Count != p.Completed || p.Service.Count != p.Completed || p.All.Count != p.Requests {
			t.Errorf("phase %s: histograms hold %d, %d, %d of %d and %d", p.Name, p.Response.Count, p.Service.Count, p.All.Count, p.Completed, p.Requests)
		}
	}
	end := int64(0)
	for _, i := range l.intervals {
		if i.StartUs != end {
			t.Errorf("interval at %d µs follows one that ended at %d", i.StartUs, end)
		}
		end = i.StartUs + i.LengthUs
		offered += i.Offered
		completed += i.Completed
		good += i.Good
		for _, n := range i.Errors {
			errors += n
		}
	}
	if offered != requests || completed != requests || good+errors != requests {
		t.Errorf("%d requests, but intervals hold %d offered, %d completed, %d good, %d errors", requests, offered, completed, good, errors)
	}
}

func steady(target string, rate float64, lengthUs int64) *workload.Spec {
	return &workload.Spec{
		Name: "web", Targets: []string{target}, Arrival: workload.Constant, Connections: workload.Connections{Pool: 8},
		Phases: []workload.Phase{{Name: "steady", From: rate, To: rate, LengthUs: lengthUs, Measure: true}},
	}
}

func TestOpenLoop(t *testing.T) {
	for name, addr := range map[string]string{"inet": "", "inet6": "[::1]:0", "unix": filepath.Join(t.TempDir(), "s"), "abstract": "abns@bench-loadgen-test"} {
		t.Run(name, func(t *testing.T) {
			o := startOrigin(t, &testOrigin{}, addr)
			spec := steady(o.addr, 1000, 300_000)
			spec.Phases = append([]workload.Phase{{Name: "warm", From: 0, To: 1000, LengthUs: 200_000}}, spec.Phases...)
			got, l := load(t, spec)
			if got.Requests != 300 || got.Completed != 300 || got.Sent != 400 || o.requests.Load() != 400 {
				t.Errorf("requests %d, completed %d, sent %d, received %d", got.Requests, got.Completed, got.Sent, o.requests.Load())
			}
			if got.Phases[0].Requests != 100 || got.StatusCounts["200"] != 300 || got.DurationSeconds != 0.3 {
				t.Errorf("load %+v", got)
			}
			// What was due at the end of a phase may end behind it.
			within := got.Phases[0].GoodWithin + got.Phases[1].GoodWithin + got.AfterEnd.Good
			if within != 400 || got.GoodWithin != got.Phases[1].GoodWithin || math.Abs(got.RatePerSecond*0.3-float64(got.GoodWithin)) > 1e-6 {
				t.Errorf("%v per second, %d in time, %d ended well", got.RatePerSecond, got.GoodWithin, within)
			}
			if len(l.intervals) < 5 || l.intervals[0].Phase != "warm" || l.intervals[4].Phase != "steady" || len(l.progress) == 0 {
				t.Errorf("%d intervals, %d readings", len(l.intervals), len(l.progress))
			}
			if got.BytesIn != 300*uint64(len(okAnswer)) {
				t.Errorf("%d bytes in, want %d", got.BytesIn, 300*len(okAnswer))
			}
		})
	}
}
