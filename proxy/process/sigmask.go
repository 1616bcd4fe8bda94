package process

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// handled are the signals that must survive the change of an image and the time
// before a child can handle them.
var handled = [...]unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGTTOU, unix.SIGTTIN}

func handledSet() *unix.Sigset_t {
	var set unix.Sigset_t
	for _, s := range handled {
		bit := uint(s) - 1
		set.Val[bit/64] |= 1 << (bit % 64)
	}
	return &set
}

// blockSignals blocks them on this thread, whose mask the next image or a child
// inherits.
func blockSignals() (restore func(), err error) {
	runtime.LockOSThread()
	var old unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, handledSet(), &old); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return func() {
		_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		runtime.UnlockOSThread()
	}, nil
}

// blockEverywhere blocks them on all threads, so that from then on they wait in
// the kernel. In a program linked with C libraries it does nothing.
func blockEverywhere() (restore func()) {
	set := handledSet()
	change := func(how uintptr) {
		_, _, _ = syscall.AllThreadsSyscall6(unix.SYS_RT_SIGPROCMASK, how, uintptr(unsafe.Pointer(set)), 0, unsafe.Sizeof(set.Val[0]), 0, 0)
	}
	change(unix.SIG_BLOCK)
	return func() { change(unix.SIG_UNBLOCK) }
}

// unblockSignals lets this thread receive them. A process whose first image, or
// whose parent, had them blocked has them blocked on all threads but the one on
// which the runtime receives what it was asked to notify.
func unblockSignals() {
	runtime.LockOSThread()
	_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, handledSet(), nil)
	runtime.UnlockOSThread()
}
