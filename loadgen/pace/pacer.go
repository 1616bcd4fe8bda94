// Package pace says when requests become due, and of which kind each is. It knows no clock:
// times count from the beginning of a run.
package pace

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

// Shape is the course of the rate over a phase.
type Shape struct {
	From, To float64 // requests per second at the two ends
	Length   time.Duration
	// Steps makes the rate go from one value to the other in so many equal
	// steps, the ends included; 0 and 1 make it go in a straight line.
	Steps int
	// Burst lets so many requests come at the same time; 0 is 1.
	Burst int
}

// last is the latest time within the shape. What is due at its very end, as a count
// that was rounded up by one half is, would belong to the phase that follows.
func (s *Shape) last() int64 { return max(0, s.Length.Nanoseconds()-1) }

// profile is a course of the rate made of ramps, read from beginning to end.
type profile struct {
	ramps []ramp
	i     int     // the ramp being read
	start float64 // of it, in seconds
	base  float64 // requests due before it
}

func newProfile(s *Shape) profile {
	if s.Steps < 2 {
		return profile{ramps: []ramp{newRamp(s.From, s.To, s.Length)}}
	}
	p := profile{ramps: make([]ramp, s.Steps)}
	for i := range p.ramps {
		rate := s.From + (s.To-s.From)*float64(i)/float64(s.Steps-1)
		p.ramps[i] = ramp{from: rate, length: s.Length.Seconds() / float64(s.Steps)}
	}
	return p
}

// total is the number of requests the profile holds, a real number.
func (p *profile) total() (n float64) {
	for _, r := range p.ramps {
		n += r.total()
	}
	return n
}

// when is the time in seconds at which n requests have become due; n must not
// fall from one call to the next.
func (p *profile) when(n float64) float64 {
	for ; p.i+1 < len(p.ramps); p.i++ {
		r := p.ramps[p.i]
		if n <= p.base+r.total() {
			break
		}
		p.base += r.total()
		p.start += r.length
	}
	r := p.ramps[p.i]
	return p.start + min(r.when(max(0, n-p.base)), r.length)
}

// constantPacer spaces requests evenly in the integral of the rate: request k
// is due when k+½ requests should have been, which makes the count of a phase
// the rounded integral and leaves no seam between phases of one rate. The
// requests of a burst share the time at which half of them should have been; the
// last burst is as large as the phase has room for.
type constantPacer struct {
	profile profile
	k       float64
	burst   float64
	count   float64
	last    int64 // the latest start that is within the phase
}

// NewConstant returns a pacer of starts as evenly spaced as the shape allows.
func NewConstant(s Shape) Pacer {
	p := newProfile(&s)
	return &constantPacer{profile: p, burst: float64(max(1, s.Burst)), count: math.Round(p.total()), last: s.last()}
}

func (p *constantPacer) Next() (int64, bool) {
	if p.k >= p.count {
		return 0, false
	}
	first := math.Floor(p.k/p.burst) * p.burst
	t := p.profile.when(first + min(p.burst, p.count-first)/2)
	p.k++
	return min(nanos(t), p.last), true
}

// poissonPacer is a Poisson process of changing rate: unit exponential gaps on
// the axis of the integral, mapped back to time. With bursts the bursts are the
// process.
type poissonPacer struct {
	profile profile
	sum     float64
	end     float64
	burst   int
	left    int // requests still to come at the time at
	at      int64
	last    int64 // the latest start that is within the phase
	rng     *rand.Rand
}

// NewPoisson returns a pacer of a Poisson process. The same seed and stream give
// the same starts.
func NewPoisson(s Shape, seed, stream uint64) Pacer {
	p := newProfile(&s)
	return &poissonPacer{profile: p, end: p.total(), burst: max(1, s.Burst), last: s.last(), rng: rand.New(rand.NewPCG(seed, stream))}
}

func (p *poissonPacer) Next() (int64, bool) {
	if p.left > 0 {
		p.left--
		return p.at, true
	}
	p.sum += p.rng.ExpFloat64() * float64(p.burst)
	if p.sum >= p.end {
		return 0, false
	}
	p.at, p.left = min(nanos(p.profile.when(p.sum)), p.last), p.burst-1
	return p.at, true
}

func nanos(seconds float64) int64 { return int64(math.Round(seconds * 1e9)) }
