package scenarios

import (
	"testing"

	"bench/scenarios/document"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

// The example of the page on planning is a scenario that can be searched: one combination,
// one load with a rate, objectives that are decided without events.
func TestExampleOfPlanning(t *testing.T) {
	doc, err := document.Open("../examples/capacity/scenario.yaml", document.Options{})
	if err != nil {
		t.Fatal(source.Describe(err))
	}
	s := doc.Cells[0].Scenario
	if len(doc.Cells) != 1 || len(s.Load) != 1 || format.SteadyPhase(&s.Load[0]).Rate == nil || len(s.Objectives) == 0 {
		t.Errorf("%d combinations, %d loads, %d objectives", len(doc.Cells), len(s.Load), len(s.Objectives))
	}
	for _, o := range s.Objectives {
		if e, _, err := s.ParseObjective(o); err != nil || s.Undecidable(e) != "" {
			t.Errorf("%s: %v %s", o.Expr, err, s.Undecidable(e))
		}
	}
}
