package worker

import (
	"context"
	"sync"
	"testing"

	"bench/internal/result"
	"bench/loadgen/workload"
)

func TestThreads(t *testing.T) {
	o := startOrigin(t, &testOrigin{}, "")
	for _, arrival := range []workload.Arrival{workload.Constant, workload.Closed} {
		spec := steady(o.addr, 1000, 300_000)
		spec.Arrival, spec.Threads, spec.Connections.Pool = arrival, 3, 10
		if arrival == workload.Closed {
			spec.ThinkUs = 2000
		}
		got, l := load(t, spec)
		if got.Failed != 0 || got.ConnsOpened > 10 || len(l.progress) == 0 {
			t.Errorf("%s: failures %v, %d connections, %d live readings", arrival, got.FailuresByCause, got.ConnsOpened, len(l.progress))
		}
		if arrival == workload.Constant && got.Requests != 300 {
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
		change func(*workload.Spec)
		least  int
	}{
		{func(*workload.Spec) {}, 1},
		{func(s *workload.Spec) { s.Connections.Pool = 9000 }, 1},
		{func(s *workload.Spec) { s.Phases[0].Connections = &many }, 2},
	} {
		s := steady("127.0.0.1:80", 100, 1e6)
		c.change(s)
		if n := Processes(s); n < c.least {
			t.Errorf("%d processes, want %d at least", n, c.least)
		}
	}
}
