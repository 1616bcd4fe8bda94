package virtual

import (
	"bytes"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"bench/internal/poller"
	"bench/internal/sock"
)

func at(port uint16) sock.Addr {
	return sock.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), port))
}

// nobody takes no notice.
type nobody struct{}

func (nobody) Ready() {}

// echo returns what comes, driven by a poller of either kind, until the end.
func echo(t *testing.T, m *Machine, edges bool) {
	t.Helper()
	p := m.NewPoller(edges)
	lfd, fd := m.Listen(at(80)), -1
	if err := p.Add(lfd, 1, poller.In); err != nil {
		t.Fatal(err)
	}
	var rest []byte
	ended := false
	move := func() {
		for b := make([]byte, 100); !ended; {
			n, errno := p.Recv(fd, b)
			if errno == syscall.EAGAIN {
				p.Rearm(fd, poller.In)
				break
			}
			rest, ended = append(rest, b[:n]...), n == 0
		}
		for len(rest) > 0 {
			n, errno := m.Send(fd, rest)
			if errno == syscall.EAGAIN {
				p.Rearm(fd, poller.Out)
				return
			}
			rest = rest[n:]
		}
		if ended {
			p.Forget(fd)
			m.Close(fd)
			fd = -1
		}
	}
	var events [8]poller.Event
	m.Drive(p, func() error {
		n, err := p.Wait(events[:], time.Hour)
		for _, e := range events[:n] {
			if int(e.FD) == lfd {
				if c, errno := m.Accept(lfd, nil); errno == 0 {
					fd = c
					if err := p.Add(fd, 2, poller.In); err != nil {
						return err
					}
				}
			} else if fd >= 0 {
				move()
			}
		}
		return err
	})
}

func TestBytesArriveInOrder(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 3000)
	for seed := uint64(1); seed <= 40; seed++ {
		m := New(seed)
		m.Unasked = int(seed%3) * 10
		echo(t, m, seed%2 == 0)
		e := m.Dial(at(1234), at(80), Link{Seed: seed, Delay: int64(seed%3) * 1000, Piece: int(seed % 5 * 100), Pieces: 1000, Room: 1000, Sparing: seed%4 == 0}, nobody{})
		var got []byte
		b := make([]byte, 300)
		for sent, ended := 0, false; !ended; {
			if sent < len(want) {
				n, _ := e.Write(want[sent:])
				if sent += n; sent == len(want) {
					e.CloseWrite()
				}
			}
			if n, errno := e.Read(b); errno == 0 {
				got, ended = append(got, b[:n]...), n == 0
			}
			if more, err := m.Step(); err != nil || !more && m.Events() > 1_000_000 {
				t.Fatal(seed, err)
			}
		}
		if !bytes.Equal(got, want) || m.Open() != 1 {
			t.Fatalf("seed %d: %d bytes of %d, %d descriptors", seed, len(got), len(want), m.Open())
		}
	}
}

func TestRefusedAndReset(t *testing.T) {
	m := New(1)
	refuse := true
	var peer *End
	m.Serve(at(80), func() Arrival {
		return Arrival{Refuse: refuse, Actor: func(e *End) Actor { peer = e; return nobody{} }}
	})
	run := func() {
		for more := true; more; {
			more, _ = m.Step()
		}
	}
	to := at(80)
	fd, _, _ := m.Connect(&to, nil)
	run()
	if errno := m.Error(fd); errno != syscall.ECONNREFUSED {
		t.Errorf("refused: %v", errno)
	}
	m.Close(fd)
	refuse = false
	fd, _, _ = m.Connect(&to, nil)
	run()
	if n, errno := peer.Write([]byte("x")); n != 1 || errno != 0 {
		t.Fatal(n, errno)
	}
	run()
	m.Close(fd) // with something unread
	run()
	if _, errno := peer.Read(make([]byte, 1)); errno != syscall.ECONNRESET {
		t.Errorf("closed with something unread: %v", errno)
	}
	if _, errno := peer.Write([]byte("x")); errno != syscall.EPIPE {
		t.Errorf("written to what was reset: %v", errno)
	}
}
