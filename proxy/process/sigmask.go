package process

import (
	"runtime"
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
	return withMask(unix.SIG_BLOCK)
}

func withMask(how int) (restore func(), err error) {
	runtime.LockOSThread()
	var old unix.Sigset_t
	if err := unix.PthreadSigmask(how, handledSet(), &old); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return func() {
		_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		runtime.UnlockOSThread()
	}, nil
}

// allowSignals lets this thread receive them, and a child that it starts, until restore.
func allowSignals() (restore func(), err error) {
	return withMask(unix.SIG_UNBLOCK)
}

// kernelAction is room for a struct sigaction of the kernel, whose layout depends
// on the architecture. All zero it is the default action.
type kernelAction [64]byte

func setAction(s unix.Signal, action, old *kernelAction) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(action)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(uint64(0)), 0, 0)
}

// defaultActions lets the kernel end the process when one of the signals comes,
// without the runtime, which has no such function.
func defaultActions(signals []unix.Signal) (restore func()) {
	former := make([]kernelAction, len(signals))
	for i, s := range signals {
		setAction(s, new(kernelAction), &former[i])
	}
	return func() {
		for i, s := range signals {
			setAction(s, &former[i], nil)
		}
	}
}

// pendingStops are the signals among those whose default action would stop the
// process that wait for this thread to receive them.
func pendingStops() []unix.Signal {
	var set unix.Sigset_t
	if _, _, errno := unix.RawSyscall(unix.SYS_RT_SIGPENDING, uintptr(unsafe.Pointer(&set)), unsafe.Sizeof(set.Val[0]), 0); errno != 0 {
		return nil
	}
	var found []unix.Signal
	for _, s := range [...]unix.Signal{unix.SIGTTOU, unix.SIGTTIN} {
		if set.Val[0]&(1<<(uint(s)-1)) != 0 {
			found = append(found, s)
		}
	}
	return found
}

// unblockSignals lets this thread receive them. A process whose first image, or
// whose parent, had them blocked has them blocked on all threads but the one on
// which the runtime receives what it was asked to notify.
func unblockSignals() {
	runtime.LockOSThread()
	_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, handledSet(), nil)
	runtime.UnlockOSThread()
}
