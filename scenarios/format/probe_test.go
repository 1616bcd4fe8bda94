package format

import (
	"slices"
	"testing"

	"bench/chaos/probe"
)

// Whatever fault an event may ask for, "bench chaos probe" tries.
func TestEveryFaultIsProbed(t *testing.T) {
	n := 0
	for _, a := range Actions() {
		if !a.OnWire() && !a.OnConnections() && !a.OnProcess() {
			continue
		}
		n++
		if !slices.Contains(probe.Names(), a.Name) {
			t.Errorf("%s is not probed", a.Name)
		}
	}
	if names := len(probe.Names()); n != names {
		t.Errorf("%d faults in the language, %d are probed", n, names)
	}
}
