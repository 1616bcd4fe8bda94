package loadgen

import (
	"math"
	"math/rand/v2"
	"time"
)

// Pacer yields the intended starts of one phase, in order, as nanoseconds after
// the beginning of the phase.
type Pacer interface {
	// Next returns the next intended start; ok is false when the phase holds
	// no more.
	Next() (at int64, ok bool)
}

// ramp is a rate that goes in a straight line from one value to another. Its
// integral, the number of requests due until t, is inverted exactly, so that
// no rounding error adds up over a phase.
type ramp struct {
	from   float64 // per second
	slope  float64 // per second squared
	length float64 // seconds
}

func newRamp(from, to float64, length time.Duration) ramp {
	r := ramp{from: from, length: length.Seconds()}
	if r.length > 0 {
		r.slope = (to - from) / r.length
	}
	return r
}

// total is the number of requests the whole ramp holds, a real number.
func (r ramp) total() float64 { return (r.from + r.slope*r.length/2) * r.length }

// when is the time in seconds at which n requests have become due. The form is
// the one that neither cancels nor divides by a slope of zero.
func (r ramp) when(n float64) float64 {
	root := math.Sqrt(max(0, r.from*r.from+2*r.slope*n))
	if r.from+root == 0 {
		return math.Inf(1)
	}
	return 2 * n / (r.from + root)
}

// constantPacer spaces requests evenly in the integral of the rate: request k
// is due when k+½ requests should have been, which makes the count of a phase
// the rounded integral and leaves no seam between phases of one rate.
type constantPacer struct {
	ramp  ramp
	k     float64
	count float64
}

// NewConstant returns a pacer of evenly spaced starts at a rate, per second,
// that goes in a straight line from one value to another over length.
func NewConstant(from, to float64, length time.Duration) Pacer {
	r := newRamp(from, to, length)
	return &constantPacer{ramp: r, count: math.Round(r.total())}
}

func (p *constantPacer) Next() (int64, bool) {
	if p.k >= p.count {
		return 0, false
	}
	t := p.ramp.when(p.k + 0.5)
	p.k++
	return nanos(min(t, p.ramp.length)), true
}

// poissonPacer is a Poisson process of changing rate: unit exponential gaps on
// the axis of the integral, mapped back to time.
type poissonPacer struct {
	ramp ramp
	sum  float64
	end  float64
	rng  *rand.Rand
}

// NewPoisson returns a pacer of a Poisson process whose rate, per second, goes
// in a straight line from one value to another over length. The same seed and
// stream give the same starts.
func NewPoisson(from, to float64, length time.Duration, seed, stream uint64) Pacer {
	r := newRamp(from, to, length)
	return &poissonPacer{ramp: r, end: r.total(), rng: rand.New(rand.NewPCG(seed, stream))}
}

func (p *poissonPacer) Next() (int64, bool) {
	p.sum += p.rng.ExpFloat64()
	if p.sum >= p.end {
		return 0, false
	}
	return nanos(min(p.ramp.when(p.sum), p.ramp.length)), true
}

func nanos(seconds float64) int64 { return int64(math.Round(seconds * 1e9)) }

// schedule chains the pacers of all phases: the intended starts of a whole open
// loop as nanoseconds after the run's origin.
type schedule struct {
	spec  *Spec
	phase int
	base  int64 // start of the phase
	pacer Pacer
}

func newSchedule(spec *Spec) *schedule { return &schedule{spec: spec, phase: -1} }

// next returns the next intended start; ok is false at the end of the run.
func (s *schedule) next() (at int64, ok bool) {
	for {
		if s.pacer != nil {
			if at, ok := s.pacer.Next(); ok {
				return s.base + at, true
			}
		}
		if !s.enter() {
			return 0, false
		}
	}
}

// enter goes on to the next phase.
func (s *schedule) enter() bool {
	if s.phase >= 0 && s.phase < len(s.spec.Phases) {
		s.base += s.spec.Phases[s.phase].LengthUs * 1000
	}
	s.phase++
	if s.phase >= len(s.spec.Phases) {
		s.pacer = nil
		return false
	}
	p := &s.spec.Phases[s.phase]
	length := time.Duration(p.LengthUs) * time.Microsecond
	if s.spec.Arrival == Poisson {
		s.pacer = NewPoisson(p.From, p.To, length, s.spec.Seed, uint64(s.phase))
	} else {
		s.pacer = NewConstant(p.From, p.To, length)
	}
	return true
}
