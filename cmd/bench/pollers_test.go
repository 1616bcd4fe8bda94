package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"bench/internal/result"
	"bench/internal/testpeer"
)

// What was measured is shown again, by another measure, without measuring.
func TestPollersFrom(t *testing.T) {
	dir := t.TempDir()
	sample := result.PollerRun{CPUMicros: 20, Rate: 1000, Requests: 2000, P99Us: 90, LoadSide: 0.5, Subject: 0.9}
	r := result.Pollers{
		Version: 1, Runs: 2, DurationSeconds: 1, DescriptorLimit: 1000, Contestants: []result.PollerContestant{{Name: "epoll", Proxy: "builtin", Poller: "epoll"}},
		Works: []result.PollerWork{{Name: "idle", Title: "work", X: "idle connections", Rows: []result.PollerRow{
			{Active: 16, Cells: []result.PollerCell{{Contestant: "epoll", Runs: []result.PollerRun{sample, sample}}}},
		}}},
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(dir, "in.json")
	if err := os.WriteFile(in, text, 0o600); err != nil {
		t.Fatal(err)
	}
	html, svg, again := filepath.Join(dir, "x.html"), filepath.Join(dir, "x.svg"), filepath.Join(dir, "x.json")
	code, out, fail := command(t, "", "pollers", "--from", in, "--by", "p99", "--html", html, "--svg", svg, "--json", again)
	if code != exitPass {
		t.Fatalf("exit code %d: %s", code, fail)
	}
	if !strings.Contains(out, "90.0 µs") {
		t.Error(out)
	}
	for file, want := range map[string]string{html: "<!doctype html>", svg: "<svg ", again: "{\n  \"version\": 1"} {
		if text, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(text, []byte(want)) {
			t.Errorf("%s: %v, %.40s", file, err, text)
		}
	}
}

func TestPollersUsage(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.json")
	if err := os.WriteFile(none, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"--active: numbers of connections are from 1": {"--active", "0,4"},
		"--rounds: from 1 to 100, not 0":              {"--rounds", "0"},
		"--duration: from 100ms to 1h, not 10ms":      {"--duration", "10ms"},
		"--rate: ":                                    {"--rate", "fast"},
		"not an outcome of bench pollers":             {"--from", none},
	} {
		code, _, fail := command(t, "", append([]string{"pollers"}, args...)...)
		if code != exitUsage || !strings.Contains(fail, want) {
			t.Errorf("%q: exit code %d, %s; want %s", args, code, fail, want)
		}
	}
}

// What was measured before Ctrl-C is shown and written.
func TestPollersInterrupted(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("needs two processors")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "x.json")
	cmd := exec.Command(self, "pollers", "--driver", "builtin", "--poller", "epoll", "--only", "active", "--active", "1,2,3", "--duration", "100ms", "--rounds", "20", "--json", out)
	cmd.Env = append(os.Environ(), mainVariable+"=1")
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, cmd)
	var last string
	for lines := bufio.NewScanner(says); lines.Scan(); {
		if last = lines.Text(); strings.Contains(last, "(3 of 120 measurements, about ") {
			_ = cmd.Process.Signal(syscall.SIGINT)
		}
	}
	_ = cmd.Wait() // the exit code says it
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(last, "what was measured until then") {
		t.Errorf("exit code %d, %s", code, last)
	}
	var r result.Pollers
	text, err := os.ReadFile(out)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil || !r.Interrupted || len(r.Works) != 1 || len(r.Works[0].Rows) != 1 || len(r.Works[0].Rows[0].Cells[0].Runs) < 3 {
		t.Errorf("%v: %+v", err, r)
	}
}
