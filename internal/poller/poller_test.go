package poller_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
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

// quiet fails if fd is reported with any of ev within 20 ms, and returns what it is
// reported with.
func quiet(t *testing.T, p poller.Poller, fd int, ev poller.Events) (got poller.Events) {
	t.Helper()
	out := make([]poller.Event, 16)
	for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
		n, err := p.Wait(out, 5*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out[:n] {
			if e.FD != int32(fd) {
				continue
			}
			if got |= e.Ev; e.Ev&ev != 0 {
				t.Fatalf("unexpected events %03b", e.Ev)
			}
		}
	}
	return got
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
		{"a closed descriptor is the kernel's no more after the next wait", func(t *testing.T, p poller.Poller) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			defer unix.Close(fds[1])
			must(t, p.Add(fds[0], 1, poller.In))
			quietDrain(t, p)
			p.Forget(fds[0])
			unix.Close(fds[0])
			_, err = p.Wait(make([]poller.Event, 4), 0)
			must(t, err)
			if n, err := unix.Read(fds[1], make([]byte, 1)); n != 0 || err != nil {
				t.Errorf("read %d, %v at the peer, want the end of the stream", n, err)
			}
		}},
		{"nor is it where an event of it was under way", func(t *testing.T, p poller.Poller) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			defer unix.Close(fds[1])
			must(t, p.Add(fds[0], 1, poller.In))
			quietDrain(t, p)
			write(t, fds[1], "x") // the kernel has begun to tell of it when it hears of the close
			read(t, fds[0])
			p.Forget(fds[0])
			unix.Close(fds[0])
			_, err = p.Wait(make([]poller.Event, 4), 0)
			must(t, err)
			if n, err := unix.Read(fds[1], make([]byte, 1)); n != 0 || err != nil {
				t.Errorf("read %d, %v at the peer, want the end of the stream", n, err)
			}
		}},
		{"a removed descriptor is the owner's alone at once", func(t *testing.T, p poller.Poller) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			defer unix.Close(fds[1])
			must(t, p.Add(fds[0], 1, poller.In))
			quietDrain(t, p)
			p.Remove(fds[0])
			unix.Close(fds[0])
			if n, err := unix.Read(fds[1], make([]byte, 1)); n != 0 || err != nil {
				t.Errorf("read %d, %v at the peer, want the end of the stream", n, err)
			}
		}},
		{"events of a closed descriptor never reach its successors", func(t *testing.T, p poller.Poller) {
			out := make([]poller.Event, 16)
			other, _ := pair(t)
			old := -1
			for gen := uint32(1); gen <= 200; gen++ {
				fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
				must(t, err)
				if old >= 0 && fds[0] != old {
					t.Fatalf("descriptor %d, want %d again", fds[0], old)
				}
				old = fds[0]
				must(t, p.Add(fds[0], gen, poller.In))
				if gen%3 == 0 { // known to the kernel
					_, err = p.Wait(out, 0)
					must(t, err)
				}
				write(t, fds[1], "old")
				if gen%2 == 0 { // a removal collects what has come, where that needs the kernel
					must(t, p.Add(other, gen, poller.In))
					p.Remove(other)
				}
				p.Forget(fds[0])
				unix.Close(fds[0])
				unix.Close(fds[1])
				n, err := p.Wait(out, 0)
				must(t, err)
				if n != 0 {
					t.Fatalf("%d: events %v of a closed descriptor", gen, out[:n])
				}
			}
		}},
		{"many descriptors come and go between two waits", func(t *testing.T, p poller.Poller) {
			var last [2]int
			for gen := uint32(1); gen <= 400; gen++ {
				fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
				must(t, err)
				must(t, p.Add(fds[0], gen, poller.In))
				write(t, fds[1], "x")
				if gen == 400 {
					last = fds
					break
				}
				p.Forget(fds[0])
				unix.Close(fds[0])
				unix.Close(fds[1])
			}
			defer unix.Close(last[0])
			defer unix.Close(last[1])
			if e := wait(t, p, last[0], poller.In); e.Gen != 400 {
				t.Errorf("generation %d, want 400", e.Gen)
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
		{"more events than any queue are all delivered, and further edges too", func(t *testing.T, p poller.Poller) {
			const count = 40
			var a, b [count]int
			index := map[int32]int{}
			for i := range count {
				a[i], b[i] = pair(t)
				index[int32(a[i])] = i
				must(t, p.Add(a[i], 1, poller.In))
			}
			quietDrain(t, p)
			out := make([]poller.Event, 64)
			for range 5 {
				for i := range count {
					write(t, b[i], "x")
				}
				seen := map[int]bool{}
				for end := time.Now().Add(time.Second); len(seen) < count && time.Now().Before(end); {
					n, err := p.Wait(out, 5*time.Millisecond)
					must(t, err)
					for _, e := range out[:n] {
						i := index[e.FD]
						if e.Ev&poller.In != 0 && read(t, a[i]) > 0 {
							seen[i] = true
							p.Rearm(a[i], poller.In)
						}
					}
				}
				if len(seen) != count {
					t.Fatalf("%d descriptors reported, want %d", len(seen), count)
				}
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
	for _, m := range slices.Concat(poller.Mechanisms(), poller.RingVariants()) {
		for _, c := range cases {
			t.Run(m.Name+"/"+c.name, func(t *testing.T) {
				c.run(t, open(t, &m))
			})
		}
	}
}

// open gives the test a poller, and the poller a thread.
func open(t *testing.T, m *poller.Mechanism) poller.Poller {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	p, err := m.New(64)
	if m.MayBeRefused && err != nil {
		t.Skipf("not run, the kernel refuses: %v", err)
	}
	must(t, err)
	t.Cleanup(p.Close)
	return p
}

// TestNew opens each mechanism by its name.
func TestNew(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		p, err := poller.New(m.Name, 64)
		if m.MayBeRefused && err != nil {
			t.Logf("%s is refused here: %v", m.Name, err)
			continue
		}
		must(t, err)
		if p.Name() != m.Name {
			t.Errorf("name %q, want %q", p.Name(), m.Name)
		}
		p.Close()
	}
}

// TestLimit shows that a descriptor beyond a mechanism's tables is refused, and
// that nothing else is disturbed by the attempt.
func TestLimit(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		t.Run(m.Name, func(t *testing.T) {
			p := open(t, &m)
			a, b := pair(t)
			const high = 1500
			if err := unix.Dup3(a, high, unix.O_CLOEXEC); err != nil {
				t.Skipf("cannot use descriptor %d here: %v", high, err)
			}
			defer unix.Close(high)
			err := p.Add(high, 1, poller.In)
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

// TestNoAllocation turns a socket's life a few hundred times.
func TestNoAllocation(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		t.Run(m.Name, func(t *testing.T) {
			p := open(t, &m)
			a, b := pair(t)
			out, buf, gen := make([]poller.Event, 16), make([]byte, 16), uint32(0)
			turn := func() {
				gen++
				if p.Add(a, gen, poller.In) != nil {
					t.Fatal("not added")
				}
				for range 3 {
					_, _ = unix.Write(b, buf[:1])
					if n, err := p.Wait(out, time.Second); n != 1 || err != nil {
						t.Fatalf("%d events, error %v", n, err)
					}
					_, _ = unix.Read(a, buf)
					p.Rearm(a, poller.In)
				}
				p.Remove(a)
			}
			turn()
			if n := testing.AllocsPerRun(200, turn); n != 0 {
				t.Errorf("%v allocations a registration", n)
			}
		})
	}
}

// BenchmarkTurn is one wait with one event, and what its owner does for the next.
func BenchmarkTurn(b *testing.B) {
	for _, m := range poller.Mechanisms() {
		b.Run(m.Name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			p, err := m.New(64)
			if err != nil {
				b.Skip(err)
			}
			defer p.Close()
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer unix.Close(fds[0])
			defer unix.Close(fds[1])
			if err := p.Add(fds[0], 1, poller.In); err != nil {
				b.Fatal(err)
			}
			out, buf := make([]poller.Event, 16), make([]byte, 16)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = unix.Write(fds[1], buf[:1])
				if _, err := p.Wait(out, time.Second); err != nil {
					b.Fatal(err)
				}
				_, _ = unix.Read(fds[0], buf)
				p.Rearm(fds[0], poller.In)
			}
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

// Queues are locked memory: who is refused for want of it is told what to raise.
func TestRefusalNamesLockedMemory(t *testing.T) {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &was); err != nil {
		t.Fatal(err)
	}
	low := was
	low.Cur = min(was.Max, 64<<10)
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &low); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &was) }()
	err := poller.Refusal(unix.ENOMEM)
	if !errors.Is(err, unix.ENOMEM) || !strings.Contains(err.Error(), "ulimit -l") {
		t.Errorf("got %q, want ENOMEM and the limit on locked memory", err)
	}
}
