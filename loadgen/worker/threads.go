package worker

import (
	"context"
	"errors"
	"sync"

	"bench/internal/loop"
	"bench/internal/result"
	"bench/internal/sock"
	"bench/loadgen/record"
	"bench/loadgen/workload"
)

// reservedFDs is how many descriptors of a process are not for its pool: those
// of the runtime and of connections that wait for their peer to close.
const reservedFDs = 128 + maxLingering

// Processes is the least number of processes whose descriptors suffice for the
// connections of s; 1 where they have no limit.
func Processes(s *workload.Spec) int {
	most := s.Connections.Pool
	for i := range s.Phases {
		if n := s.Phases[i].Connections; n != nil {
			most = max(most, *n)
		}
	}
	room := max(1, sock.FDLimit()-reservedFDs)
	return max(1, (most+room-1)/room)
}

// team is one load on several threads of this process.
type team struct {
	runners []*Runner
	merger  *record.Merger
	sum     *result.Load
}

// newTeam prepares the threads of spec, which are at least two.
func newTeam(spec *workload.Spec, sink record.Sink) (*team, error) {
	t := &team{}
	t.merger = record.NewMerger(spec.Threads, func(l *result.AgentLine) error {
		if l.Load != nil {
			t.sum = l.Load
			return nil
		}
		if sink == nil {
			return nil
		}
		return sink(l)
	})
	for i := range spec.Threads {
		r, err := newRunner(spec.Part(i), func(l *result.AgentLine) error { return t.merger.Take(i, l) })
		if err != nil {
			return nil, err
		}
		t.runners = append(t.runners, r)
	}
	return t, nil
}

// run carries the load out from startAt on.
func (t *team) run(ctx context.Context, startAt int64) (*result.Load, error) {
	if startAt == 0 {
		startAt = loop.Nanotime() + startDelayNs
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(t.runners))
	var all sync.WaitGroup
	for i, r := range t.runners {
		all.Go(func() {
			load, err := r.runAlone(ctx, startAt)
			if load != nil {
				err = errors.Join(err, t.merger.Take(i, &result.AgentLine{Load: load}))
			}
			if err != nil {
				cancel() // one part alone would be another load
			}
			errs[i] = err
		})
	}
	all.Wait()
	return t.sum, errors.Join(errs...)
}
