package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Stolen is the time in which the host of a virtual machine ran something else
// although the given CPUs had work to do, in seconds since the boot; no CPUs are
// all of the machine.
func Stolen(cpus []int) (seconds float64, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 9 || !strings.HasPrefix(fields[0], "cpu") {
			break // the lines of CPUs come first
		}
		number := strings.TrimPrefix(fields[0], "cpu")
		if number == "" != (len(cpus) == 0) {
			continue
		}
		if cpu, err := strconv.Atoi(number); number != "" && (err != nil || !slices.Contains(cpus, cpu)) {
			continue
		}
		steal, err := strconv.ParseUint(fields[8], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		seconds += float64(steal) / ticks
	}
	return seconds, nil
}

// ThreadTimes are the times in which a thread of this process ran, and in which it
// was ready to run but had no CPU, in seconds since its start.
func ThreadTimes(tid int) (ran, waited float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/schedstat", tid))
	if err != nil {
		return 0, 0, err
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, 0, fmt.Errorf("schedstat of thread %d has only %d fields", tid, len(fields))
	}
	on, err1 := strconv.ParseUint(string(fields[0]), 10, 64)
	off, err2 := strconv.ParseUint(string(fields[1]), 10, 64)
	return float64(on) / 1e9, float64(off) / 1e9, errors.Join(err1, err2)
}
