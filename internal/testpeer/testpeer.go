// Package testpeer finds and starts the programs that tests compare with.
package testpeer

import (
	"os"
	"os/exec"
	"path/filepath"
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

// NeedIn is Need for a program that lies outside of PATH, in a directory that matches the
// pattern; of several it is the last one.
func NeedIn(t testing.TB, pattern, program string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(pattern, program))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return Need(t, program)
	}
	return Need(t, found[len(found)-1])
}
