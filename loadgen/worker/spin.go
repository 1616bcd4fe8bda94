package worker

import (
	"runtime"
	"slices"
	"time"

	"bench/internal/hdr"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/thread"
	"bench/loadgen/workload"
)

// Bounds of a measured spin time, and what a closed loop without think time
// spins for: it waits for answers, not for the clock.
const (
	leastSpinUs  = 10
	mostSpinUs   = 200
	closedSpinUs = 100
)

// spinSamples is how many wake-ups are measured.
const spinSamples = 24

// spinUs is the spin time in force, measured where the spec leaves it open.
func spinUs(s *workload.Spec) int64 {
	switch {
	case s.SpinUs != workload.AutoSpin:
		return s.SpinUs
	case !s.Timed():
		return closedSpinUs
	}
	return calibrate(s.CPUs)
}

// calibrate measures how late a thread like the load's wakes up from sleeps of a
// millisecond. Nine in ten wake-ups are early enough then, to begin with: the loop
// goes on from there (Loop.AdaptSpin).
func calibrate(cpus []int) int64 {
	done := make(chan int64)
	go func() {
		runtime.LockOSThread() // until the goroutine ends: the thread is pinned
		done <- wakeUpLateness(cpus)
	}()
	return max(leastSpinUs, min(<-done, mostSpinUs))
}

func wakeUpLateness(cpus []int) int64 {
	p, err := poller.New("", 64)
	if err != nil || thread.Pin(cpus) != nil || thread.ExactTimers() != nil {
		return mostSpinUs
	}
	defer p.Close()
	thread.Prompt(true)
	var events [1]poller.Event
	late := make([]int64, 0, spinSamples)
	for range spinSamples {
		before := loop.Nanotime()
		if _, err := p.Wait(events[:], time.Millisecond); err != nil {
			return mostSpinUs
		}
		late = append(late, hdr.Microseconds(loop.Nanotime()-before-int64(time.Millisecond)))
	}
	slices.Sort(late)
	return late[spinSamples*9/10]
}
