package loadgen

import (
	"testing"
	"time"

	"bench/internal/loop"
)

// startWorker runs spec's worker without end against an origin, and returns it
// once it is past its start.
func startWorker(t testing.TB, spec *Spec) *worker {
	t.Helper()
	r, err := New(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := r.worker(loop.Nanotime())
	rep := &reporter{rec: w.rec, failed: func(err error) { t.Error(err) }, done: make(chan struct{})}
	go rep.run()
	ended := make(chan error, 1)
	go func() { ended <- r.turn(w) }()
	t.Cleanup(func() {
		r.loop.Post(w.abort)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		<-rep.done
	})
	time.Sleep(50 * time.Millisecond)
	return w
}

func ended(w *worker) (n uint64) {
	w.loop.Call(func() { n = w.rec.phases[0].completed + w.rec.phases[0].failed.total() })
	return n
}

// The whole path of a request, from due to recorded, on the loop's thread and
// beside it, allocates nothing: what is counted here is the process as a whole,
// the origin included, whose loop does not allocate either.
func TestWorkerDoesNotAllocate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Spec)
	}{
		{"closed loop", func(s *Spec) { s.Arrival = Closed }},
		{"open loop", func(*Spec) {}},
		{"a connection for each request", func(s *Spec) { s.Arrival, s.Connections.RequestsPerConnection = Closed, 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := startOrigin(t, &testOrigin{}, "")
			spec := steady(o.addr, 5000, 60_000_000)
			c.change(spec)
			w := startWorker(t, spec)
			before := ended(w)
			perRun := testing.AllocsPerRun(1, func() { time.Sleep(300 * time.Millisecond) })
			served := ended(w) - before
			if served < 500 {
				t.Fatalf("%d requests only", served)
			}
			limit := 0.05
			if spec.Connections.RequestsPerConnection == 1 {
				limit = 2.05 // of the origin: its connection and its buffer
			}
			// Two runs were made, of which the second was counted. The timeline's
			// slices (3 of them) allocate for their reader.
			if perRequest := perRun / (float64(served) / 2); perRequest > limit {
				t.Errorf("%.3f allocations per request (%.0f for %d requests)", perRequest, perRun, served/2)
			}
		})
	}
}

func BenchmarkWorker(b *testing.B) {
	o := startOrigin(b, &testOrigin{}, "")
	spec := steady(o.addr, 0, 3_600_000_000)
	spec.Arrival, spec.Connections.Pool = Closed, 64
	w := startWorker(b, spec)
	b.ReportAllocs()
	b.ResetTimer()
	for until := ended(w) + uint64(b.N); ended(w) < until; {
		time.Sleep(time.Millisecond)
	}
}
