// Package gate decides whether something got worse: it takes pairs of runs, one after
// the other, and says after each whether more are wanted, whether what looks worse
// wants confirming by fresh pairs, or what has come out. The statistics are those of
// internal/stats, the rules those of docs/METHODOLOGY.md, "Comparing". It is pure: runs,
// files, clocks and random numbers may not enter.
package gate

import (
	"errors"
	"fmt"
	"math"

	"bench/internal/stats"
)

// Defaults of a Config.
const (
	DefaultMinEffect = 0.02
	DefaultAlpha     = 0.01
	DefaultMostPairs = 100
)

// Measure is something that is gated by the ratio of its values in a pair.
type Measure struct {
	Name string
	// HigherIsBetter is true of rates, where a drop is what is worse.
	HigherIsBetter bool
	// NoiseSD is the standard deviation of the logarithm of the ratio of a pair of
	// the same, as Calibrate states it; 0 where it is not known.
	NoiseSD float64
}

// Config is what is gated, and how.
type Config struct {
	// Measures are gated by ratios; of others a gate knows nothing.
	Measures []Measure
	// Counted are the names of what is gated by exact numbers, as failed requests and
	// crashes are: whatever is worse the more there is of it, and usually 0.
	Counted []string
	// MinEffect is the least change that counts as one: 0.02 is two percent.
	MinEffect float64
	// Alpha is the probability with which anything may be called changed where nothing
	// is, both directions together: less than 0.5.
	Alpha float64
	// Pairs is the number of pairs where it is fixed beforehand, at least 2; 0 goes on
	// until all is decided.
	Pairs int
	// MostPairs ends a comparison without a fixed number; it is the limit of each
	// confirmation, too. It takes at least 8 with the default of Alpha.
	MostPairs int
	// Confirm wants fresh pairs before anything is called worse.
	Confirm bool
	// OneSided ends when nothing is worse, without the pairs that it would take to tell
	// what is better from what is the same.
	OneSided bool
}

// Pair is what a pair of runs came to.
type Pair struct {
	// Ratios are LogRatio of each measure, in the order of Config.Measures.
	Ratios []float64
	// Counts are in the order of Config.Counted.
	Counts []Count
}

// Count is how many of all went wrong in both runs of a pair: failed requests of all
// requests, crashes of one run. Where one of the runs had none at all, nothing is known.
type Count struct {
	Base, BaseAll uint64
	New, NewAll   uint64
}

// LogRatio is the logarithm of the ratio of two values, neither negative. It is NaN, not
// known, where one of them is NaN, or one alone is 0.
func LogRatio(base, now float64) float64 {
	if base == now {
		return 0 // both 0, too: nothing has changed
	}
	if r := math.Log(now / base); !math.IsInf(r, 0) {
		return r
	}
	return math.NaN()
}

// Step is what a gate wants next.
type Step int

const (
	More    Step = iota // another pair
	Confirm             // another pair, fresh, for what looks worse
	Done                // nothing: Report is final
)

func (s Step) String() string {
	switch s {
	case More:
		return "more pairs"
	case Confirm:
		return "confirm"
	case Done:
	}
	return "done"
}

// Next is what a gate wants, with the names of what is being confirmed.
type Next struct {
	Step     Step
	Measures []string
}

// Report is what a gate has found. Before it is done it says what would hold if it
// ended now.
type Report struct {
	// Verdict is a word of a comparison (internal/result) and Reason says why.
	Verdict  string
	Reason   string
	ExitCode int // 0 nothing worse, 3 worse, 4 unclear
	// Pairs are all that were added, Confirming those of them that confirmed.
	Pairs, Confirming int
	// Suspects are the measures that were looked at again, Upheld those of them that
	// are worse.
	Suspects, Upheld []string
	// Measures are in the order of Config.Measures, behind them those of
	// Config.Counted.
	Measures []Line
}

// Line is what was found of one measure.
type Line struct {
	Name    string
	Verdict string // a word of a comparison
	Reason  string // of what is unclear, or where more is to be said
	Known   int    // pairs in which it is known
	// Change is the estimate, as a share: 0.05 is five percent more. Low and High bound
	// it, nil where there are too few pairs. Of what is counted it is the difference of
	// the shares that went wrong, without bounds.
	Change    float64
	Low, High *float64
	Needed    Needed
}

// Needed is how many pairs, all together, decide a measure that is not: about so many,
// and nine times in ten from Low to High, which is 0 for stats.TooMany and more. All are 0
// where it is decided, and where too few pairs tell it for anything to be said.
type Needed struct{ About, Low, High int }

// check says what is wrong with a configuration.
func (c *Config) check() error {
	switch {
	case len(c.Measures)+len(c.Counted) == 0:
		return errors.New("nothing is gated: at least one measure is needed")
	case !(c.MinEffect >= 0 && c.MinEffect < 1):
		return fmt.Errorf("least effect %g: at least 0 and less than 1 are possible", c.MinEffect)
	case !(c.Alpha > 0 && c.Alpha < 0.5):
		return fmt.Errorf("alpha %g: more than 0 and less than 0.5 are possible", c.Alpha)
	case c.Pairs != 0 && c.Pairs < 2:
		return fmt.Errorf("%s: at least 2 are needed", pairs(c.Pairs))
	}
	if least := c.leastPairs(); c.Pairs == 0 && c.MostPairs < least {
		return fmt.Errorf("at most %d pairs with alpha %g: at least %d are needed to clear anything", c.MostPairs, c.Alpha, least)
	}
	return nil
}

// leastPairs is the number of pairs that clear a measure if all of them speak for it.
func (c *Config) leastPairs() int {
	n := stats.FirstLook
	for doubt := c.levels().clear; 1/stats.EValue(n, n) > doubt; {
		n += stats.LookEvery
	}
	return n
}
