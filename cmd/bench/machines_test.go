package main

import (
	"encoding/json"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/netns"
)

// overMachines is a scenario whose parts are on six machines.
const overMachines = `version: 1
name: machines
seed: 7
hosts:
  - {name: generators, labels: {kind: gen}, count: 3}
  - {name: edge, names: [px]}
  - {name: origins, names: [or1, or2]}
proxy:
  onHost: edge
  config: |
    global
        stats socket {{.Stats}} level admin expose-fd listeners
    defaults
        mode http
        timeout connect 5s
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
  - {name: web, replicas: 2, onHost: origins}
load:
  - name: clients
    onHost: generators
    target: proxy/web
    arrival: poisson
    timeout: 10s
    connections: {pool: 6}
    phases:
      - {name: steady, rate: 150/s, for: 2500ms}
`

// twoFaults is what happens in it.
const twoFaults = `events:
  - {at: steady+700ms, do: proxy.reload}
  - {at: steady+1200ms, do: backend.stall, args: {name: web.1, for: 300ms}}
  - {at: steady+1700ms, do: process.stop, args: {name: web, for: 200ms}}
abuse:
  - {name: bad, onHost: generators, kind: malformed, target: proxy/web, at: steady+300ms, for: 1s, rate: 20/s, timeout: 2s}
`

// patient bounds every wait of these tests.
const patient = 90 * time.Second

// aheadNode has a clock that is five seconds ahead of all others, where it can have one.
const aheadNode = "gen2"

// cluster is a hub and machines: network namespaces of their own where the rights are
// there, processes on the loopback otherwise.
type cluster struct {
	t     *testing.T
	dir   string
	group *proc.Group
	net   *netns.Network
	// six: there is no other protocol than IPv6 between them.
	six bool

	hub       *proc.Process
	hubArgs   []string
	join, run string
	hosts     map[string]*proc.Process
	// programs are those of nodes that have another one than this, and env what is in the
	// environment of some.
	programs map[string]string
	env      map[string][]string
}

// said takes the lines of a process.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) take(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, string(line))
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patient); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func newCluster(t *testing.T, as ...func(*cluster)) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "bm-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &cluster{t: t, dir: dir, hosts: map[string]*proc.Process{}, programs: map[string]string{}, env: map[string][]string{}}
	for _, change := range as {
		change(c)
	}
	nodes := []string{"hub", "runner", "gen1", "gen2", "gen3", "px", "or1", "or2"}
	if netns.Allowed() == nil {
		if c.net, err = netns.Lay(netns.Topology{Nodes: nodes, Wires: []netns.Wire{{Name: "lan", Nodes: nodes, MTU: 1500}}}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.net.Close() })
	}
	if c.group, err = proc.NewGroup(proc.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.group.Close() })
	listen := testpeer.FreeAddr(t)
	if c.net != nil {
		at := c.net.Towards("hub", "gen1")
		if c.six {
			at = c.onlySix(nodes)["hub"]
		}
		listen = netip.AddrPortFrom(at, 4222).String()
	}
	c.hubArgs = []string{"hub", "--listen", listen, "--store", filepath.Join(dir, "hub")}
	c.startHub()
	for _, name := range []string{"gen1", "gen2", "gen3", "px", "or1", "or2"} {
		c.joins(name)
	}
	return c
}

// start starts this program on a node, in a directory for temporary files of its own.
func (c *cluster) start(node string, out *said, args ...string) *proc.Process {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.MkdirAll(c.temp(node), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if program := c.programs[node]; program != "" {
		self = program
	}
	s := proc.Spec{
		Name: node, Args: append([]string{self}, args...), Env: append([]string{mainVariable + "=1", "TMPDIR=" + c.temp(node)}, c.env[node]...),
		Stdout: &proc.LineWriter{Take: out.take},
	}
	if node == aheadNode && c.net != nil && c.programs[node] == "" {
		s.Env = append(s.Env, aheadVariable+"=5")
	}
	if c.net != nil {
		s.Enter = c.net.Node(node).Enter
	}
	p, err := c.group.Start(s)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *cluster) temp(node string) string { return filepath.Join(c.dir, node) }

func (c *cluster) startHub() {
	c.t.Helper()
	out := &said{}
	c.hub = c.start("hub", out, c.hubArgs...)
	until(c.t, "the hub", func() bool {
		if !c.hub.Running() {
			c.t.Fatal(c.hub.Output())
		}
		return strings.Count(out.String(), "'nats://") == 2
	})
	parts := strings.Split(out.String(), "'")
	c.join, c.run = parts[1], parts[3]
}

func (c *cluster) joins(name string) {
	c.t.Helper()
	out := &said{}
	args := []string{"join", c.join, "--name", name, "--state", c.temp(name)}
	if strings.HasPrefix(name, "gen") {
		args = append(args, "--label", "kind=gen", "--allow", "load")
	} else {
		args = append(args, "--label", "kind=box", "--allow", "proxy", "--allow", "backend")
		for _, program := range []string{"haproxy", "nginx"} {
			if path, err := exec.LookPath(program); err == nil {
				args = append(args, "--exec", path)
			}
		}
	}
	p := c.start(name, out, args...)
	until(c.t, name+" joins", func() bool {
		if !p.Running() {
			c.t.Fatal(p.Output())
		}
		return strings.Contains(out.String(), "joined as "+name)
	})
	c.hosts[name] = p
}

// job is a run of the scenario.
type job struct {
	p   *proc.Process
	dir string
	out *said
}

func (c *cluster) begin(scenario string, args ...string) *job {
	c.t.Helper()
	dir, err := os.MkdirTemp(c.dir, "job-")
	if err != nil {
		c.t.Fatal(err)
	}
	j := &job{dir: filepath.Join(dir, "r"), out: &said{}}
	file := filepath.Join(dir, "s.yaml")
	if err := os.WriteFile(file, []byte(scenario), 0o600); err != nil {
		c.t.Fatal(err)
	}
	j.p = c.start("runner", j.out, append([]string{"run", file, "-o", j.dir, "--plain"}, args...)...)
	return j
}

func (c *cluster) end(j *job) int {
	c.t.Helper()
	select {
	case <-j.p.Done():
	case <-time.After(patient):
		c.t.Fatalf("the run does not end: %s", j.out)
	}
	return j.p.ExitCode()
}

func (c *cluster) record(j *job) *result.Run {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(j.dir, "run.json"))
	if err != nil {
		c.t.Fatalf("%v\n%s\n%s", err, j.out, j.p.Output())
	}
	var run result.Run
	if err := json.Unmarshal(text, &run); err != nil {
		c.t.Fatal(err)
	}
	return &run
}

// nothingLeft waits until no host has a process or directory of a run.
func (c *cluster) nothingLeft() {
	c.t.Helper()
	var left string
	deadline := time.Now().Add(patient)
	for {
		left = ""
		for _, node := range []string{"runner", "gen1", "gen2", "gen3", "px", "or1", "or2"} {
			all, _ := filepath.Glob("/proc/[0-9]*/environ")
			for _, path := range all {
				env, err := os.ReadFile(path)
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
				if err != nil || !strings.Contains(string(env), "TMPDIR="+c.temp(node)+"\x00") || c.hosts[node] != nil && c.hosts[node].PID() == pid {
					continue
				}
				line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
				left += node + ": " + strings.ReplaceAll(string(line), "\x00", " ") + "\n"
			}
			files, _ := filepath.Glob(filepath.Join(c.temp(node), "bench-*"))
			for _, file := range files {
				left += node + ": " + file + "\n"
			}
			left += c.filters(node)
		}
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("left behind:\n%s", left)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// The same scenario on one machine and on six asks for the same, and nothing gets lost.
func TestRunOverMachines(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	var quiet *job
	for _, try := range []struct {
		what, faults string
		hub          bool
	}{{"on six machines", twoFaults, true}, {"on one machine", "", false}} {
		what := try.what
		var args []string
		if try.hub {
			args = []string{"--hub", c.run}
		}
		j := c.begin(overMachines+try.faults, args...)
		if quiet == nil {
			quiet = j
		}
		code := c.end(j)
		if code != exitPass && code != exitUnclear {
			t.Fatalf("%s: exit code %d\n%s\n%s", what, code, j.out, j.p.Output())
		}
		run := c.record(j)
		cell := run.Cells[0]
		certain(t, run, result.Pass)
		l := cell.Loads[0]
		if l.Requests == 0 || l.Completed != l.Requests || l.Failed != 0 {
			t.Errorf("%s: %d requests, %d completed, %d failed: %v", what, l.Requests, l.Completed, l.Failed, l.FailuresByCause)
		}
		if first := c.record(quiet).Cells[0].Loads[0]; l.Requests != first.Requests {
			t.Errorf("%s: %d requests, and %d on six machines", what, l.Requests, first.Requests)
		}
		if cell.Conservation == nil || cell.Conservation.Delta != 0 {
			t.Errorf("%s: conservation %+v", what, cell.Conservation)
		}
		if !try.hub {
			if len(cell.Hosts) > 0 || !strings.Contains(strings.Join(cell.Warnings, "\n"), "hosts are used with --hub") {
				t.Errorf("%d hosts, warnings %q", len(cell.Hosts), cell.Warnings)
			}
			continue
		}
		if len(cell.Hosts) != 6 {
			t.Errorf("%s: %d hosts", what, len(cell.Hosts))
		}
		for _, h := range cell.Hosts {
			if h.BoundUs <= 0 || h.Step != "" || len(h.Roles) != 1 {
				t.Errorf("%s: %+v", what, h)
			}
			ahead := aheadBy(c.hosts[h.Name].PID())
			if wrong := math.Abs(h.OffsetUs - float64(ahead.Microseconds())); wrong > h.BoundUs {
				t.Errorf("%s: the clock of %s is ahead by %v, and said to be by %v µs ±%v", what, h.Name, ahead, h.OffsetUs, h.BoundUs)
			}
		}
		if text, err := os.ReadFile(filepath.Join(j.dir, "run.json")); err != nil || strings.Contains(string(text), c.run) {
			t.Errorf("%s: the token is in the record, %v", what, err)
		}
		if try.faults != "" {
			for _, e := range cell.Events {
				if !e.Applied || e.Certificate != nil && e.Certificate.Verdict == result.Mismatch {
					t.Errorf("event %s: %+v", e.Kind, e)
				}
			}
		}
		c.nothingLeft()
	}

	// Whoever is not there is named.
	if err := c.hosts["or2"].Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.hosts["or2"].Done():
	case <-time.After(patient):
		t.Fatal("a host does not leave")
	}
	if code := c.hosts["or2"].ExitCode(); code != exitPass {
		t.Errorf("a host that leaves: exit code %d", code)
	}
	j := c.begin(overMachines, "--hub", c.run)
	if code := c.end(j); code != exitUsage || !strings.Contains(j.p.Output(), "origins wants or2, which has not joined") {
		t.Errorf("exit code %d: %s", code, j.p.Output())
	}
	// And so is a token that is not for runs.
	j = c.begin(overMachines, "--hub", c.join)
	if code := c.end(j); code != exitLost || !strings.Contains(j.p.Output(), "refuses the token") {
		t.Errorf("exit code %d: %s", code, j.p.Output())
	}
	c.nothingLeft()
}

// overSets is a matrix whose cells take a generator and a machine for the rest each.
const overSets = `version: 1
name: sets
seed: 7
matrix: {rate: [50/s, 60/s, 70/s, 80/s]}
hosts:
  - {name: generator, labels: {kind: gen}}
  - {name: box, labels: {kind: box}}
proxy:
  onHost: box
  config: |
    global
        stats socket {{.Stats}} level admin expose-fd listeners
    defaults
        mode http
        timeout connect 5s
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
  - {name: web, onHost: box}
load:
  - name: clients
    onHost: generator
    target: proxy/web
    arrival: constant
    timeout: 10s
    connections: {pool: 6}
    phases:
      - {name: steady, rate: "${rate}", for: 2s}
`

// The cells of a matrix go on side by side, and one whose machine is lost begins again on
// others; each is in the result once.
func TestRunSpreadsCells(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	j := c.begin(overSets, "--hub", c.run)
	until(t, "two cells begin", func() bool {
		return strings.Count(j.out.String(), "begins: ") >= 2 || !j.p.Running()
	})
	if err := c.hosts["gen1"].Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := c.end(j); code != exitPass && code != exitUnclear {
		t.Fatalf("exit code %d\n%s\n%s", code, j.out, j.p.Output())
	}
	delete(c.hosts, "gen1")
	run := c.record(j)
	certain(t, run, result.Pass)
	t.Log(run.SideBySide)
	if len(run.Cells) != 4 || !strings.Contains(run.SideBySide, "4 combinations on up to ") {
		t.Fatalf("%d cells, %q", len(run.Cells), run.SideBySide)
	}
	for i, cell := range run.Cells {
		want := uint64(2 * (50 + 10*i))
		if l := cell.Loads[0]; l.Requests != want || l.Completed != want || cell.Conservation.Delta != 0 || len(cell.Hosts) != 2 {
			t.Errorf("%s: %d requests of %d, %d hosts", cell.Name, l.Requests, want, len(cell.Hosts))
		}
	}
	lines, err := os.ReadFile(filepath.Join(j.dir, run.Files["timeline"]))
	if err != nil {
		t.Fatal(err)
	}
	sum := map[string]uint64{}
	for line := range strings.Lines(string(lines)) {
		var of struct {
			Cell      string
			Completed uint64
		}
		if err := json.Unmarshal([]byte(line), &of); err != nil {
			t.Fatal(err)
		}
		sum[of.Cell] += of.Completed
	}
	for _, cell := range run.Cells {
		if sum[cell.Name] != cell.Loads[0].Completed {
			t.Errorf("%s: the timeline has %d completed, the record %d", cell.Name, sum[cell.Name], cell.Loads[0].Completed)
		}
	}
	if parts, _ := filepath.Glob(filepath.Join(j.dir, ".part*")); len(parts) > 0 {
		t.Errorf("left behind: %q", parts)
	}
	c.nothingLeft()

	// What a run has begun goes with it when it is killed.
	j = c.begin(overSets, "--hub", c.run)
	until(t, "two cells begin", func() bool {
		if !j.p.Running() {
			t.Fatalf("%s\n%s", j.out, j.p.Output())
		}
		parts, _ := filepath.Glob(filepath.Join(j.dir, ".part*"))
		return len(parts) > 1
	})
	if err := j.p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "its folders are gone", func() bool {
		parts, _ := filepath.Glob(filepath.Join(j.dir, ".part*"))
		return len(parts) == 0
	})
	c.nothingLeft()
}
