package stream_test

import (
	"flag"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
	"bench/proxy/spec"
)

// requests is the length of TestTrafficMakesNoGarbage; "make soak" takes a million.
var requests = flag.Int("requests", 15_000, "requests that must pass without garbage")

// pipelined is how many requests are sent at a time.
const pipelined = 20

// TestTrafficMakesNoGarbage sees the heap stay as it is, and the collector asleep,
// however much traffic passes: in the manner of keep-alive with requests of many
// fields, and with a connection for every few requests.
func TestTrafficMakesNoGarbage(t *testing.T) {
	const resp = "HTTP/1.1 200 OK\r\ncontent-length: 64\r\n\r\n" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) { p.ForwardFor = &spec.ForwardFor{} }, discard{}, startCanned(t, resp))
	req := []byte(strings.Repeat("GET /a HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nAccept: */*\r\nCookie: a=b\r\nX-A: "+strings.Repeat("v", 200)+"\r\n\r\n", pipelined))
	in := make([]byte, 64<<10)
	round := func(fd int) {
		if _, err := unix.Write(fd, req); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < pipelined*len(resp); {
			n, err := unix.Read(fd, in)
			if err != nil || n == 0 {
				t.Fatalf("read %d, %v", n, err)
			}
			got += n
		}
	}
	to := rawAddr(t, rig.addr)
	run := func(n int) {
		fd := dialRaw(t, to)
		for i := range n / pipelined {
			if i%10 == 9 {
				unix.Close(fd)
				fd = dialRaw(t, to)
			}
			round(fd)
		}
		unix.Close(fd)
	}
	run(2000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	run(*requests)
	runtime.ReadMemStats(&after)
	if n := after.NumGC - before.NumGC; n > 2 {
		t.Errorf("%d collections within %d requests, want at most 2", n, *requests)
	}
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 256<<10 {
		t.Errorf("%d requests allocated %d bytes in %d pieces", *requests, grown, after.Mallocs-before.Mallocs)
	}
	t.Logf("%d requests: %d collections, %d bytes allocated", *requests, after.NumGC-before.NumGC, after.TotalAlloc-before.TotalAlloc)
}

// rawAddr is an address for dialRaw, made once: it lies on the heap.
func rawAddr(t *testing.T, text string) *unix.SockaddrInet4 {
	t.Helper()
	addr, err := sock.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	ap := addr.AddrPort()
	return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
}

// dialRaw opens a connection without the Go network poller, and so without
// allocating.
func dialRaw(t *testing.T, to *unix.SockaddrInet4) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, to); err != nil {
		t.Fatal(err)
	}
	return fd
}
