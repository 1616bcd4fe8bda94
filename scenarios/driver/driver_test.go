package driver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/proc"
	"bench/internal/testpeer"
	"bench/scenarios/statsock"
)

// options give a driver a directory, a group and a configuration; %[1]s in the
// configuration stands for the stats socket, %[2]s for a free address.
func options(t *testing.T, config string) Options {
	t.Helper()
	g, err := proc.NewGroup(proc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "dt-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(g.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	o := Options{Group: g, Dir: dir, Stats: filepath.Join(dir, "s.sock"), Listeners: []string{testpeer.FreeAddr(t)}, Ready: 10 * time.Second}
	o.Config = fmt.Sprintf(config, o.Stats, o.Listeners[0])
	return o
}

const working = `
global
    stats socket %[1]s mode 600 level admin expose-fd listeners
defaults
    mode http
    timeout client 1s
    timeout connect 1s
    timeout server 1s
frontend web
    bind %[2]s
`

func TestHAProxyReloads(t *testing.T) {
	testpeer.Need(t, "haproxy")
	for _, poller := range []string{"", "epoll", "poll", "select"} {
		t.Run("poller "+poller, func(t *testing.T) {
			o := options(t, working)
			o.Config = strings.Replace(o.Config, "global\n", "global\n    maxconn 100\n", 1)
			o.Poller = poller
			d := NewHAProxy("", o)
			ctx := context.Background()
			if err := d.Prepare(ctx); err != nil {
				t.Fatal(err)
			}
			version, build, err := d.Version(ctx)
			if err != nil || !strings.HasPrefix(version, "2.") && !strings.HasPrefix(version, "3.") || !strings.Contains(build, "Build options") {
				t.Errorf("version %q, build %.60q, %v", version, build, err)
			}
			first, err := d.Start(ctx)
			if err != nil {
				t.Fatal(err)
			}
			second, err := d.Reload(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if second.Number != 1 || second.Process == first.Process {
				t.Errorf("generation %+v after %+v", second, first)
			}
			select {
			case <-first.Process.Done():
				if first.Process.ExitCode() != 0 {
					t.Errorf("the old process ended with %s", first.Process.State())
				}
			case <-time.After(10 * time.Second):
				t.Error("the old process does not end")
			}
			stop, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			if d.Stop(stop); second.Process.Running() {
				t.Error("the proxy runs after Stop")
			}
		})
	}
}

func TestHAProxyWithoutStatsSocket(t *testing.T) {
	testpeer.Need(t, "haproxy")
	o := options(t, working)
	o.Config = strings.Replace(o.Config, "    stats socket "+o.Stats+" mode 600 level admin expose-fd listeners\n", "", 1)
	d := NewHAProxy("", o)
	if d.StatsSocket() != "" {
		t.Fatalf("stats socket %s", d.StatsSocket())
	}
	if _, err := d.Start(context.Background()); err == nil {
		t.Error("started without a configuration")
	}
	if err := d.Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	d.Stop(context.Background())
}

func TestHAProxyRefusesConfig(t *testing.T) {
	testpeer.Need(t, "haproxy")
	d := NewHAProxy("", options(t, working+"    nonsense here\n"))
	err := d.Prepare(context.Background())
	if _, ok := errors.AsType[*ConfigError](err); !ok {
		t.Fatalf("error %v", err)
	}
	if !strings.Contains(err.Error(), "unknown keyword 'nonsense'") || !strings.Contains(err.Error(), "   11 |     nonsense here") {
		t.Errorf("message: %v", err)
	}
}

func TestHAProxyDiesAtStart(t *testing.T) {
	testpeer.Need(t, "haproxy")
	o := options(t, working)
	l, err := net.Listen("tcp", o.Listeners[0])
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := NewHAProxy("", o)
	if err := d.Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, err = d.Start(context.Background())
	var exit *ExitError
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "cannot bind socket") {
		t.Errorf("error %v", err)
	}
}

func TestMissingPrograms(t *testing.T) {
	o := options(t, working)
	for _, d := range []Driver{NewHAProxy("no-such-proxy", o), NewExec([]string{"no-such-proxy"}, "", o)} {
		if err := d.Prepare(context.Background()); err == nil || !strings.Contains(err.Error(), "needs the program no-such-proxy, which is not installed") {
			t.Errorf("error %v", err)
		}
	}
}

func TestExec(t *testing.T) {
	testpeer.Need(t, "socat")
	o := options(t, "%[1]s %[2]s")
	_, port, _ := strings.Cut(o.Listeners[0], ":")
	words := []string{"socat", "TCP-LISTEN:" + port + ",bind=127.0.0.1,fork,reuseaddr", "/dev/null"}
	d := NewExec(words, "HUP", o)
	ctx := context.Background()
	if err := d.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(ExecConfig(o.Dir)); err != nil || string(text) != o.Config {
		t.Errorf("configuration %q, %v", text, err)
	}
	if version, _, err := d.Version(ctx); version != "socat" || err != nil {
		t.Errorf("version %q, %v", version, err)
	}
	g, err := d.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// This program ends at the signal; that it came is what is to be seen.
	if again, err := d.Reload(ctx); err != nil || again != g {
		t.Errorf("reload: %+v, %v", again, err)
	}
	select {
	case <-g.Process.Done():
	case <-time.After(5 * time.Second):
		t.Error("the signal did not arrive")
	}
	d.Stop(ctx)
	if _, err := NewExec(words, "", o).Reload(ctx); !errors.Is(err, ErrNoReload) {
		t.Errorf("reload without a signal: %v", err)
	}
}

func TestExecNeverReady(t *testing.T) {
	o := options(t, "%[1]s %[2]s")
	o.Ready = 50 * time.Millisecond
	d := NewExec([]string{"sleep", "60"}, "", o)
	if _, err := d.Start(context.Background()); err == nil || !strings.Contains(err.Error(), "not ready after 50ms") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	quick := NewExec([]string{"false"}, "", o)
	var exit *ExitError
	if _, err := quick.Start(context.Background()); !errors.As(err, &exit) || exit.State != "exit status 1" {
		t.Errorf("error %v", err)
	}
}

// The number of threads that is asked for has the last word over the configuration.
func TestThreads(t *testing.T) {
	testpeer.Need(t, "haproxy")
	o := options(t, strings.Replace(working, "global\n", "global\n    nbthread 1\n", 1))
	o.Threads = 3
	d := NewHAProxy("", o)
	if err := d.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer d.Stop(t.Context())
	conn, err := statsock.Dial(o.Stats, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	info, err := conn.Info()
	if err != nil || info["Nbthread"] != "3" {
		t.Errorf("%q threads, %v", info["Nbthread"], err)
	}
	if !strings.Contains(d.Command(), "threads.cfg") {
		t.Errorf("the command does not say where the threads come from: %s", d.Command())
	}
}
