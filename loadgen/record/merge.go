package record

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/loadgen/certify"
)

// Merger joins what the members of a shared load say to what one worker with
// the whole load would have said. Histograms are added bucket by bucket, which
// loses nothing: no percentile is taken before.
type Merger struct {
	mu       sync.Mutex
	sink     Sink
	members  []member
	ready    result.AgentReady
	waiting  []*pendingInterval // by start
	live     *pendingProgress
	failures int
	enc      hdr.Encoder
	err      error // the first of the sink
}

// member is what one of them has said.
type member struct {
	ready bool
	load  *result.Load
	lost  bool // nothing more will come of it
	read  bool // a live reading since the last joint one
}

type pendingInterval struct {
	sum                      result.Interval
	from                     int // members it is made of
	response, service, whole *hdrhistogram.Histogram
	apart                    bool // whole differs from response
}

type pendingProgress struct {
	sum           result.Progress
	response, lag *hdrhistogram.Histogram
}

// NewMerger joins the lines of n members. Lines go to sink one at a time.
func NewMerger(n int, sink Sink) *Merger {
	return &Merger{sink: sink, members: make([]member, n)}
}

// Take adds a line of member i and passes on what it completes. It may be called
// by several goroutines. Lines of each member must come in order.
func (m *Merger) Take(i int, l *result.AgentLine) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.members) == 1 {
		m.say(l)
		return m.err
	}
	switch {
	case l.Ready != nil:
		m.members[i].ready = true
		if m.ready.PID == 0 {
			m.ready = *l.Ready
		}
		if !slices.ContainsFunc(m.members, func(m member) bool { return !m.ready }) {
			m.say(&result.AgentLine{Ready: &m.ready})
		}
	case l.Interval != nil:
		return m.interval(l.Interval)
	case l.Progress != nil:
		return m.progress(i, l.Progress)
	case l.Failure != nil:
		if m.failures++; m.failures <= maxFailureLines {
			m.say(l)
		}
	case l.Load != nil:
		m.members[i].load = l.Load
		return m.ended()
	case l.Error != "":
		m.say(l)
	}
	return m.err
}

// Leave gives member i up: what the others say counts without it from now on, and what it
// has said stays.
func (m *Merger) Leave(i int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.members) == 1 || m.members[i].over() {
		return m.err
	}
	m.members[i].lost = true
	return m.ended()
}

// over reports whether nothing more will come of a member.
func (m *member) over() bool { return m.load != nil || m.lost }

func (m *Merger) say(l *result.AgentLine) {
	if m.sink != nil && m.err == nil {
		m.err = m.sink(l)
	}
}

// interval adds a slice of the timeline. The grid is common, so slices of one
// start are of one time; only the last ones may be of different length.
func (m *Merger) interval(s *result.Interval) error {
	i, ok := slices.BinarySearchFunc(m.waiting, s.StartUs, func(p *pendingInterval, start int64) int { return cmp.Compare(p.sum.StartUs, start) })
	if !ok {
		m.waiting = slices.Insert(m.waiting, i, &pendingInterval{sum: result.Interval{Load: s.Load, Phase: s.Phase, StartUs: s.StartUs}})
	}
	p := m.waiting[i]
	p.from++
	t := &p.sum
	t.LengthUs = max(t.LengthUs, s.LengthUs)
	t.Offered += s.Offered
	t.Completed += s.Completed
	t.Good += s.Good
	t.Retried += s.Retried
	t.Moved += s.Moved
	t.Handshakes += s.Handshakes
	t.Resumed += s.Resumed
	t.Errors = addCounts(t.Errors, s.Errors)
	t.LagMaxUs = max(t.LagMaxUs, s.LagMaxUs)
	t.LagP99Us = max(t.LagP99Us, s.LagP99Us)
	t.InFlight += s.InFlight
	t.Conns += s.Conns
	all := s.All
	if p.apart = p.apart || all != ""; all == "" {
		all = s.Response
	}
	for _, add := range []struct {
		to   **hdrhistogram.Histogram
		text string
	}{{&p.response, s.Response}, {&p.service, s.Service}, {&p.whole, all}} {
		if err := hdr.Add(add.to, add.text); err != nil {
			return err
		}
	}
	return m.flush()
}

// flush passes on the slices that are complete, in order.
func (m *Merger) flush() error {
	ended := 0
	for i := range m.members {
		if m.members[i].over() {
			ended++
		}
	}
	for len(m.waiting) > 0 {
		p := m.waiting[0]
		// A member that has ended has said all it had to say.
		if p.from < len(m.members) && ended < len(m.members) {
			return m.err
		}
		var err error
		if p.sum.Response, err = m.enc.Encode(p.response); err != nil {
			return err
		}
		if p.sum.Service, err = m.enc.Encode(p.service); err != nil {
			return err
		}
		if p.apart {
			if p.sum.All, err = m.enc.Encode(p.whole); err != nil {
				return err
			}
		}
		m.waiting = m.waiting[1:]
		m.say(&result.AgentLine{Interval: &p.sum})
	}
	return m.err
}

// progress adds a live reading, and passes the sum on when every member at work
// has given one.
func (m *Merger) progress(i int, r *result.Progress) error {
	if m.live == nil {
		m.live = &pendingProgress{sum: result.Progress{Load: r.Load}, response: hdr.NewShort(), lag: hdr.NewShort()}
	}
	s := &m.live.sum
	if m.members[i].read { // another one before somebody else's first
		s.LengthUs += r.LengthUs
	} else {
		s.LengthUs = max(s.LengthUs, r.LengthUs)
		s.InFlight += r.InFlight
		s.Queued += r.Queued
		s.Conns += r.Conns
	}
	m.members[i].read = true
	s.Phase, s.AtUs = r.Phase, max(s.AtUs, r.AtUs)
	s.Offered += r.Offered
	s.Completed += r.Completed
	s.Good += r.Good
	s.Retried += r.Retried
	s.Errors = addCounts(s.Errors, r.Errors)
	if err := hdr.Add(&m.live.response, r.Response); err != nil {
		return err
	}
	if err := hdr.Add(&m.live.lag, r.Lag); err != nil {
		return err
	}
	if slices.ContainsFunc(m.members, func(m member) bool { return !m.read && !m.over() }) {
		return m.err
	}
	readLive(s, m.live.response, m.live.lag)
	m.say(&result.AgentLine{Progress: s})
	m.live = nil
	for j := range m.members {
		m.members[j].read = false
	}
	return m.err
}

// ended passes the joint outcome on when the last member has ended.
func (m *Merger) ended() error {
	if err := m.flush(); err != nil {
		return err
	}
	var loads []*result.Load
	for i := range m.members {
		if !m.members[i].over() {
			return m.err
		}
		if m.members[i].load != nil {
			loads = append(loads, m.members[i].load)
		}
	}
	if len(loads) == 0 {
		return m.err
	}
	sum, err := mergeLoads(loads, &m.enc)
	if err != nil {
		return err
	}
	m.say(&result.AgentLine{Load: sum})
	return m.err
}

// mergeLoads adds up the outcomes of the members of one load.
func mergeLoads(loads []*result.Load, enc *hdr.Encoder) (*result.Load, error) {
	sum := *loads[0]
	tallies := func(pick func(*result.Load) *result.Tally) (result.Tally, error) {
		all := make([]*result.Tally, len(loads))
		for i, l := range loads {
			all[i] = pick(l)
		}
		return mergeTallies(all, enc)
	}
	var err error
	if sum.Tally, err = tallies(func(l *result.Load) *result.Tally { return &l.Tally }); err != nil {
		return nil, err
	}
	sum.Phases, sum.Classes = slices.Clone(sum.Phases), slices.Clone(sum.Classes)
	for _, l := range loads {
		if len(l.Phases) != len(sum.Phases) || len(l.Classes) != len(sum.Classes) {
			return nil, fmt.Errorf("load %s: its members were given different work", sum.Name)
		}
	}
	for i := range sum.Phases {
		if sum.Phases[i].Tally, err = tallies(func(l *result.Load) *result.Tally { return &l.Phases[i].Tally }); err != nil {
			return nil, err
		}
		for _, l := range loads {
			sum.Phases[i].LengthUs = max(sum.Phases[i].LengthUs, l.Phases[i].LengthUs)
		}
	}
	for i := range sum.Classes {
		if sum.Classes[i].Tally, err = tallies(func(l *result.Load) *result.Tally { return &l.Classes[i].Tally }); err != nil {
			return nil, err
		}
	}
	for _, l := range loads[1:] {
		sum.DurationSeconds = max(sum.DurationSeconds, l.DurationSeconds)
		sum.CPUSeconds += l.CPUSeconds
		sum.BusyShare = max(sum.BusyShare, l.BusyShare)
		sum.Sent += l.Sent
		sum.AfterEnd.Ended += l.AfterEnd.Ended
		sum.AfterEnd.Good += l.AfterEnd.Good
		sum.LateSeconds = union(sum.LateSeconds, l.LateSeconds)
	}
	sum.Integrity = mergeChecks(loads)
	if sum.Host, err = mergeHosts(loads, enc); err != nil {
		return nil, err
	}
	if sum.DurationSeconds > 0 {
		sum.RatePerSecond = float64(sum.GoodWithin) / sum.DurationSeconds
	}
	sum.NotCarried = certify.NotCarried(&sum)
	return &sum, nil
}

// InTurn joins the outcomes of one load that was carried out several times, one after
// another, with the same phases and classes.
func InTurn(loads []*result.Load) (*result.Load, error) {
	sum, err := mergeLoads(loads, &hdr.Encoder{})
	if err != nil {
		return nil, err
	}
	sum.DurationSeconds = 0
	for _, l := range loads {
		sum.DurationSeconds += l.DurationSeconds
	}
	if sum.DurationSeconds > 0 {
		sum.RatePerSecond = float64(sum.GoodWithin) / sum.DurationSeconds
	}
	sum.NotCarried = certify.NotCarried(sum)
	return sum, nil
}

// mergeHosts puts together what the members' witnesses saw. The host takes processors
// from all of them alike; of what they waited, the longest counts.
func mergeHosts(loads []*result.Load, enc *hdr.Encoder) (*result.LoadHost, error) {
	var sum result.LoadHost
	wakeUp, quiet := hdr.NewShort(), hdr.NewShort()
	for _, l := range loads {
		h := l.Host
		if h == nil {
			return nil, nil
		}
		sum.DisturbedSeconds = union(sum.DisturbedSeconds, h.DisturbedSeconds)
		sum.StolenSeconds = max(sum.StolenSeconds, h.StolenSeconds)
		sum.WaitedSeconds = max(sum.WaitedSeconds, h.WaitedSeconds)
		for _, err := range []error{hdr.Add(&wakeUp, h.WakeUp.HDR), hdr.Add(&quiet, h.QuietLag.HDR)} {
			if err != nil {
				return nil, err
			}
		}
	}
	var err error
	if sum.WakeUp, err = enc.Summary(wakeUp); err != nil {
		return nil, err
	}
	sum.QuietLag, err = enc.Summary(quiet)
	return &sum, err
}

func mergeTallies(all []*result.Tally, enc *hdr.Encoder) (sum result.Tally, err error) {
	latency := func(pick func(*result.Tally) *result.Latency) (result.Latency, error) {
		h := hdr.NewLong()
		for _, t := range all {
			if err := hdr.Add(&h, pick(t).HDR); err != nil {
				return result.Latency{}, err
			}
		}
		return enc.Summary(h)
	}
	for _, t := range all {
		sum.Requests += t.Requests
		sum.Completed += t.Completed
		sum.Failed += t.Failed
		sum.Retried += t.Retried
		sum.Moved += t.Moved
		sum.EndedWithin += t.EndedWithin
		sum.GoodWithin += t.GoodWithin
		sum.Interrupted += t.Interrupted
		sum.FailuresByCause = addCounts(sum.FailuresByCause, t.FailuresByCause)
		sum.StatusCounts = addCounts(sum.StatusCounts, t.StatusCounts)
		sum.BytesIn += t.BytesIn
		sum.BytesOut += t.BytesOut
		sum.ConnsOpened += t.ConnsOpened
		sum.Handshakes += t.Handshakes
		sum.Resumed += t.Resumed
		sum.HandshakesFailed += t.HandshakesFailed
	}
	if sum.Response, err = latency(func(t *result.Tally) *result.Latency { return &t.Response }); err != nil {
		return sum, err
	}
	if sum.Service, err = latency(func(t *result.Tally) *result.Latency { return &t.Service }); err != nil {
		return sum, err
	}
	if sum.All, err = latency(func(t *result.Tally) *result.Latency { return &t.All }); err != nil {
		return sum, err
	}
	if sum.Handshakes > 0 {
		took, err := latency(func(t *result.Tally) *result.Latency { return cmp.Or(t.Handshake, &result.Latency{}) })
		if err != nil {
			return sum, err
		}
		sum.Handshake = &took
	}
	sum.Lag, err = latency(func(t *result.Tally) *result.Latency { return &t.Lag })
	return sum, err
}

func addCounts(to, from map[string]uint64) map[string]uint64 {
	if to == nil {
		return maps.Clone(from)
	}
	to = maps.Clone(to)
	for name, n := range from {
		to[name] += n
	}
	return to
}

// union is the numbers of both, sorted.
func union(a, b []int) []int {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// mergeChecks adds up what the members of a load found.
func mergeChecks(loads []*result.Load) *result.Integrity {
	var sum *result.Integrity
	for _, l := range loads {
		if l.Integrity == nil {
			continue
		}
		if sum == nil {
			sum = &result.Integrity{}
		}
		sum.Add(l.Integrity)
		sum.Differences = sum.Differences[:min(len(sum.Differences), maxMismatches)]
	}
	return sum
}
