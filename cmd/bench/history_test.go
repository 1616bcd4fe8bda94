package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/result"
)

// recorded writes result folders of runs whose throughput falls with run 13; a driver
// that does not change runs beside where drivers are given.
func recorded(t *testing.T, drivers ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := range 20 {
		r := &result.Run{
			Version: 1, Scenario: "web", Hash: "abcdef", Verdict: result.Pass, Label: fmt.Sprintf("v%d", i+1),
			StartedAt: time.Date(2026, 1, 1+i, 3, 0, 0, 0, time.UTC).Format(time.RFC3339),
		}
		cell := func(name, driver string, good uint64) {
			l := result.Load{Name: "clients", Target: "proxy/web", DurationSeconds: 10}
			l.Requests, l.Completed, l.GoodWithin = good, good, good
			c := &result.Cell{Name: name, Verdict: result.Pass, LengthUs: 10e6, Proxy: result.Proxy{Driver: driver, Version: "1"}, Loads: []result.Load{l}, Phases: []result.Phase{{Name: "steady", LengthUs: 10e6, Measured: true}}}
			if len(drivers) > 0 {
				c.Vars = map[string]string{"driver": driver}
			}
			r.Cells = append(r.Cells, c)
		}
		good := uint64(10_000 + 10*(i%3))
		if i >= 12 {
			good = good * 9 / 10
		}
		if len(drivers) == 0 {
			cell("run", "builtin", good)
		} else {
			r.Axes = []result.Axis{{Name: "driver", Values: append([]string{"builtin"}, drivers...)}}
			cell("driver=builtin", "builtin", good)
			for _, d := range drivers {
				cell("driver="+d, d, 10_000)
			}
		}
		if i == 3 {
			r.Verdict, r.Reason = result.Invalid, "load clients was late"
			for _, c := range r.Cells {
				c.Verdict = result.Invalid
			}
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, "runs", fmt.Sprintf("r%02d", i))
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, "run.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestHistory(t *testing.T) {
	dir := recorded(t)
	file, sheet := filepath.Join(dir, "history.json"), filepath.Join(dir, "history.html")
	code, out, fail := command(t, "", "history", dir, "--json", file, "--html", sheet)
	if code != exitPass || fail != "" {
		t.Fatalf("exit code %d: %s", code, fail)
	}
	for _, want := range []string{"1 change in 1 of ", "throughput", "v13", "2026-01-13", "-10 %", "WORSE", "left out: 1 INVALID", "without a reference"} {
		if !strings.Contains(out, want) {
			t.Errorf("the console does not say %q:\n%s", want, out)
		}
	}
	var h result.History
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &h)
	}
	if err != nil {
		t.Fatal(err)
	}
	if h.Version != 1 || len(h.Groups) != 1 || len(h.Groups[0].Runs) != 19 || len(h.LeftOut) != 1 || h.LeftOut[0].Reason != "load clients was late" || h.Command == "" || h.Tool.Go == "" {
		t.Errorf("the record: %+v", h)
	}
	if text, err := os.ReadFile(sheet); err != nil || !strings.Contains(string(text), "v13") {
		t.Errorf("the page: %v", err)
	}
	// The record on the standard output is alone there.
	code, out, fail = command(t, "", "history", dir, "--measure", "throughput", "--json", "-")
	if err := json.Unmarshal([]byte(out), &h); code != exitPass || err != nil || len(h.Groups[0].Measures) != 1 || !strings.Contains(fail, "v13") {
		t.Errorf("exit code %d, %v: %s", code, err, fail)
	}
	code, out, _ = command(t, "", "history", dir, "--ascii")
	if code != exitPass || strings.ContainsFunc(out, func(r rune) bool { return r > 127 }) {
		t.Errorf("exit code %d, in ASCII: %s", code, out)
	}
}

func TestHistoryWithReference(t *testing.T) {
	dir := recorded(t, "haproxy")
	for _, ref := range []string{"driver=haproxy", "proxy.driver=haproxy"} {
		code, out, fail := command(t, "", "history", dir, "--reference", ref)
		if code != exitPass || !strings.Contains(out, "1.00 × → 0.90 ×") || strings.Contains(out, "without a reference") {
			t.Errorf("%s: exit code %d: %s%s", ref, code, out, fail)
		}
	}
}

func TestHistoryUsage(t *testing.T) {
	dir := recorded(t)
	invalid := t.TempDir()
	if err := os.Rename(filepath.Join(dir, "runs", "r03"), filepath.Join(invalid, "r03")); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"expected \"<dir> ...\"":       {},
		"no result folder":             {t.TempDir()},
		"KEY=VALUE":                    {dir, "--reference", "haproxy"},
		"is not an axis of its matrix": {dir, "--reference", "driver=haproxy"},
		"no run has such a measure":    {dir, "--measure", "nonsense"},
		"none of the runs counts":      {invalid},
	} {
		if code, _, fail := command(t, "", append([]string{"history"}, args...)...); code != exitUsage || !strings.Contains(fail, want) {
			t.Errorf("%q: exit code %d, %q; want %q", args, code, fail, want)
		}
	}
	code, _, fail := command(t, "", "history", dir, "--html", filepath.Join(dir, "none", "x.html"))
	if code != exitLost || !strings.Contains(fail, "none") {
		t.Errorf("a file that cannot be written: exit code %d, %q", code, fail)
	}
}
