package sock

import (
	"math"

	"golang.org/x/sys/unix"
)

// maxReserved bounds what is set aside for descriptors, 8 bytes each in the
// kernel: a limit on open files may be in the millions.
const maxReserved = 64 << 10

// ReservableFDs is the number of descriptors worth making room for at the start
// of a process that may open as many as its limit allows.
func ReservableFDs() int {
	return min(FDLimit(), maxReserved)
}

// FDLimit is the number of descriptors this process may have open.
func FDLimit() int {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return 1024
	}
	return int(min(lim.Cur, math.MaxInt32))
}

// ReserveFDs makes the kernel's table of this process's descriptors large enough
// for n of them, at most ReservableFDs. Left alone the table doubles whenever it
// is full, and in a process of several threads the one that opens the descriptor
// then stands still until every CPU has passed a quiescent state, which takes 10
// ms and more (expand_fdtable in Linux's fs/file.c).
func ReserveFDs(n int) {
	n = min(n, ReservableFDs())
	if n < 1 {
		return
	}
	// A failure leaves the table to grow as it is needed.
	if fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, n-1); err == nil {
		_ = unix.Close(fd)
	}
}
