package worker

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/poller"
	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
	"bench/loadgen/http1"
	"bench/loadgen/workload"
)

func TestRequestsPerConnection(t *testing.T) {
	var asked, last atomic.Int64
	o := startOrigin(t, &testOrigin{respond: func(head []byte, nth, _ int) ([]byte, action) {
		if bytes.Contains(head, []byte("\r\nConnection: close\r\n")) {
			asked.Add(1)
			if nth == 2 {
				last.Add(1)
			}
			return []byte(strings.Replace(okAnswer, "\r\n", "\r\nConnection: close\r\n", 1)), closeAfter
		}
		return []byte(okAnswer), keep
	}}, "")
	for _, arrival := range []workload.Arrival{workload.Poisson, workload.Closed} {
		spec := steady(o.addr, 1000, 300_000)
		spec.Arrival, spec.Connections = arrival, workload.Connections{Pool: 2, RequestsPerConnection: 3}
		spec.ThinkUs = 2000
		asked.Store(0)
		last.Store(0)
		got, _ := load(t, spec)
		if got.Failed != 0 || got.Retried != 0 {
			t.Errorf("%s: failures %v, %d retried", arrival, got.FailuresByCause, got.Retried)
		}
		least, most := got.Requests/3, got.Requests/3+2
		if got.ConnsOpened < least || got.ConnsOpened > most || asked.Load() != last.Load() || uint64(asked.Load()) < least-1 {
			t.Errorf("%s: %d requests on %d connections, of which %d were asked to end, %d at the third request", arrival, got.Requests, got.ConnsOpened, asked.Load(), last.Load())
		}
	}
}

func TestClosedLoop(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	o := startOrigin(t, &testOrigin{}, "")
	for _, think := range []int64{0, 10_000} {
		spec := steady(o.addr, 0, 200_000)
		spec.Arrival, spec.ThinkUs, spec.Connections.Pool = workload.Closed, think, 5
		got, _ := load(t, spec)
		if got.Failed != 0 || got.ConnsOpened != 5 {
			t.Errorf("think %d µs: failures %v, %d connections", think, got.FailuresByCause, got.ConnsOpened)
		}
		want := poller.Mechanisms()[0].Name
		if think == 0 {
			want = poller.Quickest()
		}
		if got.Poller != want {
			t.Errorf("think %d µs: poller %s, want %s", think, got.Poller, want)
		}
		// Each user can send once at the start and once after each pause.
		if most := uint64(5 * (1 + 200_000/10_000)); think > 0 && (got.Requests > most || got.Requests < most/5 || got.Lag.Count != got.Requests) {
			t.Errorf("%d requests of 5 users, want at most %d; %d lags", got.Requests, most, got.Lag.Count)
		}
		if think == 0 && (got.Requests < 200 || got.Lag.Count != 0) {
			t.Errorf("%d requests without a pause, %d lags", got.Requests, got.Lag.Count)
		}
	}
}

func TestConnectionsOfAPhase(t *testing.T) {
	o := startOrigin(t, &testOrigin{}, "")
	many, few := 40, 3
	spec := steady(o.addr, 0, 100_000)
	spec.Arrival, spec.ThinkUs, spec.Connections.Pool = workload.Closed, 5000, 10
	spec.Phases = append(spec.Phases, workload.Phase{Name: "burst", LengthUs: 300_000, Connections: &many}, workload.Phase{Name: "after", LengthUs: 200_000, Connections: &few, Measure: true})
	got, l := load(t, spec)
	last := map[string]*result.Interval{}
	for _, i := range l.intervals {
		if i.LengthUs >= 50_000 {
			last[i.Phase] = i
		}
	}
	if last["steady"].Conns != 10 || last["burst"].Conns != 40 || last["after"].Conns != 3 || got.Failed != 0 {
		t.Errorf("connections at the end of the phases: %d, %d, %d; failures %v", last["steady"].Conns, last["burst"].Conns, last["after"].Conns, got.FailuresByCause)
	}
}

func TestEveryPoller(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		t.Run(m.Name, func(t *testing.T) {
			testpeer.Poller(t, &m)
			o := startOrigin(t, &testOrigin{}, "")
			for _, arrival := range []workload.Arrival{workload.Constant, workload.Closed} {
				spec := steady(o.addr, 1000, 100_000)
				spec.Arrival, spec.Poller, spec.Connections.RequestsPerConnection = arrival, m.Name, 10
				if got, _ := load(t, spec); got.Failed != 0 || got.Completed < 50 {
					t.Errorf("%s: %d completed, failures %v", arrival, got.Completed, got.FailuresByCause)
				}
			}
		})
	}
}

// A body larger than the socket takes at once is written in pieces.
func TestLargeBodies(t *testing.T) {
	big := strings.Repeat("x", 3<<20)
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n" + big)
	n := int64(len(big))
	o := startOrigin(t, &testOrigin{respond: func([]byte, int, int) ([]byte, action) { return answer, closeAfter }}, "")
	spec := steady(o.addr, 50, 100_000)
	// The origin of this test only sees the end of a request that ends like a head.
	spec.HTTP.Requests = []http1.Request{{Method: "POST", Body: http1.Body{Text: big + "\r\n\r\n"}, Expect: http1.Expect{Bytes: &n}}}
	got, _ := load(t, spec)
	// It sends what its socket takes at once, and closes; with the end of the
	// request still unread that is a reset.
	cut := got.FailuresByCause[result.CauseTruncated] + got.FailuresByCause[result.CauseResetAfter]
	if got.BytesOut < 5*uint64(len(big)) || got.Sent != 5 || cut != got.Failed {
		t.Errorf("%d bytes written, %d sent, failures %v", got.BytesOut, got.Sent, got.FailuresByCause)
	}
}

func TestInterrupted(t *testing.T) {
	o := startOrigin(t, &testOrigin{respond: always("", silent)}, "")
	spec := steady(o.addr, 1000, 60_000_000)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var l lines
	got, err := Run(ctx, spec, l.sink)
	if !errors.Is(err, context.DeadlineExceeded) || got == nil {
		t.Fatalf("load %v, error %v", got, err)
	}
	checkBooks(t, got, &l)
	if got.DurationSeconds < 0.05 || got.DurationSeconds > 5 || got.Phases[0].LengthUs != int64(got.DurationSeconds*1e6) {
		t.Errorf("interrupted after 0.1 s, but %g s long", got.DurationSeconds)
	}
	if got.Requests == 0 || got.FailuresByCause[result.CauseLocal] != got.Requests || got.Interrupted != got.Requests {
		t.Errorf("%d requests, failures %v", got.Requests, got.FailuresByCause)
	}
}

func TestSinkThatFailsEndsTheRun(t *testing.T) {
	o := startOrigin(t, &testOrigin{}, "")
	full := errors.New("no space left")
	_, err := Run(context.Background(), steady(o.addr, 1000, 60_000_000), func(*result.AgentLine) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}
