package loadgen

import (
	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

// reporter renders what the recorder hands over and passes it to the sink, on a
// goroutine of its own: compressing a histogram takes longer than a request may
// be late.
type reporter struct {
	rec     *recorder
	sink    Sink
	enc     encoder
	scratch *hdrhistogram.Histogram
	failed  func(error) // told once, of the sink's first error
	done    chan struct{}
}

func (r *reporter) run() {
	yieldToMeasurement()
	defer close(r.done)
	broken := false
	for rep := range r.rec.out {
		line, err := r.line(rep)
		if err == nil && r.sink != nil && !broken {
			err = r.sink(line)
		}
		if err != nil && !broken {
			broken = true
			r.failed(err)
		}
		if rep.slice != nil {
			r.recycle(rep.slice)
		}
	}
}

func (r *reporter) line(rep report) (*result.AgentLine, error) {
	switch {
	case rep.failure != nil:
		return &result.AgentLine{Failure: rep.failure}, nil
	case rep.progress != nil:
		return &result.AgentLine{Progress: rep.progress}, nil
	}
	i, err := r.interval(rep.slice)
	return &result.AgentLine{Interval: i}, err
}

func (r *reporter) interval(s *slice) (*result.Interval, error) {
	i := &result.Interval{
		Load: r.rec.name, Phase: s.phase.spec.Name, StartUs: (s.start - r.rec.origin) / 1000, LengthUs: (s.end - s.start) / 1000,
		Offered: s.offered, Completed: s.completed, Good: s.good, Retried: s.retried, Errors: s.errors.names(),
		LagMaxUs: s.lagMax, LagP99Us: s.lagP99, InFlight: s.inFlight, Conns: s.conns,
	}
	var err error
	if i.Response, err = r.enc.encode(s.response); err != nil {
		return nil, err
	}
	if i.Service, err = r.enc.encode(s.service); err != nil {
		return nil, err
	}
	if s.failures != nil && s.failures.TotalCount() > 0 {
		if r.scratch == nil {
			r.scratch = newShort()
		}
		r.scratch.Reset()
		r.scratch.Merge(s.response)
		r.scratch.Merge(s.failures)
		i.All, err = r.enc.encode(r.scratch)
	}
	return i, err
}

// recycle gives a slice back to the recorder.
func (r *reporter) recycle(s *slice) {
	response, service, failures := s.response, s.service, s.failures
	for _, h := range []*hdrhistogram.Histogram{response, service, failures} {
		if h != nil {
			h.Reset()
		}
	}
	*s = slice{response: response, service: service, failures: failures}
	select {
	case r.rec.free <- s:
	default:
	}
}
