package compare

import (
	"testing"

	"bench/internal/result"
)

// What came in the way of a run, and what did not.
func TestDisturbed(t *testing.T) {
	load := func(arrival string, stolen, lag float64) result.Cell {
		return result.Cell{Loads: []result.Load{{
			Arrival: arrival, DurationSeconds: 10, Host: &result.LoadHost{StolenSeconds: stolen},
			Tally: result.Tally{Lag: result.Latency{Count: 1_000_000, P99: lag}},
		}}}
	}
	doubt := func(concerns string) result.Cell {
		return result.Cell{Trust: result.Trust{Doubts: []result.Doubt{{Concerns: concerns, Text: "a doubt"}}}}
	}
	for _, c := range []struct {
		name              string
		cell              result.Cell
		disturbed, faulty bool
	}{
		{"quiet", load("constant", 0.19, 999), false, false},
		{"stolen", load("constant", 0.21, 0), true, false},
		{"late", load("constant", 0, 1001), true, false},
		{"late in a closed loop", load("closed", 0, 1001), false, false},
		{"others", result.Cell{Trust: result.Trust{ForeignCPU: 0.11}}, true, false},
		{"few others", result.Cell{Trust: result.Trust{ForeignCPU: 0.09}}, false, false},
		{"times", doubt(result.ConcernsTimes), true, false},
		{"load", doubt(result.ConcernsLoad), true, true},
		{"run", doubt(result.ConcernsRun), true, true},
	} {
		why, faulty := disturbed(&result.Run{Cells: []*result.Cell{&c.cell}})
		if (why != "") != c.disturbed || faulty != c.faulty {
			t.Errorf("%s: %q, %v", c.name, why, faulty)
		}
	}
}
