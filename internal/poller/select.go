package poller

import (
	"fmt"
	"math/bits"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// selectMaxFD is the size of the kernel's fd_set: a higher descriptor would
// write beyond it, so Add refuses it.
const selectMaxFD = unix.FD_SETSIZE

const (
	wordBits = int(unsafe.Sizeof(unix.FdSet{}.Bits[0])) * 8
	setWords = selectMaxFD / wordBits
)

// selector keeps the armed sets; the kernel overwrites copies of them.
type selector struct {
	direct
	in, out unix.FdSet
	gen     [selectMaxFD]uint32
	top     int // one above the highest watched descriptor
	used    unix.FdSet
	ready   [2]unix.FdSet // what the kernel writes to
	ts      unix.Timespec
	from    int // word at which the next scan begins, as in poll
}

func newSelect(int) (Poller, error) { return &selector{}, nil }

func (p *selector) Name() string { return "select" }

func (p *selector) Add(fd int, gen uint32, want Events) error {
	if fd >= selectMaxFD {
		return limitError("select", fd, selectMaxFD)
	}
	if p.used.IsSet(fd) {
		return fmt.Errorf("select: descriptor %d: %w", fd, unix.EEXIST)
	}
	p.used.Set(fd)
	p.gen[fd] = gen
	p.top = max(p.top, fd+1)
	p.Rearm(fd, want)
	return nil
}

func (p *selector) Rearm(fd int, ev Events) {
	if fd >= selectMaxFD || !p.used.IsSet(fd) {
		return
	}
	if ev&In != 0 {
		p.in.Set(fd)
	}
	if ev&Out != 0 {
		p.out.Set(fd)
	}
}

func (p *selector) Remove(fd int) {
	if fd >= selectMaxFD {
		return
	}
	p.used.Clear(fd)
	p.in.Clear(fd)
	p.out.Clear(fd)
	for p.top > 0 && !p.used.IsSet(p.top-1) {
		p.top--
	}
}

func (p *selector) Forget(fd int) { p.Remove(fd) }

func (p *selector) Wait(out []Event, timeout time.Duration) (int, error) {
	var ts *unix.Timespec
	if timeout >= 0 {
		p.ts = unix.NsecToTimespec(int64(timeout))
		ts = &p.ts
	}
	rd, wr := &p.ready[0], &p.ready[1]
	*rd, *wr = p.in, p.out
	ready, e := wait(timeout, unix.SYS_PSELECT6, uintptr(p.top), uintptr(unsafe.Pointer(rd)), uintptr(unsafe.Pointer(wr)), 0, uintptr(unsafe.Pointer(ts)), 0)
	if e != 0 {
		if interrupted(e) {
			return 0, nil
		}
		return 0, fmt.Errorf("select: %w", e)
	}
	if ready == 0 {
		return 0, nil
	}
	n := 0
	for i := range setWords {
		w := (p.from + i) % setWords
		for m := uint64(rd.Bits[w] | wr.Bits[w]); m != 0; m &= m - 1 {
			if n == len(out) {
				p.from = w
				return n, nil
			}
			fd := w*wordBits + bits.TrailingZeros64(m)
			var ev Events
			// select shows a closed peer as readable only; Hup is left out,
			// so a short read must be followed by one more edge, which a
			// level-triggered mechanism gives once rearmed.
			if rd.IsSet(fd) {
				ev |= In
				p.in.Clear(fd)
			}
			if wr.IsSet(fd) {
				ev |= Out
				p.out.Clear(fd)
			}
			out[n] = Event{FD: int32(fd), Gen: p.gen[fd], Ev: ev}
			n++
		}
	}
	return n, nil
}

func (p *selector) Close() {}
