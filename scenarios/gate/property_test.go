package gate

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"bench/internal/result"
)

// step is what drawn differences are multiples of: sums of them are exact, so that what
// is equal before a shift is equal after it.
const step = 1.0 / 4096

// pairsOf draws pairs of n measures, some of whose ratios are equal, 0 or not known.
func pairsOf(n, least, most int) *rapid.Generator[[]Pair] {
	return rapid.Custom(func(t *rapid.T) []Pair {
		spread := rapid.SampledFrom([]int{4, 40, 150, 600}).Draw(t, "spread")
		shift := rapid.IntRange(-400, 400).Draw(t, "middle")
		value := rapid.Custom(func(t *rapid.T) float64 {
			if rapid.IntRange(0, 20).Draw(t, "known") == 0 {
				return math.NaN()
			}
			return float64(shift+rapid.IntRange(-spread, spread).Draw(t, "steps")) * step
		})
		failed := rapid.SampledFrom([]uint64{0, 0, 0, 1, 20}).Draw(t, "fails")
		count := rapid.Custom(func(t *rapid.T) Count {
			return Count{rapid.Uint64Range(0, failed).Draw(t, "base"), 64, rapid.Uint64Range(0, failed).Draw(t, "new"), 64}
		})
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Pair {
			return Pair{
				Ratios: rapid.SliceOfN(value, n, n).Draw(t, "ratios"),
				Counts: rapid.SliceOfN(count, 1, 1).Draw(t, "counts"),
			}
		}), least, most).Draw(t, "pairs")
	})
}

// swapped are the pairs with both sides exchanged.
func swapped(all []Pair) []Pair {
	out := make([]Pair, len(all))
	for i, p := range all {
		out[i] = Pair{Ratios: negated(p.Ratios)}
		for _, c := range p.Counts {
			out[i].Counts = append(out[i].Counts, Count{c.New, c.NewAll, c.Base, c.BaseAll})
		}
	}
	return out
}

// worsened are the pairs with all of the new side moved up.
func worsened(all []Pair, by float64, failed uint64) []Pair {
	out := make([]Pair, len(all))
	for i, p := range all {
		for _, r := range p.Ratios {
			out[i].Ratios = append(out[i].Ratios, r+by)
		}
		for _, c := range p.Counts {
			c.New += failed
			out[i].Counts = append(out[i].Counts, c)
		}
	}
	return out
}

// through gives pairs to a gate until it is done or there are no more.
func through(t *rapid.T, c Config, all []Pair) *Gate {
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		g.Add(p)
	}
	return g
}

func config(t *rapid.T, measures int) Config {
	c := Config{Counted: []string{"failed"}, MinEffect: DefaultMinEffect, MostPairs: DefaultMostPairs}
	for i := range measures {
		c.Measures = append(c.Measures, Measure{Name: string(rune('a' + i))})
	}
	c.Alpha = rapid.SampledFrom([]float64{0.001, 0.01, 0.1}).Draw(t, "alpha")
	return c
}

// mirrors fails unless each measure of b says the opposite of what it says in a.
func mirrors(t *rapid.T, a, b Report, exact bool) {
	for i, l := range a.Measures {
		m := b.Measures[i]
		switch {
		case l.Verdict == result.Slower && m.Verdict == result.Better, l.Verdict == result.Worse && m.Verdict == result.Better:
		case m.Verdict == result.Slower && l.Verdict == result.Better, m.Verdict == result.Worse && l.Verdict == result.Better:
		case l.Verdict == m.Verdict && (l.Verdict == result.Same || undecided(l.Verdict)):
		case !exact && undecided(l.Verdict) && undecided(m.Verdict):
		default:
			t.Fatalf("%s: %s, and %s with the sides exchanged", l.Name, l.Verdict, m.Verdict)
		}
	}
}

// undecided are the words of what is neither worse nor better nor the same. They mirror
// each other as a group only: a program that is 4 % faster is cleared of being slower by
// 5 %, one that is 4 % slower may take more pairs for that.
func undecided(word string) bool {
	return word == result.Undecided || word == result.Under5
}

// With a fixed number of pairs, exchanging the sides mirrors what is said of every
// measure: the same pairs are looked at, by tests that know no sides.
func TestSwappingMirrorsFixed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := pairsOf(3, 2, 30).Draw(t, "pairs")
		c := config(t, 3)
		c.Pairs = len(all)
		mirrors(t, through(t, c, all).Report(), through(t, c, swapped(all)).Report(), false)
	})
}

// In a sequential comparison of one measure in both directions it does, too, and takes
// as many pairs. With several measures it need not: what is worse ends a comparison,
// what is better does not, so that the others are decided by different pairs. Nor does
// it with confirmation, which only what is worse needs, and not where only one direction
// is looked at.
func TestSwappingMirrorsSequential(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := pairsOf(1, 100, 100).Draw(t, "pairs")
		c := config(t, 1)
		c.Counted = nil
		a, b := through(t, c, all), through(t, c, swapped(all))
		ra, rb := a.Report(), b.Report()
		if a.gaveUp() || b.gaveUp() {
			// Noise that leaves no hope of clearing: only what looks worse is looked at
			// further.
			t.Skip()
		}
		if ra.Pairs != rb.Pairs {
			t.Fatalf("%d pairs, and %d with the sides exchanged", ra.Pairs, rb.Pairs)
		}
		mirrors(t, ra, rb, ra.Pairs < 100)
	})
}

// gaveUp reports whether a measure was too noisy to be cleared.
func (g *Gate) gaveUp() bool {
	return slices.ContainsFunc(g.all, func(s subject) bool { return s.st().gaveUp != "" })
}

// Of several measures, what is worse is better with the sides exchanged, and the other
// way round unless something else was worse before.
func TestSwappingMirrorsWhatIsWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := pairsOf(3, 100, 100).Draw(t, "pairs")
		c := config(t, 3)
		c.Counted = nil
		one, other := through(t, c, all), through(t, c, swapped(all))
		if one.gaveUp() || other.gaveUp() {
			t.Skip()
		}
		a, b := one.Report(), other.Report()
		for i, l := range a.Measures {
			if m := b.Measures[i]; l.Verdict == result.Slower && m.Verdict != result.Better && b.ExitCode != exitWorse {
				t.Fatalf("%s: %s, and %s with the sides exchanged", l.Name, l.Verdict, m.Verdict)
			}
		}
	})
}

// badness orders the words of a measure.
func badness(word string) int {
	switch word {
	case result.Better:
		return 0
	case result.Same, result.Under5:
		return 1
	case result.Undecided:
		return 2
	}
	return 3
}

var codeOrder = map[int]int{exitFine: 0, exitUnclear: 1, exitWorse: 2}

// With a fixed number of pairs no measure's verdict gets better when all of the new
// side moves up.
func TestShiftingUpNeverHelpsFixed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := pairsOf(3, 2, 30).Draw(t, "pairs")
		c := config(t, 3)
		c.Pairs = len(all)
		by := float64(rapid.IntRange(0, 400).Draw(t, "shift")) * step
		failed := rapid.Uint64Range(0, 3).Draw(t, "failed")
		a, b := through(t, c, all).Report(), through(t, c, worsened(all, by, failed)).Report()
		for i, l := range a.Measures {
			if m := b.Measures[i]; badness(m.Verdict) < badness(l.Verdict) {
				t.Fatalf("%s: %s became %s", l.Name, l.Verdict, m.Verdict)
			}
		}
		if codeOrder[b.ExitCode] < codeOrder[a.ExitCode] {
			t.Fatalf("exit code %d became %d", a.ExitCode, b.ExitCode)
		}
	})
}

// In a sequential comparison it is the exit code that never gets better, where it is
// only looked for what is worse and nothing is confirmed: what moves up is found worse
// no later, and cleared no earlier. The words may: a comparison that goes on for longer
// can find "BETTER" in pairs that a shorter one has not seen.
func TestShiftingUpNeverHelpsSequential(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := pairsOf(2, 100, 100).Draw(t, "pairs")
		c := config(t, 2)
		c.OneSided, c.Counted = true, nil
		by := float64(rapid.IntRange(0, 400).Draw(t, "shift")) * step
		a, b := through(t, c, all).Report(), through(t, c, worsened(all, by, 0)).Report()
		if codeOrder[b.ExitCode] < codeOrder[a.ExitCode] {
			t.Fatalf("exit code %d after %d pairs became %d after %d", a.ExitCode, a.Pairs, b.ExitCode, b.Pairs)
		}
	})
}

// In both directions, and with what is counted, it holds for equally many pairs: what
// moves up may be cleared of being better sooner, and then ends before pairs that would
// have told against it.
func TestShiftingUpNeverHelpsAtAnyPair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := pairsOf(2, 60, 60).Draw(t, "pairs")
		c := config(t, 2)
		by := float64(rapid.IntRange(0, 400).Draw(t, "shift")) * step
		failed := rapid.Uint64Range(0, 3).Draw(t, "failed")
		a, b := through(t, c, nil), through(t, c, nil)
		moved := worsened(all, by, failed)
		for i := range all {
			a.Add(all[i])
			b.Add(moved[i])
			if x, y := a.code(), b.code(); codeOrder[y] < codeOrder[x] {
				t.Fatalf("after %d pairs exit code %d became %d", i+1, x, y)
			}
			if a.Next().Step == Done || b.Next().Step == Done {
				break
			}
		}
	})
}

// code is the exit code of the report, without the work of the rest of it.
func (g *Gate) code() int {
	code := exitFine
	for _, s := range g.all {
		switch st := s.st(); {
		case st.worse:
			return exitWorse
		case st.confirming || !st.better && !st.clearedWorse:
			code = exitUnclear
		}
	}
	return code
}

// Pairs within the bounds never widen them.
func TestPairsWithinTheBoundsNarrowThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := pairsOf(1, 12, 60).Draw(t, "pairs")
		c := config(t, 1)
		c.Counted = nil
		g := through(t, c, nil)
		r := g.measures[0].(*ratio)
		for i := range all {
			r.add(&all[i])
		}
		before := r.line()
		if before.Low == nil {
			t.Skip()
		}
		share := rapid.Float64Range(0, 1).Draw(t, "within")
		low, high := math.Log1p(*before.Low), math.Log1p(*before.High)
		r.add(&Pair{Ratios: []float64{low + share*(high-low)}})
		after := r.line()
		const rounding = 1e-12
		if after.Low == nil || *after.Low < *before.Low-rounding || *after.High > *before.High+rounding {
			t.Fatalf("%g to %g became %v to %v", *before.Low, *before.High, after.Low, after.High)
		}
	})
}
