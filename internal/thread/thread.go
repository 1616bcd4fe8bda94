// Package thread sets what belongs to one operating system thread: the
// processors it may use and how exactly its timers fire. The calling goroutine
// must be locked to its thread (runtime.LockOSThread) and should end locked, so
// that a thread with odd settings is never reused.
package thread

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

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

// Confine binds the whole process to the given processors, with the threads and the
// processes it starts from then on. None leaves it free.
func Confine(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	if err := CheckCPUs(cpus); err != nil {
		return err
	}
	var set unix.CPUSet
	for _, c := range cpus {
		set.Set(c)
	}
	// A thread that is started meanwhile may inherit from one that was not bound yet.
	for bound := map[int]bool{}; ; {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("cannot list the threads to bind: %w", err)
		}
		before := len(bound)
		for _, t := range tasks {
			id, err := strconv.Atoi(t.Name())
			if err != nil || bound[id] {
				continue
			}
			bound[id] = true
			if err := unix.SchedSetaffinity(id, &set); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("cannot bind the process to processors %v: %w", cpus, err)
			}
		}
		if len(bound) == before {
			return nil
		}
	}
}

// CheckCPUs says which of the processors no thread of this process can be bound to.
// Pin takes those that there are, as long as there is one.
func CheckCPUs(cpus []int) error {
	outcome := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and ends so
		var errs []error
		for _, c := range cpus {
			if Pin([]int{c}) != nil {
				errs = append(errs, fmt.Errorf("there is no processor %d to run on", c))
			}
		}
		outcome <- errors.Join(errs...)
	}()
	return <-outcome
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

// Nice values: what first asks for, and the weakest there is.
const (
	firstNice = -10
	anyNice   = 19
)

// Prompt asks for the calling thread to run soon after it wakes up, at the price
// of shorter turns: it suits a thread with little to do at exact times. first
// asks besides for a higher priority, which the kernel grants to the privileged
// only. What it does not grant is left as it was, because it only makes the
// thread less exact.
func Prompt(first bool) {
	if !first || prompt(0, firstNice) != nil {
		_ = prompt(0, anyNice)
	}
}

// PromptProcess is Prompt for all threads of the process, without the priority.
// The Go scheduler takes a goroutine off its locked thread every 10 ms and lets
// another thread put it back, so those are waited for as well. Threads inherit
// the setting from the one that starts them.
func PromptProcess() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return // less exact, as in Prompt
	}
	for _, t := range tasks {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = prompt(id, anyNice)
		}
	}
}

// prompt gives a thread short turns and a nice value of at most the given one.
func prompt(id int, nice int32) error {
	attr, err := unix.SchedGetAttr(id, 0)
	if err != nil {
		return err
	}
	if attr.Policy != unix.SCHED_NORMAL {
		// Real time, given from outside: prompt already. All threads keep the
		// one priority: the Go runtime waits for its locks by giving way, which
		// is only to threads of the same or a higher one.
		return nil
	}
	attr.Runtime, attr.Nice = promptSlice, min(attr.Nice, nice)
	return unix.SchedSetAttr(id, attr, 0)
}

// IsRealTime reports whether the calling thread runs before all ordinary ones.
func IsRealTime() bool {
	attr, err := unix.SchedGetAttr(0, 0)
	return err == nil && (attr.Policy == unix.SCHED_RR || attr.Policy == unix.SCHED_FIFO)
}

// GiveUpRealTime makes all threads of the process ordinary ones again, with
// short turns and the priority that Prompt asks for. All at once, because the Go
// runtime waits for its locks by giving way, which is only to threads of the same
// or a higher priority.
func GiveUpRealTime() error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: firstNice, Runtime: promptSlice}
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := unix.SchedSetAttr(id, &attr, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("cannot give up real-time priority: %w", err)
		}
	}
	return nil
}
