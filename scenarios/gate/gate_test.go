package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/stats"
)

// one gates a single measure without confirmation.
func one() Config {
	return Config{
		Measures: []Measure{{Name: "cpu/request"}}, MinEffect: DefaultMinEffect, Alpha: DefaultAlpha,
		MostPairs: DefaultMostPairs,
	}
}

// always makes pairs of these ratios.
func always(ratios ...float64) func() Pair {
	p := Pair{Counts: []Count{{BaseAll: 100, NewAll: 100}}}
	for _, r := range ratios {
		p.Ratios = append(p.Ratios, math.Log(r))
	}
	return func() Pair { return p }
}

// inTurn makes pairs of these ratios of one measure, again and again.
func inTurn(ratios ...float64) func() Pair {
	i := 0
	return func() Pair {
		i++
		return always(ratios[(i-1)%len(ratios)])()
	}
}

func want(t *testing.T, r Report, verdict string, code, pairs int) {
	t.Helper()
	if r.Verdict != verdict || r.ExitCode != code || pairs != 0 && r.Pairs != pairs {
		t.Errorf("%s (exit code %d) after %d pairs, not %s (%d) after %d: %s", r.Verdict, r.ExitCode, r.Pairs, verdict, code, pairs, r.Reason)
	}
}

func TestSequentialVerdicts(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*Config)
		pair    func() Pair
		verdict string
		code    int
		pairs   int
	}{
		// E(8, 8) = 56.8 is beyond 40, which clears; E(12, 12) = 630 is the first beyond
		// 200, which decides between one measure's being worse and better.
		{"the same", nil, always(1), "under 5 %", 0, 8},
		{"a little worse", nil, always(1.01), "under 5 %", 0, 8},
		{"much worse", nil, always(1.10), result.Slower, 3, 12},
		{"much better", nil, always(0.90), result.Better, 0, 12},
		{"higher is better", func(c *Config) { c.Measures[0].HigherIsBetter = true }, always(0.90), result.Slower, 3, 12},
		{"higher is better and is", func(c *Config) { c.Measures[0].HigherIsBetter = true }, always(1.10), result.Better, 0, 12},
		{"one-sided, better", func(c *Config) { c.OneSided = true }, always(0.90), "under 5 %", 0, 8},
		{"noise of 20 %", nil, inTurn(1.3, 0.75, 1.2, 0.8, 1.1, 0.9), result.Unclear, 4, 20},
		{"confirmed", func(c *Config) { c.Confirm = true }, always(1.10), result.Slower, 3, 16},
		{"least effect of 20 %", func(c *Config) { c.MinEffect = 0.2 }, always(1.10), "under 50 %", 0, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := one()
			if c.change != nil {
				c.change(&config)
			}
			want(t, decide(config, c.pair), c.verdict, c.code, c.pairs)
		})
	}
}

// A change between nothing and the least effect is never worse, however sure.
func TestLessThanTheLeastEffect(t *testing.T) {
	c := one()
	c.Confirm = true // whose bounds are narrower
	r := decide(c, inTurn(1.015, 1.016))
	want(t, r, result.Same, 0, 8)
	if l := r.Measures[0]; l.Low == nil || *l.Low < 0.0149 || *l.High > 0.0161 || l.Change < 0.015 || l.Change > 0.016 {
		t.Errorf("%+v", l)
	}
}

func TestPairsOfTheSameSpeakForNoSide(t *testing.T) {
	g, _ := New(one())
	for range 12 {
		g.Add(always(1)())
	}
	if e := g.measures[0].excess(1, false); e < 1 {
		t.Errorf("pairs of the same are evidence of %g", 1/e)
	}
}

func TestUnknown(t *testing.T) {
	unknown := func() Pair { return Pair{Ratios: []float64{math.NaN()}} }
	r := decide(one(), unknown)
	want(t, r, result.Unclear, 4, 6)
	if r.Measures[0].Reason != "known in 0 of the first 6 pairs only" {
		t.Errorf("%q", r.Measures[0].Reason)
	}
	// In one of three pairs it is known, and as good as ever: whether it is known may be
	// what has changed.
	i := 0
	r = decide(one(), func() Pair {
		if i++; i%3 == 0 {
			return always(1)()
		}
		return unknown()
	})
	want(t, r, result.Unclear, 4, 20)
	// In two of three: that will do.
	r = decide(one(), func() Pair {
		if i++; i%3 != 0 {
			return always(1)()
		}
		return unknown()
	})
	want(t, r, result.Under5, 0, 12)
	if r.Measures[0].Known != 8 {
		t.Errorf("known in %d pairs", r.Measures[0].Known)
	}
}

func TestLogRatio(t *testing.T) {
	for _, c := range []struct{ base, new, want float64 }{
		{2, 4, math.Ln2}, {0, 0, 0}, {0, 1, math.NaN()}, {1, 0, math.NaN()}, {math.NaN(), 1, math.NaN()}, {1, math.NaN(), math.NaN()},
	} {
		if got := LogRatio(c.base, c.new); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%g to %g: %g", c.base, c.new, got)
		}
	}
}

// One measure may be decided long before another: it stays so, and the other goes on.
func TestMeasuresAreDecidedOneByOne(t *testing.T) {
	c := standard()
	noisy := []float64{1.08, 0.95, 1.03, 0.93, 1.06, 0.96}
	i := 0
	r := decide(c, func() Pair {
		i++
		return always(1, 0.8, noisy[i%len(noisy)])()
	})
	if got := []string{r.Measures[0].Verdict, r.Measures[1].Verdict}; !slices.Equal(got, []string{result.Same, result.Better}) {
		t.Errorf("%v", got)
	}
	if r.Pairs <= 12 || r.Measures[2].Verdict == result.Slower {
		t.Errorf("%d pairs: %+v", r.Pairs, r.Measures[2])
	}
}

func TestConfirming(t *testing.T) {
	c := standard()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	add := func(n int, pair func() Pair) (next Next) {
		for range n {
			next = g.Add(pair())
		}
		return next
	}
	if next := add(9, always(1, 1, 1.1)); next.Step != More {
		t.Fatalf("%v", next)
	}
	next := add(1, always(1, 1, 1.1))
	if next.Step != Confirm || !slices.Equal(next.Measures, []string{"cpu/request"}) {
		t.Fatalf("%v", next)
	}
	// What would hold if it ended now: nothing is worse without confirmation, and
	// nothing is well.
	want(t, g.Report(), result.Unclear, 4, 10)
	if next := add(5, always(1, 1, 1.1)); next.Step != Confirm {
		t.Fatalf("%v", next)
	}
	if next := add(3, always(1, 1, 1.1)); next.Step != Done {
		t.Fatalf("%v", next)
	}
	r := g.Report()
	want(t, r, result.Slower, 3, 18)
	if r.Confirming != 8 || !slices.Equal(r.Suspects, []string{"cpu/request"}) || !slices.Equal(r.Upheld, r.Suspects) {
		t.Errorf("%+v", r)
	}
	if r.Reason != "cpu/request +10.0 % (+10.0 % to +10.0 %); confirmed by 8 fresh pairs" {
		t.Errorf("%q", r.Reason)
	}
	if g.Add(always(0.5, 0.5, 0.5)()); g.Report().Pairs != 18 {
		t.Error("a gate that is done took another pair")
	}
}

// A gate that is stopped says what its pairs have shown by then, and no more.
func TestStopped(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*Config)
		pair    func() Pair
		after   int
		verdict string
		code    int
	}{
		{"before there is evidence", nil, always(0.90), 7, result.Unclear, 4},
		{"whether it is better is open", nil, always(0.90), 8, "under 5 %", 0},
		{"between two looks", nil, always(0.90), 9, "under 5 %", 0},
		{"whether it is worse is open", nil, always(1.10), 8, result.Unclear, 4},
		{"worse, between two looks", nil, always(1.10), 11, result.Slower, 3},
		{"worse, to be confirmed", func(c *Config) { c.Confirm = true }, always(1.10), 11, result.Unclear, 4},
		{"in the midst of a confirmation", func(c *Config) { c.Confirm = true }, always(1.10), 15, result.Unclear, 4},
		{"a part of a fixed number", func(c *Config) { c.Pairs = 12 }, always(0.90), 11, result.Unclear, 4},
		{"done before", nil, always(1.10), 12, result.Slower, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := one()
			if c.change != nil {
				c.change(&config)
			}
			g, err := New(config)
			if err != nil {
				t.Fatal(err)
			}
			for range c.after {
				g.Add(c.pair())
			}
			g.Stop()
			want(t, g.Report(), c.verdict, c.code, c.after)
			if g.Next().Step != Done {
				t.Errorf("it wants %v", g.Next())
			}
		})
	}
}

// A false alarm: fresh pairs show nothing, and the comparison goes on to clear the rest.
func TestNotConfirmed(t *testing.T) {
	c := standard()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		g.Add(always(1, 1, 1.1)())
	}
	for g.Next().Step != Done {
		g.Add(always(1, 1, 1)())
	}
	r := g.Report()
	if r.ExitCode != 0 || r.Pairs != 18 || !slices.Equal(r.Suspects, []string{"cpu/request"}) || len(r.Upheld) != 0 {
		t.Errorf("%+v", r)
	}
	if l := r.Measures[2]; !strings.Contains(l.Reason, "looked worse, but not in fresh pairs") {
		t.Errorf("%+v", l)
	}
}

// Fresh pairs that decide nothing until the limit are no pass, and no alarm.
func TestConfirmationWithoutEnd(t *testing.T) {
	c := standard()
	c.MostPairs = 20
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		g.Add(always(1, 1, 1.1)())
	}
	next := inTurn(1.12, 0.95)
	for g.Next().Step != Done {
		p := always(1, 1, 1)()
		p.Ratios[2] = next().Ratios[0]
		g.Add(p)
	}
	want(t, g.Report(), result.Unclear, 4, 30)
}

func TestFixedNumberOfPairs(t *testing.T) {
	for _, c := range []struct {
		n       int
		confirm bool
		pair    func() Pair
		verdict string
		code    int
		pairs   int
	}{
		{20, false, inTurn(1.001, 0.999, 1.002, 0.998), result.Same, 0, 20},
		{20, false, inTurn(1.10, 1.101, 1.099), result.Slower, 3, 20},
		{20, false, inTurn(0.90, 0.901, 0.899), result.Better, 0, 20},
		{20, true, inTurn(1.10, 1.101, 1.099), result.Slower, 3, 40},
		{20, false, inTurn(1.3, 0.75, 1.2, 0.8), result.Unclear, 4, 20},
		{5, false, inTurn(1.10, 1.101, 1.099), result.Slower, 3, 5},
		{5, false, inTurn(1.001, 0.999, 1.002), result.Same, 0, 5},
		{2, false, inTurn(1.10, 1.11), result.Unclear, 4, 2},
	} {
		config := one()
		config.Pairs, config.Confirm = c.n, c.confirm
		t.Run(fmt.Sprint(c.n, c.confirm, c.verdict), func(t *testing.T) {
			want(t, decide(config, c.pair), c.verdict, c.code, c.pairs)
		})
	}
	// Five pairs of equal differences have no spread to go by.
	config := one()
	config.Pairs = 5
	want(t, decide(config, always(1.1)), result.Unclear, 4, 5)
}

func TestCounted(t *testing.T) {
	c := Config{Counted: []string{"failed"}, MinEffect: DefaultMinEffect, Alpha: DefaultAlpha, MostPairs: DefaultMostPairs, Confirm: true}
	counts := func(in ...Count) func() Pair {
		i := 0
		return func() Pair {
			i++
			return Pair{Counts: []Count{in[(i-1)%len(in)]}}
		}
	}
	none := Count{BaseAll: 1000, NewAll: 1000}
	for _, tc := range []struct {
		name    string
		pair    func() Pair
		verdict string
		code    int
		pairs   int
	}{
		{"nothing fails", counts(none), result.Same, 0, 6},
		// 2^6/2 + E(6,6)/2 = 41 is beyond 20, twice.
		{"the new side fails where the other never does", counts(Count{0, 1000, 1, 1000}), result.Worse, 3, 12},
		{"and the other way round", counts(Count{1, 1000, 0, 1000}), result.Better, 0, 10},
		{"in every third pair", counts(none, none, Count{0, 1000, 7, 1000}), result.Worse, 3, 0},
		// A stall fails many requests, but it is one pair.
		{"as much on both sides", counts(Count{20, 1000, 21, 1000}, Count{21, 1000, 20, 1000}), result.Same, 0, 6},
		{"shares, not numbers", counts(Count{10, 1000, 20, 2000}), result.Same, 0, 6},
		{"nothing was asked", counts(Count{}), result.Unclear, 4, 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want(t, decide(c, tc.pair), tc.verdict, tc.code, tc.pairs)
		})
	}
	// One pair in which 300 of 1,000 requests failed, and none before or after: too
	// little to call it worse, and too much to pass it over at once.
	i := 0
	r := decide(c, func() Pair {
		if i++; i == 4 {
			return Pair{Counts: []Count{{0, 1000, 300, 1000}}}
		}
		return Pair{Counts: []Count{none}}
	})
	if r.ExitCode != 0 || r.Pairs != 36 {
		t.Errorf("%s after %d pairs: %s", r.Verdict, r.Pairs, r.Reason)
	}
	if l := r.Measures[0]; !strings.HasPrefix(l.Reason, fmt.Sprintf("more in 1 and fewer in 0 of %d pairs; 0.", r.Pairs)) || !strings.HasSuffix(l.Reason, " % instead of 0 %") {
		t.Errorf("%q", l.Reason)
	}
	g, _ := New(c)
	for range 5 {
		g.Add(Pair{Counts: []Count{none}})
	}
	g.Add(Pair{Counts: []Count{{0, 1000, 300, 1000}}})
	report := g.Report()
	want(t, report, result.Unclear, 4, 6)
	if n := report.Measures[0].Needed; n != (Needed{}) {
		t.Errorf("after six pairs it needs %+v", n)
	}
}

// What has been cleared of failing may fail in a later pair, while another measure is
// still undecided.
func TestCountedIsNotClearedForGood(t *testing.T) {
	c := one()
	c.Counted = []string{"failed"}
	c.MostPairs = 30
	values := inTurn(1.10, 0.93, 1.07, 0.95)
	i := 0
	r := decide(c, func() Pair {
		p := values()
		if i++; i > 10 && i%2 == 0 {
			p.Counts[0].New = 3
		}
		return p
	})
	if r.ExitCode == 0 || r.Measures[1].Verdict == result.Same {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
}

func TestNoiseFloor(t *testing.T) {
	c := one()
	// 100 pairs tell some two thirds of a standard deviation.
	c.Measures[0].NoiseSD = 0.05
	want(t, decide(c, always(1)), result.Under5, 0, 8)
	c.Measures[0].NoiseSD = 0.16
	r := decide(c, always(1))
	want(t, r, result.Unclear, 4, 0)
	if r.Pairs != 0 || !strings.Contains(r.Reason, "the noise floor of cpu/request is ") || !strings.Contains(r.Reason, "with 100 pairs, and changes of 5.00 % are to be detected: that takes about ") || !strings.HasSuffix(r.Reason, "; --most-pairs allows more, a greater --min-effect takes fewer") {
		t.Errorf("%d pairs: %q", r.Pairs, r.Reason)
	}
	c.Pairs = 5
	c.Measures[0].NoiseSD = 0.05
	if r := decide(c, always(1)); r.ExitCode != 4 || r.Pairs != 0 || !strings.Contains(r.Reason, "--pairs N makes more") {
		t.Errorf("five pairs tell 5 %% where they differ by 5 %%: %s", r.Reason)
	}
}

func TestCalibrate(t *testing.T) {
	c := standard()
	same := func(n int, ratio ...float64) []Pair {
		var all []Pair
		next := inTurn(ratio...)
		for range n {
			p := always(1, 1, 1)()
			v := next().Ratios[0]
			p.Ratios = []float64{v, -v, v / 2}
			all = append(all, p)
		}
		return all
	}
	quiet := []float64{1.03, 0.98, 1.01, 0.99, 0.97, 1.02}
	f, err := Calibrate(c, same(20, quiet...), 2)
	if err != nil || f.Refused != "" || len(f.Measures) != 3 {
		t.Fatalf("%+v, %v", f, err)
	}
	if m := f.Measures[0]; m.Name != "response.p50" || m.SD < 0.02 || m.SD > 0.05 || math.Abs(m.Floor[100]-stats.Floor(m.SD, 0.65)) > 0.002 {
		t.Errorf("%+v", m)
	}
	if c.Measures[0].NoiseSD != 0 {
		t.Error("the configuration was changed")
	}
	for _, tc := range []struct {
		pairs   []Pair
		invalid int
		refused string
	}{
		{same(19, quiet...), 0, "19 pairs are too few: 20 are needed"},
		{same(20, quiet...), 6, "6 of 26 pairs were disturbed and had to be made again"},
		{same(20, 1.06, 1.05, 1.04), 0, "response.p50 differs between pairs of the same: it is more in 20 and less in 0"},
		{same(20, 1.4, 0.7, 1.2, 0.8, 1.1, 0.9), 0, "the noise floor of response.p50 is "},
		{same(20, math.NaN()), 0, "response.p50 is known in 0 of 20 pairs only"},
	} {
		f, err := Calibrate(c, tc.pairs, tc.invalid)
		if err != nil || !strings.Contains(f.Refused, tc.refused) {
			t.Errorf("%q does not say %q (%v)", f.Refused, tc.refused, err)
		}
	}
}

func TestBadConfigurations(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Measures = nil }, "nothing is gated: at least one measure is needed"},
		{func(c *Config) { c.MinEffect = 1 }, "least effect 1: at least 0 and less than 1 are possible"},
		{func(c *Config) { c.Alpha = 0.5 }, "alpha 0.5: more than 0 and less than 0.5 are possible"},
		{func(c *Config) { c.Alpha = math.NaN() }, "alpha NaN: more than 0 and less than 0.5 are possible"},
		{func(c *Config) { c.Pairs = 1 }, "1 pair: at least 2 are needed"},
		{func(c *Config) { c.MostPairs = 7 }, "at most 7 pairs with alpha 0.01: at least 8 are needed to clear anything"},
		{func(c *Config) { c.Alpha = 1e-60 }, "at most 100 pairs with alpha 1e-60: at least 108 are needed to clear anything"},
	} {
		config := one()
		c.change(&config)
		if _, err := New(config); err == nil || err.Error() != c.want {
			t.Errorf("%v, not %q", err, c.want)
		}
	}
}

// A smaller alpha wants more pairs, for alarms and for clearing, and never errs more
// than alpha says.
func TestAlphaScalesTheThresholds(t *testing.T) {
	before := 0
	for _, alpha := range []float64{0.2, 0.05, 0.01, 0.001, 0.0001} {
		c := standard()
		c.Alpha = alpha
		l := c.levels()
		if both := l.worse*l.confirm + l.counted*l.confirm; both > alpha/2*(1+1e-12) {
			t.Errorf("alpha %g: %g of one direction", alpha, both)
		}
		r := decide(c, always(1, 1, 1.1))
		if r.ExitCode != exitWorse || r.Pairs < before {
			t.Errorf("alpha %g: %s after %d pairs, after %d before", alpha, r.Verdict, r.Pairs, before)
		}
		before = r.Pairs
	}
	c := standard()
	l := c.levels()
	if l.worse != 0.025 || l.confirm != 0.05 || l.clear != 0.025 {
		t.Errorf("%+v", l)
	}
}
