package process

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

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
	halt    chan struct{}
	watch   sync.WaitGroup
	most    int // files that any of the processes has had open
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
	if l.Resource == Files {
		l.halt = make(chan struct{})
		l.watch.Go(l.count)
	}
	return nil
}

// lookEvery is the time between two looks at the files of the processes.
const lookEvery = 20 * time.Millisecond

// count watches how near the processes come to their limit: the kernel keeps no count
// of what it has refused.
func (l *Limit) count() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		l.look()
		select {
		case <-l.halt:
			return
		case <-tick.C:
		}
	}
}

func (l *Limit) look() {
	for _, t := range l.targets {
		if open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", t.PID)); err == nil {
			l.most = max(l.most, len(open))
		}
	}
}

func (l *Limit) lower(j *chaos.Journal, t chaos.Target) error {
	var old unix.Rlimit
	if err := unix.Prlimit(t.PID, int(l.Resource), nil, &old); err != nil {
		return fmt.Errorf("limit of process %d: %w", t.PID, err)
	}
	if l.Value >= old.Cur {
		return fmt.Errorf("process %d has the limit %d already: %d would change nothing", t.PID, old.Cur, l.Value)
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
	findings := []result.Finding{evidence.All("processes limited", uint64(limited), uint64(len(l.targets)))}
	if l.halt != nil {
		close(l.halt)
		l.watch.Wait()
		l.look()
		findings = append(findings, l.reached())
	}
	err := undoAll(l.undos)
	return evidence.Certificate("prlimit", err == nil, findings...), err
}

// nearLimit is the share of the limit from which on a process counts as having reached
// it: between two looks it may have opened and closed a few more.
const nearLimit = 0.9

// reached reports whether the limit was of any consequence.
func (l *Limit) reached() result.Finding {
	f := result.Finding{
		What: "files open at most", Asked: fmt.Sprintf("a need for more than %d", l.Value), Achieved: fmt.Sprint(l.most), Verdict: result.Confirmed,
	}
	if float64(l.most) < nearLimit*float64(l.Value) {
		f.Verdict, f.Note = result.NoEffect, "no process came near the limit"
	}
	return f
}
