package sock

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// StopListening makes a TCP listener refuse connections while it keeps its
// port, so that no other socket can take it meanwhile. Connections not yet
// accepted are reset. Only a port that was bound by number is kept, not one that
// the kernel drew for port 0. Doing it again changes nothing, also where another
// process that shares the socket has done it. Unix sockets cannot stop listening.
func StopListening(fd int) error {
	// Connecting to no address dissolves the association. Shutting down would be
	// as good for a socket that listens; for one that does not, it would stick
	// to the connections accepted later.
	none := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	if _, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&none)), unsafe.Sizeof(none)); errno != 0 {
		return fmt.Errorf("cannot stop listening: %w", errno)
	}
	return nil
}

// ListenAgain undoes StopListening, whoever did it. Backlog 0 is
// net.core.somaxconn.
func ListenAgain(fd, backlog int) error {
	if backlog <= 0 {
		backlog = somaxconn()
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return fmt.Errorf("cannot listen again: %w", err)
	}
	return nil
}
