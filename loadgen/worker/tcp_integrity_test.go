package worker

import (
	"net"
	"strings"
	"testing"

	"bench/backends/origintest"
	"bench/backends/tcporigin"
	"bench/internal/dist"
	"bench/loadgen/codec"
	"bench/loadgen/http1"
	"bench/loadgen/tcp"
)

func serveTCP(t *testing.T, o tcporigin.Options) string {
	t.Helper()
	cfg, err := tcporigin.NewConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	addr := origintest.Serve(t, cfg)
	return addr.String()
}

// flipping is a relay that inverts one byte of what the origin says, counted over all
// connections; -1 inverts none.
func flipping(t *testing.T, origin string, at int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		seen := 0
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", origin)
			if err != nil {
				return
			}
			go func() {
				_, _ = server.(*net.TCPConn).ReadFrom(client)
				_ = server.(*net.TCPConn).CloseWrite()
			}()
			buf := make([]byte, 4096)
			for {
				n, err := server.Read(buf)
				if i := at - seen; i >= 0 && i < n {
					buf[i] ^= 0xff
				}
				seen += n
				if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
					break
				}
			}
			_, _ = client.Close(), server.Close()
		}
	}()
	return l.Addr().String()
}

// TestTCPIsChecked lets a byte of an echo and of a download arrive as another.
func TestTCPIsChecked(t *testing.T) {
	size := dist.FixedSize(1000)
	for _, c := range []struct {
		name     string
		origin   tcporigin.Options
		exchange tcp.Exchange
		check    codec.Integrity
		at       int
		want     [3]uint64 // checked, altered, unchecked
		part     string
		offset   int64
	}{
		{"echo", tcporigin.Options{}, tcp.Exchange{Echo: &size}, codec.Integrity{}, -1, [3]uint64{40, 0, 0}, "", 0},
		{"echo altered", tcporigin.Options{}, tcp.Exchange{Echo: &size}, codec.Integrity{}, 10_100, [3]uint64{40, 1, 0}, "echo", 100},
		{"download", tcporigin.Options{Mode: tcporigin.Source, Bytes: 1000}, tcp.Exchange{Download: &size}, codec.Integrity{Source: true}, -1, [3]uint64{40, 0, 0}, "", 0},
		{"download altered", tcporigin.Options{Mode: tcporigin.Source, Bytes: 1000}, tcp.Exchange{Download: &size}, codec.Integrity{Source: true}, 10_100, [3]uint64{40, 1, 0}, "download", 100},
		{"unknown download", tcporigin.Options{Mode: tcporigin.Source, Bytes: 1000}, tcp.Exchange{Download: &size}, codec.Integrity{}, 10_100, [3]uint64{0, 0, 40}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := checkedSpec(flipping(t, serveTCP(t, c.origin), c.at))
			s.Protocol, s.HTTP, s.TCP = "tcp", http1.Spec{}, tcp.Spec{Exchanges: []tcp.Exchange{c.exchange}}
			s.Connections.Pool, s.Integrity = 1, &c.check
			i := runChecked(t, s).Integrity
			if got := [3]uint64{i.Checked, i.Mismatch(), i.Unchecked}; got != c.want {
				t.Fatalf("%+v, want %v", i, c.want)
			}
			if c.part == "" {
				return
			}
			d := i.Differences[0]
			if !strings.HasPrefix(d.Part, c.part) || d.Offset != c.offset || d.Expected == d.Got || len(d.Expected) == 0 {
				t.Errorf("%+v", d)
			}
		})
	}
}
