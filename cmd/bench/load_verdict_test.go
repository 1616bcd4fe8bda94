package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/scenarios/objective"
)

func TestLoadLimits(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	url := "http://" + o.line.Origins[0].Addr + "/"
	closed := "http://127.0.0.1:1/"
	for _, c := range []struct {
		name string
		args []string
		code int
		out  string // what the first line begins with
		errs string
	}{
		{"hold", []string{url, "--limit", "errors < 1%", "--limit", "failed == 0"}, exitPass, "PASS     errors < 1%: 0 %\nPASS     failed == 0: 0\n", ""},
		{"one is broken", []string{url, "--limit", "failed == 0", "--limit", "requests > 20"}, exitFail, "PASS     failed == 0: 0\nFAIL     requests > 20: 20\n", "1 of 2 limits broken, the first: requests > 20"},
		{"too few samples", []string{url, "--limit", "p99 < 5s"}, exitUnclear, "UNCLEAR  p99 < 5s: unknown, p99 of 20 samples; 1000 are needed", "p99 < 5s: p99 of 20 samples; 1000 are needed"},
		{"broken weighs more than unknown", []string{url, "--limit", "p99 < 5s", "--limit", "failed > 0"}, exitFail, "UNCLEAR", "the first: failed > 0"},
		{"nothing answered weighs more than unknown", []string{closed, "--limit", "p99 < 5s"}, exitFail, "UNCLEAR", "no request was answered successfully"},
		{"broken by all", []string{closed, "--limit", "errors < 1%"}, exitFail, "FAIL     errors < 1%: 100 %", "no request was answered successfully"},
		{"without a unit", []string{url, "--limit", "errors < 5"}, exitUsage, "", `--limit: "errors < 5", character 10: errors is a share: write 5%`},
		{"of scenarios", []string{url, "--limit", "conservation.delta == 0"}, exitUsage, "", "conservation.delta is known to scenarios only"},
		{"several wrong", []string{url, "--limit", "recovery < 1s", "--limit", "p99 < 50"}, exitUsage, "", "--limit: \"p99 < 50\", character 7: p99 is a time: write 50ms"},
		{"no folder", []string{url, "--junit", "/does/not/exist"}, exitUsage, "", "open /does/not/exist"},
		{"two records in one place", []string{url, "--json", "-", "--junit", "-"}, exitUsage, "", "--junit: to another place than --json"},
		{"requests and a warm-up", []string{url, "--warmup", "1s"}, exitUsage, "", "--requests: not with --warmup"},
		{"requests of a ramp", []string{url, "-r", "0..10/s"}, exitUsage, "", "--requests: with a rate that changes only with --duration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := command(t, "", append([]string{"load", "-q", "-n", "20", "-c", "2", "--ascii"}, c.args...)...)
			if code != c.code || !strings.HasPrefix(out, c.out) || !strings.Contains(errs, c.errs) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, c.code, out, errs)
			}
		})
	}
}

// A load whose integrity is checked fails when something differs, and says so where
// nothing could be checked; unless a limit of its own says what may differ.
func TestLoadHoldsIntegrity(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	intact := "http://" + o.line.Origins[0].Addr + "/"
	altered := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Bench-Origin", "a") }))
	defer altered.Close()
	foreign := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer foreign.Close()
	for _, c := range []struct {
		name string
		args []string
		code int
		out  string // what the first line begins with
		errs string
	}{
		{"intact", []string{intact}, exitPass, "PASS     integrity.mismatch == 0: 0", ""},
		{"altered", []string{altered.URL}, exitFail, "FAIL     integrity.mismatch == 0: 20", "limits broken, the first: integrity.mismatch == 0"},
		{"altered, as a limit permits", []string{altered.URL, "--limit", "integrity.mismatch <= 20"}, exitPass, "PASS     integrity.mismatch <= 20: 20\nhttp", ""},
		{"no mock origin", []string{foreign.URL}, exitUnclear, "UNCLEAR  integrity.mismatch == 0: unknown", "nothing was checked"},
		{"an exchange that cannot be checked", []string{"tcp://127.0.0.1:1", "--request", "upload 1KiB"}, exitUsage, "", "--integrity: for protocol tcp only echoes can be checked"},
		{"steps", []string{"tcp://127.0.0.1:1", "--step", "expect a"}, exitUsage, "", "--integrity: for protocol tcp only echoes can be checked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := command(t, "", append([]string{"load", "-q", "-n", "20", "-c", "2", "--integrity", "--ascii"}, c.args...)...)
			if code != c.code || !strings.HasPrefix(out, c.out) || !strings.Contains(errs, c.errs) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, c.code, out, errs)
			}
		})
	}
}

// What is written says the same: JSON, JUnit and the exit code.
func TestLoadWritesItsVerdict(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	url := "http://" + o.line.Origins[0].Addr + "/"
	dir := t.TempDir()
	record, junit := filepath.Join(dir, "out.json"), filepath.Join(dir, "junit.xml")
	code, _, errs := command(t, "", "load", url, "-q", "-n", "1", "-c", "1", "--json", record, "--junit", junit, "--limit", "failed == 0", "--limit", "requests == 2", "--limit", "p50 < 1s")
	if code != exitFail {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	raw, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version, ExitCode int
		Verdict           string
		Valid             bool
		Reasons           []string
		Limits            []result.Objective
		Tool              result.Tool
		Requests          uint64
		Response          map[string]any
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || got.ExitCode != exitFail || got.Verdict != result.Fail || !got.Valid || len(got.Reasons) != 1 || got.Tool.Go == "" || got.Requests != 1 {
		t.Errorf("%s", raw)
	}
	var verdicts []string
	for i := range got.Limits {
		verdicts = append(verdicts, got.Limits[i].Verdict)
	}
	if want := []string{result.Pass, result.Fail, result.Unclear}; !slices.Equal(verdicts, want) {
		t.Errorf("verdicts %v, want %v", verdicts, want)
	}
	// One sample has a greatest value and no percentile.
	for name, known := range map[string]bool{"p50": false, "p90": false, "p99": false, "p99.9": false, "max": true, "mean": true} {
		if v, ok := got.Response[name]; !ok || (v != nil) != known {
			t.Errorf("%s of one sample is %v", name, v)
		}
	}
	raw, err = os.ReadFile(junit)
	if err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
	}
	if err := xml.Unmarshal(raw, &suites); err != nil || suites.Tests != 4 || suites.Failures != 1 || suites.Errors != 1 {
		t.Errorf("%v %+v\n%s", err, suites, raw)
	}
}

// What the generator does not vouch for makes the figures invalid; it ends a run with
// a code of its own only where a limit cannot be decided for it.
func TestLoadOutcomeOfALateGenerator(t *testing.T) {
	late := func() *result.Load {
		l := &result.Load{Name: "load", Arrival: "constant", DurationSeconds: 1, RatePerSecond: 2000}
		l.Requests, l.Completed, l.GoodWithin, l.EndedWithin = 2000, 2000, 2000, 2000
		l.Lag = result.Latency{Count: 2000, P99: 5000}
		return l
	}
	for _, c := range []struct {
		name    string
		limits  []string
		err     error
		change  func(*result.Load)
		verdict string
		code    int
		valid   bool
	}{
		{"no limits", nil, nil, nil, "", exitPass, false},
		{"on time", nil, nil, func(l *result.Load) { l.Lag.P99 = 5 }, "", exitPass, true},
		{"a count", []string{"failed == 0"}, nil, nil, result.Pass, exitPass, false},
		{"a rate that lag cannot change", []string{"failed == 0", "rate > 1/s"}, nil, nil, result.Pass, exitPass, false},
		{
			"a rate of a busy generator",
			[]string{"failed == 0", "rate > 1/s"},
			nil,
			func(l *result.Load) { l.BusyShare = 0.9 },
			result.Invalid, exitUnclear, false,
		},
		{"a broken count", []string{"rate > 1/s", "failed > 0"}, nil, nil, result.Fail, exitFail, false},
		{"nothing answered", []string{"rate > 1/s"}, nil, func(l *result.Load) { l.Completed, l.Failed = 0, 2000 }, result.Fail, exitFail, false},
		{"nothing due", nil, nil, func(l *result.Load) { l.Requests, l.Completed = 0, 0 }, result.Fail, exitFail, false},
		{"interrupted", []string{"failed > 0"}, context.Canceled, nil, result.Partial, exitInterrupted, false},
		{"lost", nil, errors.New("the disk is full"), nil, result.Partial, exitLost, false},
	} {
		l := late()
		if c.change != nil {
			c.change(l)
		}
		var limits []*objective.Expr
		for _, text := range c.limits {
			e, err := objective.Parse(text, objective.Names{})
			if err != nil {
				t.Fatal(err)
			}
			limits = append(limits, e)
		}
		o := &loadOutcome{Load: l}
		o.judge(limits, nil, c.err)
		if o.Verdict != c.verdict || o.ExitCode != c.code || o.Valid != c.valid || (o.err() == nil) != (c.code == exitPass) {
			t.Errorf("%s: %s, exit code %d, valid %v, %q", c.name, o.Verdict, o.ExitCode, o.Valid, o.Reasons)
		}
		if !o.Valid && c.err == nil && !strings.Contains(strings.Join(o.Reasons, "\n"), "the load was late") {
			t.Errorf("%s: reasons %q", c.name, o.Reasons)
		}
	}
}
