package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/internal/testserver"
	"bench/scenarios/capacity"
	"bench/scenarios/document"
	"bench/scenarios/runner"
	"bench/scenarios/source"
)

var proof = flag.Bool("proof", false, "search capacities of known limits to 3 %, three times each; takes half an hour")

// limited is a scenario whose proxy lets four requests at a time to an origin of 10 ms:
// 400 a second, less what the proxy takes.
const limited = `version: 1
name: limited
seed: 7
proxy:
  driver: haproxy
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin
        maxconn 2000
    defaults
        mode http
        timeout connect 1s
        timeout client 10s
        timeout server 10s
        timeout queue 10s
    frontend web
        bind {{bind "web"}}
        default_backend web
    backend web
    {{- range .Backends.web}}
        server s1 {{.Addr}} maxconn 4
    {{- end}}
backends:
  - {name: web, latency: 10ms}
load:
  - name: clients
    target: proxy/web
    connections: {pool: unlimited}
    timeout: 2s
    phases:
      - {name: steady, rate: 300/s, for: 5s}
`

// findCapacity runs a search and returns its record, with an exit code that fits.
func findCapacity(t *testing.T, scenario string, args ...string) *result.Capacity {
	t.Helper()
	b := startCommand(t, "capacity", scenario, "", args...)
	code := b.wait(t)
	text, err := os.ReadFile(filepath.Join(b.out, "capacity.json"))
	if err != nil {
		t.Fatalf("exit code %d, %v\n%s\n%s", code, err, b.stdout.String(), b.stderr.String())
	}
	var r result.Capacity
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", b.stdout.String())
	if r.ExitCode != code || (code == exitPass) != (r.Verdict == result.Pass) || (code == exitPass) != (r.Reason == "") {
		t.Errorf("exit code %d, in the record %d, %s: %s", code, r.ExitCode, r.Verdict, r.Reason)
	}
	for _, name := range []string{"capacity.html", "capacity.md", "capacity.svg"} {
		if _, err := os.Stat(filepath.Join(b.out, name)); err != nil {
			t.Error(err)
		}
	}
	if !strings.HasPrefix(strings.TrimSpace(b.stdout.String()), "bench capacity limited") && r.Axis == "" {
		t.Errorf("it begins with %.60q", b.stdout.String())
	}
	return &r
}

// decided reports whether a search found something. On a machine that is too busy it must
// say so, and claim nothing.
func decided(t *testing.T, r *result.Capacity) bool {
	t.Helper()
	if r.ExitCode == exitPass {
		return true
	}
	if r.ExitCode != exitUnclear || r.High != nil && r.Verdict == result.Invalid && !strings.Contains(r.Reason, "trials") {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
	if !slices.ContainsFunc(r.Trials, func(tr result.Trial) bool { return tr.Invalid != "" }) && r.Verdict == result.Invalid {
		t.Errorf("%s, and all trials count: %s", r.Verdict, r.Reason)
	}
	t.Logf("the machine was too busy: %s", r.Reason)
	return false
}

// The short form: bounds that lie around the capacity from the start, four trials each.
func TestCapacityFindsMaxconn(t *testing.T) {
	testpeer.Need(t, "haproxy")
	r := findCapacity(t, limited, "--objective", "response.p99 < 50ms", "--from", "345/s", "--to", "425/s", "--precision", "25%", "--need", "1000/s", "--within", "60s")
	if !slices.Equal(r.Objectives, []string{"response.p99 < 50ms", "errors < 1%", "integrity.mismatch == 0"}) || r.Load != "clients" {
		t.Errorf("objectives %q of load %s", r.Objectives, r.Load)
	}
	for i := range r.Trials {
		if tr := &r.Trials[i]; tr.Number != i+1 || tr.Rate < 345 || tr.Rate > 425 || tr.Invalid == "" && tr.Held != (len(tr.Broken) == 0) {
			t.Errorf("trial %+v", tr)
		}
	}
	if !decided(t, r) {
		return
	}
	if !r.Known || r.High == nil || r.Low > 400 || *r.High < 345 || r.Rate < 300 || r.Rate > 425 {
		t.Errorf("%v in %v .. %v", r.Rate, r.Low, r.High)
	}
	if l := r.LimitedBy; r.High != nil && (l == nil || l.What != capacity.MaxConn || l.Name != "server web/s1 maxconn 4" || len(l.Evidence) == 0) {
		t.Errorf("limited by %+v", l)
	}
	if n := r.Need; n == nil || n.N != 3 && n.N != 4 || n.Spare == nil {
		t.Errorf("for 1000/s: %+v", n)
	}
}

// An axis is searched value by value; time that is up is an outcome, not an error.
func TestCapacityAlongAnAxis(t *testing.T) {
	testpeer.Need(t, "haproxy")
	r := findCapacity(t, strings.Replace(limited, " maxconn 4", "", 1), "--axis", "proxy.threads=1,2", "--objective", "response.p99 < 200ms", "--from", "500/s", "--within", "10s", "--need", "5k/s")
	if r.Axis != "proxy.threads" || len(r.Points) != 2 || r.ExitCode != exitUnclear {
		t.Fatalf("%d points of axis %q, exit code %d", len(r.Points), r.Axis, r.ExitCode)
	}
	for i, want := range []string{"1", "2"} {
		p := &r.Points[i]
		if p.Value != want || len(p.Trials) == 0 || p.Proxy.Driver != "haproxy" || !strings.Contains(p.Proxy.Command, "threads.cfg") {
			t.Errorf("point %d: %s, %d trials, %s", i, p.Value, len(p.Trials), p.Proxy.Command)
		}
	}
	if r.Scaling != nil || !strings.Contains(r.ScalingRefused, "needs 4 different N") || r.NeedRefused == "" {
		t.Errorf("scaling %+v, %q, %q", r.Scaling, r.ScalingRefused, r.NeedRefused)
	}
}

// An interrupt keeps what was found, and leaves nothing behind.
func TestCapacityInterrupted(t *testing.T) {
	t.Parallel()
	testpeer.Need(t, "haproxy")
	b := startCommand(t, "capacity", limited, "", "--objective", "response.p99 < 1s", "--from", "350/s")
	trials := filepath.Join(b.out, "trials", "timeline.jsonl")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if text, err := os.ReadFile(trials); err == nil && strings.Contains(string(text), `"cell":"trial=2"`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no second trial\n%s%s", b.stdout.String(), b.stderr.String())
		}
	}
	if err := b.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := b.wait(t); code != exitInterrupted {
		t.Errorf("exit code %d\n%s%s", code, b.stdout.String(), b.stderr.String())
	}
	text, err := os.ReadFile(filepath.Join(b.out, "capacity.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r result.Capacity
	if err := json.Unmarshal(text, &r); err != nil || r.Verdict != result.Partial || len(r.Trials) == 0 || r.Reason != "interrupted" {
		t.Errorf("%s, %d trials, %q, %v", r.Verdict, len(r.Trials), r.Reason, err)
	}
}

// An interrupt before the first trial has ended is one, too; a search that is killed keeps
// the trials that it made.
func TestCapacityEndedEarly(t *testing.T) {
	t.Parallel()
	testpeer.Need(t, "haproxy")
	for _, tt := range []struct {
		signal syscall.Signal
		cell   string // that has begun when it comes
	}{{syscall.SIGINT, "trial=1"}, {syscall.SIGKILL, "trial=2"}} {
		b := startCommand(t, "capacity", limited, "", "--objective", "response.p99 < 100ms", "--from", "350/s")
		trials := filepath.Join(b.out, "trials")
		for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if text, err := os.ReadFile(filepath.Join(trials, "run.json")); err == nil && strings.Contains(string(text), `"name": "`+tt.cell+`"`) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v: no %s\n%s%s", tt.signal, tt.cell, b.stdout.String(), b.stderr.String())
			}
		}
		if err := b.cmd.Process.Signal(tt.signal); err != nil {
			t.Fatal(err)
		}
		code := b.wait(t)
		if tt.signal == syscall.SIGINT {
			if code != exitInterrupted {
				t.Errorf("exit code %d\n%s%s", code, b.stdout.String(), b.stderr.String())
			}
			continue
		}
		if code, stdout, stderr := command(t, "", "report", trials, "--format", "md"); code != exitPass {
			t.Errorf("the trials of a killed search: exit code %d\n%s%s", code, stdout, stderr)
		}
	}
}

func TestCapacityRefusesWhatItCannotSearch(t *testing.T) {
	two := limited + "  - name: others\n    target: proxy/web\n    phases:\n      - {name: steady, rate: 10/s, for: 5s}\n"
	matrix := limited + "matrix:\n  poller: [epoll, poll]\n"
	must := []string{"--objective", "p99 < 20ms"}
	for _, c := range []struct {
		scenario string
		args     []string
		want     string
	}{
		{limited, nil, "what must hold? Give it by --objective"},
		{limited, []string{"--objective", "response.p99"}, "response.p99"},
		{limited, []string{"--objective", "recovery < 1s"}, "this can never be decided: recovery is the time after a fault"},
		{limited, []string{"--objective", "response.p99 > 20ms"}, "a higher rate makes it hold rather than breaks it"},
		{limited, []string{"--objective", "rate >= 100/s"}, "it takes an upper limit"},
		{two, must, "the loads clients, others: say whose rate is searched by --load NAME"},
		{two, append([]string{"--load", "nobody"}, must...), "it has clients, others"},
		{matrix, must, "2 combinations of poller: set one value of each, as in --set poller=epoll, or search all of one by --axis poller"},
		{limited, append([]string{"--axis", "poller"}, must...), "write it as KEY=VALUE,VALUE"},
		{limited, append([]string{"--axis", "proxy.threads=1,1"}, must...), "given twice"},
		{limited, append([]string{"--axis", "proxy.threads=many"}, must...), "many"},
		{limited, append([]string{"--axis", "proxy.threads=1,2", "--axis", "proxy.poller=epoll,poll"}, must...), "--axis: one is possible, not proxy.threads=1,2 and proxy.poller=epoll,poll"},
		{limited, append([]string{"--axis", "=1,2"}, must...), "--axis =1,2: write it as KEY=VALUE,VALUE"},
		{limited, append([]string{"--json", "/nowhere/c.json"}, must...), "/nowhere/c.json"},
		{limited, append([]string{"--precision", "3"}, must...), "--precision: from 1% to 25%"},
		{limited, append([]string{"--precision", "nan%"}, must...), "--precision: from 1% to 25%"},
		{limited, append([]string{"--from", "20"}, must...), "--from"},
		{limited, append([]string{"--from", "20/s", "--to", "10/s"}, must...), "is not below"},
		{limited, append([]string{"--within", "1s"}, must...), "--within: at least 10s"},
		{limited, append([]string{"--from", "1/s", "--within", "30s"}, must...), "not one trial fits into the 30s of the search"},
		{limited, []string{"--objective", "response.p99 < 1000s"}, "not one trial fits"},
		{limited, append([]string{"--repeat", "0"}, must...), "--repeat"},
	} {
		b := startCommand(t, "capacity", c.scenario, "", c.args...)
		if code := b.wait(t); code != exitUsage || !strings.Contains(b.stderr.String(), c.want) {
			t.Errorf("%q: exit code %d, want %q in:\n%s%s", c.args, code, c.want, b.stdout.String(), b.stderr.String())
		}
	}
}

// slowOrigin is a server that works on four requests at a time, for 10 ms each: the limit
// is in it and not in the proxy.
func slowOrigin(t *testing.T) string {
	t.Helper()
	workers := make(chan struct{}, 4)
	return testserver.HTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		workers <- struct{}{}
		time.Sleep(10 * time.Millisecond)
		<-workers
		fmt.Fprint(w, "ok")
	})
}

// within a control group whose quota is a share of a processor, or below a limit of
// descriptors, a HAProxy is started by a script.
func script(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "haproxy")
	text := "#!/bin/sh\n" + lines + "\nexec " + testpeer.Need(t, "haproxy") + " \"$@\"\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// quotaGroup makes a control group with a share of a processor, and returns the file to
// which a process writes its number to enter.
func quotaGroup(t *testing.T, share float64) string {
	t.Helper()
	name := fmt.Sprintf("bench-test-%d", os.Getpid())
	for _, g := range []struct {
		dir   string
		files map[string]string
	}{
		{"/sys/fs/cgroup/cpu/" + name, map[string]string{"cpu.cfs_period_us": "10000", "cpu.cfs_quota_us": fmt.Sprint(int(share * 10000))}},
		{"/sys/fs/cgroup/" + name, map[string]string{"cpu.max": fmt.Sprintf("%d 10000", int(share*10000))}},
	} {
		if err := os.Mkdir(g.dir, 0o755); err != nil {
			continue
		}
		failed := ""
		for file, text := range g.files {
			if err := os.WriteFile(filepath.Join(g.dir, file), []byte(text), 0); err != nil {
				failed = err.Error()
			}
		}
		if failed != "" {
			os.Remove(g.dir)
			continue
		}
		t.Cleanup(func() {
			for range 100 {
				if os.Remove(g.dir) == nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Errorf("%s is still there", g.dir)
		})
		return filepath.Join(g.dir, "cgroup.procs")
	}
	t.Skip("left out, there is no control group with a quota here: it takes root and the CPU controller")
	return ""
}

// knownLimit is a system whose limit is known.
type knownLimit struct {
	name     string
	scenario func(t *testing.T) (text string, args []string)
	what     string
	named    string
	// least and most bound the capacity, a second; 0 is not known.
	least, most float64
	// easy is a rate that is carried, and tooMuch one that is not.
	easy, tooMuch float64
	// varies: a request does not cost the same from one search to the next, so that these
	// need only agree as well as they say themselves.
	varies bool
}

func knownLimits() []knownLimit {
	replace := strings.NewReplacer
	return []knownLimit{
		{"maxconn", func(*testing.T) (string, []string) { return limited, nil }, capacity.MaxConn, "server web/s1 maxconn 4", 360, 400, 200, 700, false},
		{"maxconn of the engine", func(*testing.T) (string, []string) { return limited, []string{"--driver", "builtin"} }, capacity.MaxConn, "server web/s1 maxconn 4", 360, 400, 200, 700, false},
		{"origin", func(t *testing.T) (string, []string) {
			text := replace("{{- range .Backends.web}}\n        server s1 {{.Addr}} maxconn 4\n    {{- end}}", "server s1 "+slowOrigin(t), "backends:\n  - {name: web, latency: 10ms}\n", "").Replace(limited)
			return strings.Replace(text, "backend web\n    server", "backend web\n        server", 1), nil
		}, capacity.OriginLimit, "server web/s1", 360, 400, 200, 700, false},
		{"quota", func(t *testing.T) (string, []string) {
			enter := quotaGroup(t, 0.1)
			text := replace("latency: 10ms", "latency: 1ms", " maxconn 4", "", "driver: haproxy", "driver: haproxy\n  binary: "+script(t, "echo $$ > "+enter)).Replace(limited)
			return text, nil
		}, capacity.CPUQuota, "10.0 % of a processor", 0, 0, 300, 6000, true},
		{"descriptors", func(t *testing.T) (string, []string) {
			text := replace("        maxconn 2000\n", "", " maxconn 4", "", "latency: 10ms", "latency: 100ms", "driver: haproxy", "driver: haproxy\n  binary: "+script(t, "ulimit -n 300")).Replace(limited)
			return text, []string{"--objective", "response.p99 < 300ms"}
		}, capacity.Descriptors, "open files of the proxy", 0, 0, 300, 3000, false},
	}
}

// Two trials show what gives way, whatever else the machine does: one that is easy, and
// one that is too much.
func TestTrialsShowWhatGivesWay(t *testing.T) {
	testpeer.Need(t, "haproxy")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(mainVariable, "1") // origins and loads find bench in the test binary
	for _, k := range knownLimits() {
		t.Run(k.name, func(t *testing.T) {
			text, args := k.scenario(t)
			var set []document.Setting
			if len(args) == 2 && args[0] == "--driver" {
				set = append(set, document.Setting{Key: "proxy.driver", Value: args[1]})
			}
			doc, err := document.Parse("limited.yaml", []byte(text), document.Options{Set: set})
			if err != nil {
				t.Fatal(source.Describe(err))
			}
			trials, err := runner.OpenTrials(runner.TrialOptions{
				Document: doc, Load: "clients", Objectives: []string{"response.p99 < 50ms"}, Self: []string{self}, Out: t.TempDir(),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := trials.Close(); err != nil {
					t.Error(err)
				}
			}()
			var seen []*capacity.Seen
			for _, rate := range []float64{k.easy, k.tooMuch} {
				o, err := trials.Trial(t.Context(), rate, 2)
				if err != nil {
					t.Fatal(err)
				}
				if o.Seen == nil {
					t.Fatalf("nothing was seen at %v/s: %s", rate, o.Record.Invalid)
				}
				t.Logf("%v/s: got %.0f/s, %d failed, %s %s", rate, o.Record.Got, o.Record.Failed, o.Record.Invalid, o.Saturated)
				seen = append(seen, o.Seen)
			}
			l := capacity.Blame(seen[0], seen[1])
			if l.What != k.what || !strings.Contains(l.Name, k.named) || len(l.Evidence) == 0 {
				t.Errorf("%s %q, want %s %q: %q\n%+v", l.What, l.Name, k.what, k.named, l.Evidence, seen[1])
			}
			t.Logf("%s: %s: %q", l.What, l.Name, l.Evidence)
		})
	}
}

// The long form: each limit three times in a row, within 3 % of each other or, where the
// limit itself varies from minute to minute, with intervals that do not exclude each
// other, in at most five minutes, and named rightly.
func TestCapacityProof(t *testing.T) {
	if !*proof {
		t.Skip("left out without -proof: it takes half an hour")
	}
	testpeer.Need(t, "haproxy")
	for _, k := range knownLimits() {
		t.Run(k.name, func(t *testing.T) {
			text, args := k.scenario(t)
			if !slices.Contains(args, "--objective") {
				args = append(args, "--objective", "response.p99 < 20ms")
			}
			var rates []float64
			low, high := 0.0, math.Inf(1) // what all searches find possible
			for n := range 3 {
				began := time.Now()
				r := findCapacity(t, text, args...)
				took := time.Since(began)
				if r.ExitCode != exitPass {
					t.Fatalf("search %d: %s: %s", n+1, r.Verdict, r.Reason)
				}
				t.Logf("%s, search %d: %.1f/s in %.1f .. %.1f, %d trials, %v, %+v", k.name, n+1, r.Rate, r.Low, *r.High, len(r.Trials), took.Round(time.Second), r.LimitedBy)
				rates, low, high = append(rates, r.Rate), max(low, r.Low), min(high, *r.High)
				if took > 5*time.Minute+20*time.Second {
					t.Errorf("search %d took %v", n+1, took)
				}
				if r.LimitedBy == nil || r.LimitedBy.What != k.what || !strings.Contains(r.LimitedBy.Name, k.named) {
					t.Errorf("search %d: limited by %+v, want %s %s", n+1, r.LimitedBy, k.what, k.named)
				}
				if k.most > 0 && (r.Rate < k.least*0.97 || r.Rate > k.most*1.03 || r.Low > k.most) {
					t.Errorf("search %d: %.1f/s in %.1f .. %.1f, known to lie within %v .. %v", n+1, r.Rate, r.Low, *r.High, k.least, k.most)
				}
			}
			spread := math.Log(slices.Max(rates) / slices.Min(rates))
			switch {
			case k.varies && low > high:
				t.Errorf("%v: one search finds %.1f/s impossible, another less than %.1f/s", rates, high, low)
			case !k.varies && spread > 0.03:
				t.Errorf("%v lie %.1f %% apart", rates, 100*spread)
			}
		})
	}
}
