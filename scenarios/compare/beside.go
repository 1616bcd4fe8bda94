package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"bench/internal/hosts/session"
	"bench/internal/result"
	"bench/reports"
	"bench/scenarios/format"
	"bench/scenarios/runner"
)

// mostLost is how often a pair is begun again because a machine of it was lost.
const mostLost = 3

// makePairs makes one pair in each combination of the matrix: one after another, or side
// by side where there are machines for several. Both sides of a pair have the same
// machines, so that what differs between machines is no difference between the sides.
func (p *procedure) makePairs(ctx context.Context, n int, confirm bool) ([]*outcome, error) {
	made := make([]*outcome, len(p.plan.twins))
	sets, err := runner.Sets(ctx, p.plan.o.Hub, p.plan.scenarios(), len(made))
	if err != nil {
		return nil, err
	}
	if p.beside = len(sets) > 1; p.beside {
		return made, p.besideEachOther(ctx, sets, made, func(ctx context.Context, at int, only []string) (*outcome, error) {
			return p.makePair(ctx, n, at, confirm, only)
		})
	}
	for at := range made {
		if made[at], err = p.makePair(ctx, n, at, confirm, nil); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// scenarios are those of both sides, in all combinations that are compared.
func (p *Plan) scenarios() (all []*format.Scenario) {
	for _, t := range p.twins {
		all = append(all, p.base.doc.Cells[t.base].Scenario, p.new.doc.Cells[t.new].Scenario)
	}
	return all
}

// besideEachOther has the pairs made on sets of machines, by a queue in the hub: a pair
// whose machines are lost is made again on others.
func (p *procedure) besideEachOther(ctx context.Context, sets [][]string, made []*outcome, pair func(ctx context.Context, at int, only []string) (*outcome, error)) error {
	q, err := session.NewQueue(ctx, p.plan.o.Hub, len(made))
	if err != nil {
		return &SideError{Base, err}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var left atomic.Int64
	left.Store(int64(len(made)))
	var workers sync.WaitGroup
	errs, lost := make([]error, len(sets)), make([]error, len(sets))
	for i, set := range sets {
		workers.Go(func() {
			for left.Load() > 0 && errs[i] == nil && lost[i] == nil {
				errs[i] = func() error {
					t, err := q.Take(ctx)
					if err != nil || t == nil {
						return err
					}
					o, err := pair(ctx, t.Number, set)
					if err != nil {
						t.GiveBack()
						if runner.Lost(err) && t.Try < mostLost {
							lost[i] = err // the others have it
							return nil
						}
						return err
					}
					first, err := t.Done(ctx)
					if first {
						made[t.Number] = o
						left.Add(-1)
					}
					return err
				}()
			}
			if errs[i] != nil {
				cancel()
			}
		})
	}
	workers.Wait()
	closed := q.Close()
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if n := left.Load(); n > 0 {
		return fmt.Errorf("%d combinations were not compared: %w", n, errors.Join(lost...))
	}
	if text := fmt.Sprintf("combinations were compared side by side, on up to %d sets of hosts", len(sets)); !slices.Contains(p.plan.warnings, text) {
		p.plan.Warn(text)
	}
	if closed != nil {
		p.plan.Warn("a queue stays in the hub: " + closed.Error())
	}
	return nil
}

// besides tells of runs that go on side by side: each when it is over.
type besides struct{ p *procedure }

func (b besides) Begin(Step) reports.Live { return runner.Nobody }

func (b besides) End(s Step, run result.ComparedRun) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.p.plan.o.Progress.Begin(s)
	b.p.plan.o.Progress.End(s, run)
}

func (b besides) Again(s Step, why string) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.p.plan.o.Progress.Again(s, why)
}

func (b besides) Standing(c *result.Comparison, left Left) { b.p.plan.o.Progress.Standing(c, left) }
