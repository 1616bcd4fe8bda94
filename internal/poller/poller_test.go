package poller_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/poller"
)

// pair is two connected stream sockets, the first of them watched.
func pair(t *testing.T) (watched, peer int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func write(t *testing.T, fd int, s string) {
	t.Helper()
	if _, err := unix.Write(fd, []byte(s)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, fd int) int {
	t.Helper()
	n, err := unix.Read(fd, make([]byte, 4096))
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		t.Fatal(err)
	}
	return n
}

// wait collects the events of fd until it has seen all of want, for at most a second.
func wait(t *testing.T, p poller.Poller, fd int, want poller.Events) poller.Event {
	t.Helper()
	got := poller.Event{FD: int32(fd)}
	out := make([]poller.Event, 16)
	for end := time.Now().Add(time.Second); time.Now().Before(end) && got.Ev&want != want; {
		n, err := p.Wait(out, 50*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out[:n] {
			if e.FD == int32(fd) {
				got.Ev |= e.Ev
				got.Gen = e.Gen
			}
		}
	}
	if got.Ev&want != want {
		t.Fatalf("events %03b, want %03b", got.Ev, want)
	}
	return got
}

// quiet fails if fd is reported with any of ev within 20 ms.
func quiet(t *testing.T, p poller.Poller, fd int, ev poller.Events) {
	t.Helper()
	out := make([]poller.Event, 16)
	for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
		n, err := p.Wait(out, 5*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out[:n] {
			if e.FD == int32(fd) && e.Ev&ev != 0 {
				t.Fatalf("unexpected events %03b", e.Ev)
			}
		}
	}
}

// TestConformance runs one suite over every mechanism.
func TestConformance(t *testing.T) {
	cases := []struct {
		name string
		run  func(t *testing.T, p poller.Poller)
	}{
		{"reports data with the generation of its add", func(t *testing.T, p poller.Poller) {
			a, b := pair(t)
			must(t, p.Add(a, 7, poller.In))
			write(t, b, "x")
			if e := wait(t, p, a, poller.In); e.Gen != 7 {
				t.Errorf("generation %d, want 7", e.Gen)
			}
		}},
		{"tells once until rearmed", func(t *testing.T, p poller.Poller) {
			a, b := pair(t)
			must(t, p.Add(a, 1, poller.In))
			write(t, b, "x")
			wait(t, p, a, poller.In)
			quiet(t, p, a, poller.In)
		}},
		{"gives a new edge after a short read and rearm", func(t *testing.T, p poller.Poller) {
			a, b := pair(t)
			must(t, p.Add(a, 1, poller.In))
			for range 3 {
				write(t, b, "x")
				wait(t, p, a, poller.In)
				read(t, a)
				p.Rearm(a, poller.In)
			}
			quiet(t, p, a, poller.In)
		}},
		{"data that arrived before add is reported", func(t *testing.T, p poller.Poller) {
			a, b := pair(t)
			write(t, b, "x")
			must(t, p.Add(a, 1, poller.In))
			wait(t, p, a, poller.In)
		}},
		{"reports room to write after would-block and rearm", func(t *testing.T, p poller.Poller) {
			a, b := pair(t)
			must(t, p.Add(a, 1, poller.In))
			big := make([]byte, 1<<16)
			for {
				if _, err := unix.Write(a, big); errors.Is(err, unix.EAGAIN) {
					break
				}
			}
			quietDrain(t, p)
			p.Rearm(a, poller.Out)
			quiet(t, p, a, poller.Out)
			for read(t, b) > 0 {
			}
			wait(t, p, a, poller.Out)
		}},
		{"an orderly close is seen as readable end of stream", func(t *testing.T, p poller.Poller) {
			a, b := pair(t)
			must(t, p.Add(a, 1, poller.In))
			must(t, unix.Shutdown(b, unix.SHUT_WR))
			wait(t, p, a, poller.In)
			if n := read(t, a); n != 0 {
				t.Errorf("read %d bytes, want end of stream", n)
			}
		}},
		{"data and close together are both delivered", func(t *testing.T, p poller.Poller) {
			a, b := pair(t)
			must(t, p.Add(a, 1, poller.In))
			write(t, b, "bye")
			must(t, unix.Shutdown(b, unix.SHUT_RDWR))
			e := wait(t, p, a, poller.In)
			if n := read(t, a); n != 3 {
				t.Fatalf("read %d bytes, want 3", n)
			}
			if e.Ev&poller.Hup == 0 { // no sticky sign: a further edge must come
				p.Rearm(a, poller.In)
				wait(t, p, a, poller.In)
			}
			if n := read(t, a); n != 0 {
				t.Errorf("read %d bytes, want end of stream", n)
			}
		}},
		{"removed descriptors are silent and may be added again", func(t *testing.T, p poller.Poller) {
			a, b := pair(t)
			must(t, p.Add(a, 1, poller.In))
			write(t, b, "x")
			p.Remove(a)
			quiet(t, p, a, poller.In|poller.Out|poller.Hup)
			must(t, p.Add(a, 2, poller.In))
			if e := wait(t, p, a, poller.In); e.Gen != 2 {
				t.Errorf("generation %d, want 2", e.Gen)
			}
		}},
		{"a reused number carries the new generation only", func(t *testing.T, p poller.Poller) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			must(t, p.Add(fds[0], 1, poller.In))
			write(t, fds[1], "old")
			p.Forget(fds[0])
			unix.Close(fds[0])
			unix.Close(fds[1])
			a, b := pair(t)
			must(t, p.Add(a, 2, poller.In))
			write(t, b, "new")
			if e := wait(t, p, a, poller.In); e.Gen != 2 {
				t.Errorf("generation %d, want 2", e.Gen)
			}
		}},
		{"an outcome of connect is reported as writable", func(t *testing.T, p poller.Poller) {
			l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			defer unix.Close(l)
			must(t, unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
			must(t, unix.Listen(l, 1))
			sa, err := unix.Getsockname(l)
			must(t, err)
			c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			defer unix.Close(c)
			if err := unix.Connect(c, sa); err != nil && !errors.Is(err, unix.EINPROGRESS) {
				t.Fatal(err)
			}
			must(t, p.Add(c, 1, poller.Out))
			wait(t, p, c, poller.Out)
		}},
		{"more events than the batch are all delivered", func(t *testing.T, p poller.Poller) {
			const count = 20
			seen := map[int32]bool{}
			for range count {
				a, b := pair(t)
				must(t, p.Add(a, 1, poller.In))
				write(t, b, "x")
			}
			out := make([]poller.Event, 3)
			for range 10 * count {
				n, err := p.Wait(out, 0)
				must(t, err)
				for _, e := range out[:n] {
					if e.Ev&poller.In != 0 {
						seen[e.FD] = true
					}
				}
			}
			if len(seen) != count {
				t.Errorf("%d descriptors reported, want %d", len(seen), count)
			}
		}},
		{"a wait without events lasts its timeout", func(t *testing.T, p poller.Poller) {
			start := time.Now()
			n, err := p.Wait(make([]poller.Event, 4), 15*time.Millisecond)
			if n != 0 || err != nil {
				t.Fatalf("%d events, error %v", n, err)
			}
			if d := time.Since(start); d < 14*time.Millisecond {
				t.Errorf("returned after %v, want 15ms", d)
			}
		}},
	}
	for _, m := range poller.Mechanisms() {
		for _, c := range cases {
			t.Run(m.Name+"/"+c.name, func(t *testing.T) {
				p, err := poller.New(m.Name, 64)
				must(t, err)
				defer p.Close()
				if p.Name() != m.Name {
					t.Errorf("name %q, want %q", p.Name(), m.Name)
				}
				c.run(t, p)
			})
		}
	}
}

// TestLimit shows that a descriptor beyond a mechanism's tables is refused, and
// that nothing else is disturbed by the attempt.
func TestLimit(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		t.Run(m.Name, func(t *testing.T) {
			p, err := poller.New(m.Name, 64)
			must(t, err)
			defer p.Close()
			a, b := pair(t)
			const high = 1500
			if err := unix.Dup3(a, high, unix.O_CLOEXEC); err != nil {
				t.Skipf("cannot use descriptor %d here: %v", high, err)
			}
			defer unix.Close(high)
			err = p.Add(high, 1, poller.In)
			if m.MaxFD != 0 && m.MaxFD <= high {
				if !errors.Is(err, poller.ErrLimit) {
					t.Errorf("error %v, want ErrLimit", err)
				}
				must(t, p.Add(a, 1, poller.In))
				write(t, b, "x")
				wait(t, p, a, poller.In)
				return
			}
			must(t, err)
			write(t, b, "x")
			wait(t, p, high, poller.In)
		})
	}
}

func TestUnknown(t *testing.T) {
	if _, err := poller.New("kqueue", 0); err == nil {
		t.Error("no error for an unknown poller")
	}
}

func quietDrain(t *testing.T, p poller.Poller) {
	t.Helper()
	for range 3 {
		_, err := p.Wait(make([]poller.Event, 16), time.Millisecond)
		must(t, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
