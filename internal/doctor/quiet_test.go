package doctor

import (
	"os/exec"
	"strings"
	"testing"
)

// Beside programs that never sleep the machine is not quiet, and it is told who they
// are and what to do.
func TestQuiet(t *testing.T) {
	for range allowed() {
		c := exec.Command("sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = c.Process.Kill() // it has no other end
			_ = c.Wait()
		})
	}
	f := quiet(t.Context())
	if f.Grade != Limited || !strings.HasPrefix(f.Found, "no: others use ") || !strings.Contains(f.Found, "most is used by ") {
		t.Errorf("%+v", f)
	}
	if !strings.Contains(f.Remedy, "--cpus") || f.Cost == "" {
		t.Errorf("%+v", f)
	}
}

func TestBusiest(t *testing.T) {
	before := map[int]program{1: {"a", 1}, 2: {"b", 5}, 3: {"c", 0}}
	after := map[int]program{1: {"a", 2}, 2: {"b", 5.01}, 3: {"c", 0.5}, 4: {"d", 1.5}, 5: {"e", 0.2}}
	if got := strings.ReplaceAll(busiest(before, after, 2), "\u202f", " "); got !=
		"d (process 4, 75.0 % of one), a (process 1, 50.0 % of one), c (process 3, 25.0 % of one)" {
		t.Error(got)
	}
	if got := busiest(after, after, 1); got != "" {
		t.Errorf("nothing was used, but %q", got)
	}
}
