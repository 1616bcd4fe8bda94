package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// TestHangup: the end of the terminal ends a command as Ctrl-C does, with what it
// has measured; under nohup it goes on.
func TestHangup(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	url := "http://" + o.line.Origins[0].Addr + "/"
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		args  []string
		sig   syscall.Signal
		code  int
		shows string
	}{
		{"load", []string{"load", url, "-D", "20s", "-c", "2", "--think", "5ms"}, syscall.SIGHUP, exitInterrupted, "interrupted"},
		{"load, Ctrl-C", []string{"load", url, "-D", "20s", "-c", "2", "--think", "5ms"}, syscall.SIGINT, exitInterrupted, "interrupted"},
		{"abuse", []string{"abuse", "idle", url, "-D", "20s", "-c", "5"}, syscall.SIGHUP, exitInterrupted, "opened"},
		{"backend", []string{"backend", "http", "--listen", "127.0.0.1:0"}, syscall.SIGHUP, exitPass, "listens on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(self, c.args...)
			cmd.Env = append(os.Environ(), mainVariable+"=1", "TMPDIR="+t.TempDir())
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := testpeer.Launch(cmd); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill() }()
			time.Sleep(1500 * time.Millisecond)
			_ = cmd.Process.Signal(c.sig)
			defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(out.String(), c.shows) {
				t.Errorf("%s, want exit code %d and %q:\n%s", cmd.ProcessState, c.code, c.shows, out.String())
			}
		})
	}
	t.Run("nohup", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "out.json")
		// A shell hands an ignored signal on.
		cmd := exec.Command("sh", "-c", `trap "" HUP; exec "$0" "$@"`, self, "load", url, "-D", "2s", "-c", "2", "--think", "5ms", "--json", file)
		cmd.Env = append(os.Environ(), mainVariable+"=1")
		if err := testpeer.Launch(cmd); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		_ = cmd.Process.Signal(syscall.SIGHUP)
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code == exitInterrupted || code == -1 {
			t.Errorf("%s", cmd.ProcessState)
		}
	})
}
