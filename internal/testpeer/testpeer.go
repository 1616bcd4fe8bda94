// Package testpeer finds and starts the programs that tests compare with.
package testpeer

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of a program. Without it the test is skipped, or under
// CI=true fails, so that no comparison is lost unnoticed.
func Need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: %v", program, err)
	}
	t.Skipf("%s is not installed", program)
	return ""
}
