package main

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/chaos/process"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/netns"
)

// plans is how many runs TestKilledRuns kills.
var plans = flag.Int("plans", 3, "runs to kill at random times (make chaos-kill)")

// chaosRun is a scenario of five seconds on a network of its own, with faults of
// every mechanism that outlives nothing and of every one that might.
const chaosRun = `version: 1
name: chaos
seed: 7
network: {}
proxy:
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin
    defaults
        mode http
        timeout connect 1s
        timeout client 5s
        timeout server 5s
        retries 3
        option redispatch 1
    frontend web
        bind {{bind "web"}}
        default_backend web
    backend web
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}} check inter 500ms
    {{- end}}
backends:
  - {name: web, replicas: 2, latency: 1ms}
load:
  - name: clients
    target: proxy/web
    connections: {pool: 16}
    phases:
      - {name: steady, rate: 200/s, for: 5s}
events:
  - {at: 500ms, do: network.delay, args: {wire: back, delay: 5ms, for: 1s, capture: true}}
  - {at: 1s, do: process.starve, args: {name: web.1, rate: 0.5, for: 2s}}
  - {at: 1500ms, do: process.limitFiles, args: {name: proxy, count: 500, for: 1s}}
  - {at: 1200ms, do: network.partition, args: {wire: back, only: origin/web.1, for: 600ms}}
  - {at: 2500ms, do: process.stop, args: {name: web.2, for: 200ms}}
  - {at: 3s, do: connections.kill, args: {only: proxy/web, share: 0.5}}
  - {at: 3200ms, do: network.bandwidth, args: {wire: front, bandwidth: 1MiB, for: 300ms}}
  - {at: 4s, do: connections.halfOpen, args: {wire: front, only: proxy/web, count: 50, for: 300ms}}
objectives:
  - "requests == 1000"
`

func needNetworks(t *testing.T) {
	t.Helper()
	if err := netns.Allowed(); err != nil {
		t.Skipf("runs on networks of their own are left out: %v", err)
	}
}

// TestRunOnNetwork: every fault acts, says so, and is gone.
func TestRunOnNetwork(t *testing.T) {
	needNetworks(t)
	b := start(t, chaosRun, "")
	b.wait(t)
	run := b.record(t)
	mechanisms := map[string]bool{}
	for _, e := range run.Cells[0].Events {
		if e.Class != "fault" {
			continue
		}
		c := e.Certificate
		if !e.Applied || c == nil {
			t.Errorf("%s: %s", e.Kind, e.Detail)
			continue
		}
		mechanisms[c.Mechanism] = true
		// Behind its own plan is what a link on a busy machine is.
		late := slices.ContainsFunc(c.Findings, func(f result.Finding) bool { return f.What == "delay" && f.Verdict == result.Mismatch })
		if !c.Gone || c.Verdict == result.Mismatch && !late {
			t.Errorf("%s: %+v", e.Kind, c)
		}
		if e.Kind == "network.delay" {
			if info, err := os.Stat(filepath.Join(b.out, c.Capture)); err != nil || info.Size() < 1000 {
				t.Errorf("capture %q: %v", c.Capture, err)
			}
		}
	}
	if len(mechanisms) < 5 {
		t.Errorf("only these mechanisms acted: %v", mechanisms)
	}
	if n := run.Cells[0].Loads[0].Requests; n != 1000 {
		t.Errorf("%d requests, want 1000", n)
	}
}

// TestKilledRuns kills runs at random times, every other one with its guard: what
// the guard does not undo, the next command does.
func TestKilledRuns(t *testing.T) {
	needNetworks(t)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	links := interfaces(t)
	for i := range *plans {
		b := start(t, chaosRun, "")
		alone := i%2 == 1
		time.Sleep(time.Duration(random.Int64N(int64(6 * time.Second))))
		if alone {
			killGuard(b)
		}
		_ = b.cmd.Process.Kill() // it may have ended by itself
		if alone {
			_ = b.cmd.Wait()
			clearing := exec.Command(b.cmd.Path, "chaos", "clear")
			clearing.Env = b.cmd.Env
			if out, err := clearing.CombinedOutput(); err != nil {
				t.Errorf("chaos clear: %v: %s", err, out)
			}
		}
		b.wait(t)
		if left := groups(b.cmd.Process.Pid); len(left) > 0 {
			t.Errorf("control groups left behind: %v", left)
		}
		if now := interfaces(t); !slices.Equal(now, links) {
			t.Errorf("interfaces %v, before %v", now, links)
		}
		if t.Failed() {
			t.Fatalf("plan %d, guard killed: %t", i, alone)
		}
	}
}

// killGuard kills the process that would undo the run.
func killGuard(b *bench) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		line, err := os.ReadFile(filepath.Join(d, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(d, "environ"))
		if err == nil && strings.HasSuffix(string(line), "\x00guard\x00") && strings.Contains(string(env), "TMPDIR="+b.temp) {
			pid, _ := strconv.Atoi(filepath.Base(d))
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func interfaces(t *testing.T) []string {
	t.Helper()
	all, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

// groups are the control groups that a run made.
func groups(pid int) []string {
	var all []string
	for _, root := range []string{"/sys/fs/cgroup/*", "/sys/fs/cgroup", "/sys/fs/cgroup/*/*"} {
		found, _ := filepath.Glob(filepath.Join(root, "bench-"+strconv.Itoa(pid)+"-*"))
		all = append(all, found...)
	}
	return all
}

// TestChaosByHand stops a process for a while, and says what is asked for wrongly.
func TestChaosByHand(t *testing.T) {
	sleep := exec.Command("sleep", "60")
	testpeer.Start(t, sleep)
	if _, err := process.Family(sleep.Process.Pid); err != nil {
		t.Fatal(err)
	}
	t.Setenv(mainVariable, "1") // for the guard
	pid := strconv.Itoa(sleep.Process.Pid)
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"stop", "--pid", pid, "--for", "100ms"}, exitPass, "confirmed by SIGSTOP, gone"},
		{[]string{"stop"}, exitUsage, "stop needs --pid"},
		{[]string{"melt", "--pid", pid}, exitUsage, `there is no action "melt"`},
		{[]string{"starve", "--pid", pid, "--rate", "2"}, exitUsage, "starve needs --rate"},
		{[]string{"limit-memory", "--pid", pid, "--bytes", "much"}, exitUsage, `not "much"`},
		{[]string{"stop", "--pid", pid, "--for", "1h"}, exitUsage, "at most 10m"},
		{[]string{"loss", "--port", "80", "--rate", "3"}, exitUsage, "loss is 3"},
		{[]string{"stop", "--pid", "4194303"}, exitLost, "process 4194303"},
		{[]string{"stop", "--pid", strconv.Itoa(os.Getpid()), "--for", "100ms"}, exitLost, "itself"},
		{[]string{"starve", "--pid", strconv.Itoa(os.Getppid()), "--rate", "0.5", "--for", "100ms"}, exitLost, "is an ancestor of this program"},
		{[]string{"loss", "--port", testpeer.FreePort(t), "--rate", "0.5", "--for", "100ms"}, exitUnclear, "loss had no effect"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			code, out, errs := command(t, "", append([]string{"chaos", "apply"}, tt.args...)...)
			if code != tt.code || !strings.Contains(out+errs, tt.want) {
				t.Errorf("exit code %d, want %d and %q:\n%s%s", code, tt.code, tt.want, out, errs)
			}
			if proc.Stopped(sleep.Process.Pid) {
				t.Error("the process is still stopped")
			}
		})
	}
}

// TestRunWithoutRights runs as a user who may nothing but make user namespaces.
func TestRunWithoutRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "bt-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	binary, scenario, temp := filepath.Join(dir, "bench"), filepath.Join(dir, "s.yaml"), filepath.Join(dir, "t")
	for _, err := range []error{
		os.WriteFile(binary, self, 0o755), os.WriteFile(scenario, []byte(chaosRun), 0o644), os.Mkdir(temp, 0o700),
		os.Chown(dir, nobody, nobody), os.Chown(temp, nobody, nobody), os.Chmod(dir, 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{temp: temp, out: filepath.Join(dir, "r")}
	b.cmd = exec.Command(binary, "run", scenario, "-o", b.out)
	b.cmd.Env = []string{mainVariable + "=1", "TMPDIR=" + temp, "PATH=" + os.Getenv("PATH")}
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	b.cmd.Dir = dir
	b.cmd.Stdout, b.cmd.Stderr = &b.stdout, &b.stderr
	if err := testpeer.Launch(b.cmd); err != nil {
		t.Fatal(err)
	}
	if code := b.wait(t); code == exitUsage && strings.Contains(b.stderr.String(), "needs a network") {
		t.Skipf("no user namespaces here: %s", b.stderr.String())
	}
	for _, e := range b.record(t).Cells[0].Events {
		if e.Class == "fault" && (!e.Applied || e.Certificate == nil || !e.Certificate.Gone) {
			t.Errorf("%s: %s, %+v", e.Kind, e.Detail, e.Certificate)
		}
	}
}
