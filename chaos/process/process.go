// Package process does to processes what happens to them on a busy or broken
// machine: they are stopped, get little of a processor, or run out of files or
// memory. Which processes, and when, is for the caller.
package process

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"bench/chaos"
	"bench/internal/proc"
)

// Family lists a process and its descendants, as targets.
func Family(pid int) ([]chaos.Target, error) {
	t, err := chaos.Find(pid)
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	all := []chaos.Target{t}
	for _, child := range proc.Children(pid) {
		more, err := Family(child)
		if err != nil {
			continue // it has ended since
		}
		all = append(all, more...)
	}
	return all, nil
}

// families joins the families of several processes.
func families(pids []int) ([]chaos.Target, error) {
	var all []chaos.Target
	for _, pid := range pids {
		f, err := Family(pid)
		if err == nil {
			err = foreign(pid, f)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, f...)
	}
	if all == nil {
		return nil, errors.New("there is no process to act on")
	}
	return all, nil
}

// usage is the processor time that each of several processes has used, in seconds.
type usage map[chaos.Target]float64

func used(targets []chaos.Target) usage {
	u := usage{}
	for _, t := range targets {
		if read, err := proc.ReadOwnUsage(t.PID); err == nil && t.Alive() {
			u[t] = read.CPUSeconds
		}
	}
	return u
}

// since is what those have used that were there before and still are: what others used
// is gone with them.
func (u usage) since(before usage) (sum float64) {
	for t, now := range u {
		if then, ok := before[t]; ok {
			sum += now - then
		}
	}
	return sum
}

// halt stops a process and waits until it has. The way back is in the journal
// before.
func halt(j *chaos.Journal, t chaos.Target) (undo func() error, err error) {
	if undo, err = j.Plan(chaos.Undo{Continue: &t}); err != nil {
		return nil, err
	}
	if err := syscall.Kill(t.PID, syscall.SIGSTOP); err != nil {
		return nil, errors.Join(fmt.Errorf("process %d cannot be stopped: %w", t.PID, err), undo())
	}
	for end := time.Now().Add(time.Second); !proc.Stopped(t.PID); time.Sleep(100 * time.Microsecond) {
		if !t.Alive() || time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("process %d did not stop", t.PID), undo())
		}
	}
	return undo, nil
}

// undoAll goes several ways back, the last first.
func undoAll(undos []func() error) error {
	var errs []error
	for _, undo := range slices.Backward(undos) {
		errs = append(errs, undo())
	}
	return errors.Join(errs...)
}
