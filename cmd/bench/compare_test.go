package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/scenarios/measures/testfolder"
)

// realRuns makes the test of comparisons as long as it takes to tell small changes.
var realRuns = flag.Bool("real", false, "compare builds of the engine until everything is decided; wants a quiet machine and half an hour")

// quick is a scenario of less than two seconds that keeps the engine at work.
const quick = `version: 1
name: quick
proxy:
  driver: builtin
  stats: {every: 100ms}
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin expose-fd listeners
        maxconn 200
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
backends: [{name: web}]
vars: {rate: 1000/s, time: 1200ms}
load:
  - name: clients
    target: proxy/web
    connections: {pool: 16}
    phases:
      - {name: warmup, rate: "${rate}", for: 200ms, measure: false}
      - {name: steady, rate: "${rate}", for: "${time}"}
compare:
  measures: [{name: response.p50, gate: false}, {name: response.p99, gate: false}]
`

// comparison is a run of bench compare as a process of its own.
type comparisonProcess struct {
	cmd      *exec.Cmd
	dir      string // of the comparison
	temp     string
	out, err bytes.Buffer
}

func startComparison(t *testing.T, scenario string, args ...string) *comparisonProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Short, because socket paths are at most 108 bytes long.
	root, err := os.MkdirTemp("", "ct-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	p := &comparisonProcess{dir: filepath.Join(root, "r"), temp: filepath.Join(root, "t")}
	if err := os.Mkdir(p.temp, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "s.yaml")
	if err := os.WriteFile(path, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(self, append([]string{"compare", path, "-o", p.dir}, args...)...)
	p.cmd.Env = append(os.Environ(), mainVariable+"=1", "TMPDIR="+p.temp, "CI=")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	p.cmd.WaitDelay = 10 * time.Second
	if err := testpeer.Launch(p.cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// wait waits for the end, of which nothing may be left but the folder, and returns the
// record.
func (p *comparisonProcess) wait(t *testing.T) (code int, c *result.Comparison) {
	t.Helper()
	_ = p.cmd.Wait() // the exit code says it all
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left, err := os.ReadDir(p.temp)
		if err == nil && len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("left behind: %v, %v", left, err)
			break
		}
	}
	c = &result.Comparison{}
	if text, err := os.ReadFile(filepath.Join(p.dir, result.ComparisonFile)); err != nil {
		t.Errorf("%v\n%s%s", err, p.out.String(), p.err.String())
	} else if err := json.Unmarshal(text, c); err != nil {
		t.Error(err)
	}
	return p.cmd.ProcessState.ExitCode(), c
}

func comparedMeasure(c *result.Comparison, name string) *result.ComparedMeasure {
	i := slices.IndexFunc(c.Measures, func(m result.ComparedMeasure) bool { return m.Name == name })
	if i < 0 {
		return &result.ComparedMeasure{}
	}
	return &c.Measures[i]
}

// build builds this program, slowed down by so much a request ("" is not at all).
func build(t *testing.T, slowdown string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bench")
	args := []string{"build", "-trimpath", "-o", path}
	if slowdown != "" {
		args = append(args, "-tags", "slowdown", "-ldflags", "-X bench/internal/slowdown.perRequest="+slowdown)
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// A build that spends more processor time on each request is found out by that, however
// busy the machine is.
func TestCompareFindsASlowBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	slow := build(t, "100us")
	// So few pairs tell it because nothing but the processor time decides.
	p := startComparison(t, quick, "--new", "proxy.binary="+slow, "--pairs", "6", "--alpha", "0.05", "--keep-disturbed", "--no-confirm", "--json", "-")
	code, c := p.wait(t)
	cpu := comparedMeasure(c, result.MeasureCPU)
	if code != exitWorse || c.Verdict != result.Slower || cpu.Verdict != result.Slower {
		t.Fatalf("exit code %d, %s: %s; cpu %+v\n%s%s", code, c.Verdict, c.Reason, cpu, p.out.String(), p.err.String())
	}
	if spent := cpu.New - cpu.Base; spent < 90 || spent > 200 {
		t.Errorf("a request takes %v µs more (%v, not %v); it was made to take 100", spent, cpu.New, cpu.Base)
	}
	if c.New.Proxy.Program != slow || c.New.Proxy.ProgramHash == "" || c.New.Proxy.ProgramHash == c.Base.Proxy.ProgramHash {
		t.Errorf("programs %+v and %+v", c.Base.Proxy, c.New.Proxy)
	}
	if text := p.err.String(); !strings.Contains(text, "pair 1  ") || !strings.Contains(text, " 1 more pair ") || !strings.Contains(text, "SLOWER") {
		t.Errorf("output:\n%s", text)
	}
	if err := json.Unmarshal(p.out.Bytes(), &result.Comparison{}); err != nil {
		t.Errorf("standard output: %v", err)
	}
	for _, r := range c.Runs {
		if _, err := os.Stat(filepath.Join(p.dir, r.Dir, "run.json")); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(p.dir, "compare.html")); err != nil {
		t.Error(err)
	}
}

// The long form: small changes are found, none is not.
func TestRealComparisons(t *testing.T) {
	if !*realRuns {
		t.Skip("-real is not given")
	}
	// Most virtual machines tell five percent, and two only in hours.
	long := []string{"--set", "time=6s", "--set", "rate=2000/s", "--min-effect", "5%"}
	same := build(t, "")
	for _, c := range []struct {
		name string
		new  string
		code int
	}{
		{"the same", same, exitPass},
		{"5us slower", build(t, "5us"), exitWorse}, // some ten percent
	} {
		p := startComparison(t, quick, append([]string{"--base", "proxy.binary=" + same, "--new", "proxy.binary=" + c.new, "--confirm"}, long...)...)
		code, record := p.wait(t)
		cpu := comparedMeasure(record, result.MeasureCPU)
		t.Logf("%s: %s, exit code %d, %d pairs: %s; CPU per request %.1f µs and %.1f µs (%+.1f %%)", c.name, record.Verdict, code, record.Pairs, record.Reason, cpu.Base, cpu.New, cpu.ChangePercent)
		if code != c.code {
			t.Errorf("%s: exit code %d, want %d", c.name, code, c.code)
		}
	}
}

// The line that docs/GATING.md gives for git bisect finds the commit that made it slower.
func TestBisect(t *testing.T) {
	if !*realRuns {
		t.Skip("-real is not given")
	}
	testpeer.Need(t, "git")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	good, slow, dir := build(t, ""), build(t, "100us"), t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), mainVariable+"=1", "CI=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	var commits []string
	for n, program := range []string{good, good, good, slow, slow, slow} {
		for name, text := range map[string]string{
			"mine.yaml": strings.Replace(quick, "time: 1200ms", "time: 3s", 1),
			"Makefile":  "build:\n\tmkdir -p bin && cp " + program + " bin/bench # " + string(rune('a'+n)) + "\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "mine.yaml", "Makefile")
		git("commit", "-q", "-m", "change")
		commits = append(commits, git("rev-parse", "HEAD"))
	}
	git("bisect", "start", commits[5], commits[0])
	out := git("bisect", "run", "sh", "-c", "make build || exit 125; "+self+" compare mine.yaml -o out-$(git rev-parse HEAD) --bisect --min-effect 30% --base proxy.binary="+good+" --new proxy.binary=bin/bench")
	t.Log(out)
	if !strings.Contains(out, commits[3]+" is the first bad commit") {
		t.Errorf("want %s", commits[3])
	}
}

// Whoever interrupts a comparison gets what there is, and finds nothing left behind.
func TestCompareInterrupted(t *testing.T) {
	t.Parallel()
	p := startComparison(t, strings.Replace(quick, "time: 1200ms", "time: 30s", 1), "--new", "rate=900/s")
	time.Sleep(2500 * time.Millisecond)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code, c := p.wait(t)
	if code != exitInterrupted || c.Verdict != result.Partial || c.Reason != "interrupted" {
		t.Errorf("exit code %d, %s: %s\n%s%s", code, c.Verdict, c.Reason, p.out.String(), p.err.String())
	}
}

// A proxy that crashes on the new side is worse, not the end of the comparison.
func TestCompareCrash(t *testing.T) {
	testpeer.Need(t, "haproxy")
	t.Parallel()
	crashing := filepath.Join(t.TempDir(), "haproxy-crashing")
	script := "#!/bin/sh\ncase \" $* \" in *' -c '*|*' -vv '*) ;; *) (sleep 1; kill -SEGV $$) & ;; esac\nexec haproxy \"$@\"\n"
	if err := os.WriteFile(crashing, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := startComparison(t, quick, "--base", "proxy.driver=haproxy", "--new", "proxy.driver=haproxy,proxy.binary="+crashing, "--keep-disturbed", "--no-confirm")
	code, c := p.wait(t)
	if m := comparedMeasure(c, result.MeasureCrashes); code != exitWorse || c.Verdict != result.Worse || m.New != 1 || m.Base != 0 || !strings.Contains(c.Reason, "segmentation fault") {
		t.Errorf("exit code %d, %s: %s; %+v\n%s%s", code, c.Verdict, c.Reason, m, p.out.String(), p.err.String())
	}
}

func TestCompareRecorded(t *testing.T) {
	dir := t.TempDir()
	for i, side := range []string{"base", "new"} {
		testfolder.Write(t, filepath.Join(dir, side), &testfolder.Run{
			Record: result.Run{Scenario: "quick", Text: quick, StartedAt: time.Unix(int64(i), 0).Format(time.RFC3339Nano)},
			Loads:  []testfolder.Load{{Name: "clients", Us: []uint32{100, 200}, Times: 1000}}, Seconds: 2, CPU: 0.2,
		})
	}
	out, file := filepath.Join(dir, "out"), filepath.Join(dir, "c.json")
	for _, args := range [][]string{{filepath.Join(dir, "base"), filepath.Join(dir, "new")}, {filepath.Join(dir, "new"), "--baseline", filepath.Join(dir, "base")}} {
		code, stdout, stderr := command(t, "", append([]string{"compare", "-o", out, "--json", file}, args...)...)
		if code != exitUnclear || !strings.HasPrefix(stdout, "UNCLEAR") || !strings.Contains(stdout, "not interleaved") {
			t.Errorf("%v: exit code %d: %s%s", args, code, stdout, stderr)
		}
		text, err := os.ReadFile(file)
		var c result.Comparison
		if err != nil || json.Unmarshal(text, &c) != nil || c.Interleaved || len(c.Measures) == 0 {
			t.Errorf("%v: %v\n%s", args, err, text)
		}
	}
}

// The folder of a baseline does not become that of a comparison.
func TestCompareRecordedOutput(t *testing.T) {
	dir := t.TempDir()
	base, other := filepath.Join(dir, "base"), filepath.Join(dir, "new")
	for i, side := range []string{filepath.Join(base, "1"), other} {
		testfolder.Write(t, side, &testfolder.Run{
			Record: result.Run{Scenario: "quick", Text: quick, StartedAt: time.Unix(int64(i), 0).Format(time.RFC3339Nano)},
			Loads:  []testfolder.Load{{Name: "clients", Us: []uint32{100, 200}, Times: 1000}}, Seconds: 2, CPU: 0.2,
		})
	}
	for _, out := range []string{base, other} {
		if code, _, stderr := command(t, "", "compare", other, "--baseline", base, "-o", out); code != exitUsage || !strings.Contains(stderr, "is not empty") {
			t.Errorf("-o %s: exit code %d: %s", out, code, stderr)
		}
		if _, err := os.Stat(filepath.Join(out, result.ComparisonFile)); err == nil {
			t.Errorf("there is a %s in %s", result.ComparisonFile, out)
		}
	}
}

func TestCompareUsage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(path, []byte(quick), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{path}, "what is compared with what?"},
		{[]string{path, path, "--new", "rate=1/s"}, "name one scenario"},
		{[]string{path, "--new", "rate"}, "--new: \"rate\": a side is written KEY=VALUE,KEY=VALUE"},
		{[]string{path, "--new", "rte=1/s"}, "s.yaml: --set rte: no variable, axis of the matrix or key of this name; did you mean \"rate\"?"},
		{[]string{path, "--new", "rate=1/s", "--pairs", "1"}, "--pairs: \"1\" is neither auto nor a number from 2 to 1000"},
		{[]string{path, "--new", "rate=1/s", "--min-effect", "2"}, "--min-effect 2: \"2\" is not a percentage"},
		{[]string{path, "--new", "rate=1/s", "--alpha", "1"}, "--alpha 1: it must be more than 0"},
		{[]string{t.TempDir(), t.TempDir()}, "neither a result folder nor a folder of them"},
		{[]string{"a", "b", "--pairs", "5"}, "for runs that are still to be made"},
	} {
		code, _, stderr := command(t, "", append([]string{"compare"}, tt.args...)...)
		if code != exitUsage || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v: exit code %d: %s", tt.args, code, stderr)
		}
		// What was written before is not lost to a wrong command.
		before := filepath.Join(t.TempDir(), "before.json")
		if err := os.WriteFile(before, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, _ = command(t, "", append([]string{"compare", "--json", before}, tt.args...)...)
		if text, err := os.ReadFile(before); err != nil || string(text) != "kept" {
			t.Errorf("%v: the file of --json holds %q, %v", tt.args, text, err)
		}
		// A wrong command must not call a commit bad.
		if code, _, _ := command(t, "", append([]string{"compare", "--bisect"}, tt.args...)...); code != bisectAbort {
			t.Errorf("%v: exit code %d with --bisect", tt.args, code)
		}
	}
}

// A side whose program cannot be run is found out before the first run, whichever side
// would have come first, and is no crash of a proxy.
func TestCompareMissingProgram(t *testing.T) {
	dir := t.TempDir()
	path, text := filepath.Join(dir, "s.yaml"), filepath.Join(dir, "text")
	for name, content := range map[string]string{path: quick, text: "no program"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]string{"/nowhere/bench": "which is not installed", text: "which may not be run"} {
		for _, args := range [][]string{
			{"compare", path, "--new", "proxy.binary=" + program},
			{"compare", path, "--base", "proxy.binary=" + program},
			{"capacity", path, "--objective", "response.p99 < 1s", "--axis", "proxy.binary=" + self + "," + program},
			{"capacity", path, "--objective", "response.p99 < 1s", "--set", "proxy.binary=" + program},
		} {
			out := filepath.Join(t.TempDir(), "out")
			code, _, stderr := command(t, "", append(args, "-o", out)...)
			if code != exitLost || !strings.Contains(stderr, want) {
				t.Errorf("%v: exit code %d: %s", args, code, stderr)
			}
			if _, err := os.Stat(out); err == nil {
				t.Errorf("%v: there is a folder of results", args)
			}
		}
	}
}

// A commit is bad where something is worse, a wrong command or an interruption ends the
// bisection, and all else is skipped.
func TestExitCodesOfBisect(t *testing.T) {
	for code, want := range map[int]int{
		exitWorse: exitWorse, exitInterrupted: exitInterrupted, exitUsage: bisectAbort,
		exitFail: bisectSkip, exitUnclear: bisectSkip, exitProxy: bisectSkip, exitLost: bisectSkip,
	} {
		if exit, ok := errors.AsType[*exitError](forBisect(&exitError{code: code})); !ok || exit.code != want {
			t.Errorf("exit code %d becomes %v, not %d", code, exit, want)
		}
	}
	if exit, ok := errors.AsType[*exitError](forBisect(os.ErrPermission)); !ok || exit.code != bisectSkip {
		t.Errorf("an error of the system becomes %v", exit)
	}
}

// What --bisect and CI want unless they are told otherwise.
func TestCompareDefaults(t *testing.T) {
	for _, c := range []struct {
		ci                 string
		cmd                compareCmd
		confirm, onlyWorse bool
	}{
		{"", compareCmd{}, false, false},
		{"true", compareCmd{}, true, false},
		{"", compareCmd{Bisect: true}, true, true},
		{"true", compareCmd{Bisect: true, Confirm: new(false), OnlyWorse: new(false)}, false, false},
		{"", compareCmd{Confirm: new(true), OnlyWorse: new(true)}, true, true},
	} {
		t.Setenv("CI", c.ci)
		c.cmd.Scenario = []string{"s.yaml"}
		o, err := c.cmd.options(nil)
		if err != nil || o.Confirm != c.confirm || o.OneSided != c.onlyWorse {
			t.Errorf("CI=%s, %+v: confirm %v, only what is worse %v, %v", c.ci, c.cmd, o.Confirm, o.OneSided, err)
		}
	}
}

// What a comparison cannot tell is skipped by git bisect.
func TestBisectSkips(t *testing.T) {
	dir := t.TempDir()
	testfolder.Write(t, dir, &testfolder.Run{
		Record: result.Run{Scenario: "quick", Text: quick, StartedAt: time.Unix(1, 0).Format(time.RFC3339Nano)}, Loads: []testfolder.Load{{Name: "clients", Us: []uint32{100}, Times: 1000}}, Seconds: 2,
	})
	other := t.TempDir()
	testfolder.Write(t, other, &testfolder.Run{
		Record: result.Run{Scenario: "quick", Text: quick, StartedAt: time.Unix(2, 0).Format(time.RFC3339Nano)}, Loads: []testfolder.Load{{Name: "clients", Us: []uint32{100}, Times: 1000}}, Seconds: 2,
	})
	if code, _, stderr := command(t, "", "compare", dir, other, "--bisect", "-o", filepath.Join(dir, "out")); code != bisectSkip {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// A base that cannot be run is the same at every commit, so the search ends; a new side that
// cannot be run may be so at this commit only.
func TestBisectWithoutProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	scenario, gone := filepath.Join(dir, "s.yaml"), filepath.Join(dir, "gone")
	if err := os.WriteFile(scenario, []byte(quick), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		base, new string
		code      int
	}{
		{gone, self, bisectAbort},
		{self, gone, bisectSkip},
	} {
		code, _, stderr := command(t, "", "compare", scenario, "--bisect", "--base", "proxy.binary="+c.base, "--new", "proxy.binary="+c.new, "-o", filepath.Join(dir, "out"))
		if code != c.code || !strings.Contains(stderr, gone) {
			t.Errorf("base %s: exit code %d, want %d: %s", c.base, code, c.code, stderr)
		}
	}
}

// Options that mean nothing, or nothing to what is asked for, are refused, not ignored.
func TestCompareRefusesOptions(t *testing.T) {
	run := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"proxy-overhead --base proxy.driver=builtin --shorten 0", "--shorten 0: a scenario can be shortened by a number from 1 on"},
		{"proxy-overhead --base proxy.driver=builtin --shorten nan", "by a number from 1 to 100, not NaN"},
		{"proxy-overhead --base proxy.driver=builtin --most-pairs 0", "--most-pairs 0: it must be from 1 to 1000"},
		// What is computed before the first pair would take hours and memory without end.
		{"proxy-overhead --base proxy.driver=builtin --most-pairs 1000000000", "--most-pairs 1000000000: it must be from 1 to 1000"},
		{run + " " + run + " --alpha nan", "--alpha NaN: it must be more than 0"},
		{"proxy-overhead --base proxy.driver=builtin --within=-5s", "--within -5s: it must be more than 0"},
		{"proxy-overhead --calibrate --new proxy.driver=haproxy --pairs 3 --json x", "--new, --pairs, --json: --calibrate runs the base"},
		{run + " " + run + " --keep-disturbed --within 5m --seed 1", "--within, --seed: for runs that are still to be made"},
		{run + " --baseline " + run + " --pairs 3", "--pairs: for runs that are still to be made"},
	} {
		cmd := exec.Command(self, append([]string{"compare"}, strings.Fields(c.args)...)...)
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(), mainVariable+"=1")
		cmd.WaitDelay = time.Second
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != exitUsage || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: exit code %d: %s", c.args, code, out)
		}
		if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 && !strings.Contains(c.args, "--json") {
			t.Errorf("%s: left %v, %v", c.args, left, err)
		}
	}
}

// Two comparisons that begin in one second do not get into each other's folder.
func TestComparisonsAtOnceHaveFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	seen := map[string]bool{}
	for range 3 {
		var c compareCmd
		if err := c.place("../../x y\x1b"); err != nil || seen[c.Output] {
			t.Fatalf("%q after %v, %v", c.Output, seen, err)
		}
		seen[c.Output] = true
		if parent := filepath.Dir(c.Output); parent != "results" {
			t.Errorf("a name of a record leads out of the folder, to %s", c.Output)
		}
		if entries, err := os.ReadDir(c.Output); err != nil || len(entries) > 0 {
			t.Errorf("%v, %v", entries, err)
		}
	}
}
