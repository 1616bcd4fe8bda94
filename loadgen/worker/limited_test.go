package worker

import (
	"path/filepath"
	"testing"

	"bench/internal/testquiet"
	"bench/loadgen/workload"
)

// A load that is limited to a number of requests sends exactly as many, however many
// threads share it, and its measured time ends with them.
func TestMaxRequests(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	o := startOrigin(t, &testOrigin{}, filepath.Join(t.TempDir(), "s"))
	for _, c := range []struct {
		name     string
		arrival  workload.Arrival
		n        uint64
		threads  int
		from, to float64 // seconds measured
	}{
		{"open", workload.Constant, 50, 1, 0.05, 0.06},
		{"open, several threads", workload.Constant, 51, 3, 0.05, 0.06},
		{"Poisson", workload.Poisson, 50, 1, 0.01, 0.3},
		{"more than are due", workload.Constant, 5000, 1, 0.4, 0.4},
		{"closed", workload.Closed, 50, 1, 0, 9},
		{"one", workload.Closed, 1, 1, 0, 9},
		{"fewer than threads", workload.Closed, 2, 3, 0, 9},
		{"closed, several threads", workload.Closed, 1001, 3, 0, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			lasts := int64(400_000)
			if c.arrival == workload.Closed { // as fast as the machine allows: long before this
				lasts = 10_000_000
			}
			spec := steady(o.addr, 1000, lasts)
			spec.Arrival, spec.MaxRequests, spec.Threads = c.arrival, c.n, c.threads
			var l lines
			got, err := Run(t.Context(), spec, l.sink)
			if err != nil {
				t.Fatal(err)
			}
			if c.threads == 1 { // several end their slices each at its own last request
				checkBooks(t, got, &l)
			}
			want := min(c.n, 400)
			if c.arrival == workload.Closed {
				want = c.n
			}
			if got.Requests != want || got.Completed != want || got.Sent != want {
				t.Errorf("%d requests, %d completed, %d sent, want %d", got.Requests, got.Completed, got.Sent, want)
			}
			// The machine may be late by a lot; a schedule is not ended by that.
			late := got.Lag.Max / 1e6
			if got.DurationSeconds < c.from-1e-3 || got.DurationSeconds > c.to+late {
				t.Errorf("%v s measured, want %v to %v (lag at most %v)", got.DurationSeconds, c.from, c.to, late)
			}
			if c.arrival == workload.Closed && (got.GoodWithin != want || got.AfterEnd.Ended > 0) {
				t.Errorf("%d of %d in time, %+v after the end", got.GoodWithin, want, got.AfterEnd)
			}
		})
	}
}
