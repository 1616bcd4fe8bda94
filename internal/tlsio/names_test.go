package tlsio

import (
	"crypto/tls"
	"testing"
)

// Each suite that a connection can have is named, and a name costs no memory: it is looked
// up for each request that is logged.
func TestSuiteNamesDoNotAllocate(t *testing.T) {
	suites := tls.CipherSuites()
	for _, s := range suites {
		name := SuiteName(s.ID)
		if s.SupportedVersions[0] == tls.VersionTLS13 && name != s.Name {
			t.Errorf("%s is called %s", s.Name, name)
		}
		if _, ok := suiteNames[s.ID]; !ok {
			t.Errorf("%s has no name of OpenSSL's", s.Name)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, s := range suites {
			_ = SuiteName(s.ID)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
