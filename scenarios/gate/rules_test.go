package gate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/stats"
)

// inPhases makes pairs of several measures, of each as many pairs as are given for it.
type phase struct {
	pairs int
	pair  func() Pair
}

func inPhases(phases ...phase) func() Pair {
	return func() Pair {
		for len(phases) > 1 && phases[0].pairs == 0 {
			phases = phases[1:]
		}
		phases[0].pairs--
		return phases[0].pair()
	}
}

// beside puts the ratios and counts of several makers of pairs into one.
func beside(makers ...func() Pair) func() Pair {
	return func() (all Pair) {
		for _, make := range makers {
			p := make()
			all.Ratios = append(all.Ratios, p.Ratios...)
			all.Counts = p.Counts
		}
		return all
	}
}

// two gates two measures with confirmation.
func two() Config {
	c := one()
	c.Measures = append(c.Measures, Measure{Name: "response.p99"})
	c.Confirm = true
	return c
}

// undecidable is neither cleared of 5 % nor anything else, without being hopeless.
func undecidable() func() Pair { return inTurn(1.07, 0.945, 1.065, 0.94) }

func TestSeldomKnownIsNotCleared(t *testing.T) {
	i := 0
	// Eight of twenty pairs are enough evidence of themselves.
	r := decide(one(), func() Pair {
		if i++; i%5 < 2 {
			return always(1)()
		}
		return Pair{Ratios: []float64{math.NaN()}}
	})
	want(t, r, result.Unclear, 4, 20)
	// Known in half of the pairs is known often enough.
	i = 0
	r = decide(one(), func() Pair {
		if i++; i%2 == 0 {
			return always(1)()
		}
		return Pair{Ratios: []float64{math.NaN()}}
	})
	want(t, r, result.Under5, 0, 16)
}

// Fresh pairs above 0 confirm nothing if all pairs together come to less than the least
// effect.
func TestConfirmedOnlyBeyondTheLeastEffect(t *testing.T) {
	c := one()
	c.Confirm = true
	r := decide(c, inPhases(phase{8, always(1.021)}, phase{100, always(1.005)}))
	want(t, r, result.Under5, 0, 16)
	if !slices.Equal(r.Suspects, []string{"cpu/request"}) || len(r.Upheld) > 0 {
		t.Errorf("%+v", r)
	}
}

// What fresh pairs have cleared is not suspected again, however often one looks.
func TestOneConfirmationEach(t *testing.T) {
	r := decide(two(), beside(inPhases(phase{10, always(1.10)}, phase{200, always(1)}), undecidable()))
	if r.Confirming != 8 || r.Measures[0].Verdict == result.Slower {
		t.Errorf("%d pairs confirmed: %+v", r.Confirming, r.Measures[0])
	}
}

// The pairs of a confirmation are counted from its own first: those that confirmed
// something else before do not bring it nearer to its end.
func TestSecondConfirmationBeginsAnew(t *testing.T) {
	r := decide(two(), beside(
		inPhases(phase{10, always(1.10)}, phase{200, always(1)}),
		inPhases(phase{18, inTurn(1.07, 0.945)}, phase{200, always(1.10)}),
	))
	if !slices.Equal(r.Suspects, []string{"cpu/request", "response.p99"}) || !slices.Equal(r.Upheld, []string{"response.p99"}) || r.Confirming <= 8 {
		t.Fatalf("%+v", r)
	}
	if second := r.Confirming - 8; !strings.HasSuffix(r.Reason, fmt.Sprintf("confirmed by %d fresh pairs", second)) {
		t.Errorf("%d pairs confirmed the second: %s", second, r.Reason)
	}
}

// Until fresh pairs have decided it, what looks worse is unclear, also what had been
// cleared before.
func TestSuspectIsUnclear(t *testing.T) {
	c := two()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	pair := beside(always(1.03), undecidable())
	for g.Next().Step == More {
		g.Add(pair())
	}
	r := g.Report()
	if g.Next().Step != Confirm || r.Pairs != 10 || r.Measures[0].Verdict != result.Undecided {
		t.Errorf("%v after %d pairs: %+v", g.Next(), r.Pairs, r.Measures[0])
	}
}

func TestNoiseEndsAComparison(t *testing.T) {
	calm, wild := always(1), inTurn(1.35, 0.72, 1.25, 0.78, 1.15, 0.88)
	// Twenty pairs show too much noise, and calm ones later do not undo that.
	r := decide(two(), beside(inPhases(phase{20, wild}, phase{200, calm}), undecidable()))
	if l := r.Measures[0]; l.Verdict != result.Undecided || !strings.Contains(l.Reason, "pairs differ too much") {
		t.Errorf("%+v", l)
	}
	// What looks worse is looked at all the same, and may be found so.
	r = decide(one(), inTurn(1.6, 0.9, 1.3, 1.5))
	if r.ExitCode != exitWorse || r.Pairs <= firstDoubt {
		t.Errorf("%s after %d pairs: %s", r.Verdict, r.Pairs, r.Reason)
	}
	// Less noise takes more pairs, but does not end anything.
	r = decide(one(), inTurn(1.06, 0.97, 1.03, 0.96, 1.01))
	if r.ExitCode != exitFine || r.Pairs <= firstDoubt {
		t.Errorf("%s after %d pairs: %s", r.Verdict, r.Pairs, r.Reason)
	}
}

// What was found better stays so while other measures are still open.
func TestBetterStays(t *testing.T) {
	r := decide(two(), beside(inPhases(phase{12, always(0.9)}, phase{200, always(1)}), undecidable()))
	if l := r.Measures[0]; l.Verdict != result.Better {
		t.Errorf("%+v", l)
	}
}

func TestCountedRules(t *testing.T) {
	c := Config{Counted: []string{"failed"}, MinEffect: DefaultMinEffect, Alpha: DefaultAlpha, MostPairs: DefaultMostPairs, Confirm: true}
	counts := func(in ...Count) func() Pair {
		i := 0
		return func() Pair {
			i++
			return Pair{Counts: []Count{in[(i-1)%len(in)]}}
		}
	}
	none := Count{BaseAll: 1000, NewAll: 1000}
	// Less than the least effect more, in every pair.
	want(t, decide(c, counts(Count{500, 1000, 505, 1000})), result.Same, 0, 6)
	// Where the base always fails, half as much again in one of four pairs is chance.
	r := decide(c, counts(Count{10, 1000, 16, 1000}, Count{10, 1000, 8, 1000}, Count{10, 1000, 12, 1000}, Count{10, 1000, 8, 1000}))
	if r.ExitCode != exitFine || r.Pairs < 10 || r.Pairs > 60 {
		t.Errorf("%s after %d pairs: %s", r.Verdict, r.Pairs, r.Reason)
	}
	// Where it never does, six fresh pairs without failures do not excuse six with.
	want(t, decide(c, inPhases(phase{6, counts(Count{0, 1000, 5, 1000})}, phase{200, counts(none)})), result.Same, 0, 30)
	// After that it stays cleared by the fresh pairs, while another measure goes on.
	both := c
	both.Measures = []Measure{{Name: "cpu/request"}}
	r = decide(both, beside(inPhases(phase{40, undecidable()}, phase{200, always(1)}), inPhases(phase{6, counts(Count{0, 1000, 5, 1000})}, phase{200, counts(none)})))
	if r.ExitCode != exitFine || r.Pairs <= 40 || r.Pairs > 70 {
		t.Errorf("%s after %d pairs: %s", r.Verdict, r.Pairs, r.Reason)
	}
}

func TestPairsNeeded(t *testing.T) {
	c := one()
	c.Counted = []string{"failed"}
	needed := func(pairs int, pair func() Pair) (all []Needed) {
		g, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		for range pairs {
			g.Add(pair())
		}
		for _, l := range g.Report().Measures {
			all = append(all, l.Needed)
		}
		return all
	}
	noisy := []float64{1.10, 0.90, 1.11, 0.89, 1.05, 0.95}
	// Of a few pairs nothing is said, however they look.
	for pairs := 1; pairs < leastToEstimate; pairs++ {
		for i, n := range needed(pairs, inTurn(noisy...)) {
			if n != (Needed{}) {
				t.Errorf("measure %d after %d pairs: %+v", i, pairs, n)
			}
		}
	}
	// As much noise as 5 %, twice over: hundreds, and nobody knows how many of them.
	got := needed(18, inTurn(noisy...))[0]
	if got.About < 100 || got.About > 1000 || got.Low < 19 || got.Low >= got.About || got.High != 0 && got.High <= got.About {
		t.Errorf("%+v", got)
	}
	// One pair in five in which something fails: as many as it takes until four in five
	// are surely without.
	i := 0
	now := needed(11, func() Pair {
		p := inTurn(noisy...)()
		if i++; i%6 == 0 {
			p.Counts[0].New = 1
		}
		return p
	})[1]
	if now.About <= 11 || now.Low < 12 || now.Low > now.About || now.High != 0 && now.High < now.About {
		t.Errorf("%+v", now)
	}
	// Of a number that is fixed beforehand it takes fewer than of a sequence, but more
	// than were made.
	fixed := one()
	fixed.Pairs = 20
	if got := decide(fixed, inTurn(noisy...)).Measures[0].Needed.About; got < 40 || got > 200 {
		t.Errorf("%d", got)
	}
	// What was decided needs none.
	if got := needed(12, always(1.1)); got[0] != (Needed{}) {
		t.Errorf("%v", got)
	}
}

// How many pairs are needed is a matter of where differences truly lie and how they truly
// spread. The bounds hold what it comes to nine times in ten, from the first pairs of
// which they are told on.
func TestPairsNeededBounds(t *testing.T) {
	const draws, pairs = 40, 12
	for _, tt := range []struct{ middle, sd float64 }{{0, 0.05}, {0.06, 0.05}} {
		rng := rand.New(rand.NewPCG(7, 11))
		g, err := New(one())
		if err != nil {
			t.Fatal(err)
		}
		truth, held := 0, 0
		for range draws {
			r := &ratio{g: g, sign: 1}
			for range pairs {
				r.add(&Pair{Ratios: []float64{tt.middle + tt.sd*rng.NormFloat64()}})
			}
			if truth == 0 {
				truth = r.neededFor(tt.middle, tt.sd)
			}
			if n := r.needed(); n.Low <= truth && (n.High == 0 || truth <= n.High) {
				held++
			}
		}
		if truth <= pairs || held < draws*9/10 {
			t.Errorf("middle %v, standard deviation %v: %d of %d bounds hold the %d pairs that it takes", tt.middle, tt.sd, held, draws, truth)
		}
	}
}

func TestCalibrateKeepsAMargin(t *testing.T) {
	var same []Pair
	var d []float64
	next := inTurn(1.03, 0.98, 1.01, 0.99, 0.97, 1.02)
	for range CalibrationPairs {
		same = append(same, next())
		d = append(d, same[len(same)-1].Ratios[0])
	}
	f, err := Calibrate(one(), same, 0)
	if err != nil || f.Refused != "" {
		t.Fatalf("%+v, %v", f, err)
	}
	sd, _ := stats.NoiseSD(d)
	if got, want := f.Measures[0].SD, sd*stats.NoiseMargin(CalibrationPairs); math.Abs(got-want) > 1e-12 {
		t.Errorf("%g, not %g", got, want)
	}
	// What is suspect is so by the level of what wants confirming.
	if got, want := f.Measures[0].Floor[50], stats.Floor(f.Measures[0].SD, stats.Reach(50, 40)); math.Abs(got-want) > 1e-12 {
		t.Errorf("%g, not %g", got, want)
	}
}
