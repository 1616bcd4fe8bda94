package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/result"
)

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }

// longConfig is the scenario with a configuration that does not fit onto a small disk.
func longConfig() string {
	return strings.Replace(overMachines, "    defaults\n", strings.Repeat("    # "+strings.Repeat("x", 1000)+"\n", 2000)+"    defaults\n", 1)
}

// stopsLate has a fault while the run goes on, which the host notes in its journal.
const stopsLate = `events:
  - {at: steady+1500ms, do: process.stop, args: {name: proxy, for: 200ms}}
`

// A disk that is full, on a host or under the result, ends the run with the words that it is,
// and nothing stays; when there is room again, the host works as before.
func TestRunMeetsFullDisks(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("file systems can be made by root only")
		}
		t.Skip("file systems can be made by root only")
	}
	c := newCluster(t, func(c *cluster) { c.env["px"] = []string{roomVariable + "=1m"} })
	room := roomOf(c.hosts["px"].PID(), c.temp("px"))
	clean := func(what string) {
		t.Helper()
		c.nothingLeft()
		until(t, what+": nothing is left on the host", func() bool {
			left, err := filepath.Glob(filepath.Join(room, "bench-*", "*"))
			return err == nil && len(left) == 0
		})
		until(t, what+": all hosts are free", func() bool {
			out := &said{}
			p := c.start("runner", out, "hosts", c.run)
			<-p.Done()
			return strings.Count(out.String(), " free") == 6
		})
	}

	j := c.begin(longConfig(), "--hub", c.run)
	if code := c.end(j); code != exitLost || !strings.Contains(j.p.Output(), "host px") || !strings.Contains(j.p.Output(), "no space left on device") {
		t.Errorf("a configuration that is too long for the host: exit code %d: %s", code, j.p.Output())
	}
	clean("after a configuration that is too long")

	// In the middle of a run, what goes on goes on.
	j = c.begin(overMachines+stopsLate, "--hub", c.run)
	until(t, "the loads start", func() bool { return strings.Contains(j.out.String(), "starting loads") || !j.p.Running() })
	time.Sleep(time.Second) // they have begun, or wait for their time
	if err := fill(room); err != nil {
		t.Fatal(err)
	}
	if code := c.end(j); code != exitPass && code != exitUnclear {
		t.Errorf("a disk that fills up: exit code %d: %s", code, j.p.Output())
	}
	run := c.record(j)
	certain(t, run, result.Pass)
	if l := run.Cells[0].Loads[0]; l.Requests == 0 || l.Completed != l.Requests {
		t.Errorf("a disk that fills up: %d requests, %d completed", l.Requests, l.Completed)
	}
	c.nothingLeft()

	// A run that would have to begin does not.
	if err := fill(room); err != nil {
		t.Fatal(err)
	}
	j = c.begin(overMachines, "--hub", c.run)
	if code := c.end(j); code != exitLost || !strings.Contains(j.p.Output(), "px") || !strings.Contains(j.p.Output(), "no space left on device") {
		t.Errorf("on a full disk: exit code %d: %s", code, j.p.Output())
	}
	if err := os.Remove(filepath.Join(room, "fill")); err != nil {
		t.Fatal(err)
	}
	clean("when there is room again")

	// The result's disk.
	c.env["runner"] = []string{roomVariable + "=4m"}
	file := filepath.Join(c.dir, "s.yaml")
	if err := os.WriteFile(file, []byte(overMachines), 0o600); err != nil {
		t.Fatal(err)
	}
	j = &job{dir: filepath.Join(c.temp("runner"), "r"), out: &said{}}
	j.p = c.start("runner", j.out, "run", file, "-o", j.dir, "--plain", "--hub", c.run)
	until(t, "the loads begin", func() bool { return strings.Contains(j.out.String(), "phase=") || !j.p.Running() })
	if err := fill(roomOf(j.p.PID(), c.temp("runner"))); err != nil {
		t.Fatal(err)
	}
	if code := c.end(j); code != exitLost || !strings.Contains(j.p.Output(), "the disk of the result folder is full") {
		t.Errorf("a full disk under the result: exit code %d: %s", code, j.p.Output())
	}
	delete(c.env, "runner")
	clean("after a full disk under the result")

	j = c.begin(overMachines, "--hub", c.run)
	if code := c.end(j); code != exitPass && code != exitUnclear {
		t.Errorf("afterwards: exit code %d: %s", code, j.p.Output())
	}
	certain(t, c.record(j), result.Pass)
	clean("afterwards")
}
