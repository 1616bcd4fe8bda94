package poller_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/poller"
)

// tcpPair is two connected TCP sockets, the first of them added and given to p.
func tcpPair(t *testing.T, p poller.Poller, gen uint32) (watched, peer int) {
	t.Helper()
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(l)
	must(t, unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, unix.Listen(l, 1))
	sa, err := unix.Getsockname(l)
	must(t, err)
	peer, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Connect(peer, sa))
	must(t, unix.SetNonblock(peer, true))
	watched, _, err = unix.Accept4(l, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	must(t, err)
	must(t, p.Add(watched, gen, poller.In))
	p.Receive(watched)
	return watched, peer
}

// owner reads from a descriptor by the rules of the contract.
type owner struct {
	fd       int
	got      []byte
	readable bool
	hup      bool
	end      syscall.Errno
	ended    bool
}

func (o *owner) note(ev poller.Events) {
	o.readable = o.readable || ev&poller.In != 0
	o.hup = o.hup || ev&poller.Hup != 0
}

// read reads once, as much as fits buf, if there may be something.
func (o *owner) read(p poller.Poller, buf []byte) {
	if o.ended || !o.readable && !o.hup {
		return
	}
	n, errno := p.Recv(o.fd, buf)
	switch {
	case errno == syscall.EAGAIN:
		o.readable = false
		p.Rearm(o.fd, poller.In)
	case errno != 0:
		o.ended, o.end = true, errno
	case n == 0:
		o.ended = true
	case n < len(buf) && !o.hup:
		o.readable = false
		p.Rearm(o.fd, poller.In)
	}
	o.got = append(o.got, buf[:n]...)
}

// serve waits and reads until done, or for two seconds.
func serve(t *testing.T, p poller.Poller, buf []byte, done func() bool, owners ...*owner) {
	t.Helper()
	out := make([]poller.Event, 16)
	for end := time.Now().Add(2 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatal("not done after two seconds")
		}
		timeout := 10 * time.Millisecond
		for _, o := range owners {
			if !o.ended && (o.readable || o.hup) {
				timeout = 0
			}
		}
		n, err := p.Wait(out, timeout)
		must(t, err)
		for _, e := range out[:n] {
			for _, o := range owners {
				if int(e.FD) == o.fd {
					o.note(e.Ev)
				}
			}
		}
		for _, o := range owners {
			o.read(p, buf)
		}
	}
}

// pattern is n bytes of which no two stretches are alike.
func pattern(n int, seed uint64) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// TestReceiving is the part of the suite for descriptors that were given to Receive.
func TestReceiving(t *testing.T) {
	buf := make([]byte, 64)
	cases := []struct {
		name string
		run  func(t *testing.T, p poller.Poller)
	}{
		{"each arrival is an edge", func(t *testing.T, p poller.Poller) {
			a, b := tcpPair(t, p, 7)
			defer unix.Close(b)
			defer p.Remove(a)
			for range 5 {
				write(t, b, "hello")
				if e := wait(t, p, a, poller.In); e.Gen != 7 {
					t.Errorf("generation %d, want 7", e.Gen)
				}
				if n, errno := p.Recv(a, buf); string(buf[:n]) != "hello" || errno != 0 {
					t.Fatalf("received %q, %v", buf[:n], errno)
				}
				p.Rearm(a, poller.In)
				if n, errno := p.Recv(a, buf); n != 0 || errno != unix.EAGAIN {
					t.Fatalf("received %q, %v, want that it would block", buf[:n], errno)
				}
			}
			quiet(t, p, a, poller.In|poller.Hup)
		}},
		{"what does not fit stays", func(t *testing.T, p poller.Poller) {
			a, b := tcpPair(t, p, 1)
			defer unix.Close(b)
			defer p.Remove(a)
			write(t, b, "hello, world")
			wait(t, p, a, poller.In)
			if n, errno := p.Peek(a, buf[:7]); string(buf[:n]) != "hello, " || errno != 0 {
				t.Fatalf("peeked %q, %v", buf[:n], errno)
			}
			for _, want := range []string{"hello", ", wor", "ld"} {
				if n, errno := p.Recv(a, buf[:5]); string(buf[:n]) != want || errno != 0 {
					t.Fatalf("received %q, %v, want %q", buf[:n], errno, want)
				}
			}
		}},
		{"data is followed by the end of the stream", func(t *testing.T, p poller.Poller) {
			a, b := tcpPair(t, p, 1)
			defer unix.Close(b)
			defer p.Remove(a)
			write(t, b, "bye")
			must(t, unix.Shutdown(b, unix.SHUT_WR))
			time.Sleep(time.Millisecond)
			o := &owner{fd: a}
			e := wait(t, p, a, poller.In)
			if p.Name() != "select" && e.Ev&poller.Hup == 0 {
				t.Errorf("events %03b: the end is not told together with the data", e.Ev)
			}
			o.note(e.Ev)
			serve(t, p, buf, func() bool { return o.ended }, o)
			if string(o.got) != "bye" || o.end != 0 {
				t.Errorf("received %q, %v", o.got, o.end)
			}
			if n, errno := p.Peek(a, buf); n != 0 || errno != 0 {
				t.Errorf("peeked %d, %v behind the end", n, errno)
			}
			if errno := p.Error(a); errno != 0 {
				t.Errorf("error %v of an orderly end", errno)
			}
		}},
		{"a reset is told by the call, or by Error", func(t *testing.T, p poller.Poller) {
			for _, ask := range []bool{false, true} {
				a, b := tcpPair(t, p, 1)
				quietDrain(t, p)
				must(t, unix.SetsockoptLinger(b, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
				unix.Close(b)
				wait(t, p, a, poller.In)
				if ask {
					if errno := p.Error(a); errno != unix.ECONNRESET {
						t.Errorf("error %v, want a reset", errno)
					}
				} else if n, errno := p.Recv(a, buf); n != 0 || errno != unix.ECONNRESET {
					t.Errorf("received %d, %v, want a reset", n, errno)
				}
				p.Remove(a)
				unix.Close(a)
			}
		}},
		{"bulk comes whole and in order, however it is read", func(t *testing.T, p poller.Poller) {
			a, b := tcpPair(t, p, 1)
			defer p.Remove(a)
			want := pattern(3<<20, 1)
			go func() {
				defer unix.Close(b)
				_ = unix.SetNonblock(b, false)
				for rest := want; len(rest) > 0; {
					n, err := unix.Write(b, rest)
					if err != nil {
						return
					}
					rest = rest[n:]
				}
			}()
			o := &owner{fd: a}
			serve(t, p, make([]byte, 10_000), func() bool { return o.ended }, o)
			if !bytes.Equal(o.got, want) {
				t.Errorf("%d bytes came, of %d", len(o.got), len(want))
			}
		}},
		{"an owner that does not read holds the peer up", func(t *testing.T, p poller.Poller) {
			a, b := tcpPair(t, p, 1)
			defer unix.Close(b)
			defer p.Remove(a)
			must(t, unix.SetsockoptInt(b, unix.SOL_SOCKET, unix.SO_SNDBUF, 64<<10))
			sent, blocked, out, chunk := 0, 0, make([]poller.Event, 16), make([]byte, 8<<10)
			for blocked < 20 && sent < 64<<20 {
				_, err := p.Wait(out, time.Millisecond)
				must(t, err)
				switch n, err := unix.Write(b, chunk); {
				case err == nil:
					sent, blocked = sent+n, 0
				case errors.Is(err, unix.EAGAIN):
					blocked++
				default:
					t.Fatal(err)
				}
			}
			if blocked < 20 {
				t.Errorf("%d bytes were taken without anybody reading", sent)
			}
		}},
		{"a descriptor is given back without loss", func(t *testing.T, p poller.Poller) {
			for size := 1; size <= 20_000; size = size*3 + 1 {
				a, b := tcpPair(t, p, uint32(size))
				want := pattern(2*size, uint64(size))
				o := &owner{fd: a}
				write(t, b, string(want[:size]))
				serve(t, p, buf, func() bool { return len(o.got) > 0 }, o)
				write(t, b, string(want[size:]))
				serve(t, p, buf, func() bool { return p.Direct(a) }, o)
				for end := time.Now().Add(time.Second); len(o.got) < len(want) && time.Now().Before(end); {
					n, err := unix.Read(a, buf)
					if err != nil && !errors.Is(err, unix.EAGAIN) {
						t.Fatal(err)
					}
					o.got = append(o.got, buf[:max(n, 0)]...)
				}
				if !bytes.Equal(o.got, want) {
					t.Errorf("%d bytes came, of %d", len(o.got), len(want))
				}
				p.Rearm(a, poller.In)
				quietDrain(t, p)
				write(t, b, "x")
				wait(t, p, a, poller.In)
				p.Forget(a)
				unix.Close(a)
				unix.Close(b)
			}
		}},
		{"room to write is told while data is waited for", func(t *testing.T, p poller.Poller) {
			a, b := tcpPair(t, p, 1)
			defer unix.Close(b)
			defer p.Remove(a)
			quietDrain(t, p)
			for range 2 {
				big, left := make([]byte, 1<<16), 0
				for {
					n, err := unix.Write(a, big)
					if errors.Is(err, unix.EAGAIN) {
						break
					}
					left += n
				}
				p.Rearm(a, poller.Out)
				// The kernel may make room before anybody reads, as it carries over to b
				// what a has sent.
				told := quiet(t, p, a, poller.In)
				for end := time.Now().Add(5 * time.Second); left > 0 && time.Now().Before(end); {
					if n, err := unix.Read(b, big); err == nil {
						left -= n
					} else {
						time.Sleep(time.Millisecond)
					}
				}
				if told&poller.Out == 0 {
					wait(t, p, a, poller.Out)
				}
			}
			write(t, b, "x")
			wait(t, p, a, poller.In)
		}},
		{"what nobody reads of closed descriptors is no loss to the others", func(t *testing.T, p poller.Poller) {
			for gen := uint32(1); gen <= 1500; gen++ {
				a, b := tcpPair(t, p, gen)
				write(t, b, "unread")
				if gen%3 != 0 {
					_, err := p.Wait(make([]poller.Event, 1), 0)
					must(t, err)
				}
				p.Forget(a)
				unix.Close(a)
				unix.Close(b)
			}
			a, b := tcpPair(t, p, 2000)
			defer unix.Close(b)
			defer p.Remove(a)
			o := &owner{fd: a}
			write(t, b, "read")
			serve(t, p, buf, func() bool { return len(o.got) > 0 }, o)
			if string(o.got) != "read" {
				t.Errorf("received %q", o.got)
			}
		}},
		{"all are served in any order of events", func(t *testing.T, p poller.Poller) {
			for seed := range uint64(6) {
				mixture(t, p, rand.New(rand.NewPCG(seed, 2)))
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

// TestResetBehindTheEnd: who has read the end of a stream and goes on sending hears
// of a reset. poll and select watch for nothing that they are not asked for, and tell
// by the next send.
func TestResetBehindTheEnd(t *testing.T) {
	for _, m := range slices.Concat(poller.Mechanisms(), poller.RingVariants()) {
		if m.Name == "poll" || m.Name == "select" {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			p, buf := open(t, &m), make([]byte, 64)
			a, b := tcpPair(t, p, 1)
			defer p.Remove(a)
			must(t, unix.Shutdown(b, unix.SHUT_WR))
			o := &owner{fd: a}
			serve(t, p, buf, func() bool { return o.ended }, o)
			quietDrain(t, p)
			must(t, unix.SetsockoptLinger(b, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
			unix.Close(b)
			wait(t, p, a, poller.Hup)
		})
	}
}

// mixture has twenty peers write, pause, end and reset at random while their
// owners read, peek, pause and ask their descriptors back. Every byte must come, in
// order, unless a reset has destroyed it.
func mixture(t *testing.T, p poller.Poller, rng *rand.Rand) {
	t.Helper()
	type side struct {
		owner
		peer  int
		want  []byte
		sent  int
		reset bool
		open  bool
	}
	const count = 20
	var all [count]*side
	for i := range all {
		s := &side{open: true, reset: rng.IntN(5) == 0, want: pattern(rng.IntN(4)*rng.IntN(30_000)+rng.IntN(100), rng.Uint64())}
		s.fd, s.peer = tcpPair(t, p, uint32(i+1))
		all[i] = s
	}
	out, buf := make([]poller.Event, 8), make([]byte, 6000)
	left := count
	for end := time.Now().Add(10 * time.Second); left > 0; {
		if time.Now().After(end) {
			t.Fatalf("%d of %d not at their end", left, count)
		}
		for range 3 {
			s := all[rng.IntN(count)]
			switch {
			case !s.open:
			case s.sent < len(s.want):
				n, err := unix.Write(s.peer, s.want[s.sent:min(len(s.want), s.sent+1+rng.IntN(9000))])
				if err == nil {
					s.sent += n
				}
			default:
				if s.reset {
					must(t, unix.SetsockoptLinger(s.peer, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
				}
				unix.Close(s.peer)
				s.open = false
			}
		}
		n, err := p.Wait(out, time.Duration(rng.IntN(2))*100*time.Microsecond)
		must(t, err)
		for _, e := range out[:n] {
			for _, s := range all {
				if int(e.FD) == s.fd {
					s.note(e.Ev)
				}
			}
		}
		for _, s := range all {
			if s.ended {
				continue
			}
			switch rng.IntN(12) {
			case 0, 1, 2: // a pause
			case 3:
				p.Direct(s.fd)
			case 4:
				m, errno := p.Peek(s.fd, buf[:1+rng.IntN(5000)])
				if errno == 0 && !bytes.HasPrefix(s.want[len(s.got):], buf[:m]) {
					t.Fatal("what is peeked at is not what comes")
				}
			default:
				s.read(p, buf[:1+rng.IntN(len(buf))])
			}
			if s.ended {
				left--
			}
		}
	}
	for _, s := range all {
		if !bytes.HasPrefix(s.want, s.got) || !s.reset && (len(s.got) < len(s.want) || s.end != 0) {
			t.Errorf("%d bytes of %d came, then %v; reset %v", len(s.got), len(s.want), s.end, s.reset)
		}
		p.Forget(s.fd)
		unix.Close(s.fd)
	}
	_, err := p.Wait(out, 0)
	must(t, err)
}

// TestReceivingAllocatesNothing turns a connection's life a few hundred times.
func TestReceivingAllocatesNothing(t *testing.T) {
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
				p.Receive(a)
				for range 3 {
					_, _ = unix.Write(b, buf[:1])
					for got := 0; got == 0; got, _ = p.Recv(a, buf) {
						if _, err := p.Wait(out, time.Second); err != nil {
							t.Fatal(err)
						}
					}
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

// TestQuickest holds the choice of programs that measure to what the kernel grants.
func TestQuickest(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		if words, _ := m.Features(); slices.Contains(words, "multishot receive") {
			if got := poller.Quickest(); got != m.Name {
				t.Errorf("%s, though %s receives ahead here", got, m.Name)
			}
			return
		}
	}
	if got := poller.Quickest(); got != "epoll" {
		t.Errorf("%s, though nothing receives ahead here", got)
	}
}
