package runner

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
	"sync/atomic"
	"time"

	"bench/internal/hosts/session"
	"bench/internal/hosts/wire"
	"bench/internal/result"
	"bench/reports"
	"bench/scenarios/document"
	"bench/scenarios/format"
)

// mostTries is how often a cell is begun again because machines of it were lost.
const mostTries = 3

// spread runs cells side by side, each on a set of machines of its own. Which is next is
// in a queue of the hub: a cell whose machines are lost is given out again.
type spread struct {
	maker *maker
	run   *result.Run
	queue *session.Queue
	tasks []int // by the number of a task, that of a cell
	// claims are the machines that cells of this run have.
	claims *claims

	mu      sync.Mutex // of run, its folder and what follows
	left    int
	again   []string // cells that were given out again, and why
	ended   []string // why sets of machines got no cell any more
	workers atomic.Int64
}

// Sets parts the machines of a hub into sets that one of the scenarios can have each, as
// many as most; there are none where something of them would be on this machine.
func Sets(ctx context.Context, hub *wire.Address, all []*format.Scenario, most int) ([][]string, error) {
	if hub == nil || most < 2 || slices.ContainsFunc(all, func(s *format.Scenario) bool { return !s.Elsewhere() }) {
		return nil, nil
	}
	s, err := session.Open(ctx, session.Options{Hub: hub})
	if err != nil {
		return nil, fail(exitLost, err)
	}
	// Once more as long as more answer: not all are equally fast.
	found, err := s.Look(ctx, lookAtLeast)
	for deadline := time.Now().Add(lookAtMost); err == nil && time.Now().Before(deadline); {
		before := len(found)
		if found, err = s.Look(ctx, lookAtLeast); len(found) <= before {
			break
		}
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, fail(exitUsage, err)
	}
	var sets [][]string
	for len(sets) < most {
		var set []string
		for _, scenario := range all {
			// What one of them needs serves the others, too.
			chosen, missing := choose(scenario, found)
			if len(missing) > 0 {
				return sets, nil
			}
			for _, of := range chosen {
				for _, h := range of {
					if !slices.Contains(set, h.Name) {
						set = append(set, h.Name)
					}
				}
			}
		}
		found = slices.DeleteFunc(found, func(h wire.Hello) bool { return slices.Contains(set, h.Name) })
		slices.Sort(set)
		sets = append(sets, set)
	}
	return sets, nil
}

// runSpread runs cells on n sets of machines.
func (m *maker) runSpread(ctx context.Context, run *result.Run, tasks []int, n int) (err error) {
	s := &spread{maker: m, run: run, tasks: tasks, claims: &claims{names: map[string]bool{}}, left: len(tasks)}
	if s.queue, err = session.NewQueue(ctx, m.o.Hub, len(tasks)); err != nil {
		return fail(exitLost, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	errs := make([]error, n)
	s.workers.Store(int64(n))
	for i := range n {
		workers.Go(func() {
			errs[i] = s.work(ctx)
			if s.workers.Add(-1); errs[i] != nil {
				cancel()
			}
		})
	}
	workers.Wait()
	place := func(c *result.Cell) int {
		return slices.IndexFunc(m.o.Document.Cells, func(d document.Cell) bool { return d.Name == c.Name })
	}
	slices.SortStableFunc(run.Cells, func(a, b *result.Cell) int { return place(a) - place(b) })
	run.SideBySide = fmt.Sprintf("%d combinations on up to %d sets of hosts at a time", len(tasks), n)
	if len(s.again) > 0 {
		run.SideBySide += "; begun again: " + strings.Join(s.again, ", ")
	}
	err = worst(errs)
	if err == nil && s.left > 0 {
		err = fail(exitLost, fmt.Errorf("%d of %d combinations were not run: %s", s.left, len(tasks), strings.Join(s.ended, "; ")))
	}
	if closed := s.queue.Close(); err == nil && closed != nil {
		run.Warnings = append(run.Warnings, "the queue stays in the hub: "+firstLine(closed))
	}
	return err
}

// worst is the error that ends the run: what others of its workers say follows from it,
// or from the interrupt.
func worst(errs []error) error {
	var first error
	for _, err := range errs {
		if first == nil || interrupted(first) {
			if err != nil {
				first = err
			}
		}
	}
	return first
}

// work runs one cell after another until all are done, or no machines are left for one.
func (s *spread) work(ctx context.Context) error {
	for s.remaining() > 0 {
		t, err := s.queue.Take(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fail(exitLost, fmt.Errorf("the queue of the hub: %w", err))
		}
		if t == nil {
			continue // it may come back
		}
		goOn, err := s.attempt(ctx, t)
		if err != nil || !goOn {
			return err
		}
	}
	return nil
}

func (s *spread) remaining() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

// attempt runs a cell. It reports whether its worker can have another: not if it found no
// machines, which is an error where nobody else is left.
func (s *spread) attempt(ctx context.Context, t *session.Task) (goOn bool, err error) {
	c := s.maker.cell(s.tasks[t.Number])
	own, err := s.part(t)
	if err != nil {
		t.GiveBack()
		return false, fail(exitLost, err)
	}
	defer func() { err = errors.Join(err, fail(exitLost, os.RemoveAll(own.dir))) }()
	quiet := &oneLine{live: s.maker.o.Live, mu: &s.mu}
	c.out, c.live, c.claims = own, quiet, s.claims
	c.keep = func(events []result.Event) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.maker.dir.json(fileRun, unfinished(s.run, c, events))
	}
	failed := c.run(ctx)
	switch lost := c.machines.lost(false); {
	case failed == nil:
		first, err := t.Done(ctx)
		if err != nil {
			failed = fail(exitLost, fmt.Errorf("the queue of the hub: %w", err))
		} else if !first {
			return true, nil // it was given out twice
		}
	case lost != nil && t.Try < mostTries:
		t.GiveBack()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.again = append(s.again, fmt.Sprintf("%s, as the run had %s", c.record.Name, firstLine(lost)))
		return true, nil
	case errors.Is(failed, errMissing) && (s.workers.Load() > 1 || len(s.againList()) > 0):
		// Others may have its machines, or it has lost them.
		t.GiveBack()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = append(s.ended, firstLine(failed))
		return false, nil
	default:
		t.GiveBack()
	}
	return true, errors.Join(failed, s.take(c, own, failed == nil, quiet))
}

// part is the folder of one attempt, which goes with the run, whatever ends that.
func (s *spread) part(t *session.Task) (*folder, error) {
	dir, err := filepath.Abs(filepath.Join(s.maker.dir.dir, ".part-"+strconv.Itoa(t.Number+1)+"-"+strconv.Itoa(t.Try)))
	if err == nil {
		err = s.maker.group.Adopt(dir)
	}
	if err != nil {
		return nil, err
	}
	return newFolder(dir, false)
}

func (s *spread) againList() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.again
}

// take takes what a cell has measured into the run.
func (s *spread) take(c *cell, own *folder, done bool, live *oneLine) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if done {
		s.left--
	}
	if !done && len(c.record.Loads) == 0 {
		return nil
	}
	s.run.Cells = append(s.run.Cells, c.record)
	live.tell()
	return fail(exitLost, s.maker.dir.append(own))
}

// oneLine is the live view of a cell among several: it is shown when it is over.
type oneLine struct {
	nobody
	live reports.Live
	mu   *sync.Mutex
	plan reports.Plan
	end  *result.Cell
}

func (l *oneLine) Begin(p reports.Plan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plan = p
	l.live.Message("begins: " + p.Cell)
}

func (l *oneLine) End(c *result.Cell) { l.end = c }

// tell shows the cell; the caller holds mu.
func (l *oneLine) tell() {
	if l.plan.Scenario != "" && l.end != nil {
		l.live.Begin(l.plan)
		l.live.End(l.end)
	}
}

// claims are the machines that cells of a run have, so that none asks for those of
// another. nil is of a run whose cells follow one another.
type claims struct {
	mu    sync.Mutex
	names map[string]bool
}

// take chooses among what the others have left. give gives the machines back.
func (c *claims) take(found []wire.Hello, pick func([]wire.Hello) (map[string][]wire.Hello, []string)) (chosen map[string][]wire.Hello, missing []string) {
	if c == nil {
		return pick(found)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	chosen, missing = pick(slices.DeleteFunc(slices.Clone(found), func(h wire.Hello) bool { return c.names[h.Name] }))
	if len(missing) == 0 {
		c.set(chosen, true)
	}
	return chosen, missing
}

func (c *claims) give(chosen map[string][]wire.Hello) {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.set(chosen, false)
	}
}

func (c *claims) set(chosen map[string][]wire.Hello, taken bool) {
	for _, of := range chosen {
		for i := range of {
			c.names[of[i].Name] = taken
		}
	}
}
