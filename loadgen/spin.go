package loadgen

import (
	"runtime"
	"slices"
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/thread"
)

// AutoSpin as Spec.SpinUs measures how late wake-ups are on this machine and
// spins for as long.
const AutoSpin = -1

// Bounds of a measured spin time, and what a closed loop without think time
// spins for: it waits for answers, not for the clock.
const (
	leastSpinUs  = 10
	mostSpinUs   = 200
	closedSpinUs = 100
)

// spinSamples is how many wake-ups are measured.
const spinSamples = 24

// timed tells that requests are due at times of their own, and not when the answers
// before them have come.
func (s *Spec) timed() bool { return s.Arrival != Closed || s.ThinkUs > 0 }

// spinUs is the spin time in force, measured where the spec leaves it open.
func (s *Spec) spinUs() int64 {
	switch {
	case s.SpinUs != AutoSpin:
		return s.SpinUs
	case !s.timed():
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
		late = append(late, microseconds(loop.Nanotime()-before-int64(time.Millisecond)))
	}
	slices.Sort(late)
	return late[spinSamples*9/10]
}
