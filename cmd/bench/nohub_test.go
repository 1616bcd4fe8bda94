package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"bench/internal/proc"
	"bench/internal/testpeer"
)

// stacks gathers what a program says.
type stacks struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *stacks) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// A run without a hub has nothing of NATS at work, whatever its scenario says of hosts: of all
// goroutines in the middle of it, none is there.
func TestNothingOfNATSWithoutAHub(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "s.yaml")
	if err := os.WriteFile(file, []byte(overMachines), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &stacks{}
	run := exec.Command(self, "run", file, "-o", filepath.Join(dir, "r"), "--plain")
	run.Env = append(os.Environ(), mainVariable+"=1", "GOTRACEBACK=all", "TMPDIR="+dir)
	run.Stderr = said
	if err := testpeer.Launch(run); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	until(t, "the load begins", func() bool {
		for _, pid := range proc.Children(run.Process.Pid) {
			line, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
			if strings.Contains(string(line), "agent\x00load") {
				return true
			}
		}
		return false
	})
	if err := run.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-ended
	said.mu.Lock()
	defer said.mu.Unlock()
	text := said.buf.String()
	if !strings.Contains(text, "goroutine 1 ") || !strings.Contains(text, "scenarios/runner") {
		t.Fatalf("these are no goroutines:\n%.2000s", text)
	}
	if strings.Contains(text, "nats-io/") {
		t.Errorf("something of NATS is at work:\n%s", text)
	}
}
