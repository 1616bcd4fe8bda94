package process

import (
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHandOnKeepsWhatWasReceived: a signal that the runtime has received and not
// yet delivered when the image is replaced is handed on.
func TestHandOnKeepsWhatWasReceived(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGTTOU, unix.SIGTTIN} {
		for i := range 50 {
			b := newInbox(nil)
			// A signal to the calling thread is received before the call returns.
			if err := unix.Tgkill(unix.Getpid(), unix.Gettid(), s); err != nil {
				t.Fatal(err)
			}
			left := b.handOn(false)
			b.restore()
			if !slices.Equal(left, []unix.Signal{s}) {
				t.Fatalf("%s, attempt %d: handed on %v", unix.SignalName(s), i, left)
			}
		}
	}
}

// TestReceivingAgain: an image that could not be replaced handles signals as before.
func TestReceivingAgain(t *testing.T) {
	b := newInbox(nil)
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGUSR1, unix.SIGHUP, unix.SIGQUIT} {
		b.handOn(false)
		b.takeBack()
		if err := unix.Kill(unix.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		<-b.ready
		if got, _ := b.take(); got != s {
			t.Fatalf("%s: took %v", unix.SignalName(s), got)
		}
	}
	b.handOn(false)
	b.restore()
}

// TestDaemonToBeIsStopped: what would stop a proxy reaches the background process
// that is starting.
func TestDaemonToBeIsStopped(t *testing.T) {
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGUSR1} {
		child := exec.Command("sleep", "20")
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		b := newInbox([]unix.Signal{unix.SIGHUP, s})
		go forwardStops(b, child.Process.Pid)
		_ = child.Wait()
		if ws := child.ProcessState.Sys().(syscall.WaitStatus); ws.Signal() != s {
			t.Errorf("%s: the child ended with %v", unix.SignalName(s), child.ProcessState)
		}
		b.handOn(false)
		b.restore()
	}
}
