package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"bench/chaos"
	"bench/chaos/evidence"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/units"
)

// Starve leaves processes with their descendants only a share of one processor:
// by the CPU controller of control groups where there is one, otherwise by
// stopping and continuing them in turn.
type Starve struct {
	PIDs  []int
	Share float64 // of one processor, above 0 and below 1

	targets []chaos.Target
	undos   []func() error
	group   string // path of the control group; "" stops and continues
	began   time.Time
	before  usage
	halt    chan struct{}
	done    sync.WaitGroup
}

// period is the time over which a share is granted: short, so that what is
// measured is scarcity and not a series of stalls.
const period = 10 * time.Millisecond

// Begin implements chaos.Fault.
func (s *Starve) Begin(_ context.Context, j *chaos.Journal) (err error) {
	if s.Share <= 0 || s.Share >= 1 {
		return fmt.Errorf("share is %v: want one above 0 and below 1", s.Share)
	}
	if s.targets, err = families(s.PIDs); err != nil {
		return err
	}
	if err := s.confine(j); err != nil {
		_ = undoAll(s.undos) // the journal tries again and reports
		return err
	}
	s.began, s.before = time.Now(), used(s.targets)
	return nil
}

// confine takes the best mechanism there is.
func (s *Starve) confine(j *chaos.Journal) error {
	root, quota := controller()
	if root == "" {
		return s.alternate(j)
	}
	path := filepath.Join(root, fmt.Sprintf("bench-%d-%d", os.Getpid(), s.targets[0].PID))
	undo, err := j.Plan(chaos.Undo{Cgroup: path})
	if err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return errors.Join(undo(), s.alternate(j)) // no right to: the other way needs none
	}
	s.undos, s.group = append(s.undos, undo), path
	if err := quota(path, s.Share); err != nil {
		return fmt.Errorf("control group %s: %w", path, err)
	}
	for _, t := range s.targets {
		if err := os.WriteFile(filepath.Join(path, "cgroup.procs"), []byte(strconv.Itoa(t.PID)), 0); err != nil && t.Alive() {
			return fmt.Errorf("cannot move process %d into control group %s: %w", t.PID, path, err)
		}
	}
	return nil
}

// controller finds the CPU controller of this process: the directory of its group
// and how a group below it gets its quota; "" if there is none.
func controller() (root string, quota func(path string, share float64) error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", nil
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		for c := range strings.SplitSeq(f[1], ",") {
			root := filepath.Join("/sys/fs/cgroup/cpu", f[2])
			if _, err := os.Stat(filepath.Join(root, "cpu.cfs_quota_us")); c != "cpu" || err != nil && f[2] != "/" {
				continue
			}
			return root, func(path string, share float64) error {
				quota, period := budget(share)
				return errors.Join(
					os.WriteFile(filepath.Join(path, "cpu.cfs_period_us"), []byte(period), 0),
					os.WriteFile(filepath.Join(path, "cpu.cfs_quota_us"), []byte(quota), 0))
			}
		}
		root := filepath.Join("/sys/fs/cgroup", f[2])
		if delegated, err := os.ReadFile(filepath.Join(root, "cgroup.subtree_control")); f[1] == "" && err == nil && strings.Contains(string(delegated), "cpu") {
			return root, func(path string, share float64) error {
				quota, period := budget(share)
				return os.WriteFile(filepath.Join(path, "cpu.max"), []byte(quota+" "+period), 0)
			}
		}
	}
	return "", nil
}

// Bounds of what the kernel takes.
const (
	leastQuota = time.Millisecond
	mostPeriod = time.Second
)

// budget is the quota of a period and the period, in microseconds.
func budget(share float64) (quota, length string) {
	p := min(max(period, time.Duration(float64(leastQuota)/share)), mostPeriod)
	q := max(leastQuota, time.Duration(share*float64(p)))
	return strconv.FormatInt(q.Microseconds(), 10), strconv.FormatInt(p.Microseconds(), 10)
}

// alternate stops and continues the processes in turn, but for those that somebody
// has stopped before: they are not ours to continue.
func (s *Starve) alternate(j *chaos.Journal) error {
	s.targets = slices.DeleteFunc(s.targets, func(t chaos.Target) bool { return proc.Stopped(t.PID) })
	if len(s.targets) == 0 {
		return errors.New("all the processes are stopped already: there is nothing to starve")
	}
	for _, t := range s.targets {
		if err := syscall.Kill(t.PID, 0); err != nil && t.Alive() {
			return fmt.Errorf("process %d cannot be stopped: %w", t.PID, err)
		}
		undo, err := j.Plan(chaos.Undo{Continue: &t})
		if err != nil {
			return err
		}
		s.undos = append(s.undos, undo)
	}
	s.halt = make(chan struct{})
	s.done.Go(func() {
		run := time.Duration(s.Share * float64(period))
		for {
			for _, step := range []struct {
				signal syscall.Signal
				length time.Duration
			}{{syscall.SIGSTOP, period - run}, {syscall.SIGCONT, run}} {
				for _, t := range s.targets {
					if t.Alive() {
						_ = syscall.Kill(t.PID, step.signal) // gone since: nothing to starve
					}
				}
				select {
				case <-s.halt:
					return
				case <-time.After(step.length):
				}
			}
		}
	})
	return nil
}

// starveExact is by how much more of a processor than granted processes may get:
// the kernel hands quota out in slices.
const starveExact = 0.1

// End implements chaos.Fault.
func (s *Starve) End() (*result.Certificate, error) {
	got, length := used(s.targets).since(s.before), time.Since(s.began)
	mechanism := "control group"
	if s.halt != nil {
		close(s.halt)
		s.done.Wait()
		mechanism = "SIGSTOP and SIGCONT in turn"
	}
	findings := []result.Finding{s.share(got / length.Seconds())}
	if s.group != "" {
		findings = append(findings, evidence.Some("times held back", s.throttled(), "work beyond the share"))
	}
	err := undoAll(s.undos)
	return evidence.Certificate(mechanism, err == nil, findings...), err
}

// share judges what the processes got of a processor.
func (s *Starve) share(got float64) result.Finding {
	f := result.Finding{
		What: "share of a processor", Asked: "at most " + units.Percent(s.Share), Achieved: units.Percent(got), Verdict: result.Confirmed,
	}
	if got > s.Share+starveExact {
		f.Verdict = result.Mismatch
	}
	return f
}

// throttled is how often the group had used up its quota: never, if the processes
// did not want more.
func (s *Starve) throttled() uint64 {
	text, err := os.ReadFile(filepath.Join(s.group, "cpu.stat"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "nr_throttled" {
			n, err := strconv.ParseUint(f[1], 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}
