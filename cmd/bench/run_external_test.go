package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/result"
	"bench/internal/testpeer"
)

// foreign is a proxy that runs already when a run begins.
type foreign struct {
	*exec.Cmd
	web, origin, stats string // addresses, and the path of its stats socket
}

// foreignConfig is its configuration. It has a frontend and a server that are no
// business of the run.
const foreignConfig = `global
    stats socket %s mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend www
    bind %s
    default_backend app
backend app
    server one %s check inter 100ms
    server none 127.0.0.1:9 check inter 100ms
`

// startForeign starts a proxy by hand, haproxy or builtin, and gives it a history.
func startForeign(t *testing.T, name string) *foreign {
	t.Helper()
	dir, err := os.MkdirTemp("", "fp-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	f := &foreign{web: testpeer.FreeAddr(t), origin: testpeer.FreeAddr(t), stats: filepath.Join(dir, "s.sock")}
	config := filepath.Join(dir, "proxy.cfg")
	if err := os.WriteFile(config, fmt.Appendf(nil, foreignConfig, f.stats, f.web, f.origin), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	switch name {
	case "haproxy":
		testpeer.Need(t, "haproxy")
		f.Cmd = exec.CommandContext(ctx, "haproxy", "-db", "-f", config)
	default:
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		f.Cmd = exec.CommandContext(ctx, self, "proxy", "-db", "-f", config)
		f.Env = append(os.Environ(), mainVariable+"=1")
	}
	var said bytes.Buffer
	f.Stdout, f.Stderr = &said, &said
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.Process.Kill()
		_ = f.Wait()
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", f.web)
		if err == nil {
			_, _ = c.Write([]byte("GET /before HTTP/1.0\r\n\r\n"))
			_, _ = c.Read(make([]byte, 100))
			_ = c.Close()
			return f
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not serve: %s", name, said.String())
		}
	}
}

// foreignRun is a scenario against it; EXTRA stands for more keys of the proxy.
const foreignRun = `version: 1
name: external
proxy:
  driver: external
  listeners: [{name: web, address: "WEB", frontend: www}]
  EXTRA
backends:
  - {name: app, listen: "ORIGIN"}
load:
  - name: clients
    target: proxy/web
    phases: [{name: steady, rate: 100/s, for: 2s}]
objectives:
  - "failed == 0"
  - "conservation.delta == 0"
`

func (f *foreign) scenario(extra string) string {
	text := strings.Replace(foreignRun, "EXTRA", extra, 1)
	return strings.NewReplacer("WEB", f.web, "ORIGIN", f.origin, "SOCKET", f.stats, "PID", fmt.Sprint(f.Process.Pid)).Replace(text)
}

// alive fails when the proxy has not outlived the run.
func (f *foreign) alive(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", f.web)
	if err != nil {
		t.Fatalf("the proxy is gone after the run: %v", err)
	}
	_ = c.Close()
}

func TestRunExternal(t *testing.T) {
	for _, name := range []string{"haproxy", "builtin"} {
		t.Run(name, func(t *testing.T) {
			f := startForeign(t, name)
			for _, extra := range []string{`stats: {socket: "SOCKET"}`, "pid: PID"} {
				b := start(t, f.scenario(extra), "")
				b.wait(t)
				f.alive(t)
				run := b.record(t)
				certain(t, run, result.Pass)
				cell := run.Cells[0]
				for _, o := range cell.Objectives {
					if o.Verdict != result.Pass {
						t.Errorf("%+v", o)
					}
				}
				if cell.Conservation == nil || !cell.Conservation.Exact || len(cell.Conservation.Rows) != 1 {
					t.Fatalf("conservation %+v", cell.Conservation)
				}
				counters := strings.HasPrefix(extra, "stats")
				if n := len(cell.Conservation.Proxy); counters != (n == 4) {
					t.Errorf("%d counters of the proxy compared: %+v", n, cell.Conservation.Proxy)
				}
				for _, check := range cell.Conservation.Proxy {
					if strings.HasPrefix(check.Name, "requests") && check.Right != 200 {
						t.Errorf("%+v: want the requests of the run alone", check)
					}
				}
				if cell.Trust.ProxyCPU <= 0 {
					t.Error("no figure of the proxy's CPU time")
				}
				if check := cell.Loads[0].Integrity; check == nil || check.Checked == 0 {
					t.Errorf("integrity %+v", check)
				}
			}
		})
	}
}

// Without backends the proxy's own servers answer: they are compared with nothing, and
// the report says so.
func TestRunExternalWithItsOwnServers(t *testing.T) {
	t.Parallel()
	f := startForeign(t, "builtin")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	own := exec.CommandContext(t.Context(), self, "backend", "http", "--listen", f.origin)
	own.Env = append(os.Environ(), mainVariable+"=1")
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Wait() }()
	defer func() { _ = own.Process.Kill() }()
	up := false
	for deadline := time.Now().Add(10 * time.Second); !up && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", f.web); err == nil {
			_, _ = c.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
			answer := make([]byte, 100)
			n, _ := c.Read(answer)
			up = bytes.Contains(answer[:n], []byte(" 200 "))
			_ = c.Close()
		}
	}
	text := strings.Replace(f.scenario(`stats: {socket: "SOCKET"}`), "backends:\n  - {name: app, listen: \""+f.origin+"\"}\n", "", 1)
	b := start(t, text, "")
	b.wait(t)
	run := b.record(t)
	certain(t, run, result.Pass)
	c := run.Cells[0].Conservation
	if c == nil || len(c.Rows) != 0 || len(c.Proxy) != 3 || !strings.Contains(c.Detail, "there are no origins") {
		t.Errorf("conservation %+v", c)
	}
	if report, err := os.ReadFile(filepath.Join(b.out, "report.html")); err != nil || !bytes.Contains(report, []byte("there are no backends")) {
		t.Errorf("%v: the report does not say that there are no backends", err)
	}
}

// The end of the proxy ends the run, however it is noticed.
func TestRunExternalDies(t *testing.T) {
	t.Parallel()
	for _, extra := range []string{`stats: {socket: "SOCKET"}`, "pid: PID", "cpus: [0]"} {
		t.Run(extra, func(t *testing.T) {
			f := startForeign(t, "builtin")
			text := strings.Replace(f.scenario(extra), "for: 2s", "for: 30s", 1)
			if !strings.HasPrefix(extra, "stats") {
				text = strings.Replace(text, `  - "conservation.delta == 0"`+"\n", "", 1)
			}
			b := start(t, text, "", "--plain")
			for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				if st, err := os.Stat(filepath.Join(b.out, "timeline.jsonl")); err == nil && st.Size() > 0 {
					break
				}
			}
			_ = f.Process.Kill()
			_ = f.Wait()
			if code := b.wait(t); code != exitProxy {
				t.Errorf("exit code %d, want %d\n%s%s", code, exitProxy, b.stdout.String(), b.stderr.String())
			}
			if said := b.stderr.String(); !strings.Contains(said, "the proxy (external) ended unexpectedly: ") {
				t.Errorf("said %s", said)
			}
		})
	}
}

func TestRunExternalIsNotThere(t *testing.T) {
	f := startForeign(t, "builtin")
	for _, c := range []struct {
		name, extra, from, to, want string
		code                        int
	}{
		{"address", "cpus: [0]", f.web, testpeer.FreeAddr(t), "nothing accepts connections on 127.0.0.1:", exitProxy},
		{"stats socket", `stats: {socket: /nowhere/s.sock}`, "", "", "no proxy answers on the stats socket /nowhere/s.sock", exitProxy},
		{"process", "pid: 4194305", "", "", "there is no process 4194305", exitProxy},
		{"frontend", `stats: {socket: "SOCKET"}`, "frontend: www", "frontend: web", `listener web: the proxy has no frontend "web", it has www`, exitUsage},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := f.scenario(c.extra)
			if c.from != "" {
				text = strings.ReplaceAll(text, c.from, c.to)
			}
			b := start(t, text, "", "--plain")
			if code := b.wait(t); code != c.code || !strings.Contains(b.stderr.String(), c.want) {
				t.Errorf("exit code %d, said %s; want %d and %q", code, b.stderr.String(), c.code, c.want)
			}
		})
	}
	f.alive(t)
}
