package worker

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"bench/internal/result"
	"bench/internal/sock"
	"bench/loadgen/workload"
)

// named is a load on a name with addresses of the loopback, all with one port, in the
// order in which they are tried.
func named(port string, hosts ...string) *workload.Spec {
	var targets []string
	for _, h := range hosts {
		targets = append(targets, net.JoinHostPort(h, port))
	}
	s := steady("", 500, 400_000)
	s.Targets, s.OneName = targets, true
	return s
}

// When the address of a name that took connections does not any longer, those that
// follow go to the next one, and no request fails.
func TestConnectionsGoOnToTheNextAddress(t *testing.T) {
	second := startOrigin(t, &testOrigin{}, "127.0.0.3:0")
	_, port, _ := net.SplitHostPort(second.addr)
	first, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip(err)
	}
	var served atomic.Int64
	s := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1) == 50 {
			first.Close() // one connection at a time: no other waits to be accepted
		}
		_, _ = w.Write([]byte("ok"))
	})}
	go func() { _ = s.Serve(first) }() // ends with the listener
	t.Cleanup(func() { s.Close() })
	spec := named(port, "127.0.0.2", "127.0.0.3", "127.0.0.1")
	spec.Connections = workload.Connections{Pool: 1, RequestsPerConnection: 1}
	got, _ := load(t, spec)
	if got.Failed != 0 || served.Load() != 50 || second.requests.Load() != int64(got.Requests)-50 || got.Sent != got.Requests {
		t.Errorf("%d of %d requests failed, the first address had %d and the second %d, sent %d",
			got.Failed, got.Requests, served.Load(), second.requests.Load(), got.Sent)
	}
}

// A request fails when no address takes its connection, and says which did not.
func TestFailuresNameTheAddress(t *testing.T) {
	_, port, _ := net.SplitHostPort(unheard(t))
	got, l := load(t, named(port, "127.0.0.2", "127.0.0.3", "::1"))
	if got.Failed != got.Requests || got.Sent != 0 || got.FailuresByCause[result.CauseLocal] != 0 {
		t.Errorf("%d of %d requests failed, sent %d, %v", got.Failed, got.Requests, got.Sent, got.FailuresByCause)
	}
	for _, f := range l.failures {
		if at, what, ok := strings.Cut(f.Detail, ": "); !ok || !strings.HasSuffix(at, ":"+port) || what == "" {
			t.Fatalf("failure %+v, want the address", f)
		}
	}
}

// An address that does not answer has its part of the time only.
func TestAddressThatIsSilent(t *testing.T) {
	second := startOrigin(t, &testOrigin{}, "127.0.0.3:0")
	_, port, _ := net.SplitHostPort(second.addr)
	a, _ := sock.Parse("127.0.0.2:" + port)
	fd, err := sock.Listen(&a, &sock.ListenOptions{Backlog: 1})
	if err != nil {
		t.Skip(err)
	}
	defer sock.Close(fd)
	for range 2 { // as many as the queue takes
		c, err := net.Dial("tcp", a.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	spec := steady("", 500, 400_000)
	spec.Targets, spec.OneName = []string{a.String(), second.addr}, true
	spec.TimeoutUs, spec.ConnectTimeoutUs = 2_000_000, 400_000
	got, _ := load(t, spec)
	if got.Failed != 0 || second.requests.Load() != int64(got.Requests) || got.Sent != got.Requests {
		t.Errorf("%d of %d requests failed, the second address had %d, sent %d: %v",
			got.Failed, got.Requests, second.requests.Load(), got.Sent, got.FailuresByCause)
	}
	if got.Response.Max < 200_000 {
		t.Errorf("no request waited for the silent address: the longest took %.0f µs", got.Response.Max)
	}
}

// unheard is an address that nobody listens on.
func unheard(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
