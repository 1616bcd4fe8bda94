package scenarios

import (
	"testing"

	"bench/scenarios/document"
	"bench/scenarios/source"
)

// The example of a proxy that runs already is a valid scenario, whose origins are
// where its configuration has them.
func TestExternalExample(t *testing.T) {
	doc, err := document.Open("../examples/external/scenario.yaml", document.Options{})
	if err != nil {
		t.Fatal(source.Describe(err))
	}
	b := &doc.Cells[0].Scenario.Backends[0]
	if addr, err := b.Address(2); err != nil || addr != "127.0.0.1:9002" {
		t.Errorf("the second replica is at %s, %v", addr, err)
	}
}
