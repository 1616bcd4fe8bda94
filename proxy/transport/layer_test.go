package transport

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/proxy/h1"
	"bench/proxy/message"
)

// fakeLayer answers by a script.
type fakeLayer struct {
	recv            []recvStep
	took            []int // what Send takes, in turn; then all
	sent            []byte
	flushed, byebye int
	released        int
	late            bool // it says farewell later
}

type recvStep struct {
	data  string
	more  bool
	errno syscall.Errno
}

func (f *fakeLayer) Handshake(bool) {}
func (f *fakeLayer) Recv(p []byte, _ bool) (int, bool, syscall.Errno) {
	if len(f.recv) == 0 {
		return 0, false, syscall.EAGAIN
	}
	s := f.recv[0]
	f.recv = f.recv[1:]
	return copy(p, s.data), s.more, s.errno
}

func (f *fakeLayer) Send(a, b []byte) (int, syscall.Errno) {
	all := append(append([]byte(nil), a...), b...)
	n := len(all)
	if len(f.took) > 0 {
		n, f.took = min(n, f.took[0]), f.took[1:]
	}
	f.sent = append(f.sent, all[:n]...)
	return n, 0
}
func (f *fakeLayer) Flush()   { f.flushed++ }
func (f *fakeLayer) Release() { f.released++ }
func (f *fakeLayer) Shutdown() (later bool) {
	f.byebye++
	return f.late
}

type nobody struct{}

func (nobody) Ready(poller.Events) {}

// newKit returns a kit whose loop does not run.
func newKit(t *testing.T) *Kit {
	t.Helper()
	l, err := loop.New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	k := new(Kit)
	k.Init(l, 1024, 0, &PipeQuota{Max: 4})
	return k
}

// pair returns an endpoint with a layer, and the other end of its socket.
func pair(t *testing.T, k *Kit, layer Layer) (e *Endpoint, other int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Loop.Add(fds[0], poller.In, nobody{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[1]) })
	x := NewEndpoint(k, fds[0])
	x.Layer = layer
	return &x, fds[1]
}

// What a layer has got ready does not show at its socket: only its word counts.
func TestLengthSaysNothingOfALayer(t *testing.T) {
	k := newKit(t)
	src, _ := pair(t, k, &fakeLayer{recv: []recvStep{
		{"ab", true, 0},  // short, and there is more
		{"cd", false, 0}, // short, and there is not
		{"e", true, 0},   // after an edge
		{"", false, 0},   // the end
	}})
	to := &fakeLayer{}
	dst, _ := pair(t, k, to)
	var f Flow
	f.Begin(message.Body{Kind: message.BodyTunnel}, h1.ChunkKeep)
	src.Note(poller.In)
	if st := f.Pump(k, src, dst); st != FlowWait || string(to.sent) != "abcd" || src.Readable {
		t.Fatalf("state %d after %q, readable %v", st, to.sent, src.Readable)
	}
	src.Note(poller.In)
	if st := f.Pump(k, src, dst); st != FlowDone || string(to.sent) != "abcde" || !src.Ended {
		t.Fatalf("state %d after %q, ended %v", st, to.sent, src.Ended)
	}
	if src.BytesIn != 5 || dst.BytesOut != 5 {
		t.Errorf("%d bytes in, %d out", src.BytesIn, dst.BytesOut)
	}
}

// A layer that fails, or has not taken all, is treated as a socket is.
func TestLayerBlocksAndFails(t *testing.T) {
	k := newKit(t)
	src, _ := pair(t, k, &fakeLayer{recv: []recvStep{{"abcdef", false, 0}, {"", false, syscall.EPROTO}}})
	to := &fakeLayer{took: []int{4}}
	dst, _ := pair(t, k, to)
	var f Flow
	f.Begin(message.Body{Kind: message.BodyTunnel}, h1.ChunkKeep)
	src.Note(poller.In)
	if st := f.Pump(k, src, dst); st != FlowBlocked || !f.Pending() {
		t.Fatalf("state %d, pending %v", st, f.Pending())
	}
	dst.Note(poller.Out)
	if to.flushed != 1 {
		t.Errorf("flushed %d times by one event", to.flushed)
	}
	src.Note(poller.In)
	if st := f.Pump(k, src, dst); st != FlowSrcErr || src.Errno != syscall.EPROTO || string(to.sent) != "abcdef" {
		t.Fatalf("state %d, error %v, sent %q", st, src.Errno, to.sent)
	}
	if k.Bufs.Used() != 0 {
		t.Errorf("%d buffers are held", k.Bufs.Used())
	}
}

// The end is said once, and not at all to a peer that is to notice that something is
// missing.
func TestFarewell(t *testing.T) {
	for _, c := range []struct {
		name     string
		end      func(*Endpoint)
		farewell int
	}{
		{"shut down, then closed", func(e *Endpoint) { e.Shutdown(); e.Shutdown(); e.Close(false) }, 1},
		{"closed", func(e *Endpoint) { e.Close(false) }, 1},
		{"cut", func(e *Endpoint) { e.Close(true) }, 0},
		{"failed before", func(e *Endpoint) { e.Errno = syscall.ECONNRESET; e.Close(false) }, 0},
	} {
		l := &fakeLayer{}
		e, other := pair(t, newKit(t), l)
		e.Keep([]byte("unread"))
		c.end(e)
		if l.byebye != c.farewell || l.released != 1 || e.Open() || e.In != nil {
			t.Errorf("%s: %d farewells, released %d times, open %v", c.name, l.byebye, l.released, e.Open())
		}
		if n, err := unix.Read(other, make([]byte, 1)); n != 0 || err != nil {
			t.Errorf("%s: the peer reads %d, %v", c.name, n, err)
		}
	}
}

// Nothing is spliced past a layer.
func TestLayersAreNotSpliced(t *testing.T) {
	k := newKit(t)
	var f Flow
	f.Begin(message.Body{Kind: message.BodyLength, Length: 1 << 30}, h1.ChunkKeep)
	f.SetSplicing(k, SpliceAlways)
	bare, _ := pair(t, k, nil)
	other, _ := pair(t, k, nil)
	layered, _ := pair(t, k, &fakeLayer{})
	if f.spliceable(bare, other) == 0 {
		t.Error("bulk between sockets is not spliced")
	}
	if f.spliceable(bare, layered) != 0 || f.spliceable(layered, bare) != 0 {
		t.Error("bulk would be spliced past a layer")
	}
}

// What comes in small pieces is not copied over and over, however much of it there is.
func TestBuffersGrowByMoreThanIsNeeded(t *testing.T) {
	k := newKit(t)
	const size = 300 << 10
	var b *Buffer
	buffers := 0
	for i := range size {
		was := b
		if b = k.Bufs.Append(b, []byte{byte(i >> 3)}); b != was {
			buffers++
		}
	}
	if len(b.Data()) != size || buffers > 6 {
		t.Errorf("%d bytes in the last of %d buffers", len(b.Data()), buffers)
	}
	for i, c := range b.Data() {
		if c != byte(i>>3) {
			t.Fatalf("byte %d is %x", i, c)
		}
	}
	k.Bufs.Put(b)
	if n := k.Bufs.Used(); n != 0 {
		t.Errorf("%d buffers are in use", n)
	}
}

// A layer that cannot say farewell now shuts the socket down itself: until then it is open.
func TestFarewellLater(t *testing.T) {
	l := &fakeLayer{late: true}
	e, other := pair(t, newKit(t), l)
	e.Shutdown()
	if n, err := unix.Read(other, make([]byte, 1)); err != unix.EAGAIN {
		t.Errorf("the peer reads %d, %v", n, err)
	}
	l.late = false
	if e.Shutdown(); l.byebye != 1 {
		t.Errorf("%d farewells", l.byebye)
	}
	e.Close(false)
	if n, err := unix.Read(other, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the peer reads %d, %v", n, err)
	}
}
