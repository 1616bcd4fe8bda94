package sock

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Datagram opens a non-blocking datagram socket of a family, for SendTo. It
// receives nothing: its receive buffer is the smallest there is.
func Datagram(family int) (fd int, errno syscall.Errno) {
	r, _, e := unix.RawSyscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if e != 0 {
		return -1, e
	}
	_ = setInt(int(r), unix.SOL_SOCKET, unix.SO_RCVBUF, 1)
	return int(r), 0
}

// SendTo sends one datagram made of the pieces, at most eight of them. EAGAIN
// means that the receiver or the interface is behind.
func SendTo(fd int, to *Addr, pieces [][]byte) syscall.Errno {
	var iov [maxIovec]unix.Iovec
	var msg unix.Msghdr
	msg.Name = (*byte)(unsafe.Pointer(&to.raw))
	msg.Namelen = to.n
	msg.Iov = &iov[0]
	msg.SetIovlen(fillIovec(&iov, pieces))
	for {
		_, _, e := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if e != unix.EINTR {
			return e
		}
	}
}

// WriteNow writes the pieces to any kind of descriptor if that can be done
// without waiting, else returns EAGAIN. Inherited descriptors are shared with
// other processes, so their blocking mode is left as it is; a pipe that polls
// writable takes up to PIPE_BUF bytes whole.
func WriteNow(fd int, pieces [][]byte) (n int, errno syscall.Errno) {
	pfd := unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT}
	r, _, e := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&pfd)), 1, uintptr(unsafe.Pointer(&unix.Timespec{})), 0, 0, 0)
	switch {
	case e != 0:
		return 0, e
	case r == 0 || pfd.Revents&unix.POLLOUT == 0:
		return 0, unix.EAGAIN
	}
	var iov [maxIovec]unix.Iovec
	count := fillIovec(&iov, pieces)
	r, _, e = unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&iov[0])), uintptr(count))
	if e != 0 {
		return 0, e
	}
	return int(r), 0
}

// fillIovec describes the non-empty pieces and returns how many there are.
func fillIovec(iov *[maxIovec]unix.Iovec, pieces [][]byte) int {
	count := 0
	for _, p := range pieces {
		if len(p) == 0 {
			continue
		}
		if count == maxIovec {
			break
		}
		iov[count].Base = unsafe.SliceData(p)
		iov[count].SetLen(len(p))
		count++
	}
	return count
}
