package poller

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The requests that are used (linux/io_uring.h).
const (
	opPollAdd     = 6
	opAsyncCancel = 14
	opRecv        = 27

	pollMulti    = 1 << 0 // in the len of a poll request
	recvMulti    = 1 << 1 // in the ioprio of a receive request
	cancelAll    = 1 << 0
	cancelAny    = 1 << 2
	selectBuffer = 1 << 5 // in the flags of a request: the kernel takes a buffer
	skipSuccess  = 1 << 6 // no completion unless it fails
	flagBuffer   = 1 << 0 // in a completion: it fills a buffer
	flagMore     = 1 << 1 // in a completion: the request goes on
	bufferShift  = 16     // of the number of the buffer
)

// noReply marks requests whose completion tells nothing. No descriptor has it.
const noReply = ^uint64(0)

// pollMask is what a polled descriptor is watched for. The poll events have the
// values of those of epoll.
const pollMask = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP

// Requests of a descriptor, as bits of a set and as part of the user data.
const (
	reqPoll = 1 << iota // readiness, again and again
	reqRecv             // data, again and again
	reqOut              // room to write, once
)

// mode is what a descriptor is watched by.
type mode uint8

const (
	modePoll  mode = iota // a poll request; its owner makes the calls
	modeAhead             // a receive request; what comes lies ready for its owner
	modeBack              // the receive request is being cancelled, to go back to modePoll
)

// ioUring keeps one request in the kernel for each descriptor, which lasts as long
// as the connection does: no file is looked up for what happens to it, so there is
// nothing to be gained by registering files. A descriptor is watched by a multishot
// poll, which is edge-triggered, or where its owner asks for it by a multishot
// receive, which spares a system call for each piece of data.
//
// Requests are queued and go to the kernel with the next wait, in one system call.
// Those that act on a descriptor are queued no sooner than in that wait, so that
// none of them can meet another file that has got the same number meanwhile.
//
// A request holds its file open. A descriptor that is closed is therefore closed in
// truth when its request has been cancelled, with the next wait; the end of the
// stream goes out no later than the turn of the loop.
type ioUring struct {
	r       *ring
	buffers *bufferRing // nil: nothing is received ahead
	watched []watch     // by descriptor
	changed []int32     // descriptors whose requests are not what they should be
	unsent  bool        // requests that act on descriptors are queued
	batch   uint32      // counts calls of reap
	skip    uint8       // skipSuccess where the kernel knows it
}

// watch is a registration. A request of an earlier one, of the same number, may
// still complete: its generation tells.
type watch struct {
	gen     uint32
	on      bool
	mode    mode
	live    uint8 // requests in the kernel
	wantOut bool
	changed bool
	ended   bool          // in modePoll: what follows the queue is err, or the end
	err     syscall.Errno // 0: end of stream
	queue   bufferQueue
	// The event of this descriptor in the batch that was reaped last.
	batch uint32
	event int32
}

func newIOUring(maxFD int) (Poller, error) {
	r, err := newRing()
	if err != nil {
		return nil, err
	}
	return ringPoller(r, maxFD, bufferCount), nil
}

// ringPoller makes a poller of a ring. Only a ring whose completion work is left to
// its waits receives ahead: then nothing moves from sockets to buffers while an owner
// looks at them, and the kernel is new enough to know the requests (Linux 6.1).
func ringPoller(r *ring, maxFD, buffers int) *ioUring {
	p := &ioUring{r: r, watched: make([]watch, max(maxFD, 64))}
	if r.features&featCQESkip != 0 {
		p.skip = skipSuccess
	}
	if r.deferred {
		p.buffers, _ = newBufferRing(r, buffers) // refused, as by a limit on memory: it polls
	}
	return p
}

func (p *ioUring) Name() string { return "io_uring" }

// Features tells in words what of io_uring is in use.
func (p *ioUring) Features() []string {
	words := []string{"multishot poll"}
	if p.buffers != nil {
		words = append(words, "multishot receive", "provided buffers")
	}
	if p.r.deferred {
		words = append(words, "single issuer", "deferred task work")
	}
	return words
}

// The user data of a request is its generation, kind and descriptor.
const (
	kindShift = 28
	fdMask    = 1<<kindShift - 1
)

func userData(fd int, gen uint32, kind uint64) uint64 {
	return uint64(gen)<<32 | kind<<kindShift | uint64(fd)
}

func (p *ioUring) Add(fd int, gen uint32, _ Events) error {
	if fd > fdMask {
		return limitError(p.Name(), fd, fdMask+1)
	}
	for fd >= len(p.watched) {
		p.watched = append(p.watched, make([]watch, len(p.watched))...)
	}
	w := &p.watched[fd]
	if w.on {
		return fmt.Errorf("io_uring: descriptor %d: %w", fd, unix.EEXIST)
	}
	*w = watch{gen: gen, on: true, changed: w.changed}
	p.change(fd, w)
	return nil
}

// change has the requests of fd looked at before the next wait.
func (p *ioUring) change(fd int, w *watch) {
	if !w.changed {
		w.changed = true
		p.changed = append(p.changed, int32(fd))
	}
}

// request queues the requests that the changed descriptors are short of, and the
// ends of those that they have no use for.
func (p *ioUring) request() {
	for _, fd := range p.changed {
		w := &p.watched[fd]
		w.changed = false
		if !w.on {
			continue
		}
		fd := int(fd)
		switch {
		case w.mode == modeAhead:
			p.cancel(fd, w, reqPoll)
			if w.live&reqRecv == 0 {
				p.start(w, reqRecv, sqe{op: opRecv, flags: selectBuffer, ioprio: recvMulti, fd: int32(fd), userData: userData(fd, w.gen, reqRecv)})
			}
		case w.mode == modePoll && w.live&reqPoll == 0:
			p.start(w, reqPoll, sqe{op: opPollAdd, fd: int32(fd), len: pollMulti, opFlags: pollMask, userData: userData(fd, w.gen, reqPoll)})
		}
		if w.wantOut && w.mode != modePoll && w.live&reqOut == 0 {
			p.start(w, reqOut, sqe{op: opPollAdd, fd: int32(fd), opFlags: unix.EPOLLOUT, userData: userData(fd, w.gen, reqOut)})
		}
	}
	p.changed = p.changed[:0]
}

func (p *ioUring) start(w *watch, kind uint8, e sqe) {
	w.live |= kind
	p.unsent = true
	p.r.push(e)
}

// cancel ends the live requests of fd that are among kinds. What they have brought
// until the kernel hears of it comes all the same. A request to remove a poll would
// not do: it leaves one alone that is about to tell of an event, and its file open.
func (p *ioUring) cancel(fd int, w *watch, kinds uint8) {
	kinds &= w.live
	w.live &^= kinds
	for _, kind := range [...]uint8{reqPoll, reqOut, reqRecv} {
		if kinds&kind == 0 {
			continue
		}
		p.r.push(sqe{op: opAsyncCancel, flags: p.skip, fd: -1, addr: userData(fd, w.gen, uint64(kind)), userData: noReply})
	}
}

func (p *ioUring) Rearm(fd int, ev Events) {
	if w := &p.watched[fd]; ev&Out != 0 && w.mode != modePoll {
		w.wantOut = true
		p.change(fd, w)
	}
}

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
	w := &p.watched[fd]
	if p.unsent && w.live != 0 {
		// The last wait could not hand its requests over: they must not find another
		// file under this number.
		_ = p.r.enter(0)
		p.unsent = !p.r.sent()
	}
	w.on = false
	p.cancel(fd, w, reqPoll|reqRecv|reqOut)
	if p.buffers != nil {
		p.buffers.drop(&w.queue)
	}
}

func (p *ioUring) Wait(out []Event, timeout time.Duration) (int, error) {
	var until time.Time
	for {
		p.request()
		if timeout != 0 || !p.r.idle() {
			errno := p.r.enter(timeout)
			p.unsent = p.unsent && !p.r.sent()
			if errno != 0 && errno != unix.EBUSY {
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

// reap takes completions until out is full. Those of one descriptor are one event:
// its owner is to know of the end of a stream when it handles what came before it.
func (p *ioUring) reap(out []Event) (n int) {
	p.batch++
	head, tail := *p.r.cqHead, atomic.LoadUint32(p.r.cqTail)
	for ; head != tail && n < len(out); head++ {
		c := &p.r.cqes[head&p.r.cqMask]
		if c.userData == noReply {
			continue
		}
		fd := int(c.userData & fdMask)
		w := &p.watched[fd]
		if !w.on || w.gen != uint32(c.userData>>32) {
			if c.flags&flagBuffer != 0 {
				p.buffers.recycle(uint16(c.flags >> bufferShift))
			}
			continue
		}
		var ev Events
		switch uint8(c.userData >> kindShift & 0xf) {
		case reqPoll:
			ev = p.polled(fd, w, c)
		case reqRecv:
			ev = p.received(fd, w, c)
		case reqOut:
			ev = p.roomy(w, c)
		}
		switch {
		case ev == 0:
		case w.batch == p.batch:
			out[w.event].Ev |= ev
		default:
			out[n] = Event{FD: int32(fd), Gen: w.gen, Ev: ev}
			w.batch, w.event = p.batch, int32(n)
			n++
		}
	}
	atomic.StoreUint32(p.r.cqHead, head)
	return n
}

// polled is a completion of the poll request.
func (p *ioUring) polled(fd int, w *watch, c *cqe) Events {
	switch {
	case w.live&reqPoll == 0:
		return 0 // cancelled meanwhile
	case c.flags&flagMore == 0: // the kernel ends a request that it cannot go on with
		w.live &^= reqPoll
		p.change(fd, w)
	}
	if c.res < 0 {
		return In | Out | Hup
	}
	return epollEvents(uint32(c.res))
}

// roomy is the completion of the request that waits for room to write.
func (p *ioUring) roomy(w *watch, c *cqe) Events {
	if w.live&reqOut == 0 {
		return 0
	}
	w.live &^= reqOut
	w.wantOut = false
	if c.res < 0 {
		return In | Out | Hup
	}
	return epollEvents(uint32(c.res))
}

// Close ends the requests itself, because the kernel does it some time after the
// ring is closed, and files stay open until then.
func (p *ioUring) Close() {
	if p.r.enabled {
		p.r.push(sqe{op: opAsyncCancel, fd: -1, opFlags: cancelAll | cancelAny, userData: noReply})
		_ = p.r.enter(0)
	}
	p.r.close()
	if p.buffers != nil {
		p.buffers.close()
	}
}
