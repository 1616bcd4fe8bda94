package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ticks is the kernel's USER_HZ, which is 100 on every Linux architecture Go
// runs on.
const ticks = 100

// Usage is what a process has used and holds.
type Usage struct {
	CPUSeconds    float64 // user and system time since its start
	KernelSeconds float64 // the system time of that, by ticks of 10 ms
	EndedSeconds  float64 // of all, what children used that have ended
	RSSBytes      uint64
	FDs           int
	Threads       int
}

// ReadUsage sums what a process and its descendants use; those of its children
// that have ended and were waited for count with their time. It fails when the
// process is gone.
func ReadUsage(pid int) (Usage, error) {
	u, err := ReadOwnUsage(pid)
	if err != nil {
		return u, err
	}
	for _, child := range Children(pid) {
		c, err := ReadUsage(child)
		if err != nil {
			continue // it has ended since
		}
		u.CPUSeconds += c.CPUSeconds
		u.KernelSeconds += c.KernelSeconds
		u.EndedSeconds += c.EndedSeconds
		u.RSSBytes += c.RSSBytes
		u.FDs += c.FDs
		u.Threads += c.Threads
	}
	return u, nil
}

// Children lists the processes that a process has started and that have not
// ended; none where the kernel does not tell.
func Children(pid int) []int {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	var all []int
	for _, t := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		if err != nil {
			continue
		}
		for word := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// statFields are the fields of /proc/PID/stat behind the command, from the state
// on.
func statFields(pid int) ([]string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	// The command in parentheses may itself hold spaces and parentheses.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 22 {
		return nil, fmt.Errorf("/proc/%d/stat has only %d fields", pid, len(fields))
	}
	return fields, nil
}

// StartTime is when a process was started, in ticks since the boot: with it the
// process cannot be taken for a later one of its number. It fails when the process
// is gone; one that nobody has waited for yet counts as gone.
func StartTime(pid int) (uint64, error) {
	fields, err := statFields(pid)
	if err != nil {
		return 0, err
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return 0, os.ErrProcessDone
	}
	return strconv.ParseUint(fields[19], 10, 64)
}

// Age is how long ago a process was started. It fails when the process is gone.
func Age(pid int) (time.Duration, error) {
	start, err := StartTime(pid)
	if err != nil {
		return 0, err
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0, err
	}
	return time.Duration(now.Nano()) - time.Duration(start)*time.Second/ticks, nil
}

// Stopped reports whether a process is stopped by a signal.
func Stopped(pid int) bool {
	fields, err := statFields(pid)
	return err == nil && fields[0] == "T"
}

// ReadOwnUsage is what a process uses without its descendants.
func ReadOwnUsage(pid int) (Usage, error) {
	fields, err := statFields(pid)
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	user, err1 := strconv.ParseUint(fields[11], 10, 64)
	system, err2 := strconv.ParseUint(fields[12], 10, 64)
	ended1, err3 := strconv.ParseUint(fields[13], 10, 64)
	ended2, err4 := strconv.ParseUint(fields[14], 10, 64)
	threads, err5 := strconv.Atoi(fields[17])
	pages, err6 := strconv.ParseUint(fields[21], 10, 64)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return Usage{}, err
	}
	u.CPUSeconds = float64(user+system+ended1+ended2) / ticks
	u.KernelSeconds = float64(system+ended2) / ticks
	u.EndedSeconds = float64(ended1+ended2) / ticks
	u.Threads = threads
	u.RSSBytes = pages * uint64(os.Getpagesize())
	// The process's clock is exact, and counts the threads that have ended; ticks would
	// be 2 % of half a second.
	if ran, err := cpuClock(pid); err == nil {
		u.CPUSeconds = ran + u.EndedSeconds
	}
	if fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)); err == nil {
		u.FDs = len(fds)
	}
	return u, nil
}

// cpuClock reads the clock of a process's CPU time, in seconds: that of all its threads,
// those that have ended included.
func cpuClock(pid int) (seconds float64, err error) {
	const perProcess = 2 // CPUCLOCK_SCHED of the whole process; clock_getcpuclockid(3)
	var now unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|perProcess, &now); err != nil {
		return 0, err
	}
	return float64(now.Nano()) / 1e9, nil
}

// IdleCPU is how long the given CPUs have been idle since the boot, in seconds added
// up. That is told exactly, where the time spent working is only sampled.
func IdleCPU(cpus []int) (seconds float64, err error) {
	err = eachCPU(cpus, func(times []float64) {
		seconds += times[3] + times[4] // idle, and idle while the disk works
	})
	return seconds, err
}
