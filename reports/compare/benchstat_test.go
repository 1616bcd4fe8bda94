package compare

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// benchstat reads the text of both sides, sees the pairs as repetitions of the same
// benchmark, and calls the change that was planted.
func TestBenchstatReadsIt(t *testing.T) {
	dir, _ := written(t, "slower")
	cmd := exec.Command("go", "tool", "benchstat", filepath.Join(dir, "base.txt"), filepath.Join(dir, "new.txt"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text := string(out)
	t.Log(text)
	for _, want := range []string{"Stall_reload", "p99-sec", "cpu-sec/request", "memory-bytes", "+", "(p=0.000 n=14)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "base.txt:") || strings.Contains(text, "need >= ") {
		t.Errorf("it complains:\n%s", text)
	}
}
