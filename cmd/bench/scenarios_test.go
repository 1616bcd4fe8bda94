package main

import (
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
	"bench/netns"
	"bench/scenarios"
	"bench/scenarios/document"
)

// TestEveryScenarioRuns runs all built-in scenarios, shortened: everything starts,
// every event is carried out, nothing breaks and nothing is left. What they
// measure in so short a time is not judged.
func TestEveryScenarioRuns(t *testing.T) {
	const shortened = "5"
	for _, b := range scenarios.BuiltIns() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			if testquiet.Tried(t) {
				return
			}
			doc, err := document.Parse(b.Name, b.Text, document.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s := doc.Cells[0].Scenario
			switch {
			case s.Network != nil && s.Network.Required && netns.Allowed() != nil:
				t.Skipf("networks are left out: %v", netns.Allowed())
			case s.Proxy.Driver == "nginx":
				testpeer.Need(t, "nginx")
			}
			args := []string{"--shorten", shortened}
			for _, axis := range doc.Axes { // one cell is enough here
				args = append(args, "--set", "matrix."+axis.Name+"=["+axis.Values[0]+"]")
			}
			if s.Length().Seconds() > 60 {
				args[1] = "50"
			}
			r := start(t, string(b.Text), "", args...)
			switch code := r.wait(t); code {
			case exitPass, exitFail, exitUnclear:
			default:
				t.Fatalf("exit code %d:\n%s%s", code, r.stdout.String(), r.stderr.String())
			}
			for _, c := range r.record(t).Cells {
				judgeShort(t, c)
			}
		})
	}
}

// judgeShort looks at what must hold however short a run is.
func judgeShort(t *testing.T, c *result.Cell) {
	t.Helper()
	if len(c.Loads) == 0 {
		t.Error("no load has an outcome")
	}
	for _, l := range c.Loads {
		if l.Completed+l.Failed == 0 {
			t.Errorf("load %s did nothing", l.Name)
		}
		if l.Integrity != nil && l.Integrity.Mismatch() > 0 {
			t.Errorf("load %s: messages were altered: %+v", l.Name, l.Integrity)
		}
	}
	for _, e := range c.Events {
		if !e.Applied {
			t.Errorf("event %s: %s", e.Kind, e.Detail)
		}
		if e.Certificate != nil && !e.Certificate.Gone {
			t.Errorf("event %s is not gone: %+v", e.Kind, e.Certificate)
		}
	}
	if strings.Contains(c.Reason, "panic") {
		t.Error(c.Reason)
	}
}
