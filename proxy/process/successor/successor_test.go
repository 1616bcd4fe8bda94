package successor_test

import (
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"bench/proxy/process/successor"
)

const child = "SUCCESSOR_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		if signal.Ignored(syscall.SIGQUIT) {
			_, _ = os.Stdout.WriteString("ignored")
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestIgnoreQuit: a process that goes on with the work of another one is not ended by
// SIGQUIT before it asks for it; any other program is, with the dump of the runtime.
func TestIgnoreQuit(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for env, want := range map[string]string{successor.Variable + "={}": "ignored", "OTHER=1": ""} {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), child+"=1", env)
		out, err := cmd.Output()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: SIGQUIT is %q (%v), want %q", env, out, err, want)
		}
	}
}
