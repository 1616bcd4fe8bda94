package worker

import (
	"maps"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/sock"
	"bench/loadgen/http1"
	"bench/loadgen/workload"
)

func TestFailuresByCause(t *testing.T) {
	length := int64(2)
	for _, c := range []struct {
		name    string
		respond func([]byte, int, int) ([]byte, action)
		change  func(*workload.Spec)
		want    map[string]uint64
		detail  string
	}{
		{"reset after the request", always("", resetAfter), nil, map[string]uint64{result.CauseResetAfter: 100}, "connection reset by peer"},
		{"closed after the request", always("", closeAfter), nil, map[string]uint64{result.CauseResetAfter: 100}, "closed by the peer"},
		{"truncated body", always("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", closeAfter), nil, map[string]uint64{result.CauseTruncated: 100}, "closed by the peer"},
		{"truncated head", always("HTTP/1.1 20", closeAfter), nil, map[string]uint64{result.CauseTruncated: 100}, "closed by the peer"},
		{"truncated by a reset", always("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", resetAfter), nil, map[string]uint64{result.CauseTruncated: 100}, ""},
		{"garbage", always("+PONG\r\n", keep), nil, map[string]uint64{result.CauseProtocol: 100}, "the response does not begin with HTTP/1."},
		{"too long", always(okAnswer+"xx", keep), nil, map[string]uint64{result.CauseProtocol: 100}, "data after the end of the response"},
		{"503 of the origin", always("HTTP/1.1 503 No\r\nX-Bench-Origin: a\r\nContent-Length: 0\r\n\r\n", keep), nil, map[string]uint64{result.CauseOrigin5xx: 100}, ""},
		{"503 of the proxy", always("HTTP/1.1 503 No\r\nConnection: close\r\n\r\n", closeAfter), nil, map[string]uint64{result.CauseProxy5xx: 100}, ""},
		{"404", always("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", keep), nil, map[string]uint64{result.CauseStatus4xx: 100}, ""},
		{"unexpected 200", always(okAnswer, keep), func(s *workload.Spec) { s.HTTP.Requests = []http1.Request{{Expect: http1.Expect{Status: []int{404}}}} }, map[string]uint64{result.CauseStatus: 100}, ""},
		{"expected 404", always("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", keep), func(s *workload.Spec) { s.HTTP.Requests = []http1.Request{{Expect: http1.Expect{Status: []int{404}}}} }, nil, ""},
		{"body", always(strings.Replace(okAnswer, "2\r\n\r\n", "3\r\n\r\nx", 1), keep), func(s *workload.Spec) { s.HTTP.Requests = []http1.Request{{Expect: http1.Expect{Bytes: &length}}} }, map[string]uint64{result.CauseBody: 100}, "body of another length"},
		{"timeout", always("", silent), func(s *workload.Spec) { s.TimeoutUs = 50_000 }, map[string]uint64{result.CauseTimeout: 100}, ""},
		{"timeout within the response", always("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", silent), func(s *workload.Spec) { s.TimeoutUs, s.Connections.Pool = 500_000, 0 }, map[string]uint64{result.CauseTimeout: 100}, "within the response"},
		{"until close", always("HTTP/1.1 200 OK\r\n\r\nabc", closeAfter), nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := startOrigin(t, &testOrigin{respond: c.respond}, "")
			spec := steady(o.addr, 1000, 100_000)
			if c.change != nil {
				c.change(spec)
			}
			got, l := load(t, spec)
			if !maps.Equal(got.FailuresByCause, c.want) {
				t.Errorf("failures %v, want %v", got.FailuresByCause, c.want)
			}
			if len(l.failures) != int(got.Failed) {
				t.Errorf("%d failures told of %d", len(l.failures), got.Failed)
			}
			for _, f := range l.failures {
				if c.detail != "" && f.Detail != c.detail || f.EndedUs < f.AtUs || f.Phase != "steady" || f.ID >= 100 {
					t.Fatalf("failure %+v, want detail %q", f, c.detail)
				}
			}
			if c.want[result.CauseTimeout] > 0 && got.All.P50 < 50_000 {
				t.Errorf("timeouts read %.0f µs, want the time-out at least", got.All.P50)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	a, _ := sock.Parse("127.0.0.1:0")
	fd, err := sock.Listen(&a, nil)
	if err != nil {
		t.Fatal(err)
	}
	free, _ := sock.LocalAddr(fd)
	sock.Close(fd)
	for _, target := range []string{free.String(), t.TempDir() + "/none", "abns@nobody-listens-here"} {
		for _, arrival := range []workload.Arrival{workload.Constant, workload.Closed} {
			spec := steady(target, 1000, 100_000)
			spec.Arrival = arrival
			got, _ := load(t, spec)
			if got.Requests == 0 || got.FailuresByCause[result.CauseRefused] != got.Requests || got.Sent != 0 {
				t.Errorf("%s, %s: %d requests, failures %v, sent %d", target, arrival, got.Requests, got.FailuresByCause, got.Sent)
			}
			if arrival == workload.Closed && got.Requests > 8*11 {
				t.Errorf("%d failed tries in 100 ms: users do not pause after a failure", got.Requests)
			}
		}
	}
}

// A listener whose queue is full lets connects hang (TCP) or fail (unix).
func TestConnectThatDoesNotEnd(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", t.TempDir() + "/s"} {
		a, _ := sock.Parse(addr)
		fd, err := sock.Listen(&a, &sock.ListenOptions{Backlog: 1})
		if err != nil {
			t.Fatal(err)
		}
		if !a.IsUnix() {
			a, _ = sock.LocalAddr(fd)
		}
		spec := steady(a.String(), 1000, 100_000)
		spec.Connections.Pool = 0
		spec.TimeoutUs, spec.ConnectTimeoutUs = 300_000, 100_000
		got, _ := load(t, spec)
		sock.Close(fd)
		connect, timeout := got.FailuresByCause[result.CauseConnect], got.FailuresByCause[result.CauseTimeout]
		if timeout == 0 || timeout > 3 || connect+timeout != 100 {
			t.Errorf("%s: failures %v, want a few timeouts of accepted connections and connect for the rest", addr, got.FailuresByCause)
		}
	}
}

func TestReusedConnectionClosedByThePeerIsTriedAgain(t *testing.T) {
	secondIsCut := func(_ []byte, nth, _ int) ([]byte, action) {
		if nth == 1 {
			return nil, closeAfter
		}
		return []byte(okAnswer), keep
	}
	for _, c := range []struct {
		name, method string
		pool         int
		failed       uint64
	}{
		{"get", "GET", 1, 0},
		{"get, 4 connections", "GET", 4, 0},
		{"post is not repeated", "POST", 1, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := startOrigin(t, &testOrigin{respond: secondIsCut}, "")
			spec := steady(o.addr, 1000, 100_000)
			spec.HTTP.Requests, spec.Connections.Pool = []http1.Request{{Method: c.method}}, c.pool
			got, _ := load(t, spec)
			if got.Failed != c.failed || got.FailuresByCause[result.CauseResetAfter] != c.failed {
				t.Errorf("failures %v, want %d", got.FailuresByCause, c.failed)
			}
			if c.failed == 0 && (got.Retried == 0 || got.Sent != got.Requests+got.Retried || uint64(o.requests.Load()) != got.Sent) {
				t.Errorf("%d requests, %d retried, %d sent, %d received", got.Requests, got.Retried, got.Sent, o.requests.Load())
			}
		})
	}
}

// A request is tried again once only, and not on a connection that is new.
func TestSecondTryIsTheLast(t *testing.T) {
	o := startOrigin(t, &testOrigin{respond: func(_ []byte, _, n int) ([]byte, action) {
		if n == 0 {
			return []byte(okAnswer), keep
		}
		return nil, closeAfter
	}}, "")
	spec := steady(o.addr, 1000, 20_000)
	spec.Connections.Pool = 1
	got, _ := load(t, spec)
	if got.Retried != 1 || got.Completed != 1 || got.FailuresByCause[result.CauseResetAfter] != 19 || got.Sent != 21 {
		t.Errorf("%d retried, %d completed, %d sent, failures %v", got.Retried, got.Completed, got.Sent, got.FailuresByCause)
	}
}

// Connections that the peer closes while they are idle cost nothing but a new one.
func TestIdleConnectionClosedByThePeer(t *testing.T) {
	o := startOrigin(t, &testOrigin{respond: always(okAnswer, closeAfter)}, "")
	spec := steady(o.addr, 500, 200_000)
	got, _ := load(t, spec)
	// Found out in time or by a second try: either way one connection a request.
	if got.Failed != 0 || got.ConnsOpened != 100 {
		t.Errorf("failures %v, %d connections, %d retried", got.FailuresByCause, got.ConnsOpened, got.Retried)
	}
}
