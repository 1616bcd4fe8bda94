package scaling

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"bench/internal/result"
)

// truth is a law to draw runs from.
type truth struct{ gamma, alpha, beta float64 }

func (l truth) at(n float64) float64 {
	return l.gamma * n / (1 + l.alpha*(n-1) + l.beta*n*(n-1))
}

func (l truth) peak() float64 { return math.Sqrt((1 - l.alpha) / l.beta) }

// measure draws three runs at each N, each off by a share of its rate.
func (l truth) measure(cv float64, r *rand.Rand, at ...float64) []Point {
	var all []Point
	for _, n := range at {
		p := Point{N: n}
		for range 3 {
			p.Rates = append(p.Rates, l.at(n)*math.Exp(cv*r.NormFloat64()))
		}
		all = append(all, p)
	}
	return all
}

var sizes = []float64{1, 2, 4, 8, 12, 16}

func seeded(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 1)) }

func near(a, b, share float64) bool { return math.Abs(a-b) <= share*math.Abs(b) }

// Without noise the law is found again, with intervals that are a point.
func TestExactLaw(t *testing.T) {
	for _, want := range []truth{{1000, 0.05, 0.01}, {20, 0, 0.004}, {7e5, 0.3, 0.002}, {1e-3, 0.02, 0.05}} {
		l, err := Fit(want.measure(0, seeded(1), sizes...))
		if err != nil {
			t.Fatal(err)
		}
		if !near(l.Gamma, want.gamma, 1e-4) || math.Abs(l.Alpha-want.alpha) > 1e-4 || !near(l.Beta, want.beta, 1e-2) {
			t.Errorf("%+v: gamma %v, alpha %v, beta %v", want, l.Gamma, l.Alpha, l.Beta)
		}
		peak, err := l.Peak()
		if err != nil || !near(peak.Value, want.peak(), 5e-3) || !near(peak.Low, want.peak(), 1e-2) || !near(peak.High, want.peak(), 1e-2) {
			t.Errorf("%+v: peak %+v (%v), want %v", want, peak, err, want.peak())
		}
		if e, err := l.At(20); err != nil || !near(e.Value, want.at(20), 1e-3) || e.Low > e.Value || e.High < e.Value {
			t.Errorf("%+v: at 20 %+v (%v), want %v", want, e, err, want.at(20))
		}
	}
	// In proportion, without contention or coherence, and none of it at all.
	for _, want := range []truth{{500, 0, 0}, {500, 1, 0}} {
		l, err := Fit(want.measure(0, seeded(1), sizes...))
		if err != nil {
			t.Fatal(err)
		}
		if !near(l.Gamma, 500, 1e-3) || math.Abs(l.Alpha-want.alpha) > 1e-3 || l.Beta > 1e-4 {
			t.Errorf("%+v: gamma %v, alpha %v, beta %v", want, l.Gamma, l.Alpha, l.Beta)
		}
	}
}

// What chance allows follows from what three parameters leave of the runs: F of 1 and 15
// is 4.543 at 95 %, by the tables.
func TestLimitByTheTables(t *testing.T) {
	l, err := Fit(truth{1000, 0.08, 0.006}.measure(0.03, seeded(1), sizes...))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.limit/l.least, 1+4.5431/15; !near(got, want, 1e-5) {
		t.Errorf("laws count as good up to %v times the best sum, not %v", got, want)
	}
}

// grid calls f for a fine grid of laws.
func grid(f func(alpha, beta float64)) {
	for a := 0.0; a <= 0.4; a += 0.002 {
		for b := 0.0; b <= 0.03; b += 0.0002 {
			f(a, b)
		}
	}
}

// Fit and intervals agree with those by trying every law: none of them is nearer to the
// points, and the intervals span those that are about as near.
func TestAgainstEveryLaw(t *testing.T) {
	for seed := range uint64(4) {
		want := truth{1000, 0.08, 0.006}
		l, err := Fit(want.measure(0.03, seeded(seed), sizes...))
		if err != nil {
			t.Fatal(err)
		}
		const n = 6.0
		least := math.Inf(1)
		rate, gamma, alpha, beta, peak := empty(), empty(), empty(), empty(), empty()
		grid(func(a, b float64) {
			sum := l.data.free(a, b)
			least = min(least, sum)
			if sum > l.limit {
				return
			}
			// With another gamma the sum grows by the square of the difference in
			// logarithms, times the runs.
			reach := math.Sqrt((l.limit - sum) / float64(l.data.runs))
			c := l.data.logGamma(a, b)
			gamma.add(math.Exp(c-reach), math.Exp(c+reach))
			rate.add(math.Exp(c-reach+shape(n, a, b)), math.Exp(c+reach+shape(n, a, b)))
			alpha.add(a, a)
			beta.add(b, b)
			if b > 0 {
				peak.add(math.Sqrt((1-a)/b), math.Sqrt((1-a)/b))
			}
		})
		if l.least > least*(1+1e-6) {
			t.Errorf("seed %d: a sum of squares of %v, but there is a law with %v", seed, l.least, least)
		}
		at, err := l.At(n)
		if err != nil {
			t.Fatal(err)
		}
		rate.check(t, "rate", at, 0.003)
		gamma.check(t, "gamma", l.GammaInterval(), 0.003)
		alpha.check(t, "alpha", l.AlphaInterval(), 0.05)
		beta.check(t, "beta", l.BetaInterval(), 0.05)
		if e, err := l.Peak(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		} else {
			peak.check(t, "peak", e, 0.03)
		}
	}
}

// span is the interval of what was added.
type span struct{ low, high float64 }

func empty() *span { return &span{math.Inf(1), math.Inf(-1)} }

func (s *span) add(low, high float64) { s.low, s.high = min(s.low, low), max(s.high, high) }

// check allows for the distance of the grid: a share of the interval's upper end.
func (s *span) check(t *testing.T, what string, e Estimate, share float64) {
	t.Helper()
	if tolerance := share * e.High; math.Abs(s.low-e.Low) > tolerance || math.Abs(s.high-e.High) > tolerance {
		t.Errorf("%s: %+v, by trying every law from %v to %v", what, e, s.low, s.high)
	}
}

// Intervals hold the truth about as often as they say, and a peak is said of a law
// without one about as seldom.
func TestCoverage(t *testing.T) {
	const trials = 60
	held := make(map[string]int)
	want := truth{5000, 0.05, 0.008}
	said := 0
	for seed := range uint64(trials) {
		l, err := Fit(want.measure(0.03, seeded(seed), sizes...))
		if err != nil {
			t.Fatal(err)
		}
		count := func(what string, e Estimate, truth float64) {
			if e.Low <= truth && truth <= e.High {
				held[what]++
			}
			if e.Low > e.Value || e.High < e.Value {
				t.Errorf("seed %d: %s %+v", seed, what, e)
			}
		}
		count("gamma", l.GammaInterval(), want.gamma)
		count("alpha", l.AlphaInterval(), want.alpha)
		count("beta", l.BetaInterval(), want.beta)
		e, err := l.At(30)
		if err != nil {
			t.Fatal(err)
		}
		count("rate", e, want.at(30))
		if e, err := l.Peak(); err == nil {
			said++
			count("peak", e, want.peak())
		}
	}
	for what, n := range held {
		t.Logf("%s: %d of %d", what, n, trials)
		of := trials
		if what == "peak" {
			of = said
		}
		if share := float64(n) / float64(of); share < 0.90 || of < trials*9/10 {
			t.Errorf("%s: %d of %d intervals hold the truth", what, n, of)
		}
	}
	if held["gamma"] == trials {
		t.Error("every interval of gamma holds the truth: they are too wide")
	}
	wrong := 0
	amdahl := truth{5000, 0.1, 0}
	for seed := range uint64(trials) {
		l, err := Fit(amdahl.measure(0.03, seeded(seed), sizes...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Peak(); err == nil {
			wrong++
		} else if !strings.HasPrefix(err.Error(), "no peak within 1..16") {
			t.Fatal(err)
		}
	}
	t.Logf("a peak where there is none: %d of %d", wrong, trials)
	if wrong > trials*8/100 {
		t.Errorf("a peak is said of %d of %d laws without one", wrong, trials)
	}
}

// Units do not matter.
func TestScaleOfRates(t *testing.T) {
	points := truth{5000, 0.05, 0.008}.measure(0.03, seeded(3), sizes...)
	var smaller []Point
	for _, p := range points {
		q := Point{N: p.N}
		for _, r := range p.Rates {
			q.Rates = append(q.Rates, r/1024)
		}
		smaller = append(smaller, q)
	}
	a, err := Fit(points)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Fit(smaller)
	if err != nil {
		t.Fatal(err)
	}
	if !near(a.Alpha, b.Alpha, 1e-4) || !near(a.Beta, b.Beta, 1e-4) || !near(a.Gamma, b.Gamma*1024, 1e-6) {
		t.Errorf("%+v and %+v", a, b)
	}
	p, err := a.Peak()
	q, err2 := b.Peak()
	if err != nil || err2 != nil || !near(p.Low, q.Low, 1e-3) || !near(p.High, q.High, 1e-3) {
		t.Errorf("peaks %+v (%v) and %+v (%v)", p, err, q, err2)
	}
}

func TestRefusals(t *testing.T) {
	good := func() []Point { return truth{100, 0.1, 0.01}.measure(0.01, seeded(1), 1, 2, 3, 4, 6) }
	change := func(f func([]Point) []Point) []Point { return f(good()) }
	for _, c := range []struct {
		name   string
		points []Point
		want   string
	}{
		{"few", good()[:3], "needs 4 different N, not 3"},
		{"the same N twice", append(good()[:3], good()[0]), "needs 4 different N, not 3"},
		{"two runs", change(func(p []Point) []Point { p[2].Rates = p[2].Rates[:2]; return p }), "needs 3 runs at each N, and N = 3 has 2"},
		{"generator", change(func(p []Point) []Point { p[3].LoadLimited, p[4].LoadLimited = true, true; return p }), "not 3 (without N = 4, 6, where the generator was the limit)"},
		{"zero", change(func(p []Point) []Point { p[1].Rates[0] = 0; return p }), "a rate is not above 0"},
		{"NaN", change(func(p []Point) []Point { p[1].Rates[0] = math.NaN(); return p }), "a rate is not above 0"},
		{"N below 1", change(func(p []Point) []Point { p[1].N = 0.5; return p }), "from 1 on"},
	} {
		if _, err := Fit(c.points); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	points := good()
	points[4].LoadLimited = true
	l, err := Fit(points)
	if err != nil {
		t.Fatal(err)
	}
	if l.Largest() != 4 || len(l.LeftOut) != 1 || l.LeftOut[0] != 6 {
		t.Errorf("largest %v, left out %v", l.Largest(), l.LeftOut)
	}
	if _, err := l.At(8); err != nil {
		t.Error(err)
	}
	for _, n := range []float64{8.1, 0.9, math.NaN()} {
		if e, err := l.At(n); err == nil || !strings.Contains(err.Error(), "measured up to 4, and holds up to 8 at most") {
			t.Errorf("at %v: %+v, %v", n, e, err)
		}
	}
}

// The same N given twice is more runs of it.
func TestRunsOfOneSizeTogether(t *testing.T) {
	points := truth{100, 0.1, 0.01}.measure(0.02, seeded(2), 1, 2, 4, 8)
	var apart []Point
	for i := range 3 {
		for _, p := range points {
			apart = append(apart, Point{N: p.N, Rates: p.Rates[i : i+1]})
		}
	}
	a, err := Fit(points)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := Fit(apart); err != nil || !near(a.Alpha, b.Alpha, 1e-6) || !near(a.least, b.least, 1e-6) {
		t.Errorf("%+v and %+v (%v)", a, b, err)
	}
}

// A cliff, such as at the number of processors, is no law.
func TestLackOfFit(t *testing.T) {
	r := seeded(5)
	points := truth{100, 0.02, 0}.measure(0.01, r, sizes...)
	l, err := Fit(points)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Record(); got.Doubt != "" || got.LackOfFitP == nil {
		t.Errorf("doubted though it is a law: %q", got.Doubt)
	}
	for i := range points {
		if points[i].N > 4 {
			for j := range points[i].Rates {
				points[i].Rates[j] *= 0.6
			}
		}
	}
	if l, err = Fit(points); err != nil {
		t.Fatal(err)
	}
	if got := l.Record(); !strings.Contains(got.Doubt, "further from the curve") {
		t.Errorf("not doubted, p = %v", *got.LackOfFitP)
	}
}

func TestNeed(t *testing.T) {
	law := truth{1000, 0.02, 0.002} // peak at 22
	l, err := Fit(law.measure(0.01, seeded(7), 1, 2, 4, 8, 12, 16))
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 10; n++ {
		need, err := l.Need(l.value(float64(n)) * (1 - 1e-9))
		if err != nil {
			t.Fatal(err)
		}
		if need.N != n || need.Low > n || need.High == nil || *need.High < n || *need.High > n+2 || need.Spare == nil || *need.Spare != *need.High+1 {
			t.Errorf("for %v/s: %+v", need.Rate, text(need))
		}
		// The bounds are where those of the curve reach the rate, and not before.
		for _, b := range []struct {
			n  int
			of func(Estimate) float64
		}{{need.Low, func(e Estimate) float64 { return e.High }}, {*need.High, func(e Estimate) float64 { return e.Low }}} {
			if e, err := l.At(float64(b.n)); err != nil || b.of(e) < need.Rate {
				t.Errorf("at %d %+v (%v), wanted %v", b.n, e, err, need.Rate)
			}
			if b.n > 1 {
				if e, err := l.At(float64(b.n - 1)); err != nil || b.of(e) >= need.Rate {
					t.Errorf("at %d already %+v (%v), wanted %v", b.n-1, e, err, need.Rate)
				}
			}
		}
	}
	if _, err := l.Need(1e6); err == nil || !strings.Contains(err.Error(), "the curve has its top") {
		t.Errorf("beyond the top: %v", err)
	}
	top := l.value(22)
	need, err := l.Need(top * 0.9995)
	if err != nil || need.High != nil || need.Spare != nil || !strings.Contains(need.Reason, "lower bound") {
		t.Errorf("just below the top: %v, %v", text(need), err)
	}
	linear, err := Fit(truth{1000, 0.01, 0}.measure(0.001, seeded(7), 1, 2, 3, 4))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := linear.Need(9000); err == nil || !strings.Contains(err.Error(), "cannot be reached up to N = 8") {
		t.Errorf("beyond what was measured: %v", err)
	}
	need, err = linear.Need(linear.value(8) * 0.99)
	if err != nil || need.Spare != nil || !strings.Contains(need.Reason, "one to spare would be N = 9") && !strings.Contains(need.Reason, "lower bound") {
		t.Errorf("at the end of what can be said: %v, %v", text(need), err)
	}
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := l.Need(bad); err == nil {
			t.Errorf("a need for %v", bad)
		}
	}
}

func text(v *result.ScalingNeed) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestRecord(t *testing.T) {
	l, err := Fit(truth{1000, 0.05, 0.01}.measure(0.02, seeded(4), sizes...))
	if err != nil {
		t.Fatal(err)
	}
	r := l.Record()
	if _, err := json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	if r.Largest != 16 || len(r.Curve) != 32 || r.Curve[0].N != 1 || r.Curve[31].N != 32 || r.Peak == nil || r.NoPeak != "" {
		t.Errorf("largest %v, %d points, peak %v, %q", r.Largest, len(r.Curve), r.Peak, r.NoPeak)
	}
	for _, p := range r.Curve {
		if !(p.Low < p.Rate && p.Rate < p.High) {
			t.Errorf("%+v", p)
		}
	}
	if r.AlphaLow > r.Alpha || r.AlphaHigh < r.Alpha || r.BetaLow > r.Beta || r.BetaHigh < r.Beta || r.GammaLow >= r.Gamma || r.GammaHigh <= r.Gamma {
		t.Errorf("%+v", r)
	}
	large, err := Fit(truth{10, 0.01, 1e-6}.measure(0.02, seeded(4), 1, 10, 100, 1000))
	if err != nil {
		t.Fatal(err)
	}
	if c := large.Curve(); len(c) > mostCurve+1 || c[len(c)-1].N != 2000 {
		t.Errorf("%d points up to %v", len(c), c[len(c)-1].N)
	}
}

func BenchmarkRecord(b *testing.B) {
	points := truth{1000, 0.05, 0.01}.measure(0.02, seeded(4), sizes...)
	for b.Loop() {
		l, err := Fit(points)
		if err != nil {
			b.Fatal(err)
		}
		l.Record()
	}
}
