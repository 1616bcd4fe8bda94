package main

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A machine that has joined already is wrong use, not a host that was lost.
func TestJoinTwice(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "join.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	cmd := benchCommand(t, "join", "nats://127.0.0.1:9", "--name", "a", "--state", dir)
	cmd.Stderr = nil
	said, err := cmd.CombinedOutput()
	want := "bench: this machine has joined already (" + f.Name() + " is locked)\n"
	if code := cmd.ProcessState.ExitCode(); code != exitUsage || string(said) != want {
		t.Errorf("%v, %q; want exit code %d and %q", err, said, exitUsage, want)
	}
}
