package sock

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Stamp lets the kernel note when data for fd came in, for Stamped.Recv; Linux 5.1 on.
// Sockets of some families take the option and never have a time.
func Stamp(fd int) syscall.Errno {
	return setInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1)
}

// Stamped receives data with the time at which it came in. One serves any number of
// sockets of one thread.
type Stamped struct {
	msg     unix.Msghdr
	iov     unix.Iovec
	control [stampSpace]byte
}

// stampSpace is the room for a header, aligned, and two words of 64 bits.
const stampSpace = (unix.SizeofCmsghdr+7)&^7 + 16

// Recv is like the function Recv, and tells besides when the last byte of what was
// read came in from the network, in nanoseconds of CLOCK_REALTIME: not when a thread
// was there to read it. It is 0 where the kernel has not noted that.
func (r *Stamped) Recv(fd int, p []byte) (n int, at int64, errno syscall.Errno) {
	r.iov.Base = unsafe.SliceData(p)
	r.iov.SetLen(len(p))
	r.msg.Iov = &r.iov
	r.msg.SetIovlen(1)
	r.msg.Control = &r.control[0]
	for {
		r.msg.SetControllen(stampSpace)
		got, _, e := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.msg)), unix.MSG_DONTWAIT)
		if e == 0 {
			return int(got), r.stamp(), 0
		}
		if e != unix.EINTR {
			return 0, 0, e
		}
	}
}

// stamp reads the only message that the kernel attaches: a time of 64-bit seconds and
// nanoseconds.
func (r *Stamped) stamp() int64 {
	if r.msg.Controllen < stampSpace {
		return 0
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&r.control))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SO_TIMESTAMPNS_NEW {
		return 0
	}
	t := r.control[stampSpace-16:]
	return int64(binary.NativeEndian.Uint64(t))*1e9 + int64(binary.NativeEndian.Uint64(t[8:]))
}
