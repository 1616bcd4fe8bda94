package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/result"
	"bench/internal/testpeer"
)

// shortRun is a scenario of three seconds with a reload and a stall. EXTRA
// stands for more keys at the top, PROXY for the proxy's driver.
const shortRun = `version: 1
name: short
seed: 42
proxy:
  driver: haproxy
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin expose-fd listeners
        maxconn 200
    defaults
        mode http
        timeout connect 1s
        timeout client 10s
        timeout server 10s
        retries 3
        option redispatch 1
    frontend web
        bind {{bind "web"}}
        default_backend web
    frontend raw
        mode tcp
        bind {{bind "raw"}}
        default_backend raw
    backend web
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}} check inter 200ms fall 2 rise 2
    {{- end}}
    backend raw
        mode tcp
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}} check inter 200ms
    {{- end}}
backends:
  - {name: web, replicas: 2, latency: 1ms}
load:
  - name: keep
    target: proxy/web
    connections: {pool: 16, requestsPerConnection: 20}
    phases: &phases
      - {name: warmup, rate: 0..100/s, for: 500ms, measure: false}
      - {name: steady, rate: 100/s, for: 2500ms}
  - name: close
    target: proxy/web
    connections: {requestsPerConnection: 1}
    phases: *phases
  - name: tcp
    target: proxy/raw
    connections: {pool: 4, requestsPerConnection: 20}
    phases: *phases
  - name: direct
    target: origin/web
    phases: *phases
`

// bench is a run of the program as a process of its own.
type bench struct {
	cmd      *exec.Cmd
	temp     string // directory for temporary files, the process's own
	out      string // result folder
	stdout   bytes.Buffer
	stderr   bytes.Buffer
	scenario string
}

// start starts `bench run` on a scenario; out is the result folder, a new one
// when empty.
func start(t *testing.T, scenario, out string, args ...string) *bench {
	t.Helper()
	return startCommand(t, "run", scenario, out, args...)
}

// startCommand is start for any command that takes a scenario.
func startCommand(t *testing.T, command, scenario, out string, args ...string) *bench {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Short, because socket paths are at most 108 bytes long.
	temp, err := os.MkdirTemp("", "bt-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	b := &bench{temp: filepath.Join(temp, "t"), out: out, scenario: filepath.Join(temp, "s.yaml")}
	if b.out == "" {
		b.out = filepath.Join(temp, "r")
	}
	if err := os.Mkdir(b.temp, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.scenario, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	b.cmd = exec.Command(self, append([]string{command, b.scenario, "-o", b.out}, args...)...)
	b.cmd.Env = append(os.Environ(), mainVariable+"=1", "TMPDIR="+b.temp)
	b.cmd.Stdout, b.cmd.Stderr = &b.stdout, &b.stderr
	b.cmd.WaitDelay = 10 * time.Second
	if err := testpeer.Launch(b.cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.cmd.Process.Kill() })
	return b
}

// wait waits for the end and returns the exit code; nothing may be left.
func (b *bench) wait(t *testing.T) int {
	t.Helper()
	_ = b.cmd.Wait() // the exit code says it all
	b.nothingLeft(t)
	return b.cmd.ProcessState.ExitCode()
}

// nothingLeft fails when a process or file of the run is still there after a
// while, which the guard may need.
func (b *bench) nothingLeft(t *testing.T) {
	t.Helper()
	var files []os.DirEntry
	var processes []string
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		files, _ = os.ReadDir(b.temp)
		processes = b.processes()
		if len(files) == 0 && len(processes) == 0 {
			return
		}
	}
	t.Errorf("left behind: files %v, processes %q", files, processes)
}

// processes lists those whose environment or command names the run's directory.
func (b *bench) processes() []string {
	var found []string
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, []byte("TMPDIR="+b.temp+"\x00")) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
	}
	return found
}

// record is run.json.
func (b *bench) record(t *testing.T) *result.Run {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.out, "run.json"))
	if err != nil {
		t.Fatalf("%v\n%s%s", err, b.stdout.String(), b.stderr.String())
	}
	var run result.Run
	if err := json.Unmarshal(text, &run); err != nil {
		t.Fatal(err)
	}
	return &run
}

// tooBusy reports whether a verdict is that of a machine that was too busy to measure
// times on: what these tests look at is not times.
func tooBusy(verdict, reason string) bool {
	return verdict == result.Invalid &&
		(strings.HasPrefix(reason, "this machine was too busy to tell") || strings.HasPrefix(reason, "known only to lie between"))
}

// certain fails the test unless the verdict is the wanted one.
func certain(t *testing.T, run *result.Run, want string) {
	t.Helper()
	if run.Verdict != want && !tooBusy(run.Verdict, run.Reason) {
		t.Errorf("verdict %s (%s), want %s", run.Verdict, run.Reason, want)
	}
}

func TestRunReloadsAndStalls(t *testing.T) {
	testpeer.Need(t, "haproxy")
	b := start(t, shortRun+`
steadyState: "errors == 0"
events:
  - {every: 700ms, in: steady, do: proxy.reload}
  - {at: steady+1s, do: backend.stall, args: {name: web.1, for: 100ms}}
  - {at: steady+1500ms, do: proxy.command, args: {command: show version}}
objectives:
  - "failed == 0"
  - "conservation.delta == 0"
  - {expr: "failed == 0", window: "proxy.reload -100ms..+200ms"}
`, "")
	code := b.wait(t)
	run := b.record(t)
	certain(t, run, result.Pass)
	if code != run.ExitCode {
		t.Errorf("exit code %d, record says %d", code, run.ExitCode)
	}
	c := run.Cells[0]
	kinds := map[string]int{}
	for _, e := range c.Events {
		if !e.Applied {
			t.Errorf("event not applied: %+v", e)
		}
		kinds[e.Kind]++
		if e.Kind == "proxy.reload" && (e.EndUs <= e.BeginUs || e.DrainEndUs < e.EndUs) {
			t.Errorf("reload without an end or drain: %+v", e)
		}
		if e.Kind == "backend.stall" && e.EndUs-e.BeginUs != 100_000 {
			t.Errorf("stall of %d us", e.EndUs-e.BeginUs)
		}
	}
	if kinds["proxy.reload"] != 3 || kinds["backend.stall"] != 1 || kinds["proxy.command"] != 1 {
		t.Errorf("events %v", kinds)
	}
	for _, l := range c.Loads {
		if l.Failed != 0 || l.Requests != 250 {
			t.Errorf("load %s: %d of %d failed", l.Name, l.Failed, l.Requests)
		}
	}
	if len(c.Loads) != 4 || c.Conservation == nil || c.Conservation.Delta != 0 || !c.Conservation.Exact || len(c.Conservation.Proxy) != 5 {
		t.Errorf("%d loads, conservation %+v", len(c.Loads), c.Conservation)
	}
	if c.SteadyState == nil || c.SteadyState.Verdict != result.Pass {
		t.Errorf("steady state %+v", c.SteadyState)
	}
	if len(c.Upstreams) != 4 || len(c.Upstreams[0].States) < 2 {
		t.Errorf("upstreams %+v", c.Upstreams)
	}
	b.tables(t)
}

// tables checks that every table has lines and every line names its cell.
func (b *bench) tables(t *testing.T) {
	t.Helper()
	for _, name := range []string{"timeline.jsonl", "events.jsonl", "counters.jsonl"} {
		text, err := os.ReadFile(filepath.Join(b.out, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) < 5 {
			t.Errorf("%s has %d lines", name, len(lines))
		}
		for _, line := range lines {
			var cell struct{ Cell string }
			if err := json.Unmarshal([]byte(line), &cell); err != nil || cell.Cell != "run" {
				t.Errorf("%s: %.100s: %v", name, line, err)
			}
		}
	}
	for _, name := range []string{"scenario.resolved.yaml", "env.json", "errors.jsonl", "report.html"} {
		if _, err := os.Stat(filepath.Join(b.out, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestRunKillsAndStartsOrigins(t *testing.T) {
	testpeer.Need(t, "haproxy")
	b := start(t, strings.Replace(shortRun, "for: 2500ms", "for: 4s", 1)+`
events:
  - {at: steady+500ms, do: backend.kill, args: {name: web.2}}
  - {at: steady+1500ms, do: backend.start, args: {name: web.2}}
objectives: ["keep.errors < 10%", "close.errors < 10%", "recovery < 4s"]
`, "")
	b.wait(t)
	run := b.record(t)
	certain(t, run, result.Pass)
	// What a killed origin had counted is gone: the balance cannot be drawn.
	c := run.Cells[0]
	if c.Conservation == nil || c.Conservation.Exact || !strings.Contains(c.Conservation.Detail, "origin web.2 was killed") {
		t.Errorf("conservation %+v", c.Conservation)
	} else if !c.Conservation.Rows[0].Incomplete {
		t.Errorf("what was counted is taken for all there was: %+v", c.Conservation.Rows[0])
	}
	var seen []string
	for _, e := range c.Events {
		seen = append(seen, e.Kind+" "+e.Target)
	}
	for _, want := range []string{"backend.kill web.2", "backend.start web.2", "seen.server-down web/web.2", "seen.server-up web/web.2"} {
		if !slices.Contains(seen, want) {
			t.Errorf("no event %q in %q", want, seen)
		}
	}
	for _, o := range c.Objectives[:3] {
		if o.Verdict != result.Pass && !tooBusy(o.Verdict, o.Reason) {
			t.Errorf("%+v", o)
		}
	}
}

// An interrupt leaves a result of what was measured, and nothing else.
func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	testpeer.Need(t, "haproxy")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			b := start(t, shortRun, "")
			b.awaitIntervals(t)
			if err := b.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := b.wait(t); code != 130 {
				t.Errorf("exit code %d\n%s%s", code, b.stdout.String(), b.stderr.String())
			}
			run := b.record(t)
			if run.Verdict != result.Partial || run.ExitCode != 130 || run.Cells[0].Verdict != result.Partial || run.Reason != "interrupted" {
				t.Errorf("verdict %s %d, cell %s, %s", run.Verdict, run.ExitCode, run.Cells[0].Verdict, run.Reason)
			}
			if len(run.Cells[0].Loads) == 0 {
				t.Error("nothing of the loads is left")
			}
		})
	}
}

// awaitIntervals waits until the loads have reported something.
func (b *bench) awaitIntervals(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if info, err := os.Stat(filepath.Join(b.out, "timeline.jsonl")); err == nil && info.Size() > 0 {
			return
		}
	}
	t.Fatal("no load reports anything")
}

// TestRunKilled: what a killed run has measured can be rendered as far as it goes,
// at whatever moment that was.
func TestRunKilled(t *testing.T) {
	testpeer.Need(t, "haproxy")
	for _, after := range []time.Duration{0, 50 * time.Millisecond, 300 * time.Millisecond, time.Second, -1} {
		t.Run(after.String(), func(t *testing.T) {
			b := start(t, shortRun, "")
			if after < 0 {
				b.awaitIntervals(t)
			} else {
				time.Sleep(after)
			}
			if err := b.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if after < 0 {
				if code := b.wait(t); code != -1 {
					t.Errorf("exit code %d of a killed process", code)
				}
			} else {
				// Killed before it had its guard, it may leave a journal to the next
				// command, which TestKilledRuns tries.
				_ = b.cmd.Wait()
			}
			if _, err := os.Stat(b.out); err != nil && after >= 0 {
				return // it had not begun
			}
			code, out, errs := command(t, "", "report", b.out)
			if _, err := os.Stat(filepath.Join(b.out, "run.json")); err != nil && after >= 0 {
				if code != exitUsage || !strings.Contains(errs, "no run.json") {
					t.Errorf("exit code %d: %s", code, errs)
				}
				return
			}
			text, err := os.ReadFile(filepath.Join(b.out, "report.md"))
			if code != exitPass || err != nil || !strings.Contains(out, "report.html") {
				t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
			}
			if !strings.Contains(string(text), "# PARTIAL") || !strings.Contains(string(text), "incomplete: the run was killed") {
				t.Errorf("the report does not say that it is incomplete:\n%s", text)
			}
		})
	}
}

// What goes wrong has a clear message, its exit code, and leaves nothing.
func TestRunErrors(t *testing.T) {
	t.Parallel()
	testpeer.Need(t, "haproxy")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	crashing := fmt.Sprintf("proxy.command=[timeout, -s, KILL, '1.5', %s, backend, http, --listen, '{{bind \"web\"}}']", self)
	for _, c := range []struct {
		name     string
		scenario string
		args     []string
		code     int
		want     string
		measured bool // there is a result folder
	}{
		{"invalid scenario", "version: 1\n", nil, 2, "name is missing", false},
		{"no such scenario", "", []string{"--set", "x"}, 2, "--set x: write it as key=value", false},
		{
			"program missing", shortRun,
			[]string{"--set", "proxy.binary=no-such-proxy"},
			6,
			"driver haproxy needs the program no-such-proxy, which is not installed", false,
		},
		{"configuration refused", strings.Replace(shortRun, "retries 3", "retrys 3", 1), nil, 2, "haproxy refuses its configuration", false},
		{
			"port in use", strings.Replace(shortRun, `bind {{bind "web"}}`, `bind {{bind "web"}}`+"\n        bind "+taken.Addr().String(), 1), nil, 5,
			"cannot bind socket", false,
		},
		{
			"origin cannot serve", strings.Replace(shortRun, "latency: 1ms", "latency: 1ms, cpus: [0]", 1),
			[]string{"--set", "backends.web.cpus=[900]"},
			2,
			"backend web is to run on CPU 900", false,
		},
		{
			"unsteady", shortRun + "events: [{at: steady+500ms, do: proxy.reload}]\n",
			[]string{"--set", "steadyState=completed == 0"},
			4,
			`the steady state "completed == 0" did not hold before the first event`, true,
		},
		{
			"proxy crashes", strings.NewReplacer("driver: haproxy", "driver: exec\n  command: [x]", "target: proxy/raw", "target: proxy/web").Replace(shortRun),
			[]string{"--set", crashing, "--set", "proxy.config=x"},
			5, "the proxy (exec) ended unexpectedly", true,
		},
		{"objective broken", shortRun + `objectives: ["requests == 1"]`, nil, 1, "requests = 1 1 000 FAIL", true},
		{
			"event impossible", shortRun + "events: [{at: steady+500ms, do: backend.start, args: {name: web.1}}]\n", nil, 4,
			"origin web.1 is running already", true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, c.scenario, "", c.args...)
			code := b.wait(t)
			text := b.stdout.String() + b.stderr.String()
			words := strings.Join(strings.Fields(text), " ")
			if code != c.code || !strings.Contains(words, c.want) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, c.code, c.want, text)
			}
			if _, err := os.Stat(b.out); (err == nil) != c.measured {
				t.Errorf("result folder: %v, want it: %v", err, c.measured)
			}
		})
	}
}

func TestRunFullDisk(t *testing.T) {
	testpeer.Need(t, "haproxy")
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting a file system is not allowed: %v", err)
	}
	defer func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	}()
	b := start(t, strings.Replace(shortRun, "for: 2500ms", "for: 20s", 1), filepath.Join(disk, "r"))
	began := time.Now()
	code := b.wait(t)
	for _, want := range []string{"the disk of the result folder is full", "kept in " + b.out + ": ", "timeline.jsonl (", "not brought up to date: run.json"} {
		if code != 6 || !strings.Contains(b.stderr.String(), want) {
			t.Errorf("exit code %d, want 6 and %q:\n%s", code, want, b.stderr.String())
		}
	}
	if time.Since(began) > 15*time.Second {
		t.Errorf("noticed after %v only", time.Since(began))
	}
}

// allowedCPUs lists the processors of this process.
func allowedCPUs(t *testing.T) []int {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	var all []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	return all
}

// Beside programs that take the processors a run does not say PASS of times: it says
// that the machine was too busy, and what to do. Counts it still knows, and a run
// without limits is no failure.
func TestRunOnABusyMachine(t *testing.T) {
	scenario := strings.ReplaceAll(shortRun, "driver: haproxy", "driver: builtin")
	testpeer.Need(t, "taskset")
	cpu := fmt.Sprint(allowedCPUs(t)[0])
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("taskset", "-c", cpu, self)
	c.Env = append(os.Environ(), hogVariable+"=1")
	testpeer.Start(t, c)  // it has no other end
	if os.Getuid() != 0 { // nobody else may run in real time: the run steps back instead
		runtime.LockOSThread() // for good: the thread ends with the test
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
			t.Fatal(err)
		}
	}
	b := start(t, scenario+`objectives: ["failed == 0", "response.p50 < 10s", "conservation.delta == 0"]`, "", "--cpus", cpu)
	code := b.wait(t)
	run := b.record(t)
	if code != 4 || run.Verdict != result.Invalid || !strings.HasPrefix(run.Reason, "this machine was too busy to tell; ") ||
		!strings.Contains(run.Reason, "stop other programs") || !strings.HasSuffix(run.Reason, "(could not be decided: response.p50 < 10s)") {
		t.Errorf("exit code %d, %s: %s", code, run.Verdict, run.Reason)
	}
	words := strings.Join(strings.Fields(b.stdout.String()), " ")
	if !strings.Contains(words, "too busy to tell") || !strings.Contains(words, "bench doctor shows when the machine is quiet") {
		t.Errorf("printed:\n%s", b.stdout.String())
	}
	for _, o := range run.Cells[0].Objectives {
		if want := map[bool]string{true: result.Invalid, false: result.Pass}[o.Unit == "us"]; o.Verdict != want {
			t.Errorf("%s is %s (%s)", o.Expr, o.Verdict, o.Reason)
		}
	}
	b = start(t, scenario, "", "--cpus", cpu)
	if code, run := b.wait(t), b.record(t); code != 0 || run.Verdict != result.Pass || len(run.Cells[0].Trust.Doubts) == 0 {
		t.Errorf("without limits: exit code %d, %s, %q", code, run.Verdict, run.Cells[0].Trust.Doubts)
	}
	if words := strings.Join(strings.Fields(b.stdout.String()), " "); !strings.Contains(words, "too busy") {
		t.Errorf("printed without limits:\n%s", b.stdout.String())
	}
}

// A run keeps to the processors it is given.
func TestRunCPUs(t *testing.T) {
	all := allowedCPUs(t)
	last := all[len(all)-1]
	b := start(t, strings.ReplaceAll(shortRun, "driver: haproxy", "driver: builtin"), "", "--cpus", fmt.Sprint(last))
	if code := b.wait(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, b.stderr.String())
	}
	text, err := os.ReadFile(filepath.Join(b.out, "env.json"))
	if err != nil {
		t.Fatal(err)
	}
	var env struct{ AllowedCPUs []int }
	if err := json.Unmarshal(text, &env); err != nil || !slices.Equal(env.AllowedCPUs, []int{last}) {
		t.Errorf("the run was allowed %v, %v", env.AllowedCPUs, err)
	}
	b = start(t, shortRun, "", "--cpus", "0,900")
	if code := b.wait(t); code != 2 || !strings.Contains(b.stderr.String(), "there is no processor 900") {
		t.Errorf("exit code %d\n%s", code, b.stderr.String())
	}
}

// Two runs that begin in the same second, without a folder named, keep out of each
// other's way.
func TestRunsInTheSameSecond(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	scenario := filepath.Join(dir, "s.yaml")
	text := strings.NewReplacer("driver: haproxy", "driver: builtin", "for: 2500ms", "for: 500ms").Replace(shortRun)
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // names go by the second
	var all []*exec.Cmd
	for range 3 {
		c := exec.Command(self, "run", scenario)
		c.Dir, c.Env = dir, append(os.Environ(), mainVariable+"=1")
		c.Stderr = &bytes.Buffer{}
		if err := testpeer.Launch(c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for _, c := range all {
		if err := c.Wait(); err != nil {
			t.Errorf("%v: %s", err, c.Stderr)
		}
	}
	if found, err := filepath.Glob(filepath.Join(dir, "results", "short-*", "report.html")); err != nil || len(found) != len(all) {
		t.Errorf("reports %v, %v", found, err)
	}
}

// The command of a record can be given to a shell again, and does not let anybody into a hub.
func TestCommandLine(t *testing.T) {
	args := []string{"bench", "capacity", "it's.yaml", "--objective", "response.p99 < 20ms", "--axis", "proxy.threads=1,2", "--set", "", "--hub", "nats://host:4222#secret"}
	want := `bench capacity 'it'\''s.yaml' --objective 'response.p99 < 20ms' --axis proxy.threads=1,2 --set '' --hub nats://host:4222`
	got := commandLine(args)
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for word, shown := range map[string]string{
		"--hub=nats://host:4222#secret": "--hub=nats://host:4222", "nats://user:secret@host:4222": "nats://host:4222",
		"--hub=tls://secret@host": "--hub=tls://host", "nats://u:se@cret@host:4222#SUsecret": "nats://host:4222",
		"http://user@host/#x": "'http://user@host/#x'", "load.name=nats://x@y": "load.name=nats://x@y",
	} {
		if got := commandLine([]string{word}); got != shown {
			t.Errorf("%s is shown as %s", word, got)
		}
	}
	said, err := exec.Command("sh", "-c", `printf '%s\n' `+got).Output()
	if args[len(args)-1] = "nats://host:4222"; err != nil || string(said) != strings.Join(args, "\n")+"\n" {
		t.Errorf("a shell reads %q (%v)", said, err)
	}
}
