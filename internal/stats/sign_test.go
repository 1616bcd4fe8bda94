package stats

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s: %g, not %g", what, got, want)
	}
}

func TestEValueKnownAnswers(t *testing.T) {
	near(t, "12 of 12", EValue(12, 12), 8191.0/13, 1e-9)
	near(t, "13 of 16", EValue(13, 16), 130238.0/9520, 1e-9)
	near(t, "none of none", EValue(0, 0), 1, 0)
	near(t, "0 of 4", EValue(0, 4), 0.2, 1e-15)
	if e := EValue(5000, 5000); !math.IsInf(e, 1) {
		t.Errorf("5000 of 5000: %g", e)
	}
	if e := EValue(2600, 5000); !(e > 1 && e < 1000) {
		t.Errorf("2600 of 5000: %g", e)
	}
}

// Each is the average of likelihood ratios, here summed up in another way.
func TestEValueIsTheIntegral(t *testing.T) {
	integral := func(k, n int, q float64) float64 {
		const steps = 200_000
		sum := 0.0
		for i := range steps {
			p := (float64(i) + 0.5) / steps * q
			sum += math.Exp(float64(k)*math.Log(p/q) + float64(n-k)*math.Log((1-p)/(1-q)))
		}
		return sum / steps
	}
	for _, c := range []struct {
		k, n int
		q    float64
	}{{0, 8, 0.5}, {3, 16, 0.5}, {9, 16, 0.5}, {16, 16, 0.5}, {0, 30, 0.1}, {2, 60, 0.1}, {9, 10, 0.1}} {
		want := integral(c.k, c.n, c.q)
		near(t, "share below", EShareBelow(c.k, c.n, c.q), want, want*1e-6)
	}
}

// Whoever bets so wins nothing on average if there is nothing to find: that is what
// makes the evidence hold whenever one stops.
func TestEvidenceIsAFairGame(t *testing.T) {
	for n := range 150 {
		for k := 0; k <= n; k++ {
			e := EValue(k, n)
			near(t, "EValue", (EValue(k+1, n+1)+EValue(k, n+1))/2, e, e*1e-12)
			e = EValueNever(k, n)
			near(t, "EValueNever", (EValueNever(k+1, n+1)+EValueNever(k, n+1))/2, e, e*1e-12)
			e = EShareBelow(k, n, 0.1)
			near(t, "EShareBelow", 0.1*EShareBelow(k+1, n+1, 0.1)+0.9*EShareBelow(k, n+1, 0.1), e, e*1e-12)
		}
	}
}

// More above is more evidence, and so is one below fewer.
func TestEValueGrows(t *testing.T) {
	for n := 1; n <= 150; n++ {
		for k := 1; k <= n; k++ {
			if !(EValue(k, n) > EValue(k-1, n)) || !(EValue(k, n) > EValue(k-1, n-1)) {
				t.Fatalf("%d of %d: %g, after %g and %g", k, n, EValue(k, n), EValue(k-1, n), EValue(k-1, n-1))
			}
			if k < n && !(EValue(k, n) < EValue(k, n-1)) {
				t.Fatalf("%d of %d: %g, before %g", k, n, EValue(k, n), EValue(k, n-1))
			}
		}
	}
}

func TestLeastWins(t *testing.T) {
	want := map[int]int{10: 10, 12: 12, 14: 13, 16: 15, 20: 18, 24: 20, 30: 25, 40: 31, 50: 37, 60: 44, 80: 56, 100: 68}
	for n, k := range want {
		if got := LeastWins(n, 120); got != k {
			t.Errorf("%d pairs: %d, not %d", n, got, k)
		}
	}
	if got := LeastWins(9, 120); got != 10 {
		t.Errorf("9 pairs: %d", got)
	}
}

func TestSignInterval(t *testing.T) {
	d := []float64{7, 1, 2, 3, 14, 5, 6, 4, 8, 9, 10, 13, 12, 11}
	if low, high, ok := SignInterval(d, 120); !ok || low != 2 || high != 13 {
		t.Errorf("%g to %g, %v", low, high, ok)
	}
	if _, _, ok := SignInterval(d[:9], 120); ok {
		t.Error("nine differences bound nothing")
	}
	if !slices.Equal(d[:3], []float64{7, 1, 2}) {
		t.Error("the differences were sorted in place")
	}
}

// differences draws values of which some may be equal, and some 0.
func differences(least, most int) *rapid.Generator[[]float64] {
	value := rapid.Custom(func(t *rapid.T) float64 {
		if rapid.Bool().Draw(t, "coarse") {
			return float64(rapid.IntRange(-6, 6).Draw(t, "steps")) / 64
		}
		return rapid.Float64Range(-0.2, 0.2).Draw(t, "value")
	})
	return rapid.SliceOfN(value, least, most)
}

// The bounds are those that the evidence does not refute: just outside it does.
func TestSignIntervalInvertsTheEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := differences(10, 80).Draw(t, "d")
		threshold := rapid.Float64Range(20, 1000).Draw(t, "threshold")
		low, high, ok := SignInterval(d, threshold)
		if !ok {
			t.Skip()
		}
		refuted := func(limit float64) (from, to bool) {
			above, below := Count(d, limit)
			return EValue(above, above+below) >= threshold, EValue(below, above+below) >= threshold
		}
		if above, _ := refuted(math.Nextafter(low, -1)); !above {
			t.Fatalf("the evidence does not refute what is below %g", low)
		}
		if _, below := refuted(math.Nextafter(high, 1)); !below {
			t.Fatalf("the evidence does not refute what is above %g", high)
		}
		// At a bound itself those that equal it do not count, which may refute it.
		if above, _ := refuted(math.Nextafter(low, 1)); above && !slices.Contains(d, math.Nextafter(low, 1)) && count(d, low) == 1 {
			t.Fatalf("the evidence refutes what is above %g", low)
		}
	})
}

func count(d []float64, v float64) (n int) {
	for _, x := range d {
		if x == v {
			n++
		}
	}
	return n
}

// A difference within the interval never widens it, and neither do all of them once
// more. One outside of it may: it is evidence that the middle lies further out.
func TestSignIntervalNarrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := differences(10, 80).Draw(t, "d")
		threshold := rapid.Float64Range(20, 1000).Draw(t, "threshold")
		low, high, ok := SignInterval(d, threshold)
		if !ok {
			t.Skip()
		}
		within := low + (high-low)*rapid.Float64Range(0, 1).Draw(t, "within")
		for _, more := range [][]float64{append(slices.Clone(d), min(max(within, low), high)), slices.Concat(d, d)} {
			l, h, ok := SignInterval(more, threshold)
			if !ok || l < low || h > high {
				t.Fatalf("%g to %g became %g to %g (%v) with %d differences", low, high, l, h, ok, len(more))
			}
		}
	})
}

func TestMedian(t *testing.T) {
	near(t, "odd", Median([]float64{9, 1, 5}), 5, 0)
	near(t, "even", Median([]float64{9, 1, 5, 6}), 5.5, 0)
	if !math.IsNaN(Median(nil)) {
		t.Error("of none")
	}
}

func TestCountLeavesTiesOut(t *testing.T) {
	if above, below := Count([]float64{0, 0, 1, 2, -1}, 0); above != 2 || below != 1 {
		t.Errorf("%d above and %d below", above, below)
	}
}
