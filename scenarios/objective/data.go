package objective

import (
	"fmt"
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
	// LimitUs is the limit of response.p99 where the scenario sets one: the
	// latency at which the system counts as recovered.
	LimitUs float64

	decoded map[string]*hdrhistogram.Histogram
}

// Span of time in microseconds, the end excluded.
type Span struct{ From, To int64 }

// figures are the counts of a stretch of time.
type figures struct {
	requests, completed, failed, retried uint64
	causes                               map[string]uint64
	seconds                              float64 // measured
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

// measured tells whether a slice belongs to a measured phase of its load.
func (d *Data) measured(i *result.Interval) bool {
	j := slices.IndexFunc(d.Phases, func(p result.Phase) bool { return p.Name == i.Phase })
	return j < 0 || d.Phases[j].Measured
}

// slicesIn lists the measured slices of a load ("" for all) that touch the span.
func (d *Data) slicesIn(load string, s Span) []*result.Interval {
	var all []*result.Interval
	for i := range d.Intervals {
		n := &d.Intervals[i]
		if (load == "" || n.Load == load) && n.StartUs < s.To && n.StartUs+n.LengthUs > s.From && d.measured(n) {
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
		f.completed += i.Good
		f.retried += i.Retried
		for cause, n := range i.Errors {
			f.failed += n
			f.causes[cause] += n
		}
	}
	f.seconds = float64(s.To-s.From) / 1e6
	return f
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
		f.seconds = max(f.seconds, l.DurationSeconds)
		for cause, n := range l.FailuresByCause {
			f.causes[cause] += n
		}
	}
	return f
}
