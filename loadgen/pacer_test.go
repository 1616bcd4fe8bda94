package loadgen

import (
	"math"
	"slices"
	"testing"
	"time"
)

func drain(p Pacer) (at []int64) {
	for {
		t, ok := p.Next()
		if !ok {
			return at
		}
		at = append(at, t)
	}
}

func TestConstantCountIsTheIntegral(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to float64
		length   time.Duration
	}{
		{"one", 1, 1, time.Second},
		{"plain", 2000, 2000, 20 * time.Second},
		{"fraction", 333.3, 333.3, 7 * time.Second},
		{"slow", 0.3, 0.3, 10 * time.Second},
		{"none", 0, 0, time.Second},
		{"up from zero", 0, 2000, 2 * time.Second},
		{"down to zero", 5000, 0, 3 * time.Second},
		{"up", 100, 10_000, 1500 * time.Millisecond},
		{"down", 10_000, 100, 1500 * time.Millisecond},
		{"almost flat", 1000, 1000.0001, time.Minute},
		{"long", 50_000, 50_000, 100 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := drain(NewConstant(c.from, c.to, c.length))
			want := (c.from + c.to) / 2 * c.length.Seconds()
			if d := math.Abs(float64(len(at)) - want); d > 1 {
				t.Errorf("%d starts, the integral is %.3f", len(at), want)
			}
			if !slices.IsSorted(at) {
				t.Error("starts are not in order")
			}
			if len(at) > 0 && (at[0] < 0 || at[len(at)-1] > int64(c.length)) {
				t.Errorf("starts from %d to %d lie outside the phase of %d ns", at[0], at[len(at)-1], c.length)
			}
			// At every start the count so far is the integral so far, ±1.
			a := (c.to - c.from) / c.length.Seconds()
			for k, ns := range at {
				s := float64(ns) / 1e9
				if n := c.from*s + a*s*s/2; math.Abs(n-float64(k)) > 1 {
					t.Fatalf("start %d at %.9f s, where the integral is %.3f", k, s, n)
				}
			}
		})
	}
}

func TestConstantGapsAreEven(t *testing.T) {
	at := drain(NewConstant(2000, 2000, 5*time.Second))
	for i := 1; i < len(at); i++ {
		if gap := at[i] - at[i-1]; gap < 499_999 || gap > 500_001 {
			t.Fatalf("gap %d is %d ns, want 500,000", i, gap)
		}
	}
}

// ksDistance is the greatest distance between the empirical distribution of
// sorted samples and cdf.
func ksDistance(samples []float64, cdf func(float64) float64) float64 {
	n, d := float64(len(samples)), 0.0
	for i, x := range samples {
		f := cdf(x)
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	return d
}

// ksLimit is the distance that a true sample of n exceeds once in 1,000.
func ksLimit(n int) float64 { return 1.95 / math.Sqrt(float64(n)) }

func TestPoissonGapsAreExponential(t *testing.T) {
	const rate = 1000.0
	for seed := range uint64(5) {
		at := drain(NewPoisson(rate, rate, 20*time.Second, seed, 0))
		gaps := make([]float64, 0, len(at))
		last := int64(0)
		for _, ns := range at {
			gaps = append(gaps, float64(ns-last)/1e9)
			last = ns
		}
		slices.Sort(gaps)
		d := ksDistance(gaps, func(x float64) float64 { return 1 - math.Exp(-rate*x) })
		if d > ksLimit(len(gaps)) {
			t.Errorf("seed %d: distance %.5f of %d gaps, limit %.5f", seed, d, len(gaps), ksLimit(len(gaps)))
		}
		if d := math.Abs(float64(len(at)) - rate*20); d > 4.5*math.Sqrt(rate*20) {
			t.Errorf("seed %d: %d starts, want 20,000 within 4.5 deviations", seed, len(at))
		}
	}
}

func TestPoissonRampFollowsTheRate(t *testing.T) {
	const length = 10.0
	for seed := range uint64(5) {
		at := drain(NewPoisson(100, 3900, length*time.Second, seed, 3))
		x := make([]float64, len(at))
		for i, ns := range at {
			x[i] = float64(ns) / 1e9
		}
		// Given their number, the starts are independent draws from the rate.
		d := ksDistance(x, func(s float64) float64 { return (100*s + 380*s*s/2) / 20_000 })
		if d > ksLimit(len(x)) {
			t.Errorf("seed %d: distance %.5f of %d starts, limit %.5f", seed, d, len(x), ksLimit(len(x)))
		}
	}
}

func TestPoissonIsReproducible(t *testing.T) {
	a := drain(NewPoisson(500, 500, time.Second, 7, 1))
	if b := drain(NewPoisson(500, 500, time.Second, 7, 1)); !slices.Equal(a, b) {
		t.Error("the same seed and stream gave other starts")
	}
	if b := drain(NewPoisson(500, 500, time.Second, 7, 2)); slices.Equal(a, b) {
		t.Error("another stream gave the same starts")
	}
}

func TestScheduleChainsPhases(t *testing.T) {
	spec := &Spec{Arrival: Constant, Phases: []Phase{
		{Name: "up", From: 0, To: 1000, LengthUs: 1e6},
		{Name: "pause", LengthUs: 5e5},
		{Name: "flat", From: 1000, To: 1000, LengthUs: 1e6},
	}}
	s := newSchedule(spec)
	var at []int64
	for {
		ns, ok := s.next()
		if !ok {
			break
		}
		at = append(at, ns)
	}
	if len(at) != 500+1000 {
		t.Fatalf("%d starts, want 1500", len(at))
	}
	if at[499] > 1e9 || at[500] != 1_500_500_000 || at[1499] != 2_499_500_000 {
		t.Errorf("starts around the seams: %d %d %d", at[499], at[500], at[1499])
	}
	if _, ok := s.next(); ok {
		t.Error("a start after the end")
	}
}
