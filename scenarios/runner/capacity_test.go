package runner

import "testing"

// Of several searches a note says which it is about.
func TestNotesOfAnAxis(t *testing.T) {
	if got := (&CapacityOptions{Axis: "proxy.threads"}).at("2"); got != "proxy.threads=2: " {
		t.Errorf("%q", got)
	}
	if got := (&CapacityOptions{}).at(""); got != "" {
		t.Errorf("%q of the only search", got)
	}
}
