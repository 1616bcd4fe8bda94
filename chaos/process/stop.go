package process

import (
	"context"
	"fmt"

	"bench/chaos"
	"bench/chaos/evidence"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/units"
)

// Stop stops processes with their descendants, by SIGSTOP. Their sockets stay
// open: the kernel goes on to accept for them.
type Stop struct {
	PIDs []int

	targets []chaos.Target
	undos   []func() error
	before  usage
	already int // of the targets were stopped before, and are left so
}

// Begin implements chaos.Fault.
func (s *Stop) Begin(_ context.Context, j *chaos.Journal) (err error) {
	if s.targets, err = families(s.PIDs); err != nil {
		return err
	}
	for _, t := range s.targets {
		if proc.Stopped(t.PID) {
			s.already++
			continue
		}
		undo, err := halt(j, t)
		if err != nil {
			_ = undoAll(s.undos) // the journal tries again and reports
			return err
		}
		s.undos = append(s.undos, undo)
	}
	s.before = used(s.targets)
	return nil
}

// stoppedUse is the processor time that may be counted to stopped processes: the
// kernel counts in ticks of 10 ms.
const stoppedUse = 0.02

// End implements chaos.Fault.
func (s *Stop) End() (*result.Certificate, error) {
	stopped, ended := 0, 0
	for _, t := range s.targets {
		switch {
		case !t.Alive():
			ended++
		case proc.Stopped(t.PID):
			stopped++
		}
	}
	used := used(s.targets).since(s.before)
	err := undoAll(s.undos)
	findings := []result.Finding{evidence.All("processes stopped", uint64(stopped), uint64(len(s.targets)))}
	if ended > 0 {
		findings[0].Note = fmt.Sprintf("%d ended meanwhile", ended)
	}
	if s.already == len(s.targets) {
		findings[0].Verdict, findings[0].Note = result.NoEffect, "they were stopped before, and still are"
	}
	if ended < len(s.targets) {
		idle := result.Finding{What: "CPU time meanwhile", Asked: "none", Achieved: units.Latency(1e6 * used), Verdict: result.Confirmed}
		if used > stoppedUse {
			idle.Verdict = result.Mismatch
		}
		findings = append(findings, idle)
	}
	return evidence.Certificate("SIGSTOP", err == nil, findings...), err
}
