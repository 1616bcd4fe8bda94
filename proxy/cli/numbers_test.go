package cli

import (
	"math"
	"testing"
)

// A limit that a server cannot hold, as agents may send one, is the greatest that it can: cut
// to fewer bits it could be none.
func TestLimitsOfConnections(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "17": 17, "2147483648": math.MaxInt32, "4294967296": math.MaxInt32, "99999999999999999999": math.MaxInt32} {
		if n, problem := ParseMaxConn(text); n != want || problem != "" {
			t.Errorf("%s is %d, %q, want %d", text, n, problem, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "-99999999999999999999", "1x"} {
		if n, problem := ParseMaxConn(text); problem == "" {
			t.Errorf("%q is %d", text, n)
		}
	}
}
