package gate

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
)

var full = flag.Bool("full", false, "simulate 1,000 gates a cell and print the table")

// row is a line of the table: a model, how it is gated, and what it is held to.
type row struct {
	noise  noise
	method string
	change func(*Config)
	// held says which limits the row is held to: false alarms, and slowdowns of 5 and
	// 10 % found. Where noise is too great for a limit it is not, and stays unclear
	// instead, which is no pass.
	alarms, five, ten bool
}

func rows() []row {
	bad := field(0.02).with("bad", func(n *noise) { n.bad = 0.2 })
	return []row{
		{noise: clean(0.02), alarms: true, five: true, ten: true},
		{noise: field(0.01), alarms: true, five: true, ten: true},
		{noise: field(0.02), alarms: true, five: true, ten: true},
		{noise: field(0.03), alarms: true, five: true, ten: true},
		{noise: field(0.05), alarms: true, ten: true},
		{noise: field(0.02).with("layout", func(n *noise) { n.layout = 0.3 }), alarms: true, five: true, ten: true},
		{noise: bad, alarms: true, ten: true},
		// What fresh copies of the programs are for: without them a side can be off for a
		// whole session, and no number of pairs shows that it is not the program.
		{noise: field(0.02).with("persist", func(n *noise) { n.persist = 0.015 }), ten: true},
		{noise: field(0.02).with("periodic", func(n *noise) { n.periodic = math.Log(1.05) }), alarms: true, five: true, ten: true},
		{noise: field(0.02), method: "one-sided", change: func(c *Config) { c.OneSided = true }, alarms: true, five: true, ten: true},
		{noise: field(0.02), method: "without confirmation", change: func(c *Config) { c.Confirm = false }, alarms: true, five: true, ten: true},
		{noise: field(0.02), method: "30 pairs", change: func(c *Config) { c.Pairs = 30 }, alarms: true, five: true, ten: true},
		{noise: field(0.02), method: "7 pairs", change: func(c *Config) { c.Pairs = 7 }, alarms: true},
	}
}

// cell is what became of the gates of one row and one slowdown.
type cell struct {
	gates, worse, suspect, unclear, pairs int
}

func (c *cell) percent(n int) float64 { return 100 * float64(n) / float64(c.gates) }

// simulate runs gates on a program of which one measure got slower by so much: CPU time,
// as a spin in the proxy would make it.
func (r *row) simulate(gates int, slowdown float64, seed uint64) (c cell) {
	config := standard()
	if r.change != nil {
		r.change(&config)
	}
	c.gates = gates
	for i := range gates {
		s := newSession(rand.New(rand.NewPCG(seed, uint64(i))), r.noise, []float64{0, 0, math.Log1p(slowdown)})
		report := decide(config, s.pair)
		c.pairs += report.Pairs
		switch report.ExitCode {
		case exitWorse:
			c.worse++
		case exitUnclear:
			c.unclear++
		}
		if report.ExitCode == exitWorse || len(report.Suspects) > 0 {
			c.suspect++
		}
	}
	return c
}

// TestCalibration holds the gate to its promises, by simulation: of programs that are
// the same at most one gate in a hundred says that one is worse, a slowdown of 5 % is
// found in 95 of a hundred and one of 10 % in 99. With -full it is the table of
// docs/METHODOLOGY.md.
func TestCalibration(t *testing.T) {
	gates, table := 60, rows()[:3]
	if *full {
		gates, table = 1000, rows()
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "noise\tCV %\tmethod\tfalse alarms %\tbefore confirming\t5 % found\t10 % found\tpairs: same\t5 %\t10 %\tunclear %: same\t5 %\t10 %")
	for i := range table {
		r := &table[i]
		if r.method == "" {
			r.method = "-"
		}
		same, five, ten := r.simulate(gates, 0, 1), r.simulate(gates, 0.05, 2), r.simulate(gates, 0.10, 3)
		mean := func(c *cell) float64 { return float64(c.pairs) / float64(c.gates) }
		fmt.Fprintf(w, "%s\t%g\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f\n",
			r.noise.name, r.noise.cv*100, r.method, same.percent(same.worse), same.percent(same.suspect),
			five.percent(five.worse), ten.percent(ten.worse), mean(&same), mean(&five), mean(&ten),
			same.percent(same.unclear), five.percent(five.unclear), ten.percent(ten.unclear))
		name := fmt.Sprintf("%s %g %% %s", r.noise.name, r.noise.cv*100, r.method)
		if r.alarms && same.percent(same.worse) > 1 {
			t.Errorf("%s: %d of %d gates found the same worse", name, same.worse, gates)
		}
		if r.five && five.percent(five.worse) < 95 {
			t.Errorf("%s: %d of %d gates found 5 %%", name, five.worse, gates)
		}
		if r.ten && ten.percent(ten.worse) < 99 {
			t.Errorf("%s: %d of %d gates found 10 %%", name, ten.worse, gates)
		}
	}
	w.Flush()
	if *full {
		fmt.Fprint(os.Stdout, text.String())
	} else {
		t.Log("\n" + text.String())
	}
}
