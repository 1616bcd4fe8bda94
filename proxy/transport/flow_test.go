package transport

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/proxy/h1"
	"bench/proxy/message"
)

// What gets a framing on its way ends with it, and with the trailer.
func TestFramedFlowEndsWithItsTrailer(t *testing.T) {
	k := newKit(t)
	to := &fakeLayer{}
	dst, _ := pair(t, k, to)
	src, _ := pair(t, k, &fakeLayer{recv: []recvStep{{"abcdefghijklmnop", true, 0}, {"q", true, 0}, {"", false, 0}}})
	f := Flow{Chunks: new(Content)}
	f.Begin(message.Body{Kind: message.BodyUntilClose}, h1.ChunkKeep)
	f.Frame = true
	f.Chunks.End([]byte("a: b\r\n"))
	src.Note(poller.In)
	if st := f.Pump(k, src, dst); st != FlowDone || string(to.sent) != "10\r\nabcdefghijklmnop\r\n1\r\nq\r\n0\r\na: b\r\n\r\n" {
		t.Errorf("state %d after %q", st, to.sent)
	}
}

// One that always has more is asked to let others on when it has had its share.
func TestPumpYields(t *testing.T) {
	k := newKit(t)
	to := &fakeLayer{}
	dst, _ := pair(t, k, to)
	from := &fakeLayer{}
	src, _ := pair(t, k, from)
	for range 100 {
		from.recv = append(from.recv, recvStep{strings.Repeat("x", 8<<10), true, 0})
	}
	var f Flow
	f.Begin(message.Body{Kind: message.BodyTunnel}, h1.ChunkKeep)
	src.Note(poller.In)
	if st := f.Pump(k, src, dst); st != FlowYield || len(to.sent) < Share || len(to.sent) > Share+8<<10 {
		t.Errorf("state %d after %d bytes", st, len(to.sent))
	}
}

// One that has a byte each time is, too.
func TestPumpYieldsAfterBytes(t *testing.T) {
	k := newKit(t)
	to := &fakeLayer{}
	dst, _ := pair(t, k, to)
	from := &fakeLayer{}
	src, _ := pair(t, k, from)
	for range 1000 {
		from.recv = append(from.recv, recvStep{"x", true, 0})
	}
	var f Flow
	f.Begin(message.Body{Kind: message.BodyTunnel}, h1.ChunkKeep)
	src.Note(poller.In)
	if st := f.Pump(k, src, dst); st != FlowYield || len(to.sent) != 32 {
		t.Errorf("state %d after %d bytes", st, len(to.sent))
	}
}

// What lies in a buffer stays as it is when room is made in front of it.
func TestCompactBuffer(t *testing.T) {
	k := newKit(t)
	b := k.Bufs.Append(nil, []byte(strings.Repeat("a", 1000)+"bcd"))
	b.R = 1000
	same := b
	b = k.Bufs.Append(b, []byte(strings.Repeat("e", 500)))
	if b != same || string(b.Data()) != "bcd"+strings.Repeat("e", 500) {
		t.Errorf("the same buffer %v, with %.20q and so on", b == same, b.Data())
	}
}

// waiting is an endpoint's owner that goes on sending when it may.
type waiting struct {
	e    *Endpoint
	left int
	done chan struct{}
}

func (w *waiting) Ready(ev poller.Events) {
	if w.e.Note(ev); ev&poller.Out != 0 && w.left > 0 {
		w.send()
	}
}

func (w *waiting) send() {
	for w.left > 0 {
		n, ok := w.e.Send(make([]byte, min(w.left, 64<<10)))
		if w.left -= n; !ok || n < 64<<10 && w.left > 0 {
			return
		}
	}
	close(w.done)
}

// An endpoint whose socket was full hears when there is room, of each poller.
func TestBlockedEndpointHearsOfRoom(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		l, err := loop.New(m.Name, 64)
		if err != nil {
			t.Logf("%s: %v", m.Name, err)
			continue
		}
		k := new(Kit)
		k.Init(l, 1024, 0, &PipeQuota{Max: 4})
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- l.Run() }()
		e := NewEndpoint(k, fds[0])
		const size = 4 << 20
		w := &waiting{e: &e, left: size, done: make(chan struct{})}
		l.Call(func() {
			if err := l.Add(fds[0], poller.In|poller.Out, w); err != nil {
				t.Error(err)
			}
			w.send()
		})
		if err := unix.SetNonblock(fds[1], false); err != nil {
			t.Fatal(err)
		}
		_ = unix.SetsockoptTimeval(fds[1], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
		got, p := 0, make([]byte, 64<<10)
		for got < size {
			n, err := unix.Read(fds[1], p)
			if err != nil || n == 0 {
				break
			}
			got += n
		}
		if got != size {
			t.Errorf("%s: %d bytes came of %d", m.Name, got, size)
		} else {
			<-w.done
		}
		l.Call(func() { e.Close(false) })
		l.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		unix.Close(fds[1])
	}
}
