package sock

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ConnectDatagram opens a non-blocking datagram socket that exchanges datagrams with one
// peer only, by Send and Recv.
func ConnectDatagram(to *Addr) (fd int, errno syscall.Errno) {
	r, _, e := unix.RawSyscall(unix.SYS_SOCKET, uintptr(to.Family()), unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if e != 0 {
		return -1, e
	}
	if _, _, e := unix.RawSyscall(unix.SYS_CONNECT, r, uintptr(unsafe.Pointer(&to.raw)), uintptr(to.n)); e != 0 {
		Close(int(r))
		return -1, e
	}
	return int(r), 0
}
