package poller

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The requests that are used (linux/io_uring.h).
const (
	opPollAdd     = 6
	opPollRemove  = 7
	opAsyncCancel = 14

	pollMulti   = 1 << 0 // in the len of a poll request
	cancelAll   = 1 << 0
	cancelAny   = 1 << 2
	skipSuccess = 1 << 6 // no completion unless it fails
	flagMore    = 1 << 1 // in a completion: the request goes on
)

// noReply marks requests whose completion tells nothing. No descriptor has it.
const noReply = ^uint64(0)

// pollMask is what every descriptor is watched for. The poll events have the
// values of those of epoll.
const pollMask = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP

// ioUring watches each descriptor by one multishot poll request, which is
// edge-triggered. Requests are queued in memory and go to the kernel with the
// next wait, in one system call.
//
// A poll request holds its file open. A descriptor that is closed is therefore
// closed in truth when its request has been cancelled, with the next wait; the
// end of the stream goes out no later than the turn of the loop.
type ioUring struct {
	r       *ring
	watched []watch // by descriptor
	skip    uint8   // skipSuccess where the kernel knows it
}

// watch is a registration. A request of an earlier one, of the same number, may
// still complete: its generation tells.
type watch struct {
	gen uint32
	on  bool
}

func newIOUring(maxFD int) (Poller, error) {
	r, err := newRing()
	if err != nil {
		return nil, err
	}
	return ringPoller(r, maxFD), nil
}

func ringPoller(r *ring, maxFD int) *ioUring {
	p := &ioUring{r: r, watched: make([]watch, max(maxFD, 64))}
	if r.features&featCQESkip != 0 {
		p.skip = skipSuccess
	}
	return p
}

func (p *ioUring) Name() string { return "io_uring" }

func userData(fd int, gen uint32) uint64 { return uint64(gen)<<32 | uint64(uint32(fd)) }

func (p *ioUring) Add(fd int, gen uint32, _ Events) error {
	for fd >= len(p.watched) {
		p.watched = append(p.watched, make([]watch, len(p.watched))...)
	}
	if p.watched[fd].on {
		return fmt.Errorf("io_uring: descriptor %d: %w", fd, unix.EEXIST)
	}
	p.watched[fd] = watch{gen: gen, on: true}
	p.arm(fd, gen)
	return nil
}

func (p *ioUring) arm(fd int, gen uint32) {
	p.r.push(sqe{op: opPollAdd, fd: int32(fd), len: pollMulti, opFlags: pollMask, userData: userData(fd, gen)})
}

func (p *ioUring) Rearm(int, Events) {}

// Remove cancels at once, so that the descriptor is the owner's alone when it
// returns.
func (p *ioUring) Remove(fd int) {
	p.Forget(fd)
	if p.r.enabled {
		_ = p.r.enter(0) // what fails here is tried again by Wait
	}
}

func (p *ioUring) Forget(fd int) {
	if fd >= len(p.watched) || !p.watched[fd].on {
		return
	}
	p.watched[fd].on = false
	p.r.push(sqe{op: opPollRemove, flags: p.skip, fd: -1, addr: userData(fd, p.watched[fd].gen), userData: noReply})
}

func (p *ioUring) Wait(out []Event, timeout time.Duration) (int, error) {
	var until time.Time
	for {
		if timeout != 0 || !p.r.idle() {
			if errno := p.r.enter(timeout); errno != 0 && errno != unix.EBUSY {
				if interrupted(errno) {
					return p.reap(out), nil
				}
				return 0, fmt.Errorf("io_uring_enter: %w", errno)
			}
		}
		completed := p.r.ready() > 0
		n := p.reap(out)
		if n > 0 || timeout == 0 || !completed {
			return n, nil
		}
		// Only completions of what was cancelled: the wait goes on.
		if timeout > 0 {
			now := time.Now()
			if until.IsZero() {
				until = now.Add(timeout)
			}
			if timeout = until.Sub(now); timeout <= 0 {
				return 0, nil
			}
		}
	}
}

// reap takes completions until out is full.
func (p *ioUring) reap(out []Event) (n int) {
	head, tail := *p.r.cqHead, atomic.LoadUint32(p.r.cqTail)
	for ; head != tail && n < len(out); head++ {
		c := &p.r.cqes[head&p.r.cqMask]
		fd, gen := int(uint32(c.userData)), uint32(c.userData>>32)
		if c.userData == noReply || !p.watched[fd].on || p.watched[fd].gen != gen {
			continue
		}
		ev := In | Out | Hup
		if c.res >= 0 {
			ev = epollEvents(uint32(c.res))
			if c.flags&flagMore == 0 {
				p.arm(fd, gen) // the kernel ends a request that it cannot go on with
			}
		}
		out[n] = Event{FD: int32(fd), Gen: gen, Ev: ev}
		n++
	}
	atomic.StoreUint32(p.r.cqHead, head)
	return n
}

// Close ends the requests itself, because the kernel does it some time after the
// ring is closed, and files stay open until then.
func (p *ioUring) Close() {
	if p.r.enabled {
		p.r.push(sqe{op: opAsyncCancel, fd: -1, opFlags: cancelAll | cancelAny, userData: noReply})
		_ = p.r.enter(0)
	}
	p.r.close()
}
