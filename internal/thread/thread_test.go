package thread

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// onThread runs f on a thread that ends with it.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

func TestPin(t *testing.T) {
	onThread(func() {
		var before, after unix.CPUSet
		if err := unix.SchedGetaffinity(0, &before); err != nil {
			t.Error(err)
			return
		}
		cpu := 0
		for !before.IsSet(cpu) {
			cpu++
		}
		if err := Pin([]int{cpu}); err != nil {
			t.Error(err)
		}
		if err := unix.SchedGetaffinity(0, &after); err != nil || after.Count() != 1 || !after.IsSet(cpu) {
			t.Errorf("the thread may run on %d processors, %v", after.Count(), err)
		}
		if err := Pin(nil); err != nil {
			t.Error(err)
		}
		if err := Pin([]int{1000}); err == nil {
			t.Error("pinned to a processor that does not exist")
		}
	})
}

func TestExactTimers(t *testing.T) {
	onThread(func() {
		if err := ExactTimers(); err != nil {
			t.Error(err)
		}
		slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		if err != nil || slack != 1 {
			t.Errorf("timer slack %d ns, %v", slack, err)
		}
	})
}

func TestPromptKeepsAPriorityGivenFromOutside(t *testing.T) {
	onThread(func() {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 5); err != nil {
			t.Error(err)
			return
		}
		Prompt(false)
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil || attr.Nice != 5 {
			t.Errorf("attributes %+v, %v", attr, err)
		}
		Prompt(true)
		if attr, err = unix.SchedGetAttr(0, 0); err != nil || attr.Nice != -10 && attr.Nice != 5 {
			t.Errorf("attributes %+v, %v", attr, err)
		}
	})
}
