package worker

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/loadgen/certify"
	"bench/loadgen/http1"
	"bench/loadgen/record"
	"bench/loadgen/trace"
	"bench/loadgen/witness"
	"bench/loadgen/workload"
)

// startWorker runs spec's worker without end against an origin, and returns it
// once it is past its start.
func startWorker(t testing.TB, spec *workload.Spec) *worker {
	t.Helper()
	r, err := New(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := r.worker(loop.Nanotime())
	w.witness = witness.Start(loop.Nanotime(), nil)
	t.Cleanup(w.witness.End)
	rep := record.StartReporter(w.rec, nil, nil, false, func(err error) { t.Error(err) })
	ended := make(chan error, 1)
	go func() { ended <- r.turn(w) }()
	t.Cleanup(func() {
		r.loop.Post(w.abort)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		rep.Wait()
	})
	time.Sleep(50 * time.Millisecond)
	return w
}

func ended(w *worker) (n uint64) {
	w.loop.Call(func() { n = w.rec.Sent })
	return n
}

// The whole path of a request, from due to recorded, allocates nothing. What is
// counted is the process as a whole, the origin included.
func TestWorkerDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	for _, c := range []struct {
		name   string
		change func(*workload.Spec)
	}{
		{"closed loop", func(s *workload.Spec) { s.Arrival = workload.Closed }},
		{"open loop", func(*workload.Spec) {}},
		{"pipelined", func(s *workload.Spec) { s.Arrival, s.Connections.Pipeline = workload.Closed, 4 }},
		{"Poisson in bursts and steps", func(s *workload.Spec) { s.Arrival, s.Phases[0].Steps, s.Phases[0].Burst = workload.Poisson, 3, 5 }},
		{"mix with all that varies", func(s *workload.Spec) {
			s.HTTP = http1.Spec{Cookies: true, Requests: []http1.Request{
				{Name: "a", Weight: 3, Path: "/{{seq}}/{{random 1 9}}", Headers: []http1.Header{{Name: "X", Value: "{{hex 4}}"}}},
				{Name: "b", Method: "POST", Body: http1.Body{Text: "{{user}}\r\n\r\n", Template: true}, Expect: http1.Expect{Contains: "k", Headers: []http1.Header{{Name: "content-length", Value: "*"}}}},
			}}
		}},
		{"trace", func(s *workload.Spec) {
			var b strings.Builder
			for i := range 20_000 {
				fmt.Fprintf(&b, "%d.%04d GET /%d\n", i/5000, i%5000*2, i%7)
			}
			s.Arrival, s.Trace = workload.Replay, &trace.Spec{File: write(t, filepath.Join(t.TempDir(), "trace"), b.String())}
		}},
		{"a connection for each request", func(s *workload.Spec) { s.Arrival, s.Connections.RequestsPerConnection = workload.Closed, 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Another part of the process may allocate meanwhile; a request that
			// does so does it each time.
			var wrong error
			for range 3 {
				spec := steady(startOrigin(t, &testOrigin{}, "").addr, 5000, 60_000_000)
				c.change(spec)
				if wrong = allocating(t, spec); wrong == nil {
					return
				}
			}
			t.Error(wrong)
		})
	}
}

// allocating reports whether requests of a load allocate.
func allocating(t *testing.T, spec *workload.Spec) error {
	t.Helper()
	w := startWorker(t, spec)
	var before, after runtime.MemStats
	served, began := ended(w), time.Now()
	target := served + 3000
	runtime.ReadMemStats(&before)
	for ended(w) < target && time.Since(began) < 20*time.Second {
		time.Sleep(10 * time.Millisecond)
	}
	runtime.ReadMemStats(&after)
	served = ended(w) - served
	allowed := 0.0
	if spec.Connections.RequestsPerConnection == 1 {
		allowed = 2 * float64(served+64) // the origin's connections and their buffers
	}
	// Reporting a slice of the timeline allocates, and so does asking
	// the worker how far it is.
	allowed += 100*(time.Since(began).Seconds()*10+2) + 200
	if allocs := float64(after.Mallocs - before.Mallocs); allocs > allowed || allowed > 3*float64(served) {
		return fmt.Errorf("%.0f allocations for %d requests, at most %.0f would be for something else", allocs, served, allowed)
	}
	return nil
}

func BenchmarkWorker(b *testing.B) {
	o := startOrigin(b, &testOrigin{}, "")
	spec := steady(o.addr, 0, 3_600_000_000)
	spec.Arrival, spec.Connections.Pool = workload.Closed, 64
	w := startWorker(b, spec)
	b.ReportAllocs()
	b.ResetTimer()
	for until := ended(w) + uint64(b.N); ended(w) < until; {
		time.Sleep(time.Millisecond)
	}
}

// holdUp is a handler that holds the loop's thread up.
type holdUp time.Duration

func (h holdUp) Expired(*loop.Timer) { time.Sleep(time.Duration(h)) }

// A thread held up across the end of the run still sends what was due before.
func TestLateAtTheEnd(t *testing.T) {
	o := startOrigin(t, &testOrigin{}, "")
	r, err := New(steady(o.addr, 1000, 100_000), nil)
	if err != nil {
		t.Fatal(err)
	}
	var timer loop.Timer
	origin := loop.Nanotime() + int64(10*time.Millisecond)
	r.loop.SetTimer(&timer, origin+int64(80*time.Millisecond), holdUp(60*time.Millisecond))
	got, err := r.Run(t.Context(), origin)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 100 || got.Completed != 100 || got.Lag.Max < 40_000 || len(certify.Doubts(got)) == 0 {
		t.Errorf("%d requests, %d completed, lag at most %.0f µs, problems %q", got.Requests, got.Completed, got.Lag.Max, certify.Doubts(got))
	}
}
