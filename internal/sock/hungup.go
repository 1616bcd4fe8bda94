package sock

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// HungUp tells whether the other side of a connection has closed it, or it is broken, so that
// nobody can read anything more: not merely that nothing more will come. Of TCP it is known
// only when something was sent after that.
func HungUp(c net.Conn) (yes bool) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		set := []unix.PollFd{{Fd: int32(fd)}}
		_, _ = unix.Poll(set, 0)
		yes = set[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
	})
	return yes || err != nil
}

// Unread is how much lies in a connection that the other side has not taken yet, in what the
// kernel counts by: of a unix socket that is memory, and a piece counts until all of it has
// been read. 0 also where that is not known.
func Unread(c net.Conn) (n int) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return n
}
