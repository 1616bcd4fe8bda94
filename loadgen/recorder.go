package loadgen

import (
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

// Lengths of the timeline's slices and, unless a Spec says otherwise, of the
// live readings.
const (
	sliceNs    = 100e6
	progressNs = 250e6
	secondNs   = 1e9
)

// maxFailureLines bounds the failures told one by one; the rest is only counted.
const maxFailureLines = 10_000

// phaseTally is what the requests intended in one phase came to.
type phaseTally struct {
	// endedWithin and goodWithin count what ended in the time of the phase,
	// whenever it was due; all else is of the requests due in it.
	endedWithin, goodWithin uint64

	spec       *Phase
	start, end int64 // on the clock of loop.Nanotime

	requests, completed, retried uint64
	interrupted                  uint64 // of those that failed
	bytesIn, bytesOut, conns     uint64
	failed                       causeCounts
	status                       [600]uint64
	response, service, lag       *hdrhistogram.Histogram
	// failures holds the response times of failed requests; nil without any.
	failures *hdrhistogram.Histogram
}

// slice is one interval of the timeline. Completed and good are binned by the
// end of requests and final when its time is over; all else is binned by
// intended start and final when open is 0.
type slice struct {
	next       *slice
	phase      *phaseTally
	start, end int64
	over       bool
	open       int // requests intended here that have not ended

	offered, completed, good, retried uint64
	errors                            causeCounts
	lagMax, lagP99                    int64
	inFlight, conns                   int

	response, service, failures *hdrhistogram.Histogram
}

// report is one thing for the reporting goroutine; exactly one field is set.
type report struct {
	slice   *slice
	failure *result.Failure
	live    *liveTally
	second  *lagSecond
}

// lagSecond is the lag of the requests due in one second of the measured time.
type lagSecond struct {
	second int
	lag    *hdrhistogram.Histogram
}

// recorder keeps the books of a run. It belongs to the worker's thread; only
// finished slices, failures and live readings leave it, through out.
type recorder struct {
	name    string
	origin  int64
	timeout int64 // ns
	phases  []*phaseTally
	// classes are the tallies of the kinds of requests over all measured
	// phases; nil where there is only one kind.
	classes []*phaseTally
	names   []string    // of all classes
	drain   *phaseTally // after the last phase: nothing is intended here

	head *slice // oldest not reported
	due  *slice // of the latest intended start
	cur  *slice // of now

	sliceLag  *hdrhistogram.Histogram // of due
	secondLag *hdrhistogram.Histogram // of second
	second    int

	live     *liveTally
	every    int64 // ns between live readings
	out      chan report
	free     chan *slice
	freeLive chan *liveTally
	freeLag  chan *hdrhistogram.Histogram
	failures int // told one by one so far

	inFlight      int    // intended and not ended
	queued, conns int    // gauges kept by the worker
	sent          uint64 // requests put on a wire

	checks *checkBook // nil without the integrity check
}

// liveTally is a live reading. The last three are gauges at its end.
type liveTally struct {
	start, end                        int64
	phase                             *phaseTally
	offered, completed, good, retried uint64
	errors                            causeCounts
	response, lag                     *hdrhistogram.Histogram
	inFlight, queued, conns           int
}

func newRecorder(spec *Spec, classes []Class, origin int64) *recorder {
	r := &recorder{
		name: spec.Name, origin: origin, timeout: spec.timeoutNs(),
		sliceLag: newShort(), secondLag: newShort(),
		out: make(chan report, 1024), free: make(chan *slice, 64), freeLive: make(chan *liveTally, 4), freeLag: make(chan *hdrhistogram.Histogram, 4),
		every: progressNs,
		drain: &phaseTally{spec: &Phase{Name: "drain"}, end: math.MaxInt64},
	}
	if spec.ProgressUs > 0 {
		r.every = spec.ProgressUs * 1000
	}
	at := origin
	for i := range spec.Phases {
		p := &phaseTally{
			spec: &spec.Phases[i], start: at, end: at + spec.Phases[i].LengthUs*1000,
			response: newLong(), service: newLong(), lag: newLong(),
		}
		r.phases = append(r.phases, p)
		at = p.end
	}
	for _, c := range classes {
		r.names = append(r.names, c.Name)
	}
	if spec.Integrity != nil {
		r.checks = &checkBook{}
	}
	if len(classes) > 1 || classes[0].Name != "" {
		for range classes {
			r.classes = append(r.classes, &phaseTally{response: newLong(), service: newLong(), lag: newLong()})
		}
	}
	r.drain.start = at
	r.drain.response, r.drain.service, r.drain.lag = newLong(), newLong(), newLong()
	r.cur = r.newSlice(origin)
	r.head, r.due = r.cur, r.cur
	r.live = r.newLive(origin, origin+r.every)
	return r
}

// phaseAt is the phase in force at a time.
func (r *recorder) phaseAt(at int64) *phaseTally {
	for _, p := range r.phases {
		if at < p.end {
			return p
		}
	}
	return r.drain
}

// after is the phase that follows p, the first one after nil.
func (r *recorder) after(p *phaseTally) *phaseTally {
	i := 0
	if p != nil {
		i = slices.Index(r.phases, p) + 1
	}
	if i == len(r.phases) {
		return r.drain
	}
	return r.phases[i]
}

// newSlice begins a slice at start: up to the next tick of the grid that all
// loads share, or to the end of the phase.
func (r *recorder) newSlice(start int64) *slice {
	var s *slice
	select {
	case s = <-r.free:
	default:
		s = &slice{response: newShort(), service: newShort()}
	}
	s.phase = r.phaseAt(start)
	s.start = start
	grid := r.origin + ((start-r.origin)/sliceNs+1)*sliceNs
	s.end = min(grid, s.phase.end)
	return s
}

// advance ends the slices whose time is over at now.
func (r *recorder) advance(now int64) {
	for now >= r.cur.end {
		s := r.cur
		s.over, s.inFlight, s.conns = true, r.inFlight, r.conns
		s.next = r.newSlice(s.end)
		r.cur = s.next
	}
	if now >= r.live.end {
		r.reading(now)
	}
}

// intended notes a request that is dispatched at now, not before it is due.
func (r *recorder) intended(q *request, now int64, timed bool) {
	r.advance(now)
	for q.intended >= r.due.end {
		r.leaveDue()
	}
	s := r.due
	q.slice = s
	s.phase.requests++
	s.offered++
	s.open++
	r.live.offered++
	r.inFlight++
	if r.classes != nil && s.phase.spec.Measure {
		q.class = r.classes[q.order.Class]
		q.class.requests++
	}
	if timed {
		r.lagged(q, microseconds(now-q.intended))
	}
}

func (r *recorder) lagged(q *request, us int64) {
	s := q.slice
	record(s.phase.lag, us)
	if q.class != nil {
		record(q.class.lag, us)
	}
	record(r.sliceLag, us)
	record(r.live.lag, us)
	s.lagMax = max(s.lagMax, us)
	if !s.phase.spec.Measure {
		return
	}
	if sec := int((q.intended - r.origin) / secondNs); sec != r.second {
		r.leaveSecond()
		r.second = sec
	}
	record(r.secondLag, us)
}

// leaveDue goes on to the next slice of intended starts, which exists because
// nothing is dispatched before its time.
func (r *recorder) leaveDue() {
	if r.sliceLag.TotalCount() > 0 {
		r.due.lagP99 = r.sliceLag.ValueAtQuantile(99)
		r.sliceLag.Reset()
	}
	r.due = r.due.next
}

// leaveSecond hands over the lag of a second.
func (r *recorder) leaveSecond() {
	if r.secondLag.TotalCount() == 0 {
		return
	}
	next := newLag(r.freeLag)
	select {
	case r.out <- report{second: &lagSecond{r.second, r.secondLag}}:
		r.secondLag = next
	default: // the reader is far behind; the lag of the load as a whole has it all
		r.secondLag.Reset()
	}
}

// newLag takes a histogram that has been read, or makes one.
func newLag(free chan *hdrhistogram.Histogram) *hdrhistogram.Histogram {
	select {
	case h := <-free:
		return h
	default:
		return newShort()
	}
}

// good notes a request that ended well.
func (r *recorder) good(q *request, now int64, status int) {
	r.ended(q, now)
	s, response, service := q.slice, microseconds(now-q.intended), microseconds(now-q.sent)
	s.phase.good(status, response, service)
	if q.class != nil {
		q.class.good(status, response, service)
	}
	record(s.response, response)
	record(s.service, service)
	r.cur.good++
	r.cur.phase.goodWithin++
	if c := r.classWithin(q); c != nil {
		c.goodWithin++
	}
	r.live.good++
	record(r.live.response, response)
}

// bad notes a request that failed. A timeout counts as at least the time-out.
func (r *recorder) bad(q *request, now int64, f *failure) {
	r.ended(q, now)
	s, c := q.slice, f.cause
	took := now - q.intended
	if c == causeTimeout {
		took = max(took, r.timeout)
	}
	if s.failures == nil {
		s.failures = newShort()
	}
	record(s.failures, microseconds(took))
	s.phase.bad(f, microseconds(took))
	if q.class != nil {
		q.class.bad(f, microseconds(took))
	}
	s.errors[c]++
	r.live.errors[c]++
	if r.failures >= maxFailureLines {
		return
	}
	r.failures++
	line := &result.Failure{
		Load: r.name, Phase: s.phase.spec.Name, ID: q.order.Seq, Request: r.names[q.order.Class], AtUs: (q.intended - r.origin) / 1000, EndedUs: (now - r.origin) / 1000,
		Cause: c.String(), Status: f.status, Detail: f.detail, ConnAgeUs: f.age / 1000, ConnUses: f.uses,
	}
	select {
	case r.out <- report{failure: line}:
	default: // the reader is behind; the failure is counted all the same
	}
}

func (r *recorder) ended(q *request, now int64) {
	r.advance(now)
	q.slice.open--
	r.inFlight--
	r.cur.completed++
	r.cur.phase.endedWithin++
	if c := r.classWithin(q); c != nil {
		c.endedWithin++
	}
	r.live.completed++
}

// classWithin is the class of a request that ends now, if that is in measured time.
func (r *recorder) classWithin(q *request) *phaseTally {
	if r.classes == nil || !r.cur.phase.spec.Measure {
		return nil
	}
	return r.classes[q.order.Class]
}

func (r *recorder) retry(q *request) {
	q.slice.phase.retried++
	if q.class != nil {
		q.class.retried++
	}
	q.slice.retried++
	r.live.retried++
}

// connected notes a connection opened for q.
func (r *recorder) connected(q *request) {
	r.conns++
	q.slice.phase.conns++
	if q.class != nil {
		q.class.conns++
	}
}

// written notes n bytes that have left for q.
func (r *recorder) written(q *request, n int64) {
	q.slice.phase.bytesOut += uint64(n)
	if q.class != nil {
		q.class.bytesOut += uint64(n)
	}
}

// received notes n bytes that have come for q.
func (r *recorder) received(q *request, n int) {
	q.slice.phase.bytesIn += uint64(n)
	if q.class != nil {
		q.class.bytesIn += uint64(n)
	}
}

// flush hands over the slices that can change no more; nextDue is the earliest
// intended start still to come. What the reader cannot take yet stays.
func (r *recorder) flush(nextDue int64) {
	for s := r.head; s.over && s.open == 0 && nextDue >= s.end; s = r.head {
		if s == r.due {
			r.leaveDue()
		}
		next := s.next // once handed over, s is the reader's
		select {
		case r.out <- report{slice: s}:
		default:
			return
		}
		r.head = next
	}
}

// cut ends the schedule at now, before its time: the phase in force is as long
// as it lasted, and what would have followed has no length.
func (r *recorder) cut(now int64) {
	r.advance(now)
	for _, p := range r.phases {
		p.start, p.end = min(p.start, now), min(p.end, now)
	}
}

// cutSlice ends the present slice, so that what ends later lies after the end.
func (r *recorder) cutSlice(now int64) {
	r.cur.end = max(r.cur.start, min(r.cur.end, now))
	r.advance(now)
}

// finish hands over everything that is left, waiting for the reader.
func (r *recorder) finish(now int64) {
	r.advance(now)
	r.leaveSecond()
	r.cur.inFlight, r.cur.conns = r.inFlight, r.conns
	r.cur.end = max(r.cur.start, min(r.cur.end, now))
	for s := r.head; s != nil; {
		next := s.next
		if s == r.due && next != nil {
			r.leaveDue()
		}
		if next != nil || s.phase != r.drain || s.completed > 0 {
			r.out <- report{slice: s}
		}
		s = next
	}
	close(r.out)
}

// newLive begins a live reading.
func (r *recorder) newLive(start, end int64) *liveTally {
	var l *liveTally
	select {
	case l = <-r.freeLive:
	default:
		l = &liveTally{response: newShort(), lag: newShort()}
	}
	l.start, l.end = start, end
	return l
}

// reading hands over a live reading, unless the reader is behind.
func (r *recorder) reading(now int64) {
	l := r.live
	next := l.end + r.every
	if next <= now {
		next = now + r.every
	}
	l.end, l.phase = now, r.phaseAt(now-1)
	l.inFlight, l.queued, l.conns = r.inFlight, r.queued, r.conns
	select {
	case r.out <- report{live: l}:
		r.live = r.newLive(now, next)
	default:
		l.response.Reset()
		l.lag.Reset()
		*l = liveTally{start: now, end: next, response: l.response, lag: l.lag}
	}
}
