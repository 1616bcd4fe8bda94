package sock

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Pipe is a kernel pipe used by Splice.
type Pipe struct{ R, W int }

// NewPipe opens a non-blocking, close-on-exec pipe.
func NewPipe() (Pipe, syscall.Errno) {
	if instead != nil {
		return instead.NewPipe()
	}
	var p [2]int32
	_, _, e := unix.RawSyscall(unix.SYS_PIPE2, uintptr(unsafe.Pointer(&p)), unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if e != 0 {
		return Pipe{-1, -1}, e
	}
	return Pipe{int(p[0]), int(p[1])}, 0
}

// SetSize asks the kernel for room for n bytes, which it rounds up to a power of
// two of pages. It fails with EPERM above fs.pipe-max-size and with EBUSY below
// what the pipe holds.
func (p Pipe) SetSize(n int) error {
	if instead != nil {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(p.W), unix.F_SETPIPE_SZ, n); err != nil {
		return fmt.Errorf("setting the size of a pipe to %d: %w", n, err)
	}
	return nil
}

// Close closes both ends.
func (p Pipe) Close() { Close(p.R); Close(p.W) }

// Splice moves up to n bytes between a socket and a pipe without copying. moved
// is 0 without an error at the end of the stream. EAGAIN means that the side read
// from is empty or the other full: which of them, only the caller can know. A
// socket that takes part of what a pipe holds may take more of it at once, so only
// EAGAIN makes sure that an edge will follow.
func Splice(from, to, n int) (moved int, errno syscall.Errno) {
	if instead != nil {
		return instead.Splice(from, to, n)
	}
	for {
		r, _, e := unix.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if e == 0 {
			return int(r), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}
