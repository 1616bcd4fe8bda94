package process

import (
	"context"

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
	before  float64
}

// Begin implements chaos.Fault.
func (s *Stop) Begin(_ context.Context, j *chaos.Journal) (err error) {
	if s.targets, err = families(s.PIDs); err != nil {
		return err
	}
	for _, t := range s.targets {
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
	stopped := 0
	for _, t := range s.targets {
		if t.Alive() && proc.Stopped(t.PID) {
			stopped++
		}
	}
	after := used(s.targets)
	err := undoAll(s.undos)
	idle := result.Finding{
		What: "CPU time meanwhile", Asked: "none", Achieved: units.Latency(1e6 * (after - s.before)), Verdict: result.Confirmed,
	}
	if after-s.before > stoppedUse {
		idle.Verdict = result.Mismatch
	}
	return evidence.Certificate("SIGSTOP", err == nil,
		evidence.All("processes stopped", uint64(stopped), uint64(len(s.targets))), idle), err
}
