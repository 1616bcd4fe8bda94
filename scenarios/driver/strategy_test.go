package driver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/proc"
	"bench/internal/testpeer"
)

// builtin builds the program, whose engine driver builtin runs.
func builtin(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bench")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "bench/cmd/bench").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func TestReloadStrategies(t *testing.T) {
	testpeer.Need(t, "haproxy")
	self := builtin(t)
	for _, name := range []string{"haproxy", "builtin"} {
		for _, strategy := range []string{Handover, ReusePort, Restart, Master} {
			t.Run(name+" "+strategy, func(t *testing.T) {
				o := options(t, working)
				o.Config = strings.Replace(o.Config, "global\n", "global\n    maxconn 100\n", 1)
				o.Reload = strategy
				d := NewHAProxy("", o)
				if name == "builtin" {
					d = NewBuiltin([]string{self}, o)
				}
				if err := d.Prepare(t.Context()); err != nil {
					t.Fatal(err)
				}
				first, err := d.Start(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if err := d.ReloadBroken(t.Context()); (err != nil) != (strategy == Restart) {
					t.Errorf("reload with a broken configuration: %v", err)
				}
				if !first.Running() || !o.listening() {
					t.Fatal("a broken configuration stops the proxy")
				}
				second, err := d.Reload(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if second.Number != 1 || second.PID == first.PID || (second.Process == first.Process) != (strategy == Master) {
					t.Errorf("generation %+v after %+v", second, first)
				}
				if !o.listening() {
					t.Error("nobody listens after the reload")
				}
				select {
				case <-first.Done():
				case <-time.After(10 * time.Second):
					t.Error("the old process does not end")
				}
				if first.Running() || !second.Running() {
					t.Error("the wrong process has ended")
				}
				d.Stop(t.Context())
				select {
				case <-second.Done():
				case <-time.After(5 * time.Second):
					t.Error("the new process does not end")
				}
			})
		}
	}
}

const nginxConfig = `events { worker_connections 64; }
http {
    access_log off;
    server { listen %[2]s; location / { return 204; } }
} # %[1]s
`

func TestNginx(t *testing.T) {
	testpeer.Need(t, "nginx")
	o := options(t, nginxConfig)
	d := NewNginx("", o)
	if err := d.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	version, build, err := d.Version(t.Context())
	if err != nil || !strings.HasPrefix(version, "1.") || !strings.Contains(build, "configure arguments") {
		t.Errorf("version %q, build %.60q, %v", version, build, err)
	}
	first, err := d.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.ReloadBroken(t.Context()); err != nil {
		t.Error(err)
	}
	workers := proc.Children(first.PID)
	second, err := d.Reload(t.Context())
	if err != nil || second != first {
		t.Errorf("%+v after a reload, %v", second, err)
	}
	if now := proc.Children(first.PID); len(workers) == 0 || len(now) == 0 {
		t.Errorf("workers %v, after the reload %v", workers, now)
	}
	if u, err := proc.ReadUsage(first.PID); err != nil || u.Threads < 2 {
		t.Errorf("usage %+v, %v: master and workers count together", u, err)
	}
	d.Stop(t.Context())
	if first.Running() || o.listening() {
		t.Error("nginx runs after Stop")
	}
}

func TestNginxRefusesConfig(t *testing.T) {
	testpeer.Need(t, "nginx")
	err := NewNginx("", options(t, "events {}\nnonsense here;\n")).Prepare(t.Context())
	if err == nil || !strings.Contains(err.Error(), `unknown directive "nonsense"`) || !strings.Contains(err.Error(), "    2 | nonsense here;") {
		t.Errorf("message: %v", err)
	}
	if _, err := os.Stat("/run/nginx.pid"); err == nil {
		t.Log("a system nginx runs beside; it must not be disturbed")
	}
}
