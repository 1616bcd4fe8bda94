package httporigin

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/backends/fault"
	"bench/backends/origin"
	"bench/internal/dist"
	"bench/internal/loop"
	"bench/internal/sock"
)

// serve runs an origin on a loop of its own until the test ends.
func serve(b testing.TB, a Answer) sock.Addr {
	b.Helper()
	l, err := loop.New("", 64)
	if err != nil {
		b.Fatal(err)
	}
	cfg, err := NewConfig(Options{Answer: a})
	if err != nil {
		b.Fatal(err)
	}
	local, err := sock.Parse("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	o, err := cfg.Start(&origin.Place{Loop: l, Name: "web", Addr: local, Ledger: &fault.Ledger{}})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	b.Cleanup(func() {
		l.Call(o.Close)
		l.Stop()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return o.Addr()
}

// client is a blocking connection that allocates nothing.
type client struct {
	fd  int
	buf [64 << 10]byte
}

func dial(b testing.TB, a sock.Addr) *client {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(fd) })
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(a.AddrPort().Port()), Addr: a.AddrPort().Addr().As4()}); err != nil {
		b.Fatal(err)
	}
	tv := unix.NsecToTimeval(int64(5 * time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		b.Fatal(err)
	}
	return &client{fd: fd}
}

// exchange sends a request and reads so many bytes of answer.
func (c *client) exchange(b testing.TB, request []byte, answer int) {
	if _, err := unix.Write(c.fd, request); err != nil {
		b.Fatal(err)
	}
	for answer > 0 {
		n, err := unix.Read(c.fd, c.buf[:])
		if err != nil || n == 0 {
			b.Fatal(n, err)
		}
		answer -= n
	}
}

// work is one kind of request the hot path serves.
type work struct {
	name   string
	answer Answer
}

func works(b testing.TB) []work {
	b.Helper()
	sizes, err := dist.ParseSize("uniform(4KiB, 4KiB)") // drawn, though always the same
	if err != nil {
		b.Fatal(err)
	}
	return []work{
		{"prepared", Answer{Body: dist.FixedSize(128)}},
		{"drawn", Answer{Body: sizes}},
		{"drawn chunks", Answer{Body: sizes, Framing: ByChunks}},
		{"delayed", Answer{Body: dist.FixedSize(128), Latency: dist.FixedDuration(20 * time.Microsecond)}},
	}
}

const hotRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: bench\r\nAccept: */*\r\nX-Bench-Id: web.000000012345\r\n\r\n"

// answerSize learns how long the answer to the hot request is.
func answerSize(b testing.TB, a sock.Addr) int {
	b.Helper()
	c := dial(b, a)
	if _, err := unix.Write(c.fd, []byte(hotRequest+"GET / HTTP/1.0\r\n\r\n")); err != nil {
		b.Fatal(err)
	}
	var all []byte
	for {
		n, err := unix.Read(c.fd, c.buf[:])
		if err != nil {
			b.Fatal(err)
		}
		if n == 0 {
			break
		}
		all = append(all, c.buf[:n]...)
	}
	for i := len(all) - 8; i > 0; i-- {
		if string(all[i:i+8]) == "HTTP/1.1" {
			return i
		}
	}
	b.Fatalf("no second answer in %q", all)
	return 0
}

func TestServingAllocatesNothing(t *testing.T) {
	for _, w := range works(t) {
		t.Run(w.name, func(t *testing.T) {
			addr := serve(t, w.answer)
			size, request := answerSize(t, addr), []byte(hotRequest)
			c := dial(t, addr)
			c.exchange(t, request, size)
			// A background task of the runtime may allocate once in a while.
			// testing.AllocsPerRun leaves one processor only, for which the
			// client would wait until the loop sleeps.
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			const runs = 500
			for range runs {
				c.exchange(t, request, size)
			}
			runtime.ReadMemStats(&after)
			if n := after.Mallocs - before.Mallocs; n > runs/10 {
				t.Errorf("%d allocations in %d requests", n, runs)
			}
		})
	}
}

func BenchmarkServe(b *testing.B) {
	for _, w := range works(b) {
		b.Run(w.name, func(b *testing.B) {
			addr := serve(b, w.answer)
			size, request := answerSize(b, addr), []byte(hotRequest)
			c := dial(b, addr)
			c.exchange(b, request, size)
			b.ReportAllocs()
			for b.Loop() {
				c.exchange(b, request, size)
			}
		})
	}
}
