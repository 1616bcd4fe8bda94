package reports

import (
	"slices"
	"time"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/reports/series"
)

const second = 1_000_000

// liveState is what the live view knows of the cell that runs.
type liveState struct {
	plan   Plan
	zeroUs int64
	phase  result.Phase
	// begun is the run's origin on the wall clock, known from the first phase on.
	begun time.Time
	// seconds of the run, by number from the origin, and gauges of the loads.
	seconds []liveSecond
	loads   map[string]result.Progress
	// counted reports that counts come from Progress; Intervals then only bring
	// the latencies.
	counted bool
	events  []liveEvent
	procs   map[int]liveProcess
	stats   []result.StatsRow // of the newest generation of the proxy
	lines   []string          // what was told, oldest first
	broken  map[string]int64
	newest  int64 // µs: the latest time anything is known of
	dec     hdr.Decoder
}

// liveSecond is one second of all loads.
type liveSecond struct {
	offered, completed, good uint64
	errors                   series.Errors
	ok                       series.Bins
	max                      float64
	lagP99                   float64
}

type liveEvent struct {
	result.Event
	begun, ended bool
}

// inForce reports whether an event is a fault that lasts: one that has no length,
// such as a kill, is over as soon as it is done.
func (e *liveEvent) inForce() bool {
	return e.begun && !e.ended && e.Applied && e.Class == "fault" && e.EndUs > e.BeginUs
}

// maxLines bounds what the live view remembers of messages.
const maxLines = 200

func (s *liveState) begin(p Plan) {
	*s = liveState{
		procs: make(map[int]liveProcess), plan: p, zeroUs: series.Zero(p.Phases), loads: make(map[string]result.Progress), broken: make(map[string]int64), lines: s.lines,
	}
	series.Clean(&s.plan)
	for _, e := range s.plan.Events {
		s.events = append(s.events, liveEvent{Event: e})
	}
}

func (s *liveState) at(us int64) *liveSecond {
	i := int(max(us, 0) / second)
	for len(s.seconds) <= i {
		s.seconds = append(s.seconds, liveSecond{})
	}
	return &s.seconds[i]
}

func (s *liveState) progress(p result.Progress) {
	if !s.counted {
		// What intervals have counted before the first reading is in the readings, too.
		s.counted = true
		for i := range s.seconds {
			t := &s.seconds[i]
			*t = liveSecond{ok: t.ok, max: t.max}
		}
	}
	s.newest = max(s.newest, p.AtUs)
	s.loads[p.Load] = p
	t := s.at(p.AtUs - p.LengthUs/2)
	t.offered += p.Offered
	t.completed += p.Completed
	t.good += p.Good
	t.lagP99 = max(t.lagP99, p.LagP99Us)
	for cause, n := range p.Errors {
		t.errors[series.ClassOf(cause)] += n
	}
}

func (s *liveState) interval(i result.Interval) {
	t := s.at(i.StartUs)
	if !s.counted {
		s.newest = max(s.newest, i.StartUs+i.LengthUs)
		t.offered += i.Offered
		t.completed += i.Completed
		t.good += i.Good
		t.lagP99 = max(t.lagP99, float64(i.LagP99Us))
		for cause, n := range i.Errors {
			t.errors[series.ClassOf(cause)] += n
		}
	}
	if d, err := s.dec.Decode(i.Response); err == nil && len(d) > 0 {
		t.ok = t.ok.Merge(series.BinsOf(d))
		t.max = max(t.max, d.Max())
	}
}

func (s *liveState) event(e result.Event, ended bool) {
	i := slices.IndexFunc(s.events, func(x liveEvent) bool { return e.ID != 0 && x.ID == e.ID })
	if i < 0 { // numbers are given when events begin
		i = slices.IndexFunc(s.events, func(x liveEvent) bool {
			return x.ID == 0 && x.PlannedUs == e.PlannedUs && x.Kind == e.Kind && x.Target == e.Target
		})
	}
	if i < 0 {
		i = len(s.events)
		s.events = append(s.events, liveEvent{})
	}
	series.Clean(&e)
	s.events[i] = liveEvent{Event: e, begun: true, ended: ended}
}

// liveProcess is the last reading of a process.
type liveProcess struct {
	result.Process
	at    int64
	share float64 // of one core, since the reading before
	rated bool
}

// stale is how long a process may be missing from the samples before it counts
// as gone: a sample may hold only some of them.
const stale = 2 * second

func (s *liveState) readSample(r result.Sample) {
	series.Clean(&r)
	for _, p := range r.Processes {
		now := liveProcess{Process: p, at: r.AtUs}
		if old, ok := s.procs[p.PID]; ok {
			now.share, now.rated = old.share, old.rated
			if r.AtUs > old.at {
				now.share, now.rated = max(0, p.CPUSeconds-old.CPUSeconds)*1e6/float64(r.AtUs-old.at), true
			}
		}
		s.procs[p.PID] = now
	}
	for pid, p := range s.procs {
		if r.AtUs-p.at > stale {
			delete(s.procs, pid)
		}
	}
	if len(r.Stats) > 0 {
		s.stats = r.Stats
	}
}

// cpu is the share of one core the processes of a role used lately.
func (s *liveState) cpu(role string) (share float64, ok bool) {
	for _, p := range s.procs {
		if p.Role == role && p.rated {
			share, ok = share+p.share, true
		}
	}
	return share, ok
}

func (s *liveState) tell(line string) {
	s.lines = append(s.lines, line)
	if n := len(s.lines) - maxLines; n > 0 {
		s.lines = slices.Delete(s.lines, 0, n)
	}
}

// now is the time within the run, in µs, by the clock.
func (s *liveState) now(clock time.Time) int64 {
	if s.begun.IsZero() {
		return 0
	}
	return max(clock.Sub(s.begun).Microseconds(), 0)
}

// current is the second shown as "now": the last that is complete.
func (s *liveState) current() *liveSecond {
	i := int(s.newest/second) - 1
	if i < 0 || i >= len(s.seconds) {
		return &liveSecond{}
	}
	return &s.seconds[i]
}

// liveSum adds up a stretch of seconds.
type liveSum struct {
	liveSecond
	seconds int
}

// sum adds the complete measured seconds before untilUs.
func (s *liveState) sum(untilUs int64) liveSum {
	var out liveSum
	last := min(int64(len(s.seconds)), s.newest/second, untilUs/second)
	for i := s.zeroUs / second; i < last; i++ {
		t := &s.seconds[i]
		out.offered += t.offered
		out.good += t.good
		out.errors.Add(&t.errors)
		out.ok = out.ok.Merge(t.ok)
		out.seconds++
	}
	return out
}

// firstEvent is when the first event that was made began; the base line ends
// there.
func (s *liveState) firstEvent() int64 {
	first := int64(1) << 60
	for i := range s.events {
		if e := &s.events[i]; e.begun && e.Class != "seen" {
			first = min(first, e.BeginUs)
		}
	}
	return first
}

// limit finds the objective a row of the view stands for.
func (s *liveState) limit(metrics ...string) *result.Objective {
	for i := range s.plan.Objectives {
		if o := &s.plan.Objectives[i]; o.Window == "" && slices.Contains(metrics, o.Metric) {
			return o
		}
	}
	return nil
}
