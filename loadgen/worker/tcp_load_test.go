package worker

import (
	"io"
	"net"
	"testing"

	"bench/internal/dist"
	"bench/internal/result"
	"bench/loadgen/codec"
	"bench/loadgen/tcp"
	"bench/loadgen/workload"
)

// serve accepts connections until the end of the test.
func serve(t *testing.T, handle func(*net.TCPConn)) (addr string) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return l.Addr().String()
}

func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

func swallow(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }

func TestTCPLoads(t *testing.T) {
	spread, err := dist.ParseSize("uniform(1B, 200KiB)")
	if err != nil {
		t.Fatal(err)
	}
	pour := func(n int) func(*net.TCPConn) {
		return func(c *net.TCPConn) { _, _ = c.Write(make([]byte, n)) }
	}
	for _, c := range []struct {
		name     string
		handle   func(*net.TCPConn)
		exchange tcp.Exchange
		perConn  int
		Cause    string
		in, out  uint64 // bytes of all 100 requests; 0: unknown
	}{
		{"echo", echo, tcp.Exchange{Echo: new(dist.FixedSize(1000))}, 0, "", 100_000, 100_000},
		{"bulk", echo, tcp.Exchange{Echo: &spread}, 7, "", 0, 0},
		{"a connection for each", echo, tcp.Exchange{Echo: new(dist.FixedSize(10))}, 1, "", 1000, 1000},
		{"wrong echo", func(c *net.TCPConn) { _, _ = c.Write(make([]byte, 100)); swallow(c) }, tcp.Exchange{Echo: new(dist.FixedSize(100))}, 1, result.CauseProtocol, 0, 0},
		{"upload", swallow, tcp.Exchange{Upload: new(dist.FixedSize(100_000))}, 0, "", 0, 10_000_000},
		{"upload cut off", func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 1)); _ = c.SetLinger(0) }, tcp.Exchange{Upload: new(dist.FixedSize(8 << 20))}, 0, result.CauseResetBefore, 0, 0},
		{"upload answered", func(c *net.TCPConn) { _, _ = io.WriteString(c, "no"); swallow(c) }, tcp.Exchange{Upload: new(dist.FixedSize(10))}, 0, result.CauseProtocol, 0, 0},
		{"download", pour(100_000), tcp.Exchange{Download: new(dist.FixedSize(100_000))}, 0, "", 10_000_000, 0},
		{"download of a part", pour(100_000), tcp.Exchange{Download: new(dist.FixedSize(10))}, 0, "", 0, 0},
		{"download cut off", pour(99), tcp.Exchange{Download: new(dist.FixedSize(100))}, 0, result.CauseTruncated, 9900, 0},
		{"silent peer", func(*net.TCPConn) {}, tcp.Exchange{Download: new(dist.FixedSize(100))}, 0, result.CauseResetAfter, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := steady(serve(t, c.handle), 1000, 100_000)
			spec.Protocol, spec.TCP.Exchanges = "tcp", []tcp.Exchange{c.exchange}
			spec.Connections.RequestsPerConnection = c.perConn
			got, _ := load(t, spec)
			if c.Cause == "" && got.Failed > 0 || c.Cause != "" && got.FailuresByCause[c.Cause] != 100 {
				t.Errorf("failures %v, want 100 %s", got.FailuresByCause, c.Cause)
			}
			if c.in > 0 && got.BytesIn != c.in || c.out > 0 && got.BytesOut != c.out {
				t.Errorf("%d bytes in and %d out, want %d and %d", got.BytesIn, got.BytesOut, c.in, c.out)
			}
			if got.Service.Max > got.Response.Max || got.Sent < 100 {
				t.Errorf("%d sent, service %+v", got.Sent, got.Service)
			}
		})
	}
}

func TestTCPWorkerDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	var wrong error
	for range 3 {
		spec := steady(serve(t, echo), 0, 60_000_000)
		spec.Protocol, spec.Arrival = "tcp", workload.Closed
		spec.TCP.Exchanges = []tcp.Exchange{
			{Name: "echo", Echo: new(dist.FixedSize(100))},
			{Name: "large", Echo: new(dist.FixedSize(codec.Apart))},
			{Name: "steps", Steps: []string{"send a{{seq}}b", "expect b", "send c", "expect c"}},
		}
		if wrong = allocating(t, spec); wrong == nil {
			return
		}
	}
	t.Error(wrong)
}
