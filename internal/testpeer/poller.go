package testpeer

import (
	"testing"

	"bench/internal/poller"
)

// Poller skips the test where the kernel refuses a poller that it may refuse.
func Poller(t testing.TB, m *poller.Mechanism) {
	t.Helper()
	if err := m.Probe(); err != nil && m.MayBeRefused {
		t.Skipf("left out, poller %s does not work here: %v", m.Name, err)
	}
}
