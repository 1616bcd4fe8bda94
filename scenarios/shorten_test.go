package scenarios

import (
	"strings"
	"testing"
	"time"

	"bench/scenarios/document"
)

func TestShorten(t *testing.T) {
	b, err := BuiltIn("zero-downtime-reload")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := document.Parse("x.yaml", b.Text, document.Options{})
	if err != nil {
		t.Fatal(err)
	}
	short, err := document.Parse("x.yaml", b.Text, document.Options{Shorten: 4})
	if err != nil {
		t.Fatal(err)
	}
	a, z := whole.Cells[0].Scenario, short.Cells[0].Scenario
	if z.Length() != a.Length()/4 {
		t.Errorf("length %v, was %v", z.Length(), a.Length())
	}
	before, after := a.Occurrences(), z.Occurrences()
	if len(before) != len(after) {
		t.Fatalf("%d events, were %d", len(after), len(before))
	}
	for i := range before {
		if d := after[i].At - before[i].At/4; d < -time.Microsecond || d > time.Microsecond {
			t.Errorf("%s at %v, was %v", after[i].Event.Do, after[i].At, before[i].At)
		}
		if after[i].Event.Args.For != before[i].Event.Args.For/4 {
			t.Errorf("%s lasts %v, was %v", after[i].Event.Do, after[i].Event.Args.For, before[i].Event.Args.For)
		}
	}
	if len(short.Warnings) == 0 || !strings.Contains(strings.Join(short.Warnings, " "), "divided by 4") {
		t.Errorf("warnings: %v", short.Warnings)
	}
	if _, err := document.Parse("x.yaml", b.Text, document.Options{Shorten: 0.5}); err == nil {
		t.Error("a scenario was made longer")
	}
}
