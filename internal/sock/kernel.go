package sock

import "syscall"

// Kernel is what the data path asks of the system about connections, pipes and the
// time. The functions of this package of the same names say what each does.
type Kernel interface {
	Accept(lfd int, peer *Addr) (fd int, errno syscall.Errno)
	Connect(a *Addr, o *ConnectOptions) (fd int, inProgress bool, errno syscall.Errno)
	Send(fd int, p []byte) (n int, errno syscall.Errno)
	Writev(fd int, pieces [][]byte) (n int, errno syscall.Errno)
	ShutdownWrite(fd int) syscall.Errno
	SetLinger0(fd int)
	Close(fd int)
	Error(fd int) syscall.Errno
	LocalAddr(fd int) (Addr, syscall.Errno)
	PeerAddr(fd int) (Addr, syscall.Errno)
	NewPipe() (Pipe, syscall.Errno)
	Splice(from, to, n int) (moved int, errno syscall.Errno)
	NewBell() (fd int, err error)
	Ring(fd int)
	Hush(fd int)
	// Now is the time on a clock that never goes back, in nanoseconds.
	Now() int64
}

// instead is asked in place of the system; nil: the system is. What it costs where there
// is none is a look at a variable beside a system call. It is given copies: what callers
// pass would have to live in the heap otherwise.
var instead Kernel

// Substitute has k asked in place of the system, by the whole process; nil ends that. It
// is for simulations, and must be called while nothing runs that uses this package.
// Socket options are not passed on, and receiving is the poller's.
func Substitute(k Kernel) { instead = k }

// Instead is what is asked in place of the system, nil if that is asked itself.
func Instead() Kernel { return instead }
