package stats

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestHodgesLehmannKnownAnswers(t *testing.T) {
	// Averages of 1, 2, 6: 1 1.5 2 3.5 4 6.
	near(t, "three", HodgesLehmann([]float64{6, 1, 2}), 2.75, 0)
	near(t, "one", HodgesLehmann([]float64{3}), 3, 0)
	// Hollander and Wolfe, depression scores of nine patients: -0.46.
	d := []float64{-0.952, 0.147, -1.022, -0.430, -0.620, -0.590, -0.490, 0.080, -0.010}
	near(t, "nine patients", HodgesLehmann(d), -0.46, 1e-12)
	if !math.IsNaN(HodgesLehmann(nil)) {
		t.Error("of none")
	}
}

func TestHodgesLehmannShiftsAndMirrors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := differences(1, 40).Draw(t, "d")
		c := float64(rapid.IntRange(-8, 8).Draw(t, "shift")) / 8
		moved, turned := make([]float64, len(d)), make([]float64, len(d))
		for i, v := range d {
			moved[i], turned[i] = v+c, -v
		}
		h := HodgesLehmann(d)
		if got := HodgesLehmann(moved); math.Abs(got-h-c) > 1e-12 {
			t.Fatalf("%g moved by %g became %g", h, c, got)
		}
		if got := HodgesLehmann(turned); got != -h {
			t.Fatalf("%g mirrored is %g", h, got)
		}
	})
}

// enumerated is the probability of a rank sum of at least s, by all choices of signs.
func enumerated(n, s int) float64 {
	hits := 0
	for signs := range uint(1) << n {
		sum := 0
		for rest := signs; rest != 0; rest &= rest - 1 {
			sum += bits.TrailingZeros(rest) + 1
		}
		if sum >= s {
			hits++
		}
	}
	return float64(hits) / float64(uint(1)<<n)
}

func TestSignedRankCountsOutAllSigns(t *testing.T) {
	for n := 1; n <= 12; n++ {
		// 1, 2, 4 ... with one sign turned after the other: no two averages are equal.
		for turned := range n + 1 {
			d := make([]float64, n)
			s := 0
			for i := range d {
				d[i] = float64(i+1) + 0.001*float64(i*i)
				if i < turned {
					d[i] = -d[i]
				} else {
					s += i + 1
				}
			}
			near(t, "signed rank", SignedRank(d, 0), enumerated(n, s), 1e-12)
		}
	}
	// Wilcoxon's own table: 8 of 8 pairs, and 33 of 36.
	near(t, "8 of 8", SignedRank([]float64{1, 2, 3, 4, 5, 6, 7, 8}, 0), 1.0/256, 1e-15)
	near(t, "33 of 36", SignedRank([]float64{1, 2, -3, 4, 5, 6, 7, 8}, 0), 5.0/256, 1e-15)
	near(t, "none", SignedRank(nil, 0), 1, 0)
}

func TestSignedRankTiesSpeakForNoSide(t *testing.T) {
	zeros := make([]float64, 20)
	near(t, "no differences", SignedRank(zeros, 0), 1, 1e-12)
	d := []float64{1, -1, 2, -2, 3, -3, 4, -4}
	if p := SignedRank(d, 0); p < 0.5 {
		t.Errorf("as much up as down: %g", p)
	}
}

// Where the distribution is no longer counted out, the normal one is near enough, and
// far out too careful.
func TestSignedRankBeyondExact(t *testing.T) {
	const n = exactRanks
	mean, sd := rankMoments(n)
	p := rankDistribution(n)
	tail := 0.0
	for s := len(p) - 1; s > int(mean); s-- {
		tail += p[s]
		normal := math.Erfc((float64(s)-0.5-mean)/sd/math.Sqrt2) / 2
		if tail > 1e-3 && math.Abs(normal/tail-1) > 0.25 || tail < 1e-3 && normal < tail {
			t.Fatalf("%d of %d: %g, by the normal distribution %g", s, n, tail, normal)
		}
	}
	// Around the middle it is near to the exact one, which half a rank more would not be.
	for _, n := range []int{exactRanks + 1, exactRanks + 14} {
		p := rankDistribution(n)
		turned := int(math.Round(float64(n) / math.Sqrt2))
		d := make([]float64, n)
		s := 0
		for i := range d {
			if d[i] = float64(i+1) + 1e-4*float64(i*i); i < turned {
				d[i] = -d[i]
			} else {
				s += i + 1
			}
		}
		exact := 0.0
		for i := len(p) - 1; i >= s; i-- {
			exact += p[i]
		}
		near(t, fmt.Sprintf("%d with %d turned", n, turned), SignedRank(d, 0), exact, 5e-4)
	}
	near(t, "all", SignedRank(slices.Repeat([]float64{1}, n+1), 0), 0, 1e-8)
}

func TestSignedRankIntervalInvertsTheTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := differences(2, 70).Draw(t, "d")
		tail := rapid.Float64Range(0.0001, 0.1).Draw(t, "tail")
		low, high, ok := SignedRankInterval(d, tail)
		if !ok {
			if len(d) <= exactRanks && math.Exp2(-float64(len(d))) <= tail {
				t.Fatalf("no interval of %d differences", len(d))
			}
			t.Skip()
		}
		turned := make([]float64, len(d))
		for i, v := range d {
			turned[i] = -v
		}
		const little = 1e-12
		if p := SignedRank(d, low-little); p > tail {
			t.Fatalf("below %g: %g", low, p)
		}
		if p := SignedRank(turned, -high-little); p > tail {
			t.Fatalf("above %g: %g", high, p)
		}
		if p := SignedRank(d, low+little); p <= tail && low+2*little < high && countWithin(walsh(d), low, 2*little) == 1 {
			t.Fatalf("above the lower bound %g: %g", low, p)
		}
	})
}

func countWithin(sorted []float64, v, reach float64) (n int) {
	for _, x := range sorted {
		if math.Abs(x-v) <= reach {
			n++
		}
	}
	return n
}

func TestHolm(t *testing.T) {
	for _, c := range []struct {
		p    []float64
		want []bool
	}{
		{[]float64{0.01, 0.04, 0.03, 0.005}, []bool{true, false, false, true}}, // Holm's own steps at 0.05
		{[]float64{0.02, 0.01, 0.05}, []bool{true, true, true}},
		{[]float64{0.02, 0.02, 0.02}, []bool{false, false, false}},
		{[]float64{0.05}, []bool{true}},
		{nil, []bool{}},
	} {
		if got := Holm(c.p, 0.05); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, not %v", c.p, got, c.want)
		}
	}
}
