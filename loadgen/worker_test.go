package loadgen

import (
	"fmt"
	"runtime"
	"strings"
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
	w.witness = startWitness(loop.Nanotime(), nil)
	t.Cleanup(w.witness.end)
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

// The whole path of a request, from due to recorded, allocates nothing. What is
// counted is the process as a whole, the origin included.
func TestWorkerDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	for _, c := range []struct {
		name   string
		change func(*Spec)
	}{
		{"closed loop", func(s *Spec) { s.Arrival = Closed }},
		{"open loop", func(*Spec) {}},
		{"pipelined", func(s *Spec) { s.Arrival, s.Connections.Pipeline = Closed, 4 }},
		{"Poisson in bursts and steps", func(s *Spec) { s.Arrival, s.Phases[0].Steps, s.Phases[0].Burst = Poisson, 3, 5 }},
		{"mix with all that varies", func(s *Spec) {
			s.HTTP = HTTP{Cookies: true, Requests: []Request{
				{Name: "a", Weight: 3, Path: "/{{seq}}/{{random 1 9}}", Headers: []Header{{"X", "{{hex 4}}"}}},
				{Name: "b", Method: "POST", Body: Body{Text: "{{user}}\r\n\r\n", Template: true}, Expect: Expect{Contains: "k", Headers: []Header{{"content-length", "*"}}}},
			}}
		}},
		{"trace", func(s *Spec) {
			var b strings.Builder
			for i := range 20_000 {
				fmt.Fprintf(&b, "%d.%04d GET /%d\n", i/5000, i%5000*2, i%7)
			}
			s.Arrival, s.Trace = Replay, &Trace{File: writeTrace(t, b.String())}
		}},
		{"a connection for each request", func(s *Spec) { s.Arrival, s.Connections.RequestsPerConnection = Closed, 1 }},
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

// allocating tells whether requests of a load allocate.
func allocating(t *testing.T, spec *Spec) error {
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
	spec.Arrival, spec.Connections.Pool = Closed, 64
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
	if got.Requests != 100 || got.Completed != 100 || got.Lag.Max < 40_000 || len(Certify(got)) == 0 {
		t.Errorf("%d requests, %d completed, lag at most %.0f µs, problems %q", got.Requests, got.Completed, got.Lag.Max, Certify(got))
	}
}
