// Package origintest measures origins in tests: it serves one on a loop of its
// own, and has a client that allocates nothing. Only tests may import it.
package origintest

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/backends/fault"
	"bench/backends/origin"
	"bench/internal/loop"
	"bench/internal/sock"
)

// Serve runs an origin on a loop of its own until the test ends.
func Serve(tb testing.TB, kind origin.Kind) sock.Addr {
	tb.Helper()
	l, err := loop.New("", 64)
	if err != nil {
		tb.Fatal(err)
	}
	local, err := sock.Parse("127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	o, err := kind.Start(&origin.Place{Loop: l, Name: "web", Addr: local, Ledger: &fault.Ledger{}})
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	tb.Cleanup(func() {
		l.Call(o.Close)
		l.Stop()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return o.Addr()
}

// Client is a blocking connection that allocates nothing.
type Client struct {
	tb  testing.TB
	fd  int
	buf [64 << 10]byte
}

// patience bounds each read.
const patience = 5 * time.Second

// Dial connects to an IPv4 address.
func Dial(tb testing.TB, a sock.Addr) *Client {
	tb.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { unix.Close(fd) })
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(a.AddrPort().Port()), Addr: a.AddrPort().Addr().As4()}); err != nil {
		tb.Fatal(err)
	}
	tv := unix.NsecToTimeval(int64(patience))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		tb.Fatal(err)
	}
	return &Client{tb: tb, fd: fd}
}

// Write sends a request.
func (c *Client) Write(request []byte) {
	if _, err := unix.Write(c.fd, request); err != nil {
		c.tb.Fatal(err)
	}
}

// Read returns what comes next, nothing at the end of the stream. It is valid
// until the next call.
func (c *Client) Read() []byte {
	n, err := unix.Read(c.fd, c.buf[:])
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(c.fd, c.buf[:])
	}
	if err != nil {
		c.tb.Fatal(err)
	}
	return c.buf[:n]
}

// Exchange sends a request and reads this many bytes of answer.
func (c *Client) Exchange(request []byte, answer int) {
	c.Write(request)
	for answer > 0 {
		n := len(c.Read())
		if n == 0 {
			c.tb.Fatal("the connection has ended")
		}
		answer -= n
	}
}

// NoAllocations fails if the origin allocates for an exchange.
// testing.AllocsPerRun would leave one processor only, for which the client
// would have to wait until the loop sleeps.
func NoAllocations(t *testing.T, c *Client, request []byte, answer int) {
	t.Helper()
	c.Exchange(request, answer)
	const runs = 500
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		c.Exchange(request, answer)
	}
	runtime.ReadMemStats(&after)
	// A background task of the runtime may allocate once in a while.
	if n := after.Mallocs - before.Mallocs; n > runs/10 {
		t.Errorf("%d allocations in %d requests", n, runs)
	}
}

// Measure reports what an exchange costs client and origin together.
func Measure(b *testing.B, c *Client, request []byte, answer int) {
	b.Helper()
	c.Exchange(request, answer)
	b.ReportAllocs()
	for b.Loop() {
		c.Exchange(request, answer)
	}
}
