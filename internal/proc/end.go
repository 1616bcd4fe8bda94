package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of the wait for a process that was killed. A thread has to run to die, and one
// with real-time priority that is pinned to a processor does not as long as another
// program of higher priority holds that.
const (
	// promptEnd is how long nearly every process takes at most.
	promptEnd = 200 * time.Millisecond
	// latestEnd is when the wait is given up.
	latestEnd = 5 * time.Second
)

// awaitEnd waits for the end of a process that was killed, and lets it run on any
// processor if that takes long. It reports false if the process has still not ended by
// then: one that waits for a device, or that a debugger holds. Such a one is waited for
// once.
func (p *Process) awaitEnd() bool {
	if p.endsWithin(promptEnd) {
		return true
	}
	if p.givenUp.Load() {
		return false
	}
	if p.remote == nil {
		unpin(p.PID())
	}
	ended := p.endsWithin(latestEnd)
	p.givenUp.Store(!ended)
	return ended
}

func (p *Process) endsWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// unpin makes all threads of a process ordinary ones that may run on every processor. What
// is not allowed, or has ended since, is left as it is.
func unpin(pid int) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return
	}
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			unpinThread(tid)
		}
	}
}

func unpinThread(tid int) {
	var every unix.CPUSet
	every.Fill()
	_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0)
	_ = unix.SchedSetaffinity(tid, &every)
}

// awaitAll waits for the end of processes that were killed, all of them at once.
func awaitAll(killed []*Process) error {
	errs := make([]error, len(killed))
	var all sync.WaitGroup
	for i, p := range killed {
		all.Go(func() {
			if !p.awaitEnd() {
				errs[i] = fmt.Errorf("%s (process %d) was killed and has not ended after %v", p.Name, p.PID(), latestEnd)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
