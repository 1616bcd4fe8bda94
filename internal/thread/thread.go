// Package thread sets what belongs to one operating system thread: the
// processors it may use and how exactly its timers fire. The calling goroutine
// must be locked to its thread (runtime.LockOSThread) and should end locked, so
// that a thread with odd settings is never reused.
package thread

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Pin binds the calling thread to the given processors. None leaves it free.
func Pin(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	var set unix.CPUSet
	for _, c := range cpus {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("cannot pin the thread to processors %v: %w", cpus, err)
	}
	return nil
}

// ExactTimers takes away the slack of 50 µs by which the kernel may delay the
// calling thread's timers to fire several at once.
func ExactTimers() error {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot set the timer slack: %w", err)
	}
	return nil
}
