package gate

import (
	"math"
	"math/rand/v2"
)

// noise is how runs differ that should not, as it was seen on shared machines.
type noise struct {
	name     string
	cv       float64 // of runs one after the other
	outliers float64 // share of runs that are 10 to 100 % slower
	drift    float64 // amplitude of a slow change
	memory   float64 // how much of what a run was off by the next one is, too
	layout   float64 // share of processes that are 2 to 13 % slower from their start
	bad      float64 // share of sessions with three times the noise
	persist  float64 // standard deviation of what one side is off by for a whole session
	periodic float64 // what every fourth run is slower by
}

func clean(cv float64) noise { return noise{name: "clean", cv: cv} }

func field(cv float64) noise {
	return noise{name: "field", cv: cv, outliers: 0.03, drift: 0.1, memory: 0.8}
}

func (n noise) with(name string, change func(*noise)) noise {
	n.name = name
	change(&n)
	return n
}

// session makes pairs of runs, of which the new side is slower by so much in each
// measure.
type session struct {
	r             *rand.Rand
	n             noise
	slower        []float64 // logarithms
	off           []float64 // what the last run was off by, of each measure
	period, phase float64
	persist       float64
	runs          int
}

func newSession(r *rand.Rand, n noise, slower []float64) *session {
	s := &session{r: r, n: n, slower: slower, off: make([]float64, len(slower))}
	s.period, s.phase = 40+160*r.Float64(), 2*math.Pi*r.Float64()
	s.persist = n.persist * r.NormFloat64()
	if r.Float64() < n.bad {
		s.n.cv *= 3
	}
	for i := range s.off {
		s.off[i] = s.n.cv * r.NormFloat64()
	}
	return s
}

// run returns the logarithms of the values of one run.
func (s *session) run(fresh bool) []float64 {
	s.runs++
	common := s.n.drift * math.Sin(2*math.Pi*float64(s.runs)/s.period+s.phase)
	if s.r.Float64() < s.n.outliers {
		common += math.Log1p(0.1 + 0.9*s.r.Float64())
	}
	if s.r.Float64() < s.n.layout {
		common += math.Log1p(0.02 + 0.11*s.r.Float64())
	}
	if s.runs%4 == 0 {
		common += s.n.periodic
	}
	values := make([]float64, len(s.slower))
	for i := range values {
		v := common + s.n.cv*s.r.NormFloat64()
		if m := s.n.memory; m > 0 {
			s.off[i] = m*s.off[i] + math.Sqrt(1-m*m)*s.n.cv*s.r.NormFloat64()
			v += s.off[i]
		}
		if fresh {
			v += s.slower[i] + s.persist
		}
		values[i] = v
	}
	return values
}

// pair makes both runs; a coin says which goes first.
func (s *session) pair() Pair {
	var base, fresh []float64
	if s.r.Uint64()&1 == 0 {
		base, fresh = s.run(false), s.run(true)
	} else {
		fresh, base = s.run(true), s.run(false)
	}
	p := Pair{Counts: []Count{{BaseAll: 1000, NewAll: 1000}}}
	for i := range base {
		p.Ratios = append(p.Ratios, fresh[i]-base[i])
	}
	return p
}

// standard gates the measures that are gated unless a scenario says otherwise.
func standard() Config {
	return Config{
		Measures:  []Measure{{Name: "response.p50"}, {Name: "response.p99"}, {Name: "cpu/request"}},
		Counted:   []string{"failed"},
		MinEffect: DefaultMinEffect, Alpha: DefaultAlpha, MostPairs: DefaultMostPairs,
		Confirm: true,
	}
}

// decide lets a gate have as many pairs as it wants.
func decide(c Config, pair func() Pair) Report {
	g, err := New(c)
	if err != nil {
		panic(err)
	}
	for g.Next().Step != Done {
		g.Add(pair())
	}
	return g.Report()
}
