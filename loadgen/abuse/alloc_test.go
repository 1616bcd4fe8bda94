package abuse_test

import (
	"runtime"
	"testing"

	"bench/backends/httporigin"
	"bench/backends/origintest"
	"bench/internal/dist"
	"bench/loadgen/abuse"
)

// Connections, once there have been as many as may be, cost no allocation.
func TestNoAllocationPerConnection(t *testing.T) {
	cfg, err := httporigin.NewConfig(httporigin.Options{Answer: httporigin.Answer{Body: dist.FixedSize(100)}})
	if err != nil {
		t.Fatal(err)
	}
	addr := origintest.Serve(t, cfg)
	for _, kind := range []string{"churn", "half-close", "malformed"} {
		s := spec(kind, addr.String())
		s.Connections, s.Rate = 50, 3000
		r, err := abuse.New(s)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := r.Run(t.Context(), 0, nil)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		// What is there once: the plans, the tables, fifty connections, the
		// outcome, the sockets of the origin.
		const once = 2000
		if n := after.Mallocs - before.Mallocs; n > once+a.Attempts/10 || a.Attempts < 100 {
			t.Errorf("%s: %d allocations for %d connections", kind, n, a.Attempts)
		}
	}
}

func BenchmarkChurn(b *testing.B) {
	cfg, err := httporigin.NewConfig(httporigin.Options{})
	if err != nil {
		b.Fatal(err)
	}
	addr := origintest.Serve(b, cfg)
	b.ReportAllocs()
	s := spec("churn", addr.String())
	s.Rate = 50_000
	var opened uint64
	for b.Loop() {
		r, err := abuse.New(s)
		if err != nil {
			b.Fatal(err)
		}
		a, err := r.Run(b.Context(), 0, nil)
		if err != nil {
			b.Fatal(err)
		}
		opened += a.Opened
	}
	b.ReportMetric(float64(opened)/b.Elapsed().Seconds(), "connections/s")
}
