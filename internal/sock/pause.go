package sock

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// StopListening makes a TCP listener refuse connections while it keeps its
// port, so that no other socket can take it meanwhile. Connections not yet
// accepted are reset. Only a port that was bound by number is kept, not one that
// the kernel drew for port 0. Unix sockets cannot listen again.
func StopListening(fd int) error {
	if err := unix.Shutdown(fd, unix.SHUT_RD); err != nil {
		return fmt.Errorf("cannot stop listening: %w", err)
	}
	return nil
}

// ListenAgain undoes StopListening. Backlog 0 is net.core.somaxconn.
func ListenAgain(fd, backlog int) error {
	if backlog <= 0 {
		backlog = somaxconn()
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return fmt.Errorf("cannot listen again: %w", err)
	}
	return nil
}
