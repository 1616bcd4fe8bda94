package runner

import (
	"slices"

	"bench/internal/result"
	"bench/loadgen/workload"
	"bench/scenarios/certmaker"
	"bench/scenarios/format"
)

// lineSink takes what agents tell, from several goroutines.
type lineSink struct {
	interval func(result.Interval)
	progress func(result.Progress)
	failure  func(result.Failure)
}

// take implements loadgen.Sink.
func (s *lineSink) take(line *result.AgentLine) error {
	switch {
	case line.Progress != nil:
		s.progress(*line.Progress)
	case line.Interval != nil:
		s.interval(*line.Interval)
	case line.Failure != nil:
		s.failure(*line.Failure)
	}
	return nil
}

// loadSpec turns a load of the scenario into an order for its agents.
func loadSpec(s *format.Scenario, l *format.Load, targets []string, certs *certmaker.Maker) (*workload.Spec, error) {
	spec := s.Spec(l)
	if l.TLS != nil && l.TLS.Verify {
		var err error
		if spec.TLS.CA, err = certs.CA(); err != nil {
			return nil, err
		}
	}
	if l.TLS != nil && l.TLS.Certificate != "" {
		var err error
		if spec.TLS.Cert, err = certs.Cert(l.TLS.Certificate, l.TLS.Flaws...); err != nil {
			return nil, err
		}
	}
	spec.Targets = targets
	spec.Seed = s.Seed ^ hash(l.Name)
	return &spec, nil
}

// hash is FNV-1a: loads of one scenario get seeds of their own.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// niceness is the priority of all parts of a run alike: what other programs do
// on the machine should not show in the result. Without the right to it, they
// run as all.
const niceness = -10

// spinShare is the most of a processor that a load takes to be on time.
const spinShare = 0.1

// maySpin reports whether the loads of a scenario may spin on the CPUs that are theirs:
// where several share one, each would keep the others from being on time.
func maySpin(loads []format.Load, cpus []int) bool {
	processes := 0
	for i := range loads {
		processes += max(1, loads[i].Processes)
	}
	return processes <= len(cpus)
}

// realTime reports whether the agents of a load may run before all ordinary
// programs. An open loop has little to do at exact times; but on a CPU of the
// proxy under test it would take from the proxy what it measures.
func realTime(l *format.Load, cpus, proxy []int) bool {
	if l.Arrival == "closed" || len(cpus) == 0 || len(proxy) == 0 { // empty is anywhere
		return false
	}
	return !slices.ContainsFunc(cpus, func(cpu int) bool { return slices.Contains(proxy, cpu) })
}
