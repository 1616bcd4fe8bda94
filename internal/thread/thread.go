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

// promptSlice is the length of a prompt thread's turns, the shortest the kernel
// grants.
const promptSlice = 100_000 // ns

// Prompt asks for the calling thread to run soon after it wakes up, at the price
// of shorter turns: it suits a thread with little to do at exact times. first
// asks besides for a higher priority, which the kernel grants to the privileged
// only. What it does not grant is left as it was, because it only makes the
// thread less exact.
func Prompt(first bool) {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Runtime: promptSlice}
	if first {
		attr.Nice = -10
		if unix.SchedSetAttr(0, &attr, 0) == nil {
			return
		}
		attr.Nice = 0
	}
	_ = unix.SchedSetAttr(0, &attr, 0)
}
