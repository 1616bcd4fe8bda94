package process

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"bench/chaos"
	"bench/chaos/evidence"
	"bench/internal/result"
)

// Resource is what Limit limits.
type Resource int

// The resources.
const (
	Files  Resource = unix.RLIMIT_NOFILE // open files, sockets among them
	Memory Resource = unix.RLIMIT_AS     // address space in bytes
)

// Limit lowers the soft limit of a resource of processes with their descendants
// (prlimit(2)). What they hold already stays theirs.
type Limit struct {
	PIDs     []int
	Resource Resource
	Value    uint64

	targets []chaos.Target
	undos   []func() error
}

// Begin implements chaos.Fault.
func (l *Limit) Begin(_ context.Context, j *chaos.Journal) (err error) {
	if l.targets, err = families(l.PIDs); err != nil {
		return err
	}
	for _, t := range l.targets {
		if err := l.lower(j, t); err != nil {
			_ = undoAll(l.undos) // the journal tries again and reports
			return err
		}
	}
	return nil
}

func (l *Limit) lower(j *chaos.Journal, t chaos.Target) error {
	var old unix.Rlimit
	if err := unix.Prlimit(t.PID, int(l.Resource), nil, &old); err != nil {
		return fmt.Errorf("limit of process %d: %w", t.PID, err)
	}
	undo, err := j.Plan(chaos.Undo{Limit: &chaos.Limit{Target: t, Resource: int(l.Resource), Soft: old.Cur, Hard: old.Max}})
	if err != nil {
		return err
	}
	l.undos = append(l.undos, undo)
	if err := unix.Prlimit(t.PID, int(l.Resource), &unix.Rlimit{Cur: min(l.Value, old.Max), Max: old.Max}, nil); err != nil {
		return fmt.Errorf("limit of process %d: %w", t.PID, err)
	}
	return nil
}

// End implements chaos.Fault.
func (l *Limit) End() (*result.Certificate, error) {
	limited := 0
	for _, t := range l.targets {
		var now unix.Rlimit
		if err := unix.Prlimit(t.PID, int(l.Resource), nil, &now); err == nil && now.Cur == min(l.Value, now.Max) {
			limited++
		}
	}
	err := undoAll(l.undos)
	return evidence.Certificate("prlimit", err == nil,
		evidence.All("processes limited", uint64(limited), uint64(len(l.targets)))), err
}
