package objective

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

// Data is what a run has measured, as far as objectives look at it. The slices
// are read while Evaluate runs and may grow in between.
type Data struct {
	Loads        []result.Load // over the measured phases; may be empty during a run
	Abuse        []result.Abuse
	Intervals    []result.Interval
	Phases       []result.Phase
	Events       []result.Event
	Conservation *result.Conservation
	// Unreported counts requests that origins found altered without a load having
	// learnt it from their answers.
	Unreported uint64
	// LimitUs is the limit of response.p99 where the scenario sets one: the
	// latency at which the system counts as recovered.
	LimitUs float64
	// Receipts are what origins had received whenever they were asked, of each of them in
	// order of time.
	Receipts []result.OriginCount
	// Waits are what proxy, origins and loads waited for a processor, and Doubts what
	// the run does not vouch for.
	Waits  []result.Wait
	Doubts []result.Doubt
	// AsMeasured takes every figure for exact, whatever casts doubt on it.
	AsMeasured bool

	decoded map[string]*hdrhistogram.Histogram
}

// Span of time in microseconds, the end excluded.
type Span struct{ From, To int64 }

// figures are the counts of a stretch of time: of the requests that were due in
// it, however long they took.
type figures struct {
	requests, completed, failed, retried, moved uint64
	causes                                      map[string]uint64
	handshakes, resumed                         uint64
	good                                        uint64  // ended well within it, whenever due
	seconds                                     float64 // measured
}

// histogram decodes the base64 of an HDR histogram, each text once.
func (d *Data) histogram(text string) (*hdrhistogram.Histogram, error) {
	if h, ok := d.decoded[text]; ok {
		return h, nil
	}
	h, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("a histogram cannot be read: %w", err)
	}
	if d.decoded == nil {
		d.decoded = map[string]*hdrhistogram.Histogram{}
	}
	d.decoded[text] = h
	return h, nil
}

// merged is the sum of the histograms of the given texts; nil without any.
func (d *Data) merged(texts []string) (*hdrhistogram.Histogram, error) {
	var sum *hdrhistogram.Histogram
	for _, text := range texts {
		if text == "" {
			continue
		}
		h, err := d.histogram(text)
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = hdrhistogram.New(h.LowestTrackableValue(), h.HighestTrackableValue(), int(h.SignificantFigures()))
		}
		sum.Merge(h)
	}
	return sum, nil
}

// phaseOf is the measured phase that a slice lies in by the clock of its load, nil without
// one. What lies in none is after the end, where nothing is due.
func (d *Data) phaseOf(i *result.Interval) *result.Phase {
	at := i.SlotUs()
	j := slices.IndexFunc(d.Phases, func(p result.Phase) bool {
		return p.Measured && p.Name == i.Phase && at >= p.StartUs && at < p.StartUs+p.LengthUs
	})
	if j < 0 {
		return nil
	}
	return &d.Phases[j]
}

// slicesIn lists the measured slices of a load ("" for all) that touch the span: a
// window that begins or ends within a slice has the whole of it. Slices end with
// phases, also where the clock of their load went at a pace of its own. It is the one place
// that says what belongs to a window.
func (d *Data) slicesIn(load string, s Span) []*result.Interval {
	var all []*result.Interval
	for i := range d.Intervals {
		n := &d.Intervals[i]
		if load != "" && n.Load != load {
			continue
		}
		p := d.phaseOf(n)
		if p == nil {
			continue
		}
		end := p.StartUs + p.LengthUs
		from := max(p.StartUs, min(n.StartUs, end-1))
		to := max(from+1, min(n.StartUs+n.LengthUs, end))
		if from < s.To && to > s.From {
			all = append(all, n)
		}
	}
	return all
}

// textOf is the histogram of a metric in one slice.
func textOf(m *metric, i *result.Interval) string {
	switch m.base {
	case "service":
		return i.Service
	case "all":
		if i.All != "" {
			return i.All
		}
	}
	return i.Response
}

// textOfLoad is the histogram of a metric over a whole load.
func textOfLoad(m *metric, l *result.Load) string {
	switch m.base {
	case "service":
		return l.Service.HDR
	case "all":
		return l.All.HDR
	case "generator.lag":
		return l.Lag.HDR
	}
	return l.Response.HDR
}

// countIn sums the counts of a stretch of time.
func (d *Data) countIn(load string, s Span) figures {
	f := figures{causes: map[string]uint64{}}
	for _, i := range d.slicesIn(load, s) {
		f.requests += i.Offered
		f.retried += i.Retried
		f.moved += i.Moved
		f.handshakes += i.Handshakes
		f.resumed += i.Resumed
		f.good += i.Good
		for cause, n := range i.Errors {
			f.failed += n
			f.causes[cause] += n
		}
	}
	f.completed = f.requests - min(f.requests, f.failed) // a slice is told when all of it has ended
	f.seconds = float64(d.covered(load, s)) / 1e6
	return f
}

// covered is how much time, in microseconds, the measured slices of a load ("" for
// all) in a span take.
func (d *Data) covered(load string, s Span) (us int64) {
	all := d.slicesIn(load, s)
	slices.SortFunc(all, func(a, b *result.Interval) int { return cmp.Compare(a.StartUs, b.StartUs) })
	end := int64(math.MinInt64)
	for _, i := range all {
		us += max(0, i.StartUs+i.LengthUs-max(end, i.StartUs))
		end = max(end, i.StartUs+i.LengthUs)
	}
	return us
}

// countAll sums the counts of whole loads.
func (d *Data) countAll(load string) figures {
	f := figures{causes: map[string]uint64{}}
	for i := range d.Loads {
		l := &d.Loads[i]
		if load != "" && l.Name != load {
			continue
		}
		f.requests += l.Requests
		f.completed += l.Completed
		f.failed += l.Failed
		f.retried += l.Retried
		f.moved += l.Moved
		f.handshakes += l.Handshakes
		f.resumed += l.Resumed
		f.good += l.GoodWithin
		f.seconds = max(f.seconds, l.DurationSeconds)
		for cause, n := range l.FailuresByCause {
			f.causes[cause] += n
		}
	}
	return f
}
