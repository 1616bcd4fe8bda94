package runner

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
)

// workingShare tells the threads that do a process's work from those of its runtime:
// they ran and waited at least this share of what the busiest of them did.
const workingShare = 0.1

// waitStep is the time between two looks at the threads that work. No request that
// lasts less can have been delayed by more than what was waited in two of them.
const waitStep = 10 * time.Millisecond

// starved follows how long the threads of a run's processes are ready to run but have
// no processor: all of them from one reading of a process to the next, those that work
// from step to step.
type starved struct {
	mu     sync.Mutex
	began  bool
	fromUs int64
	seen   map[proc.Thread]proc.Scheduled // at the last reading of their process
	roles  map[string]*roleTime           // since then
	spans  []span
	// own and others are as of a span, from the beginning to the last reading.
	own, others float64
	working     map[proc.Thread]*workingThread
	stepUs      int64 // when the last step was
	waits       []result.Wait
}

// workingThread is looked at in each step.
type workingThread struct {
	role  string
	watch *proc.ThreadWatch
	last  proc.Scheduled
}

// span is what happened between two readings, by role.
type span struct {
	fromUs, toUs int64
	roles        map[string]*roleTime
	// own and others are how long processors were used by the run and by other programs.
	own, others float64
}

// roleTime is what the threads of a role did, in seconds.
type roleTime struct {
	ran, waited float64 // of all threads
	// worst is what the thread waited that waited longest, which ran for worstRan.
	worst, worstRan float64
}

func newStarved() *starved {
	return &starved{
		seen: map[proc.Thread]proc.Scheduled{}, roles: map[string]*roleTime{},
		working: map[proc.Thread]*workingThread{},
	}
}

func (r *roleTime) add(d proc.Scheduled, works bool) {
	r.ran += d.Ran
	r.waited += d.Waited
	if works && d.Waited > r.worst {
		r.worst, r.worstRan = d.Waited, d.Ran
	}
}

// byOthers is how long the thread that waited most did so for others than its own
// kind: that the threads of a proxy share a processor is the proxy's own doing.
func (r *roleTime) byOthers(role string) float64 {
	if r == nil {
		return 0
	}
	if role == roleProxy {
		return max(0, r.worst-(r.ran-r.worstRan))
	}
	return r.worst
}

// add reads the threads of a process and returns how long all of them have waited
// since their start.
func (s *starved) add(role string, pid int) (waited float64) {
	threads, err := proc.ReadThreads(pid)
	if err != nil {
		return 0 // it has just ended, or the kernel does not count
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	busiest := 0.0
	for _, now := range threads {
		waited += now.Waited
		busiest = max(busiest, now.Ran+now.Waited)
	}
	r := s.roles[role]
	if r == nil {
		r = &roleTime{}
		s.roles[role] = r
	}
	for id, now := range threads {
		before, known := s.seen[id]
		s.seen[id] = now
		works := now.Ran+now.Waited >= workingShare*busiest
		if known || s.began { // what was before the first reading is nobody's
			r.add(proc.Scheduled{Ran: now.Ran - before.Ran, Waited: now.Waited - before.Waited}, works)
		}
		if works && s.working[id] == nil {
			if w, err := proc.WatchThread(id.PID, id.TID); err == nil {
				t := &workingThread{role: role, watch: w}
				if !s.began {
					t.last = now
				}
				s.working[id] = t
			}
		}
	}
	return waited
}

// close ends a span; own and others are how long processors have been used so far by
// the run and by other programs.
func (s *starved) close(atUs int64, own, others float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began {
		s.spans = append(s.spans, span{s.fromUs, atUs, s.roles, own - s.own, max(0, others-s.others)})
	} else {
		s.stepUs = atUs
	}
	s.began, s.fromUs, s.roles, s.own, s.others = true, atUs, map[string]*roleTime{}, own, others
}

// follow takes a step every waitStep until ctx ends.
func (s *starved) follow(ctx context.Context, nowUs func() int64) {
	tick := time.NewTicker(waitStep)
	defer tick.Stop()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, t := range s.working {
			_ = t.watch.Close() // it was only read
		}
		clear(s.working)
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.step(nowUs())
		}
	}
}

// step looks at the threads that work.
func (s *starved) step(nowUs int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.began || nowUs <= s.stepUs {
		return
	}
	var proxy, origin, driver roleTime
	for id, t := range s.working {
		now, err := t.watch.Read()
		if err != nil { // it has ended
			_ = t.watch.Close()
			delete(s.working, id)
			continue
		}
		d := proc.Scheduled{Ran: now.Ran - t.last.Ran, Waited: now.Waited - t.last.Waited}
		t.last = now
		switch t.role {
		case roleProxy:
			proxy.add(d, true)
		case roleOrigin:
			origin.add(d, true)
		case roleDriver:
			driver.add(d, true)
		}
	}
	us := func(r *roleTime, role string) int64 { return int64(r.byOthers(role) * 1e6) }
	s.waits = append(s.waits, result.Wait{
		FromUs: s.stepUs, ToUs: nowUs,
		ProxyUs: us(&proxy, roleProxy), OriginUs: us(&origin, roleOrigin), DriverUs: us(&driver, roleDriver),
	})
	s.stepUs = nowUs
}

// takesProcessors reports whether an event takes processors away on purpose.
func takesProcessors(e *result.Event) bool {
	return e.Applied && slices.Contains([]string{"process.stop", "process.starve"}, e.Kind)
}

// counts reports whether a stretch of time lies in the measured time and outside of
// faults that take processors away.
func counts(fromUs, toUs int64, phases []result.Phase, events []result.Event) bool {
	return slices.ContainsFunc(phases, func(p result.Phase) bool {
		return p.Measured && toUs > p.StartUs && fromUs < p.StartUs+p.LengthUs
	}) && !slices.ContainsFunc(events, func(e result.Event) bool {
		return takesProcessors(&e) && toUs > e.BeginUs && fromUs <= max(e.BeginUs, e.EndUs)
	})
}

// What is waited for others is taken to be so many times their share in the use of the
// processors, at most all of it: a quiet machine's parts wait for each other, which
// belongs to it, and who is in the way is not counted, only who ran.
const othersWeight = 4

// around is the number of spans before and after one that its share of others is taken
// over: what processes used is only told to 10 ms.
const around = 2

// forOthers is the part of what was waited in a span that is laid to other programs.
func forOthers(spans []span, i int) float64 {
	var own, others float64
	for _, w := range spans[max(0, i-around):min(len(spans), i+around+1)] {
		own += w.own
		others += w.others
	}
	if others == 0 {
		return 0
	}
	return min(1, othersWeight*others/(own+others))
}

// measured are the waits that objectives need to know of: for other programs, in the
// measured time.
func (s *starved) measured(phases []result.Phase, events []result.Event) []result.Wait {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []result.Wait
	i, part := -1, 1.0
	for _, w := range s.waits {
		for i+1 < len(s.spans) && (i < 0 || s.spans[i].toUs <= w.FromUs) {
			i++
			part = forOthers(s.spans, i)
		}
		if counts(w.FromUs, w.ToUs, phases, events) {
			for _, us := range []*int64{&w.ProxyUs, &w.OriginUs, &w.DriverUs} {
				*us = int64(part * float64(*us))
			}
			all = append(all, w)
		}
	}
	return all
}

// byRole adds up what was waited.
func (s *starved) byRole(phases []result.Phase, events []result.Event) []result.Starved {
	s.mu.Lock()
	defer s.mu.Unlock()
	sums := map[string]*result.Starved{}
	length := 0.0
	for i := range s.spans {
		w := &s.spans[i]
		if !counts(w.fromUs, w.toUs, phases, events) {
			continue
		}
		length += float64(w.toUs-w.fromUs) / 1e6
		for role, r := range w.roles {
			if sums[role] == nil {
				sums[role] = &result.Starved{Role: role}
			}
			sums[role].RanSeconds += r.ran
			sums[role].WaitedSeconds += r.waited
			sums[role].Share += r.byOthers(role)
		}
	}
	all := make([]result.Starved, 0, len(sums))
	for _, r := range sums {
		r.Share = min(1, r.Share/max(length, 1e-9))
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b result.Starved) int { return strings.Compare(a.Role, b.Role) })
	return all
}
