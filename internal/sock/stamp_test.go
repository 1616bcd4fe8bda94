package sock

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// stream is a connection over loopback: the descriptor of one side, the other one.
func stream(t testing.TB, network, address string) (fd int, peer net.Conn) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := Parse(address)
	if network == "tcp" {
		a, err = Parse(l.Addr().String())
	}
	if err != nil {
		t.Fatal(err)
	}
	fd, _, e := Connect(&a, &ConnectOptions{NoDelay: true})
	if e != 0 {
		t.Fatal(e)
	}
	t.Cleanup(func() { Close(fd) })
	if peer, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return fd, peer
}

// The time is that of arrival, however late the data is read.
func TestStampedTellsWhenDataCame(t *testing.T) {
	fd, peer := stream(t, "tcp", "127.0.0.1:0")
	if e := Stamp(fd); e != 0 {
		t.Fatal(e)
	}
	time.Sleep(50 * time.Millisecond) // the kernel begins to take times a moment later
	var r Stamped
	p := make([]byte, 100)
	if n, at, e := r.Recv(fd, p); n != 0 || at != 0 || e != syscall.EAGAIN {
		t.Fatalf("of nothing: %d bytes, %d, %v", n, at, e)
	}
	for i := range 3 {
		before := time.Now().UnixNano()
		if _, err := peer.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		after := time.Now().UnixNano()
		time.Sleep(30 * time.Millisecond)
		n, at, e := r.Recv(fd, p)
		if n != 5 || string(p[:n]) != "hello" || e != 0 || at < before || at > after {
			t.Errorf("read %d: %q, %v, stamped %d, sent from %d to %d", i, p[:n], e, at, before, after)
		}
	}
	peer.Close()
	time.Sleep(time.Millisecond)
	if n, _, e := r.Recv(fd, p); n != 0 || e != 0 {
		t.Errorf("at the end: %d, %v", n, e)
	}
}

func TestStampedWithoutTimes(t *testing.T) {
	fd, peer := stream(t, "unix", t.TempDir()+"/s")
	_ = Stamp(fd)
	if _, err := peer.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	var r Stamped
	p := make([]byte, 100)
	if n, at, e := r.Recv(fd, p); n != 5 || at != 0 || e != 0 {
		t.Errorf("%d bytes, stamped %d, %v", n, at, e)
	}
}

func BenchmarkRecv(b *testing.B) {
	fd, peer := stream(b, "tcp", "127.0.0.1:0")
	p, hello := make([]byte, 100), []byte("hello")
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = peer.Write(hello)
			if n, e := Recv(fd, p); n != 5 || e != 0 {
				b.Fatal(n, e)
			}
		}
	})
	b.Run("stamped", func(b *testing.B) {
		if e := Stamp(fd); e != 0 {
			b.Fatal(e)
		}
		var r Stamped
		b.ReportAllocs()
		for b.Loop() {
			_, _ = peer.Write(hello)
			if n, _, e := r.Recv(fd, p); n != 5 || e != 0 {
				b.Fatal(n, e)
			}
		}
	})
}
