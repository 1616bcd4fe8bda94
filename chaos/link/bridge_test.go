package link

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/chaos/frame"
	"bench/chaos/impair"
	"bench/internal/dist"
	"bench/internal/loop"
)

// loopback is a bridge between two sockets of this process, which have message
// boundaries as packet sockets have, and their other ends.
func loopback(t testing.TB, specs ...impair.Spec) (b *bridge, clients, origins int) {
	t.Helper()
	var ports [2]*port
	var ends [2]int
	for i := range ports {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		ports[i], ends[i] = newPort(pair[0], "pair"), pair[1]
		t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	}
	b = newBridge(ports[0], ports[1], 0)
	for _, s := range specs {
		if err := b.engine.Add(s, loop.Nanotime()); err != nil {
			t.Fatal(err)
		}
	}
	return b, ends[0], ends[1]
}

// merged is a frame of n bytes of payload behind a virtio header that says that it
// stands for segments of the given size.
func merged(n, segment int) []byte {
	s := &frame.Segment{Flags: frame.ACK, Payload: make([]byte, n)}
	s.Src.Port, s.Dst.Port = 1000, 80
	f := frame.NewBuilder().Segment(s)
	b := make([]byte, frame.VnetSize, frame.VnetSize+len(f))
	if segment > 0 {
		frame.Vnet{Flags: 1, GSO: 1, Segment: uint16(segment), SumStart: 34, SumAt: 16}.Put(b)
	}
	return append(b, f...)
}

// carry sends a frame through the bridge and returns how many come out.
func carry(t testing.TB, b *bridge, in, out int, f []byte, buf []byte) (n int) {
	t.Helper()
	if _, err := unix.Write(in, f); err != nil {
		t.Fatal(err)
	}
	b.take(impair.Upstream)
	b.release(loop.Nanotime() + int64(time.Second))
	for {
		if _, err := unix.Read(out, buf); err != nil {
			return n
		}
		n++
	}
}

func TestBridgeCarries(t *testing.T) {
	slow := impair.Spec{ID: "slow", Delay: dist.FixedDuration(time.Millisecond)}
	loss := impair.Spec{ID: "loss", Loss: 1e-9}
	twice := impair.Spec{ID: "twice", Duplicate: 1}
	none := impair.Spec{ID: "none", Drop: true}
	for _, c := range []struct {
		name  string
		specs []impair.Spec
		frame []byte
		want  int
	}{
		{"plain", nil, merged(100, 0), 1},
		{"delayed", []impair.Spec{slow}, merged(100, 0), 1},
		{"merged and delayed", []impair.Spec{slow}, merged(5000, 1000), 1},
		{"split", []impair.Spec{loss}, merged(5000, 1000), 5},
		{"split and doubled", []impair.Spec{twice, slow}, merged(4500, 1000), 10},
		{"dropped", []impair.Spec{none}, merged(5000, 1000), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, in, out := loopback(t, c.specs...)
			if n := carry(t, b, in, out, c.frame, make([]byte, 1<<16)); n != c.want {
				t.Errorf("%d frames come out, want %d", n, c.want)
			}
			if b.queue.len() > 0 || b.line.Sent[impair.Upstream] != uint64(c.want) {
				t.Errorf("%d wait, %+v", b.queue.len(), b.line)
			}
		})
	}
}

func TestCarryingAllocatesNothing(t *testing.T) {
	for name, f := range map[string][]byte{"plain": merged(100, 0), "split": merged(5000, 1000)} {
		b, in, out := loopback(t, impair.Spec{ID: "all", Loss: 0.01, Duplicate: 0.1, Corrupt: 0.1, Delay: dist.FixedDuration(time.Millisecond)})
		buf := make([]byte, 1<<16)
		for range 100 {
			carry(t, b, in, out, f, buf)
		}
		if n := testing.AllocsPerRun(500, func() { carry(t, b, in, out, f, buf) }); n != 0 {
			t.Errorf("%s: %v allocations a frame", name, n)
		}
	}
}

// TestQueueKeepsTime pushes parcels in any order and expects them by their time,
// those of one time as they came.
func TestQueueKeepsTime(t *testing.T) {
	var q queue
	r := dist.NewRand(1, 1)
	for range 10_000 {
		q.push(parcel{due: int64(r.IntN(100))})
		if r.IntN(3) == 0 {
			q.pop()
		}
	}
	last := parcel{due: -1}
	for q.len() > 0 {
		due := q.next()
		p := q.pop()
		if p.due != due || p.due < last.due || (p.due == last.due && p.serial < last.serial) {
			t.Fatalf("after %d/%d comes %d/%d", last.due, last.serial, p.due, p.serial)
		}
		last = p
	}
}

func TestStoreIsBounded(t *testing.T) {
	s := newStore()
	var all [][]byte
	for {
		b := s.take(frameSpace)
		if b == nil {
			break
		}
		all = append(all, b)
	}
	if len(all) != largeLimit {
		t.Errorf("%d large frames could be kept, want %d", len(all), largeLimit)
	}
	s.give(all[0])
	if b := s.take(5000); cap(b) != frameSpace {
		t.Errorf("space of %d bytes for 5000", cap(b))
	}
	if b := s.take(100); cap(b) != smallSize {
		t.Errorf("space of %d bytes for 100", cap(b))
	}
}

func BenchmarkCarry(b *testing.B) {
	br, in, out := loopback(b, impair.Spec{ID: "d", Delay: dist.FixedDuration(time.Millisecond)})
	f, buf := merged(100, 0), make([]byte, 1<<16)
	b.ReportAllocs()
	for b.Loop() {
		carry(b, br, in, out, f, buf)
	}
}
