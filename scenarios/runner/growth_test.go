package runner

import (
	"strings"
	"testing"

	"bench/internal/hosts/wire"
	"bench/scenarios/format"
)

// A load that gave out gets one more machine of its role, which has to be free, and which
// no other role may need.
func TestLoadsGetMoreMachines(t *testing.T) {
	t.Parallel()
	gen := map[string]string{"kind": "gen"}
	all := []wire.Hello{{Name: "g1", Labels: gen}, {Name: "g2", Labels: gen}, {Name: "g3", Labels: gen, Run: "other"}, {Name: "px"}}
	base := &format.Scenario{Hosts: []format.HostRole{{Name: "generators", Labels: gen, Count: 1}, {Name: "edge", Names: []string{"px"}}}}
	trials := &Trials{base: base, load: &format.Load{Name: "clients", OnHost: "generators"}}
	if trials.grown() != "" {
		t.Error(trials.grown())
	}
	chosen, missing := choose(trials.withMore(1), all)
	if len(missing) > 0 || len(chosen["generators"]) != 2 || len(chosen["edge"]) != 1 {
		t.Errorf("%v, missing %v", chosen, missing)
	}
	trials.more = 1
	if got := trials.withMore(0).Hosts[0].Count; got != 2 || base.Hosts[0].Count != 1 {
		t.Errorf("%d machines, and %d in the scenario", got, base.Hosts[0].Count)
	}
	if _, missing := choose(trials.withMore(1), all); len(missing) != 1 {
		t.Errorf("missing %v", missing)
	}
	if text := trials.grown(); !strings.Contains(text, "1 host more") {
		t.Error(text)
	}
	trials.load = &format.Load{Name: "clients", OnHost: "edge"}
	if trials.withMore(1) != nil {
		t.Error("more machines than are named")
	}
}

// Claims keep cells that go on side by side from each other's machines.
func TestClaims(t *testing.T) {
	t.Parallel()
	c := &claims{names: map[string]bool{}}
	all := []wire.Hello{{Name: "a"}, {Name: "b"}}
	s := &format.Scenario{Hosts: []format.HostRole{{Name: "one", Count: 1}}}
	pick := func(free []wire.Hello) (map[string][]wire.Hello, []string) { return choose(s, free) }
	first, _ := c.take(all, pick)
	second, _ := c.take(all, pick)
	if first["one"][0].Name != "a" || second["one"][0].Name != "b" {
		t.Errorf("%v, %v", first, second)
	}
	if _, missing := c.take(all, pick); len(missing) != 1 {
		t.Errorf("missing %v", missing)
	}
	c.give(first)
	if third, _ := c.take(all, pick); third["one"][0].Name != "a" {
		t.Errorf("%v", third)
	}
}
