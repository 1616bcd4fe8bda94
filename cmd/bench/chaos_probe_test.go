package main

import (
	"encoding/json"
	"strings"
	"testing"

	"bench/chaos/probe"
	"bench/netns"
)

// On a machine where networks can be made every fault works; elsewhere each says
// why not. Nothing is left.
func TestChaosProbe(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // for journals
	t.Setenv(mainVariable, "1")     // for helpers
	code, out, stderr := command(t, "", "chaos", "probe", "--json")
	if code != exitPass {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var all []probe.Finding
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != len(probe.Names()) {
		t.Errorf("%d faults were tried, want %d", len(all), len(probe.Names()))
	}
	for _, f := range all {
		onNetwork := strings.HasPrefix(f.Fault, "network.")
		switch {
		case !f.Works && f.Why == "":
			t.Errorf("%s does not work, and nothing says why", f.Fault)
		case !f.Works && onNetwork && netns.Allowed() == nil:
			t.Errorf("%s: %s", f.Fault, f.Why)
		case f.Works && f.Mechanism == "":
			t.Errorf("%s works by nothing", f.Fault)
		}
	}
	if _, left, _ := command(t, "", "chaos", "list"); strings.TrimSpace(left) != "nothing is left behind" {
		t.Error(left)
	}
}
