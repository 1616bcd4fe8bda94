package proc

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseSched(t *testing.T) {
	got, err := parseSched([]byte("1500000000 250000000 17\n"))
	if err != nil || got != (Scheduled{1.5, 0.25}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "12", "12 13", "x 1 2", "-1 2 3"} {
		if got, err := parseSched([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

// A thread that works is seen to, one that has given up priority is left out, and a
// watch allocates nothing.
func TestThreads(t *testing.T) {
	tids, leave := make(chan int), make(chan struct{})
	work := func(nice int) {
		runtime.LockOSThread() // ends with it
		tid := unix.Gettid()
		if nice > 0 {
			if err := unix.Setpriority(unix.PRIO_PROCESS, tid, nice); err != nil {
				t.Error(err)
			}
		}
		var used unix.Timespec // by the thread, however many others want a processor
		for used.Nano() < 30*int64(time.Millisecond) {
			if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used); err != nil {
				t.Error(err)
				break
			}
		}
		tids <- tid
		<-leave
	}
	go work(0)
	worker := <-tids
	go work(19)
	weak := <-tids
	all, err := ReadThreads(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if s := all[Thread{os.Getpid(), worker}]; s.Ran <= 0 {
		t.Errorf("the worker's times are %+v", s)
	}
	if s, ok := all[Thread{os.Getpid(), weak}]; ok {
		t.Errorf("the weak thread is among them: %+v", s)
	}
	w, err := WatchThread(os.Getpid(), worker)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := w.Read(); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations to read", n)
	}
	close(leave)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := ReadThreads(1 << 30); err == nil {
		t.Error("a process that is not there has threads")
	}
}

func TestWatchNoticesTheEnd(t *testing.T) {
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w, err := WatchThread(c.Process.Pid, c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Read(); err != nil {
		t.Error(err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // it was killed
	if s, err := w.Read(); err == nil {
		t.Errorf("after the end: %+v", s)
	}
}

// A thread that starts a process with another priority has its own again afterwards, which
// is not 0 where the whole program was started by nice(1).
func TestPriorityIsGivenBack(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // ends with it
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 7); err != nil {
			t.Error(err)
			return
		}
		for _, spec := range []Spec{{Nice: -1}, {RealTime: true}} {
			c := exec.Command("true")
			if err := startPromptly(c, &spec); err != nil {
				t.Error(err)
				return
			}
			if own, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err != nil || own != 20-7 {
				t.Errorf("%+v: priority %d, %v; it was %d", spec, own, err, 20-7)
			}
			if err := c.Wait(); err != nil {
				t.Error(err)
			}
		}
	}()
	<-done
}
