package poller

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The parts of the kernel's interface that are used (linux/io_uring.h).
const (
	setupCQSize       = 1 << 3
	setupDisabled     = 1 << 6
	setupSubmitAll    = 1 << 7
	setupCoopTaskrun  = 1 << 8
	setupTaskrunFlag  = 1 << 9
	setupSingleIssuer = 1 << 12
	setupDeferTaskrun = 1 << 13

	featSingleMmap = 1 << 0
	featNoDrop     = 1 << 1
	featExtArg     = 1 << 8
	featRsrcTags   = 1 << 10
	featCQESkip    = 1 << 11

	enterGetEvents      = 1 << 0
	enterExtArg         = 1 << 3
	enterRegisteredRing = 1 << 4

	sqOverflow = 1 << 1
	sqTaskrun  = 1 << 2

	registerEnableRings = 12
	registerRingFDs     = 20
	offsetSQEs          = 0x10000000
)

// ringParams is struct io_uring_params with its offsets.
type ringParams struct {
	sqEntries, cqEntries, flags, sqThreadCPU, sqThreadIdle, features, wqFD uint32
	_                                                                      [3]uint32
	sq                                                                     struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags, _ uint32
		_                                                   uint64
	}
}

// sqe is a submission queue entry.
type sqe struct {
	op       uint8
	flags    uint8
	ioprio   uint16
	fd       int32
	off      uint64
	addr     uint64
	len      uint32
	opFlags  uint32
	userData uint64
	_        [3]uint64
}

// cqe is a completion queue entry.
type cqe struct {
	userData uint64
	res      int32
	flags    uint32
}

// getEventsArg carries the timeout of a wait.
type getEventsArg struct {
	sigmask   uint64
	sigmaskSz uint32
	_         uint32
	ts        *unix.Timespec
}

// Sizes of the two queues. What does not fit into the first waits in the process,
// what does not fit into the second waits in the kernel.
const (
	sqSize = 256
	cqSize = 4096
)

// ring is one io_uring with its queues, for the thread that enables it.
type ring struct {
	fd       int
	features uint32
	rings    []byte
	entries  []byte

	sqHead, sqTail, sqFlags *uint32
	sqMask                  uint32
	sqes                    []sqe
	tail                    uint32 // of the submission queue, as written
	// backlog holds what the submission queue has no room for, in order.
	backlog []sqe

	cqHead, cqTail *uint32
	cqMask         uint32
	cqes           []cqe

	enabled  bool
	deferred bool
	// enterFD is what enter names the ring by: its descriptor, or where the kernel
	// lets a thread register it, a number that needs no looking up.
	enterFD    int
	enterFlags uintptr
	arg        getEventsArg
	ts         unix.Timespec
}

// ringFlags are the ways to set a ring up, the best first. Completion work that
// is left to the waiting thread neither interrupts it nor needs atomics (Linux
// 6.1); a thread that is not interrupted but told by a flag comes next (5.19).
var ringFlags = [...]uint32{
	setupSingleIssuer | setupDeferTaskrun | setupTaskrunFlag | setupSubmitAll,
	setupCoopTaskrun | setupTaskrunFlag | setupSubmitAll,
	0,
}

// newRing sets a ring up in the best way that the kernel knows.
func newRing() (*ring, error) {
	var err error
	for _, flags := range ringFlags {
		var r *ring
		if r, err = setupRing(flags, sqSize, cqSize); err == nil || !errors.Is(err, unix.EINVAL) {
			return r, err
		}
	}
	return nil, err
}

func setupRing(flags, sq, cq uint32) (*ring, error) {
	p := &ringParams{cqEntries: cq, flags: flags | setupCQSize | setupDisabled}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(sq), uintptr(unsafe.Pointer(p)), 0)
	if errno != 0 {
		return nil, refusal(errno)
	}
	r := &ring{fd: int(fd), enterFD: int(fd), features: p.features, deferred: flags&setupDeferTaskrun != 0}
	// Tagged resources came with the multishot poll (Linux 5.13).
	if need := uint32(featSingleMmap | featNoDrop | featExtArg | featRsrcTags); p.features&need != need {
		r.close()
		return nil, errors.New("this kernel's io_uring is too old: Linux 5.13 is needed")
	}
	if err := r.mmap(p); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// refusal explains why there is no ring.
func refusal(errno syscall.Errno) error {
	switch errno {
	case unix.ENOSYS:
		return fmt.Errorf("this kernel has no io_uring: %w", errno)
	case unix.EPERM:
		if b, err := os.ReadFile("/proc/sys/kernel/io_uring_disabled"); err == nil && strings.TrimSpace(string(b)) != "0" {
			return fmt.Errorf("switched off by the sysctl kernel.io_uring_disabled=%s: %w", strings.TrimSpace(string(b)), errno)
		}
		return fmt.Errorf("io_uring_setup is forbidden here, as by a seccomp filter: %w", errno)
	case unix.ENOMEM:
		// Its queues count as locked memory of the user, all processes together.
		var lim unix.Rlimit
		if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &lim) == nil && lim.Cur != unix.RLIM_INFINITY {
			return fmt.Errorf("the limit on locked memory (ulimit -l, %d KiB) leaves no room for its queues: %w", lim.Cur>>10, errno)
		}
	}
	return fmt.Errorf("io_uring_setup: %w", errno)
}

func (r *ring) mmap(p *ringParams) (err error) {
	size := max(int(p.sq.array+p.sqEntries*4), int(p.cq.cqes)+int(p.cqEntries)*int(unsafe.Sizeof(cqe{})))
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	if r.rings, err = unix.Mmap(r.fd, 0, size, prot, flags); err != nil {
		return fmt.Errorf("mapping the rings: %w", err)
	}
	if r.entries, err = unix.Mmap(r.fd, offsetSQEs, int(p.sqEntries)*int(unsafe.Sizeof(sqe{})), prot, flags); err != nil {
		return fmt.Errorf("mapping the submission queue: %w", err)
	}
	word := func(off uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[off])) }
	r.sqHead, r.sqTail, r.sqFlags, r.sqMask = word(p.sq.head), word(p.sq.tail), word(p.sq.flags), *word(p.sq.mask)
	r.cqHead, r.cqTail, r.cqMask = word(p.cq.head), word(p.cq.tail), *word(p.cq.mask)
	r.sqes = unsafe.Slice((*sqe)(unsafe.Pointer(&r.entries[0])), p.sqEntries)
	r.cqes = unsafe.Slice((*cqe)(unsafe.Pointer(word(p.cq.cqes))), p.cqEntries)
	for i := range p.sqEntries {
		*word(p.sq.array + i*4) = i
	}
	return nil
}

// push queues an entry for the next enter.
func (r *ring) push(e sqe) {
	if len(r.backlog) > 0 || r.queued() == uint32(len(r.sqes)) {
		r.backlog = append(r.backlog, e)
		return
	}
	r.sqes[r.tail&r.sqMask] = e
	r.tail++
	atomic.StoreUint32(r.sqTail, r.tail)
}

// queued is the number of entries that the kernel has not taken yet, without the
// backlog.
func (r *ring) queued() uint32 { return r.tail - atomic.LoadUint32(r.sqHead) }

// sent reports whether the kernel has taken all that was queued.
func (r *ring) sent() bool { return r.queued() == 0 && len(r.backlog) == 0 }

// refill moves as much of the backlog as fits to the submission queue.
func (r *ring) refill() {
	n := min(len(r.backlog), len(r.sqes)-int(r.queued()))
	if n == 0 {
		return
	}
	for _, e := range r.backlog[:n] {
		r.sqes[r.tail&r.sqMask] = e
		r.tail++
	}
	atomic.StoreUint32(r.sqTail, r.tail)
	r.backlog = r.backlog[:copy(r.backlog, r.backlog[n:])]
}

// idle reports whether an enter that does not wait would do nothing.
func (r *ring) idle() bool {
	return r.deferred && r.sent() && atomic.LoadUint32(r.sqFlags)&(sqTaskrun|sqOverflow) == 0
}

// ready is the number of completions to be taken.
func (r *ring) ready() uint32 { return atomic.LoadUint32(r.cqTail) - *r.cqHead }

// enter submits what is queued and waits for a completion, at most for timeout.
func (r *ring) enter(timeout time.Duration) syscall.Errno {
	if !r.enabled {
		if errno := r.enable(); errno != 0 {
			return errno
		}
	}
	for {
		r.refill()
		flags, atLeast, arg, size := uintptr(enterGetEvents), uintptr(0), uintptr(0), uintptr(0)
		if timeout != 0 && len(r.backlog) == 0 && r.ready() == 0 {
			atLeast = 1
		}
		if atLeast > 0 && timeout > 0 {
			r.ts = unix.NsecToTimespec(int64(timeout))
			r.arg.ts = &r.ts
			flags, arg, size = flags|enterExtArg, uintptr(unsafe.Pointer(&r.arg)), unsafe.Sizeof(r.arg)
		}
		before := r.queued()
		how := timeout
		if atLeast == 0 {
			how = 0
		}
		_, errno := wait(how, unix.SYS_IO_URING_ENTER, uintptr(r.enterFD), uintptr(before), atLeast, flags|r.enterFlags, arg, size)
		switch {
		case errno == unix.ETIME:
			return 0
		case errno != 0:
			return errno
		case len(r.backlog) == 0 || r.queued() == before:
			return 0
		}
	}
}

// ringUpdate is struct io_uring_rsrc_update.
type ringUpdate struct {
	offset, _ uint32
	data      uint64
}

// enable makes the ring the calling thread's.
func (r *ring) enable() syscall.Errno {
	if _, errno := r.register(registerEnableRings, nil, 0); errno != 0 {
		return errno
	}
	r.enabled = true
	own := ringUpdate{offset: math.MaxUint32, data: uint64(r.fd)}
	if n, errno := r.register(registerRingFDs, unsafe.Pointer(&own), 1); errno == 0 && n == 1 {
		r.enterFD, r.enterFlags = int(own.offset), enterRegisteredRing
	}
	return 0
}

func (r *ring) register(what uintptr, arg unsafe.Pointer, count uintptr) (n uintptr, errno syscall.Errno) {
	n, _, errno = unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), what, uintptr(arg), count, 0, 0)
	return n, errno
}

func (r *ring) close() {
	if r.rings != nil {
		_ = unix.Munmap(r.rings)
	}
	if r.entries != nil {
		_ = unix.Munmap(r.entries)
	}
	unix.Close(r.fd)
}
