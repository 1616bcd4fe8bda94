package dist_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/dist"
)

func TestParseDuration(t *testing.T) {
	for text, mean := range map[string]time.Duration{
		"0":                   0,
		"2ms":                 2 * time.Millisecond,
		" 1.5s ":              1500 * time.Millisecond,
		"fixed(3us)":          3 * time.Microsecond,
		"uniform(1ms, 3ms)":   2 * time.Millisecond,
		"uniform( 1ms,1ms )":  time.Millisecond,
		"normal(5ms, 1ms)":    5 * time.Millisecond,
		"lognormal(2ms, 0)":   2 * time.Millisecond,
		"lognormal(2ms, 0.5)": time.Duration(2e6 * math.Exp(0.125)),
		"exponential(2ms)":    2 * time.Millisecond,
	} {
		d, err := dist.ParseDuration(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if d.Mean() != mean {
			t.Errorf("%q: mean %v, want %v", text, d.Mean(), mean)
		}
		again, err := dist.ParseDuration(d.String())
		if err != nil || again != d {
			t.Errorf("%q: written as %q, which reads as %v, %v", text, d, again, err)
		}
	}
}

func TestParseErrorsSayWhatIsRight(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "want a value like 2ms",
		"abc":                  "want a value like 2ms",
		"-1ms":                 "want a value like 2ms",
		"5":                    "no unit",
		"5 parsecs":            "unknown unit",
		"gamma(1ms, 2ms)":      "want one of fixed(VALUE), uniform(LOW, HIGH)",
		"uniform(1ms)":         "want uniform(LOW, HIGH)",
		"uniform(1ms, 3ms":     "does not end in a parenthesis",
		"uniform(3ms, 1ms)":    "LOW is above HIGH",
		"uniform(-1ms, 1ms)":   "invalid LOW",
		"lognormal(2ms, 1ms)":  "want a number from 0 to 10",
		"lognormal(2ms, -1)":   "want a number from 0 to 10",
		"lognormal(2ms, NaN)":  "want a number from 0 to 10",
		"exponential()":        "invalid MEAN",
		"exponential(2ms, 3s)": "want exponential(MEAN)",
	} {
		_, err := dist.ParseDuration(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := dist.ParseSize("lots"); err == nil || !strings.Contains(err.Error(), "1KiB") {
		t.Errorf("size error does not show a size: %v", err)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "64B": 64, "1KiB": 1024, "1MB": 1e6, "512": 512} {
		s, err := dist.ParseSize(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if n, ok := s.Fixed(); !ok || n != want {
			t.Errorf("%q: %d, want %d", text, n, want)
		}
	}
	s, err := dist.ParseSize("uniform(1KiB, 64KiB)")
	if err != nil {
		t.Fatal(err)
	}
	r := dist.NewRand(1, 0)
	for range 10000 {
		if n := s.Sample(r); n < 1024 || n > 65536 {
			t.Fatalf("drew %d bytes", n)
		}
	}
}

// TestKolmogorovSmirnov holds each law against its own distribution function.
// With n = 20,000 the statistic exceeds 1.63/sqrt(n) in 1 % of honest runs; the
// seed makes the outcome the same each time.
func TestKolmogorovSmirnov(t *testing.T) {
	const n = 20000
	limit := 1.63 / math.Sqrt(n)
	for _, text := range []string{
		"uniform(1ms, 3ms)", "normal(5ms, 1ms)", "lognormal(2ms, 0.5)", "lognormal(2ms, 1.5)", "exponential(2ms)",
	} {
		d, err := dist.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		draw := func(d dist.Duration) []time.Duration {
			r := dist.NewRand(42, 7)
			out := make([]time.Duration, n)
			for i := range out {
				out[i] = d.Sample(r)
			}
			slices.Sort(out)
			return out
		}
		ks := func(draws []time.Duration, law dist.Duration) (worst float64) {
			for i, x := range draws {
				p := law.CDF(x)
				worst = max(worst, p-float64(i)/n, float64(i+1)/n-p)
			}
			return worst
		}
		draws := draw(d)
		if s := ks(draws, d); s > limit {
			t.Errorf("%s: statistic %.4f above %.4f", text, s, limit)
		}
		// The test must be able to fail: a law 5 % off is seen.
		for i := range draws {
			draws[i] = draws[i] * 21 / 20
		}
		if s := ks(draws, d); s <= limit {
			t.Errorf("%s: draws 5 %% too long pass with statistic %.4f", text, s)
		}
	}
}

func TestQuantileInvertsCDF(t *testing.T) {
	for _, text := range []string{
		"uniform(1ms, 3ms)", "normal(5ms, 1ms)", "lognormal(2ms, 0.5)", "exponential(2ms)",
	} {
		d, err := dist.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []float64{0.001, 0.1, 0.5, 0.9, 0.999} {
			if got := d.CDF(d.Quantile(p)); math.Abs(got-p) > 1e-5 {
				t.Errorf("%s: the quantile of %v has the share %v below it", text, p, got)
			}
		}
	}
	fixed := dist.FixedDuration(time.Second)
	if got := fixed.Quantile(0.3); got != time.Second {
		t.Errorf("a fixed second has the quantile %v", got)
	}
}

func TestNormalIsNeverNegative(t *testing.T) {
	d, err := dist.ParseDuration("normal(1ms, 2ms)")
	if err != nil {
		t.Fatal(err)
	}
	r, zero := dist.NewRand(3, 0), 0
	const n = 20000
	for range n {
		v := d.Sample(r)
		if v < 0 {
			t.Fatalf("drew %v", v)
		}
		if v == 0 {
			zero++
		}
	}
	// P(X < 0) = phi(-0.5) = 0.3085.
	if share := float64(zero) / n; math.Abs(share-0.3085) > 0.01 {
		t.Errorf("%.4f of the draws are 0, want 0.3085", share)
	}
}

func TestSeedsAndStreams(t *testing.T) {
	d, err := dist.ParseDuration("exponential(1s)")
	if err != nil {
		t.Fatal(err)
	}
	draw := func(seed, stream uint64) time.Duration { return d.Sample(dist.NewRand(seed, stream)) }
	first := draw(1, 1)
	if draw(1, 1) != first {
		t.Error("the same seed drew differently")
	}
	if draw(1, 2) == first || draw(2, 1) == first {
		t.Error("another seed or stream drew the same")
	}
}

func BenchmarkSample(b *testing.B) {
	for _, text := range []string{"2ms", "uniform(1ms, 3ms)", "normal(5ms, 1ms)", "lognormal(2ms, 0.5)", "exponential(2ms)"} {
		b.Run(text, func(b *testing.B) {
			d, err := dist.ParseDuration(text)
			if err != nil {
				b.Fatal(err)
			}
			r := dist.NewRand(1, 1)
			b.ReportAllocs()
			for b.Loop() {
				_ = d.Sample(r)
			}
		})
	}
}
