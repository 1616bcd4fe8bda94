package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
)

// moreGenerators is a scenario whose generator has not files enough for the connections that it
// needs: at a rate of 200/s it has forty of them, as an answer takes 200 ms.
var moreGenerators = strings.NewReplacer(
	"count: 3", "count: 1", "replicas: 2, onHost: origins", "replicas: 2, onHost: origins, latency: 200ms",
	"pool: 6", "pool: unlimited",
).Replace(overMachines)

// A load that gives out on one machine gets another, and the search says so; with two the rate
// is carried that one could not.
func TestCapacityTakesMoreMachines(t *testing.T) {
	t.Parallel()
	few := []string{filesVariable + "=48"}
	c := newCluster(t, func(c *cluster) { c.env["gen1"], c.env["gen2"], c.env["gen3"] = few, few, few })
	file := filepath.Join(c.dir, "s.yaml")
	if err := os.WriteFile(file, []byte(moreGenerators), 0o600); err != nil {
		t.Fatal(err)
	}
	search := func(name string, args ...string) (*result.Capacity, string) {
		t.Helper()
		out, dir := &said{}, filepath.Join(c.dir, name)
		all := append([]string{"capacity", file, "-o", dir, "--plain", "--objective", "errors < 1%", "--keep-disturbed", "--hub", c.run}, args...)
		j := &job{p: c.start("runner", out, all...), out: out}
		code := c.end(j)
		text, err := os.ReadFile(filepath.Join(dir, "capacity.json"))
		if err != nil {
			t.Fatalf("exit code %d, %v\n%s\n%s", code, err, out, j.p.Output())
		}
		var r result.Capacity
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		c.nothingLeft()
		return &r, out.String()
	}
	r, out := search("grows", "--from", "190/s", "--to", "200/s", "--within", "60s")
	if !strings.Contains(strings.Join(r.Warnings, "\n"), "load clients gave out before the proxy did: it got 1 host more") {
		t.Errorf("%q\n%s", r.Warnings, out)
	}
	if !r.Known && r.Low < 190 || r.Rate < 190 {
		t.Errorf("%v in %v .. %v: %s\n%s", r.Rate, r.Low, r.High, r.Reason, out)
	}
	// The machines of the trials are in their record: first one, then two.
	text, err := os.ReadFile(filepath.Join(c.dir, "grows", "trials", "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var run result.Run
	if err := json.Unmarshal(text, &run); err != nil {
		t.Fatal(err)
	}
	for i, cell := range run.Cells {
		generators := 0
		for _, h := range cell.Hosts {
			if strings.HasPrefix(h.Name, "gen") {
				generators++
			}
		}
		if want := min(i+1, 2); generators != want {
			t.Errorf("trial %d: %d generators, not %d", i+1, generators, want)
		}
	}
	// Where that is not enough, all three work, and the search says that the load is the limit.
	r, out = search("ends", "--from", "1900/s", "--to", "2000/s", "--within", "60s")
	if !strings.Contains(strings.Join(r.Warnings, "\n"), "it got 2 hosts more") || r.ExitCode != exitUnclear {
		t.Errorf("%q, exit code %d: %s\n%s", r.Warnings, r.ExitCode, r.Reason, out)
	}
}
