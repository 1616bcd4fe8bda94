package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/netns"
)

// A network by hand lies until it is taken down, with what runs in it, or until its
// keeper dies.
func TestNetworkByHand(t *testing.T) {
	needNetworks(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test-%d", os.Getpid())
	bench := func(args ...string) *exec.Cmd {
		c := exec.Command(self, append([]string{"netns"}, args...)...)
		c.Env = append(os.Environ(), mainVariable+"=1")
		return c
	}
	run := func(want int, args ...string) string {
		t.Helper()
		c := bench(args...)
		out, err := c.CombinedOutput()
		if c.ProcessState.ExitCode() != want {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return string(out)
	}
	if out := run(exitPass, "up", "--name", name); !strings.Contains(out, "back   origin  wire1      10.78.2.2") {
		t.Errorf("up says %s", out)
	}
	t.Cleanup(func() { _ = bench("down", name).Run() }) // it is down already unless the test failed
	if out := run(exitUsage, "up", "--name", name); !strings.Contains(out, "already") {
		t.Errorf("a second one of the name: %s", out)
	}
	if out := run(exitPass, "list"); !strings.Contains(out, "network "+name+",") {
		t.Errorf("list says %s", out)
	}
	if out := run(exitPass, "exec", "--name", name, "proxy", "cat", "/proc/net/dev"); !strings.Contains(out, "wire0:") || !strings.Contains(out, "wire1:") {
		t.Errorf("the proxy's node has %s", out)
	}
	if out := run(exitPass, "exec", "--name", name, "front", "--", "cat", "/proc/net/dev"); !strings.Contains(out, "bridge:") {
		t.Errorf("the wire has %s", out)
	}
	if out := run(exitUsage, "exec", "--name", name, "nowhere", "true"); !strings.Contains(out, "it has back, client, front, origin, proxy") {
		t.Errorf("a node that is not there: %s", out)
	}
	sleeper := bench("exec", "--name", name, "client", "sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	h, err := netns.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		inside, err := h.Inside()
		if len(inside) == 1 && inside[0] == sleeper.Process.Pid {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("inside are %v, want %d: %v", inside, sleeper.Process.Pid, err)
		}
	}
	go func() { _ = sleeper.Wait() }() // it is killed
	run(exitPass, "down", name)
	if err := syscall.Kill(sleeper.Process.Pid, 0); err == nil {
		t.Error("what ran in the network goes on")
	}
	run(exitUsage, "down", name)

	run(exitPass, "up", "--name", name)
	if h, err = netns.Find(name); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(h.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := netns.Find(name); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the network is there after its keeper was killed")
		}
	}
}
