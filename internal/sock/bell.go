package sock

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NewBell opens an event descriptor, which can be read from once it has been rung: what
// wakes up a thread that waits in a poller.
func NewBell() (fd int, err error) {
	if instead != nil {
		return instead.NewBell()
	}
	fd, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("eventfd: %w", err)
	}
	return fd, nil
}

// Ring makes a bell readable.
func Ring(fd int) {
	if instead != nil {
		instead.Ring(fd)
		return
	}
	one := uint64(1)
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), 8)
}

// Hush makes a bell unreadable until it is rung again.
func Hush(fd int) {
	if instead != nil {
		instead.Hush(fd)
		return
	}
	var v uint64
	_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&v)), 8)
}
