// Package record keeps the books of a load: what became of each request, by phase, class
// and slice of time; what is read of them while the load runs; and the sum of those who
// share it. Nothing is corrected after the fact.
package record

import (
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/loadgen/codec"
	"bench/loadgen/workload"
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

// PhaseTally is what the requests intended in one phase came to.
type PhaseTally struct {
	// endedWithin and goodWithin count what ended in the time of the phase,
	// whenever it was due; all else is of the requests due in it.
	endedWithin, goodWithin uint64

	Spec       *workload.Phase
	Start, end int64 // on the clock of loop.Nanotime

	requests, completed, retried, moved uint64
	interrupted                         uint64 // of those that failed
	bytesIn, bytesOut, conns            uint64
	handshakes, resumed, unsecured      uint64
	failed                              causeCounts
	status                              [600]uint64
	response, service, lag              *hdrhistogram.Histogram
	// failures holds the response times of failed requests; nil without any.
	failures *hdrhistogram.Histogram
	// handshake holds the times of handshakes; nil without any.
	handshake *hdrhistogram.Histogram
}

// slice is one interval of the timeline. Completed and good are binned by the
// end of requests and final when its time is over; all else is binned by
// Intended start and final when open is 0.
type slice struct {
	next       *slice
	phase      *PhaseTally
	start, end int64
	over       bool
	open       int // requests intended here that have not ended

	offered, completed, good, retried, moved uint64
	errors                                   causeCounts
	lagMax, lagP99                           int64
	inFlight, conns                          int
	handshakes, resumed                      uint64

	response, service, failures *hdrhistogram.Histogram
}

// Entry is what the books have to know of a request.
type Entry struct {
	Order    codec.Order
	Intended int64 // on the clock of loop.Nanotime, as all times
	Sent     int64 // when it last began to be written
	slice    *slice
	class    *PhaseTally // of its class; nil where classes are not told apart
	garbled  bool        // bytes that are no answer have come in place of one
}

// Failure says how a request ended without a good answer.
type Failure struct {
	Cause  codec.Cause
	Status int
	Detail string
	Age    int64 // of the connection, ns
	Uses   int   // requests the connection had served before
	// Unserved: the peer has said that it has not looked at the request.
	Unserved bool
	// Interrupted: the run ended before its time, and the request with it.
	Interrupted bool
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

// Recorder keeps the books of a run. It belongs to the worker's thread; only
// finished slices, failures and live readings leave it, through out.
type Recorder struct {
	name    string
	Origin  int64
	timeout int64 // ns
	phases  []*PhaseTally
	// classes are the tallies of the kinds of requests over all measured
	// phases; nil where there is only one kind.
	classes []*PhaseTally
	kinds   []codec.Class // all of them
	Drain   *PhaseTally   // after the last phase: nothing is intended here

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
	Queued, Conns int    // gauges kept by the worker
	Sent          uint64 // requests put on a wire

	checks *checkBook // nil without the integrity check
}

// liveTally is a live reading. The last three are gauges at its end.
type liveTally struct {
	start, end                        int64
	phase                             *PhaseTally
	offered, completed, good, retried uint64
	errors                            causeCounts
	response, lag                     *hdrhistogram.Histogram
	inFlight, queued, conns           int
}

// New begins the books of a load whose times count from origin.
func New(spec *workload.Spec, classes []codec.Class, origin int64) *Recorder {
	r := &Recorder{
		name: spec.Name, kinds: classes, Origin: origin, timeout: spec.TimeoutNs(),
		sliceLag: hdr.NewShort(), secondLag: hdr.NewShort(),
		out: make(chan report, 1024), free: make(chan *slice, 64), freeLive: make(chan *liveTally, 4), freeLag: make(chan *hdrhistogram.Histogram, 4),
		every: progressNs,
		Drain: &PhaseTally{Spec: &workload.Phase{Name: "drain"}, end: math.MaxInt64},
	}
	if spec.ProgressUs > 0 {
		r.every = spec.ProgressUs * 1000
	}
	at := origin
	for i := range spec.Phases {
		p := &PhaseTally{
			Spec: &spec.Phases[i], Start: at, end: at + spec.Phases[i].LengthUs*1000,
			response: hdr.NewLong(), service: hdr.NewLong(), lag: hdr.NewLong(),
		}
		r.phases = append(r.phases, p)
		at = p.end
	}
	if spec.Integrity != nil {
		r.checks = &checkBook{}
	}
	if len(classes) > 1 || classes[0].Name != "" {
		for range classes {
			r.classes = append(r.classes, &PhaseTally{response: hdr.NewLong(), service: hdr.NewLong(), lag: hdr.NewLong()})
		}
	}
	r.Drain.Start = at
	r.Drain.response, r.Drain.service, r.Drain.lag = hdr.NewLong(), hdr.NewLong(), hdr.NewLong()
	r.cur = r.newSlice(origin)
	r.head, r.due = r.cur, r.cur
	r.live = r.newLive(origin, origin+r.every)
	return r
}

// phaseAt is the phase in force at a time.
func (r *Recorder) phaseAt(at int64) *PhaseTally {
	for _, p := range r.phases {
		if at < p.end {
			return p
		}
	}
	return r.Drain
}

// Phase is the phase of the present slice, and sliceEnd when that slice ends.
func (r *Recorder) Phase() *PhaseTally { return r.cur.phase }

func (r *Recorder) SliceEnd() int64 { return r.cur.end }

// After is the phase that follows p, the first one after nil.
func (r *Recorder) After(p *PhaseTally) *PhaseTally {
	i := 0
	if p != nil {
		i = slices.Index(r.phases, p) + 1
	}
	if i == len(r.phases) {
		return r.Drain
	}
	return r.phases[i]
}

// newSlice begins a slice at start: up to the next tick of the grid that all
// loads share, or to the end of the phase.
func (r *Recorder) newSlice(start int64) *slice {
	var s *slice
	select {
	case s = <-r.free:
	default:
		s = &slice{response: hdr.NewShort(), service: hdr.NewShort()}
	}
	s.phase = r.phaseAt(start)
	s.start = start
	grid := r.Origin + ((start-r.Origin)/sliceNs+1)*sliceNs
	s.end = min(grid, s.phase.end)
	return s
}

// Advance ends the slices whose time is over at now.
func (r *Recorder) Advance(now int64) {
	for now >= r.cur.end {
		s := r.cur
		s.over, s.inFlight, s.conns = true, r.inFlight, r.Conns
		s.next = r.newSlice(s.end)
		r.cur = s.next
	}
	if now >= r.live.end {
		r.reading(now)
	}
}

// Intended notes a request that is dispatched at now, not before it is due.
func (r *Recorder) Intended(q *Entry, now int64, timed bool) {
	r.Advance(now)
	for q.Intended >= r.due.end {
		r.leaveDue()
	}
	s := r.due
	q.slice = s
	s.phase.requests++
	s.offered++
	s.open++
	r.live.offered++
	r.inFlight++
	if r.classes != nil && s.phase.Spec.Measure {
		q.class = r.classes[q.Order.Class]
		q.class.requests++
	}
	if timed {
		r.lagged(q, hdr.Microseconds(now-q.Intended))
	}
}

func (r *Recorder) lagged(q *Entry, us int64) {
	s := q.slice
	hdr.Record(s.phase.lag, us)
	if q.class != nil {
		hdr.Record(q.class.lag, us)
	}
	hdr.Record(r.sliceLag, us)
	hdr.Record(r.live.lag, us)
	s.lagMax = max(s.lagMax, us)
	if !s.phase.Spec.Measure {
		return
	}
	if sec := int((q.Intended - r.Origin) / secondNs); sec != r.second {
		r.leaveSecond()
		r.second = sec
	}
	hdr.Record(r.secondLag, us)
}

// leaveDue goes on to the next slice of intended starts, which exists because
// nothing is dispatched before its time.
func (r *Recorder) leaveDue() {
	if r.sliceLag.TotalCount() > 0 {
		r.due.lagP99 = r.sliceLag.ValueAtQuantile(99)
		r.sliceLag.Reset()
	}
	r.due = r.due.next
}

// leaveSecond hands over the lag of a second.
func (r *Recorder) leaveSecond() {
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
		return hdr.NewShort()
	}
}

// Good notes a request that ended well.
func (r *Recorder) Good(q *Entry, now int64, status int) {
	r.ended(q, now)
	s, response, service := q.slice, hdr.Microseconds(now-q.Intended), hdr.Microseconds(now-q.Sent)
	s.phase.good(status, response, service)
	if q.class != nil {
		q.class.good(status, response, service)
	}
	hdr.Record(s.response, response)
	hdr.Record(s.service, service)
	r.cur.good++
	r.cur.phase.goodWithin++
	if c := r.classWithin(q); c != nil {
		c.goodWithin++
	}
	r.live.good++
	hdr.Record(r.live.response, response)
}

// Bad notes a request that failed. A timeout counts as at least the time-out.
func (r *Recorder) Bad(q *Entry, now int64, f *Failure) {
	r.ended(q, now)
	s, c := q.slice, f.Cause
	took := now - q.Intended
	if c == codec.CauseTimeout {
		took = max(took, r.timeout)
	}
	if s.failures == nil {
		s.failures = hdr.NewShort()
	}
	hdr.Record(s.failures, hdr.Microseconds(took))
	s.phase.bad(f, hdr.Microseconds(took))
	if q.class != nil {
		q.class.bad(f, hdr.Microseconds(took))
	}
	s.errors[c]++
	r.live.errors[c]++
	if r.failures >= maxFailureLines {
		return
	}
	r.failures++
	line := &result.Failure{
		Load: r.name, Phase: s.phase.Spec.Name, ID: q.Order.Seq, Request: r.kinds[q.Order.Class].Name, AtUs: (q.Intended - r.Origin) / 1000, EndedUs: (now - r.Origin) / 1000,
		Cause: c.String(), Status: f.Status, Detail: f.Detail, ConnAgeUs: f.Age / 1000, ConnUses: f.Uses,
	}
	select {
	case r.out <- report{failure: line}:
	default: // the reader is behind; the failure is counted all the same
	}
}

func (r *Recorder) ended(q *Entry, now int64) {
	r.Advance(now)
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
func (r *Recorder) classWithin(q *Entry) *PhaseTally {
	if r.classes == nil || !r.cur.phase.Spec.Measure {
		return nil
	}
	return r.classes[q.Order.Class]
}

func (r *Recorder) Retry(q *Entry) {
	q.slice.phase.retried++
	if q.class != nil {
		q.class.retried++
	}
	q.slice.retried++
	r.live.retried++
}

// Moved notes that a request that ended well was answered by another origin than the one
// before of the same virtual user.
func (r *Recorder) Moved(q *Entry) {
	q.slice.phase.moved++
	if q.class != nil {
		q.class.moved++
	}
	q.slice.moved++
}

// Connected notes a connection opened for q.
func (r *Recorder) Connected(q *Entry) {
	r.Conns++
	q.slice.phase.conns++
	if q.class != nil {
		q.class.conns++
	}
}

// Secured notes that the handshake of a connection opened for q has succeeded, and how long
// it took.
func (r *Recorder) Secured(q *Entry, resumed bool, took int64) {
	q.slice.handshakes++
	if resumed {
		q.slice.resumed++
	}
	for _, t := range [...]*PhaseTally{q.slice.phase, q.class} {
		if t == nil {
			continue
		}
		t.handshakes++
		if t.handshake == nil {
			t.handshake = hdr.NewLong()
		}
		hdr.Record(t.handshake, hdr.Microseconds(took))
		if resumed {
			t.resumed++
		}
	}
}

// Unsecured notes that the handshake of a connection opened for q has come to nothing.
func (r *Recorder) Unsecured(q *Entry) {
	q.slice.phase.unsecured++
	if q.class != nil {
		q.class.unsecured++
	}
}

// Written notes n bytes that have left for q.
func (r *Recorder) Written(q *Entry, n int64) {
	q.slice.phase.bytesOut += uint64(n)
	if q.class != nil {
		q.class.bytesOut += uint64(n)
	}
}

// Received notes n bytes that have come for q.
func (r *Recorder) Received(q *Entry, n int) {
	q.slice.phase.bytesIn += uint64(n)
	if q.class != nil {
		q.class.bytesIn += uint64(n)
	}
}

// Aside notes bytes that belong to no request: a protocol speaks of the connection. They
// are those of the present phase.
func (r *Recorder) Aside(in int, out int64) {
	r.cur.phase.bytesIn += uint64(in)
	r.cur.phase.bytesOut += uint64(out)
}

// Flush hands over the slices that can change no more; nextDue is the earliest
// Intended start still to come. What the reader cannot take yet stays.
func (r *Recorder) Flush(nextDue int64) {
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

// Cut ends the schedule at now, before its time: the phase in force is as long
// as it lasted, and what would have followed has no length.
func (r *Recorder) Cut(now int64) {
	r.Advance(now)
	for _, p := range r.phases {
		p.Start, p.end = min(p.Start, now), min(p.end, now)
	}
}

// CutSlice ends the present slice, so that what ends later lies after the end.
func (r *Recorder) CutSlice(now int64) {
	r.cur.end = max(r.cur.start, min(r.cur.end, now))
	r.Advance(now)
}

// Finish hands over everything that is left, waiting for the reader.
func (r *Recorder) Finish(now int64) {
	r.Advance(now)
	r.leaveSecond()
	r.cur.inFlight, r.cur.conns = r.inFlight, r.Conns
	r.cur.end = max(r.cur.start, min(r.cur.end, now))
	for s := r.head; s != nil; {
		next := s.next
		if s == r.due && next != nil {
			r.leaveDue()
		}
		if next != nil || s.phase != r.Drain || s.completed > 0 {
			r.out <- report{slice: s}
		}
		s = next
	}
	close(r.out)
}

// newLive begins a live reading.
func (r *Recorder) newLive(start, end int64) *liveTally {
	var l *liveTally
	select {
	case l = <-r.freeLive:
	default:
		l = &liveTally{response: hdr.NewShort(), lag: hdr.NewShort()}
	}
	l.start, l.end = start, end
	return l
}

// reading hands over a live reading, unless the reader is behind.
func (r *Recorder) reading(now int64) {
	l := r.live
	next := l.end + r.every
	if next <= now {
		next = now + r.every
	}
	l.end, l.phase = now, r.phaseAt(now-1)
	l.inFlight, l.queued, l.conns = r.inFlight, r.Queued, r.Conns
	select {
	case r.out <- report{live: l}:
		r.live = r.newLive(now, next)
	default:
		l.response.Reset()
		l.lag.Reset()
		*l = liveTally{start: now, end: next, response: l.response, lag: l.lag}
	}
}
