package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The mean number of pairs until the sign test has decided, as simulation found it.
func TestMeanOfPairs(t *testing.T) {
	for distance, want := range map[float64]float64{0.25: 321, 0.33: 181, 0.5: 79, 0.67: 46, 0.8: 33, 1: 23, 1.25: 16, 1.6: 13, 2: 11, 3: 10} {
		mean, before, at := 0.0, 0.0, 0
		decisions(above(distance), 120, 5000, func(n int, decided float64) bool {
			mean += (1 - before) * float64(n-at)
			before, at = decided, n
			return decided < 1-1e-9
		})
		if math.Abs(mean-want) > 0.03*want+1 {
			t.Errorf("%.2f standard deviations: %.1f pairs, not %g", distance, mean, want)
		}
	}
}

func TestReach(t *testing.T) {
	for n, want := range map[int]float64{20: 1.65, 30: 1.3, 50: 0.93, 100: 0.65, 200: 0.46} {
		near(t, "reach", Reach(n, 120), want, 0.05)
	}
	if !math.IsInf(Reach(9, 120), 1) {
		t.Error("nine pairs decide nothing")
	}
}

// Reach and PairsFor are two views of one thing. (Twelve pairs find no more than ten:
// they want all of them above, as the ten did.)
func TestPairsForReach(t *testing.T) {
	for n, first := range map[int]int{10: 10, 12: 10, 50: 50, 100: 100} {
		r := Reach(n, 120)
		if got := PairsFor(r, 1, 120); got != first {
			t.Errorf("%d pairs reach %g, which takes %d, not %d", n, r, got, first)
		}
		if got := PairsFor(r*0.999, 1, 120); got <= n {
			t.Errorf("%d pairs reach %g, but less takes %d", n, r, got)
		}
	}
	if got := PairsFor(-1, 1, 120); got != TooMany {
		t.Errorf("nothing is found in %d pairs", got)
	}
	if got := PairsFor(0.001, 1, 120); got != TooMany {
		t.Errorf("next to nothing is found in %d pairs", got)
	}
	if got := PairsFor(5, 1, 40); got != 8 {
		t.Errorf("what every pair shows takes %d", got)
	}
}

// What is promised of fixed numbers of pairs is what the tests find.
func TestReachFixed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const draws, tail = 4000, 0.005
	for _, c := range []struct {
		n     int
		ranks bool
	}{{7, false}, {12, false}, {12, true}, {30, true}} {
		reach, found := ReachFixed(c.n, tail, c.ranks), 0
		for range draws {
			d := make([]float64, c.n)
			for i := range d {
				d[i] = reach + r.NormFloat64()
			}
			p := Yuen(d, 0)
			if c.ranks {
				p = SignedRank(d, 0)
			}
			if p <= tail {
				found++
			}
		}
		if share := float64(found) / draws; share < 0.90 || share > 0.99 {
			t.Errorf("%d pairs, ranks %v: %.3f found", c.n, c.ranks, share)
		}
	}
	if !math.IsInf(ReachFixed(1, tail, true), 1) {
		t.Error("one pair reaches nothing")
	}
}

func TestNoise(t *testing.T) {
	near(t, "margin of 20", NoiseMargin(20), 1.37, 0.005)
	if !(NoiseMargin(50) < NoiseMargin(20)) || NoiseMargin(50) < 1 || !math.IsInf(NoiseMargin(1), 1) {
		t.Errorf("margins %g, %g and %g", NoiseMargin(20), NoiseMargin(50), NoiseMargin(1))
	}
	r := rand.New(rand.NewPCG(5, 6))
	quiet, wild := 0.0, 0.0
	const draws = 400
	for range draws {
		d := make([]float64, 20)
		for i := range d {
			d[i] = 0.03 * r.NormFloat64()
		}
		sd, _ := NoiseSD(d)
		quiet += sd / draws
		d[7] = 1000 // of whose size the middle knows nothing
		sd, _ = NoiseSD(d)
		wild += sd / draws
	}
	near(t, "standard deviation", quiet, 0.03, 0.003)
	near(t, "standard deviation beside a wild difference", wild, 0.037, 0.003)
	if _, ok := NoiseSD([]float64{1, 2, 3, 4, 5}); ok {
		t.Error("five are enough")
	}
	near(t, "margin of the middle", MiddleMargin(2, 30), 0.61469, 1e-4) // 1.645·2/√(0.95493·30)
	near(t, "floor", Floor(0.05, 0.65), math.Expm1(0.0325), 1e-12)
	near(t, "floor without noise", Floor(0, math.Inf(1)), 0, 0)
}
