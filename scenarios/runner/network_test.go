package runner

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/scenarios/format"
)

// TestLeaveOut: on the loopback nothing is ordered that would have to find a wire,
// and the scenario itself stays as it was.
func TestLeaveOut(t *testing.T) {
	s := &format.Scenario{}
	for _, do := range []string{
		"process.stop", "network.delay", "network.mtu", "connections.kill", "connections.synFlood", "connections.halfOpen", "proxy.reload",
	} {
		s.Events = append(s.Events, format.Event{Do: do})
	}
	c := &cell{scenario: s, record: &result.Cell{}}
	c.leaveOut(errors.New("no rights"))
	var left []string
	for _, e := range c.scenario.Events {
		left = append(left, e.Do)
	}
	if want := []string{"process.stop", "connections.kill", "proxy.reload"}; !slices.Equal(left, want) {
		t.Errorf("events %v are left, want %v", left, want)
	}
	if len(s.Events) != 7 {
		t.Errorf("the document has %d events now", len(s.Events))
	}
	if w := c.record.Warnings; len(w) != 1 || !strings.Contains(w[0], "4 events") || !strings.Contains(w[0], "no rights") {
		t.Errorf("warnings %q", w)
	}
}

// On machines there are wires already: none are laid, and the record says so.
func TestNoNetworkOnMachines(t *testing.T) {
	c := &cell{scenario: &format.Scenario{Network: &format.Network{Required: true}}, machines: &machines{}, record: &result.Cell{}}
	if err := c.layNetwork(); err != nil || c.network != nil || len(c.record.Warnings) != 1 || !strings.Contains(c.record.Warnings[0], "for runs on one machine") {
		t.Errorf("%v, %v, %q", err, c.network, c.record.Warnings)
	}
}
