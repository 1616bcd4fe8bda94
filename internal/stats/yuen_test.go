package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// With fewer than five differences nothing is trimmed: it is Student's t test, whose
// distribution with one and two degrees of freedom has a formula.
func TestYuenOfFewIsStudent(t *testing.T) {
	d := []float64{1, 3} // mean 2, standard error 1
	near(t, "one degree", Yuen(d, 0), 0.5-math.Atan(2)/math.Pi, 1e-12)
	d = []float64{1, 2, 6} // mean 3, variance 7
	x := 3 / math.Sqrt(7.0/3)
	near(t, "two degrees", Yuen(d, 0), 0.5-x/(2*math.Sqrt(2+x*x)), 1e-12)
	near(t, "a limit", Yuen(d, 3), 0.5, 1e-12)
}

// Ten differences lose two at either end: the six in the middle have mean 5.5, the
// winsorized ten a sum of squares of 42.5, so that t is 5.5/√(42.5/30) with five degrees
// of freedom.
func TestYuenTrims(t *testing.T) {
	d := []float64{-90, 2, 3, 4, 5, 6, 7, 8, 9, 5000}
	mean, se, freedom := trimmed(d)
	near(t, "mean", mean, 5.5, 1e-12)
	near(t, "standard error", se, math.Sqrt(42.5/30), 1e-12)
	near(t, "freedom", freedom, 5, 0)
	// Student's distribution of five degrees by its formula.
	x := 5.5 / math.Sqrt(42.5/30)
	a := math.Atan(x / math.Sqrt(5))
	want := 0.5 - (a+math.Sin(a)*math.Cos(a)*(1+2*math.Cos(a)*math.Cos(a)/3))/math.Pi
	near(t, "probability", Yuen(d, 0), want, 1e-12)
	low, high, ok := YuenInterval(d, want)
	if !ok {
		t.Fatal("no interval")
	}
	near(t, "lower bound", low, 0, 1e-9)
	near(t, "upper bound", high, 11, 1e-9)
}

func TestYuenWithoutSpread(t *testing.T) {
	near(t, "signs", Yuen([]float64{1, 1, 1, 1, 1}, 0), 1.0/32, 0)
	near(t, "nothing", Yuen([]float64{0, 0, 0, 0, 0}, 0), 1, 0)
	near(t, "one", Yuen([]float64{7}, 0), 1, 0)
	if _, _, ok := YuenInterval([]float64{1, 1, 1}, 0.01); ok {
		t.Error("equal differences bound nothing")
	}
}

// Each of the tests moves with the differences: more is never less significant.
func TestShiftsNeverDoubtMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := differences(2, 60).Draw(t, "d")
		// Steps by which every sum is exact: what is equal stays equal.
		for i := range d {
			d[i] = math.Round(d[i]*4096) / 4096
		}
		c := float64(rapid.IntRange(0, 512).Draw(t, "shift")) / 4096
		moved := make([]float64, len(d))
		for i, v := range d {
			moved[i] = v + c
		}
		if a, b := SignedRank(d, 0), SignedRank(moved, 0); b > a {
			t.Fatalf("signed ranks: %g became %g", a, b)
		}
		if a, b := Yuen(d, 0), Yuen(moved, 0); b > a+1e-9 {
			t.Fatalf("Yuen: %g became %g", a, b)
		}
		above, below := Count(d, 0)
		more, fewer := Count(moved, 0)
		if a, b := EValue(above, above+below), EValue(more, more+fewer); b < a {
			t.Fatalf("evidence: %g became %g", a, b)
		}
	})
}

func TestSignTest(t *testing.T) {
	near(t, "8 of 8", SignTest(8, 8), 1.0/256, 1e-14)
	near(t, "7 of 8", SignTest(7, 8), 9.0/256, 1e-14)
	near(t, "0 of 8", SignTest(0, 8), 1, 0)
	near(t, "none", SignTest(0, 0), 1, 0)
}

// Outliers do not make a test find something where there is nothing: Yuen's where
// differences are few, signed ranks where there are more.
func TestTestsHoldTheirLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const draws, level = 20_000, 0.005
	for _, n := range []int{3, 5, 7, 9, 10, 20} {
		test, found := Yuen, 0
		if n >= 10 {
			test = SignedRank
		}
		for range draws {
			d := make([]float64, n)
			for i := range d {
				d[i] = r.NormFloat64()
				if r.Float64() < 0.06 {
					d[i] *= 20
				}
			}
			if test(d, 0) <= level {
				found++
			}
		}
		// Five standard deviations of such a count.
		if most := draws*level + 5*math.Sqrt(draws*level); float64(found) > most {
			t.Errorf("%d differences: found in %d of %d", n, found, draws)
		}
	}
}
