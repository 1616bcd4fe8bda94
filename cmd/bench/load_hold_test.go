package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"bench/backends"
	"bench/backends/control"
	"bench/internal/result"
	"bench/internal/testquiet"
)

// A process holds 9,000 connections; more than the descriptors of one allow are held
// by several, whose outcomes are one. So it is with the origins that accept them.
func TestLoadHoldsConnections(t *testing.T) {
	for _, c := range []struct {
		connections, origins int
		think, length        string
	}{{9000, 1, "3s", "5s"}, {21_000, 2, "14s", "22s"}} {
		t.Run(strconv.Itoa(c.connections), func(t *testing.T) {
			if testquiet.Tried(t) {
				return
			}
			address, origins := sharedOrigins(t, c.origins)
			load := benchCommand(t, "load", "http://"+address+"/", "-q", "--json", "-",
				"-c", strconv.Itoa(c.connections), "--think", c.think, "-D", c.length, "--timeout", "20s", "--connect-timeout", "20s")
			load.Stderr = nil // the table
			ended := make(chan error, 1)
			var printed []byte
			go func() {
				var err error
				printed, err = load.Output()
				ended <- err
			}()
			most := uint64(0)
			var err error
			for running := true; running; {
				select {
				case err = <-ended:
					running = false
				case <-time.After(100 * time.Millisecond):
					most = max(most, activeConnections(t, origins))
				}
			}
			var l result.Load
			if bad := json.Unmarshal(printed, &l); bad != nil {
				t.Fatalf("%v, %v: %s", err, bad, printed)
			}
			if most < uint64(c.connections) {
				t.Errorf("at most %d connections at a time", most)
			}
			if l.Failed > 0 || l.Completed < uint64(c.connections) || l.ConnsOpened != uint64(c.connections) {
				t.Errorf("%d completed, %d connections, failures %v", l.Completed, l.ConnsOpened, l.FailuresByCause)
			}
		})
	}
}

// sharedOrigins starts origins in processes of their own, all at one address: those
// of several threads share it with one another, and so with other processes.
func sharedOrigins(t *testing.T, n int) (address string, controls []*control.Client) {
	t.Helper()
	address = "127.0.0.1:0"
	for range n {
		p := benchCommand(t, "backend", "http", "--json", "--threads", "2", "--listen", address, "--control", "127.0.0.1:0", "--exit-with-parent")
		parent, err := p.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { parent.Close(); _ = p.Wait() })
		var ready backends.ReadyLine
		if err := json.NewDecoder(out).Decode(&ready); err != nil {
			t.Fatal(err)
		}
		address = ready.Origins[0].Addr
		controls = append(controls, control.NewClient(ready.Control))
	}
	return address, controls
}

// benchCommand is this program with arguments, as a process of its own.
func benchCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Env = append(os.Environ(), mainVariable+"=1")
	c.Stderr = os.Stderr
	return c
}

// activeConnections is how many connections origins have now.
func activeConnections(t *testing.T, origins []*control.Client) (n uint64) {
	t.Helper()
	for _, o := range origins {
		c, err := o.Counters(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Replicas {
			n += c.Replicas[i].Connections.Active
		}
	}
	return n
}
