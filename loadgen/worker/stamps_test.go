package worker

import (
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/loop"
	"bench/internal/sock"
)

// While the time of day is set, nothing is said of when data came in; before and after it
// is told by a clock that goes on as it did.
func TestStampsWhenTheClockIsSet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd := int(f.Fd())
	if e := sock.Stamp(fd); e != 0 {
		t.Fatal(e)
	}
	s := startStamps()
	defer s.close()

	buf := make([]byte, 16)
	read := func() (from, at int64) {
		from = loop.Nanotime()
		if _, err := io.WriteString(peer, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000); err != nil {
			t.Fatal(err)
		}
		if n, errno := s.recv(fd, buf); n != 1 || errno != 0 {
			t.Fatalf("read %d bytes: %v", n, errno)
		}
		return from, s.at
	}
	// The kernel begins to note times in a while: it leaves switching to it to a thread of
	// its own, which waits for a processor like others.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, at := read(); at != 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the kernel notes no times")
		}
	}
	const slack = int64(time.Millisecond) // of the comparison of the clocks
	for _, step := range []time.Duration{0, time.Second, -time.Second, -5 * time.Millisecond} {
		if step != 0 {
			s.ahead += step.Nanoseconds()
			if _, at := read(); at != 0 {
				t.Errorf("with a step of %v: a time of %d", step, at)
			}
		}
		from, at := read()
		if now := loop.Nanotime(); at < from-slack || at > now+slack {
			t.Errorf("after a step of %v: %d is not between %d and %d", step, at, from, now)
		}
	}
}
