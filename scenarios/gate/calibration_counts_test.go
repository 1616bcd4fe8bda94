package gate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"text/tabwriter"
)

// failing is how requests fail: in a share of the runs on average so many of them, beside
// measures that stay the same.
type failing struct {
	name              string
	base, now         float64 // share of runs in which any fail
	baseMany, nowMany float64 // requests that do then, on average; 100,000 were made
	found             float64 // percent of comparisons that must find it; 0: at most 1 may
}

func failures() []failing {
	return []failing{
		{name: "one run in fifty stalls, on both sides", base: 0.02, now: 0.02, baseMany: 300, nowMany: 300},
		{name: "one run in ten stalls, on both sides", base: 0.1, now: 0.1, baseMany: 300, nowMany: 300},
		{name: "every run, on both sides", base: 1, now: 1, baseMany: 400, nowMany: 400},
		{name: "two in every run", now: 1, nowMany: 2, found: 99},
		{name: "in one run of two", now: 0.5, nowMany: 300, found: 95},
		// The ten pairs that the other measures take may happen to have none of them.
		{name: "in one run of four", now: 0.25, nowMany: 300, found: 85},
		{name: "every run, a third more", base: 1, now: 1, baseMany: 400, nowMany: 533, found: 99},
	}
}

// draw is how many requests fail in a run.
func draw(r *rand.Rand, share, many float64) (n uint64) {
	if r.Float64() >= share {
		return 0
	}
	for sum := r.ExpFloat64(); sum < many; sum += r.ExpFloat64() {
		n++
	}
	return max(n, 1)
}

// TestCalibrationOfCounts holds the gate to its promises where requests fail: stalls that
// come by chance are called worse in at most one of a hundred comparisons, and what fails
// on one side alone is found.
func TestCalibrationOfCounts(t *testing.T) {
	gates := 100
	if *full {
		gates = 1000
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "failures\tWORSE %\tbefore confirming\tunclear %\tpairs")
	for _, f := range failures() {
		c := cell{gates: gates}
		for i := range gates {
			r := rand.New(rand.NewPCG(7, uint64(i)))
			s := newSession(r, clean(0.01), []float64{0, 0, 0})
			report := decide(standard(), func() Pair {
				p := s.pair()
				p.Counts[0] = Count{draw(r, f.base, f.baseMany), 100_000, draw(r, f.now, f.nowMany), 100_000}
				return p
			})
			c.pairs += report.Pairs
			switch report.ExitCode {
			case exitWorse:
				c.worse++
			case exitUnclear:
				c.unclear++
			}
			if len(report.Suspects) > 0 {
				c.suspect++
			}
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t%.0f\n", f.name, c.percent(c.worse), c.percent(c.suspect), c.percent(c.unclear), float64(c.pairs)/float64(gates))
		if f.found == 0 && c.percent(c.worse) > 1 {
			t.Errorf("%s: worse in %d of %d", f.name, c.worse, gates)
		}
		if c.percent(c.worse) < f.found {
			t.Errorf("%s: worse in %d of %d only", f.name, c.worse, gates)
		}
	}
	w.Flush()
	if *full {
		fmt.Print(text.String())
	} else {
		t.Log("\n" + text.String())
	}
}
