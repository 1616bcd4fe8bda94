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
