package proc

import (
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
	err = eachCPU(cpus, func(times []float64) { seconds += times[7] })
	return seconds, err
}

// eachCPU hands over what /proc/stat speaks of each of the given CPUs, or of all of
// them together if none is given: the eight times from user to steal, in seconds.
func eachCPU(cpus []int, use func(times []float64)) error {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return err
	}
	found := false
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
		times := make([]float64, 8)
		for i := range times {
			n, err := strconv.ParseUint(fields[i+1], 10, 64)
			if err != nil {
				return fmt.Errorf("/proc/stat: %w", err)
			}
			times[i] = float64(n) / ticks
		}
		use(times)
		found = true
	}
	if !found {
		return errors.New("/proc/stat does not list these CPUs")
	}
	return nil
}
