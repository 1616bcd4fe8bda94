package record

import (
	"runtime"
	"syscall"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/loadgen/certify"
	"bench/loadgen/witness"
	"bench/loadgen/workload"
)

// Sink receives the lines of a running load, from one goroutine, in order. An
// error ends the run.
type Sink func(*result.AgentLine) error

// Reporter renders what the recorder hands over and passes it to the sink, on a
// goroutine of its own: compressing a histogram takes longer than a request may
// be late.
type Reporter struct {
	rec     *Recorder
	sink    Sink
	shared  bool // live readings will be merged with others
	enc     hdr.Encoder
	scratch *hdrhistogram.Histogram
	witness *witness.Witness // of the machine; nil without one
	lags    lagBook
	failed  func(error) // told once, of the sink's first error
	done    chan struct{}
}

// StartReporter begins to pass on what rec hands over. w is the witness of the machine,
// nil without one; failed is called once, with the sink's first error.
func StartReporter(rec *Recorder, w *witness.Witness, sink Sink, shared bool, failed func(error)) *Reporter {
	r := &Reporter{rec: rec, witness: w, sink: sink, shared: shared, failed: failed, done: make(chan struct{})}
	go r.run()
	return r
}

// Wait returns when the recorder has finished and all it handed over has been passed on.
func (r *Reporter) Wait() { <-r.done }

// Outcome renders the books after wait, with what the witness saw.
func (r *Reporter) Outcome(spec *workload.Spec) (*result.Load, error) {
	l, err := r.rec.outcome(spec, &r.enc)
	if err != nil {
		return nil, err
	}
	l.LateSeconds = certify.LateSeconds(l, r.lags.lateUs)
	l.Host, err = r.host()
	return l, err
}

func (r *Reporter) run() {
	yieldToMeasurement()
	defer close(r.done)
	broken := false
	for rep := range r.rec.out {
		if rep.second != nil {
			r.lags.add(rep.second, r)
			continue
		}
		line, err := r.line(rep)
		if err == nil && r.sink != nil && !broken {
			err = r.sink(line)
		}
		if err != nil && !broken {
			broken = true
			r.failed(err)
		}
		switch {
		case rep.slice != nil:
			r.recycle(rep.slice)
		case rep.live != nil:
			r.recycleLive(rep.live)
		}
	}
}

func (r *Reporter) line(rep report) (*result.AgentLine, error) {
	switch {
	case rep.failure != nil:
		return &result.AgentLine{Failure: rep.failure}, nil
	case rep.live != nil:
		p, err := r.progress(rep.live)
		return &result.AgentLine{Progress: p}, err
	}
	i, err := r.interval(rep.slice)
	return &result.AgentLine{Interval: i}, err
}

func (r *Reporter) interval(s *slice) (*result.Interval, error) {
	i := &result.Interval{
		Load: r.rec.name, Phase: s.phase.Spec.Name, StartUs: (s.start - r.rec.Origin) / 1000, LengthUs: (s.end - s.start) / 1000,
		Offered: s.offered, Completed: s.completed, Good: s.good, Retried: s.retried, Moved: s.moved, Handshakes: s.handshakes, Resumed: s.resumed, Errors: s.errors.names(),
		LagMaxUs: s.lagMax, LagP99Us: s.lagP99, InFlight: s.inFlight, Conns: s.conns,
	}
	var err error
	if i.Response, err = r.enc.Encode(s.response); err != nil {
		return nil, err
	}
	if i.Service, err = r.enc.Encode(s.service); err != nil {
		return nil, err
	}
	if s.failures != nil && s.failures.TotalCount() > 0 {
		if r.scratch == nil {
			r.scratch = hdr.NewShort()
		}
		r.scratch.Reset()
		r.scratch.Merge(s.response)
		r.scratch.Merge(s.failures)
		i.All, err = r.enc.Encode(r.scratch)
	}
	return i, err
}

func (r *Reporter) progress(l *liveTally) (*result.Progress, error) {
	p := &result.Progress{
		Load: r.rec.name, Phase: l.phase.Spec.Name, AtUs: (l.end - r.rec.Origin) / 1000, LengthUs: (l.end - l.start) / 1000,
		Offered: l.offered, Completed: l.completed, Good: l.good, Retried: l.retried, Errors: l.errors.names(),
		InFlight: l.inFlight, Queued: l.queued, Conns: l.conns,
	}
	readLive(p, l.response, l.lag)
	if !r.shared {
		return p, nil
	}
	var err error
	if p.Response, err = r.enc.Encode(l.response); err != nil {
		return nil, err
	}
	p.Lag, err = r.enc.Encode(l.lag)
	return p, err
}

// readLive fills in the figures of a live reading from its histograms.
func readLive(p *result.Progress, response, lag *hdrhistogram.Histogram) {
	if response.TotalCount() > 0 {
		p.P50Us = float64(response.ValueAtQuantile(50))
		p.P99Us = float64(response.ValueAtQuantile(99))
		p.MaxUs = float64(response.Max())
	}
	if lag.TotalCount() > 0 {
		p.LagP99Us = float64(lag.ValueAtQuantile(99))
		p.LagMaxUs = float64(lag.Max())
	}
}

// recycleLive gives a live reading back to the recorder.
func (r *Reporter) recycleLive(l *liveTally) {
	l.response.Reset()
	l.lag.Reset()
	*l = liveTally{response: l.response, lag: l.lag}
	select {
	case r.rec.freeLive <- l:
	default:
	}
}

// recycle gives a slice back to the recorder.
func (r *Reporter) recycle(s *slice) {
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

// yieldToMeasurement gives the calling goroutine a thread of lower priority, so
// that reporting does not compete with the load's thread. It lasts as long as
// the goroutine, whose thread ends with it.
func yieldToMeasurement() {
	runtime.LockOSThread()
	// Not being allowed to is no fault: it costs precision only.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, unix.Gettid(), 10)
}
