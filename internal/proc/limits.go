package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Quota is the processor time that a control group grants, and what came of it.
type Quota struct {
	Group string  // its path below the root of the controller
	CPUs  float64 // number of processors that it may use
	// Periods is in how many periods the group ran, and Throttled in how many of them
	// it had used its quota up, both since it exists.
	Periods, Throttled uint64
}

// cgroupRoot is where control groups are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// ReadQuota finds the tightest quota that holds a process back: of its control group
// or of one above it. It reports false where there is none.
func ReadQuota(pid int) (Quota, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return Quota{}, false
	}
	return readQuota(string(text), cgroupRoot)
}

func readQuota(groups, root string) (best Quota, found bool) {
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		mounts := []string{root, filepath.Join(root, "unified")}
		if f[1] != "" {
			if !slices.Contains(strings.Split(f[1], ","), "cpu") {
				continue
			}
			mounts = []string{filepath.Join(root, "cpu"), filepath.Join(root, f[1])}
		}
		for _, mount := range mounts {
			for group := f[2]; ; group = filepath.Dir(group) {
				q, ok := quotaOf(filepath.Join(mount, group))
				if q.Group = group; ok && (!found || q.CPUs < best.CPUs) {
					best, found = q, true
				}
				if group == "/" || group == "." {
					break
				}
			}
		}
	}
	return best, found
}

// quotaOf reads the files of version 2 of control groups, and of version 1.
func quotaOf(dir string) (q Quota, ok bool) {
	quota, period := 0.0, 0.0
	if f := strings.Fields(fileText(filepath.Join(dir, "cpu.max"))); len(f) == 2 {
		quota, period = number(f[0]), number(f[1]) // "max" is no number
	} else {
		quota = number(fileText(filepath.Join(dir, "cpu.cfs_quota_us")))
		period = number(fileText(filepath.Join(dir, "cpu.cfs_period_us")))
	}
	if quota <= 0 || period <= 0 {
		return q, false
	}
	q.CPUs = quota / period
	for line := range strings.Lines(fileText(filepath.Join(dir, "cpu.stat"))) {
		if f := strings.Fields(line); len(f) == 2 {
			switch f[0] {
			case "nr_periods":
				q.Periods = uint64(number(f[1]))
			case "nr_throttled":
				q.Throttled = uint64(number(f[1]))
			}
		}
	}
	return q, true
}

func fileText(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// number is 0 for what is none.
func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return v
}

// FileLimit is how many files a process may have open; 0 if that cannot be read or has
// no bound.
func FileLimit(pid int) uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				return uint64(number(f[0]))
			}
		}
	}
	return 0
}

// OpenFiles is how many files a process has open, its descendants not included.
func OpenFiles(pid int) uint64 {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return uint64(len(files))
}

// ThreadName is the name that a thread has given itself.
func ThreadName(t Thread) string {
	return fileText(fmt.Sprintf("/proc/%d/task/%d/comm", t.PID, t.TID))
}
