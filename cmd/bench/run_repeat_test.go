package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
)

// quickRun is over in a second.
const quickRun = `version: 1
name: quick
proxy:
  config: |
    defaults
        mode http
        timeout connect 1s
        timeout client 10s
        timeout server 10s
    frontend web
        bind {{bind "web"}}
        default_backend web
    backend web
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}}
    {{- end}}
backends:
  - {name: web}
load:
  - name: keep
    target: proxy/web
    phases:
      - {name: steady, rate: 200/s, for: 500ms}
`

// A scenario is repeated and labelled from the command line, and every file says so.
func TestRunRepeatsAndLabels(t *testing.T) {
	b := start(t, quickRun, "", "--repeat", "3", "--label", "v1.2 try")
	if code := b.wait(t); code != exitPass && code != exitUnclear { // a busy machine may have made it INVALID
		t.Fatalf("exit code %d: %s%s", code, &b.stdout, &b.stderr)
	}
	raw, err := os.ReadFile(filepath.Join(b.out, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var run result.Run
	if err := json.Unmarshal(raw, &run); err != nil {
		t.Fatal(err)
	}
	if run.Label != "v1.2 try" || len(run.Cells) != 3 || len(run.Axes) != 1 || run.Axes[0].Name != result.RepeatAxis {
		t.Errorf("label %q, %d cells, axes %v", run.Label, len(run.Cells), run.Axes)
	}
	for _, want := range []string{"over runs", "99 % interval", "good/s", "v1.2 try"} {
		if !strings.Contains(b.stdout.String(), want) {
			t.Errorf("the summary has no %q:\n%s", want, &b.stdout)
		}
	}
	for name, want := range map[string]string{"metrics.om": `label="v1.2 try"`, "bench.txt": "BenchmarkQuick 1 ", "badge.svg": run.Verdict, "report.html": "Spread over the runs", "report.md": "v1.2 try"} {
		if content, err := os.ReadFile(filepath.Join(b.out, name)); err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s: %v, or no %q", name, err, want)
		}
	}
	for role, name := range run.Files {
		if _, err := os.Stat(filepath.Join(b.out, name)); err != nil {
			t.Errorf("the record names a file for %s that is not there: %v", role, err)
		}
	}
}

func TestRunRefusesRepetitionsThatMakeNoSense(t *testing.T) {
	for _, n := range []string{"0", "-1", "1000000"} {
		b := start(t, quickRun, "", "--repeat="+n)
		if code := b.wait(t); code != exitUsage || !strings.Contains(b.stderr.String(), "repeat") {
			t.Errorf("%s: exit code %d: %s", n, code, &b.stderr)
		}
	}
}

// A comparison's folder is rendered by its own renderer.
func TestReportTellsComparisonsFromRuns(t *testing.T) {
	dir := t.TempDir()
	raw, err := json.Marshal(&result.Comparison{Version: 1, Scenario: "x", Verdict: result.Same, Measures: []result.ComparedMeasure{}, Runs: []result.ComparedRun{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "comparison.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := command(t, "", "report", dir, "--format", "md,badge")
	if code != exitUsage || !strings.Contains(errs, `"badge": its formats are html, md, svg`) {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	code, out, errs = command(t, "", "report", dir)
	if code != exitPass || !strings.Contains(out, filepath.Join(dir, "compare.html")) {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}
