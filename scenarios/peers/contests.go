package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
)

// contests are the rows of the table.
func contests() []contest {
	const engine, haproxy, generator, wrk = "engine", "haproxy", "bench load", "wrk"
	both := []string{haproxy}
	rows := []contest{}
	for _, v := range []struct{ name, mode, options, args string }{
		{"http keep-alive", "http", "", ""},
		{"http close", "http", "option httpclose", "--requests-per-connection=1"},
		{"tcp keep-alive", "tcp", "", ""},
	} {
		rows = append(rows, contest{
			name: v.name, ours: engine, peer: haproxy, needs: both,
			a: func(b *bed) *contestant { return b.proxy([]string{b.o.Self, "proxy"}, v.mode, v.options, v.args) },
			b: func(b *bed) *contestant { return b.proxy([]string{haproxy}, v.mode, v.options, v.args) },
		})
	}
	for _, v := range []struct {
		name   string
		ours   []string
		header []string
	}{
		{"generator keep-alive", nil, nil},
		{"generator close", []string{"--requests-per-connection=1"}, []string{"-H", "Connection: close"}},
	} {
		rows = append(rows, contest{
			name: v.name, ours: generator, peer: wrk, needs: []string{"wrk", "nginx"},
			a: func(b *bed) *contestant { return b.generator(v.ours) },
			b: func(b *bed) *contestant { return b.wrk(v.header) },
		})
	}
	return rows
}

const connections = 64

// proxyConfig is given to both engines unchanged.
const proxyConfig = `global
  nbthread 1
  maxconn 4000
defaults
  mode %s
  timeout client 30s
  timeout server 30s
  timeout connect 5s
  retries 3
  %s
listen bench
  bind 127.0.0.1:%d
  server s1 %s
`

// proxy is a proxy on the subject's CPU, with origin and generator on the other.
func (b *bed) proxy(argv []string, mode, options, loadArgs string) *contestant {
	var url string
	return &contestant{
		start: func(ctx context.Context) (*proc.Process, error) {
			origin, err := b.origin(ctx)
			if err != nil {
				return nil, err
			}
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			if mode == "http" {
				options = "option forwardfor\n  " + options
			}
			file := filepath.Join(b.dir, strconv.Itoa(port)+".cfg")
			if err := os.WriteFile(file, fmt.Appendf(nil, proxyConfig, mode, options, port, origin), 0o600); err != nil {
				return nil, err
			}
			url = fmt.Sprintf("http://127.0.0.1:%d/", port)
			p, err := b.group.Start(proc.Spec{Name: argv[0], Args: append(argv, "-f", file, "-db"), CPUs: []int{b.o.SubjectCPU}})
			if err != nil {
				return nil, err
			}
			return p, waitPort(ctx, p, port)
		},
		load: func(ctx context.Context) (uint64, uint64, float64, error) {
			return b.bench(ctx, url, b.o.LoadCPU, strings.Fields(loadArgs))
		},
	}
}

// generator is our generator on the subject's CPU against nginx on the other.
func (b *bed) generator(args []string) *contestant {
	var url string
	return &contestant{
		start: func(ctx context.Context) (_ *proc.Process, err error) {
			url, err = b.nginx(ctx)
			return nil, err
		},
		load: func(ctx context.Context) (uint64, uint64, float64, error) {
			return b.bench(ctx, url, b.o.SubjectCPU, args)
		},
	}
}

// wrk is wrk in the generator's place.
func (b *bed) wrk(args []string) *contestant {
	var url string
	return &contestant{
		start: func(ctx context.Context) (_ *proc.Process, err error) {
			url, err = b.nginx(ctx)
			return nil, err
		},
		load: func(ctx context.Context) (uint64, uint64, float64, error) {
			argv := append([]string{"wrk", "-t1", "-c" + strconv.Itoa(connections), fmt.Sprintf("-d%ds", max(1, int(b.o.Duration.Seconds())))}, args...)
			out, cpu, err := b.output(ctx, append(argv, url), b.o.SubjectCPU)
			if err != nil {
				return 0, 0, 0, err
			}
			for line := range strings.Lines(out) {
				if f := strings.Fields(line); len(f) > 2 && f[1] == "requests" && f[2] == "in" {
					n, err := strconv.ParseUint(f[0], 10, 64)
					return n, 0, cpu, err
				}
			}
			return 0, 0, 0, fmt.Errorf("wrk printed no count of requests: %s", out)
		},
	}
}

// bench runs our generator.
func (b *bed) bench(ctx context.Context, url string, cpu int, args []string) (sent, failed uint64, used float64, err error) {
	argv := append([]string{
		b.o.Self, "load", url, "--connections", strconv.Itoa(connections), "--duration", b.o.Duration.String(),
		"--quiet", "--json", "-",
	}, args...)
	out, used, err := b.output(ctx, argv, cpu)
	if err != nil {
		return 0, 0, 0, err
	}
	var l result.Load
	if err := json.Unmarshal([]byte(out), &l); err != nil {
		return 0, 0, 0, fmt.Errorf("reading the outcome of the load: %w", err)
	}
	return l.Completed, l.Failed, used, nil
}

// output runs a program to its end, pinned, and returns what it printed and the
// CPU time it used.
func (b *bed) output(ctx context.Context, argv []string, cpu int) (string, float64, error) {
	var out, fail bytes.Buffer
	c := exec.CommandContext(ctx, "taskset", append([]string{"-c", strconv.Itoa(cpu)}, argv...)...)
	c.Stdout, c.Stderr = &out, &fail
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := c.Run()
	// The exit code of a load tells whether its schedule held; a closed loop
	// has none, and failures are counted from its outcome.
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() > 0 && out.Len() > 0) {
		return "", 0, fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, fail.String())
	}
	return out.String(), (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds(), nil
}

// origin starts a mock origin on the load side and returns its address.
func (b *bed) origin(ctx context.Context) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := b.group.Start(proc.Spec{
		Name: "origin", CPUs: []int{b.o.LoadCPU},
		Args: []string{b.o.Self, "backend", "http", "--listen", addr, "--body", "128B"},
	})
	if err != nil {
		return "", err
	}
	return addr, waitPort(ctx, p, port)
}

const nginxConfig = `worker_processes 1;
daemon off;
error_log stderr crit;
pid %s/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  server {
    listen 127.0.0.1:%d backlog=4096;
    location / { return 200 "%s"; }
  }
}
`

// nginx starts nginx on the load side and returns its URL.
func (b *bed) nginx(ctx context.Context) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	dir, err := b.group.Dir("bench-nginx-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, dir, port, strings.Repeat("x", 128)), 0o600); err != nil {
		return "", err
	}
	p, err := b.group.Start(proc.Spec{Name: "nginx", Args: []string{"nginx", "-c", file}, CPUs: []int{b.o.LoadCPU}})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("http://127.0.0.1:%d/", port), waitPort(ctx, p, port)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// waitPort waits until the process accepts connections.
func waitPort(ctx context.Context, p *proc.Process, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.Done():
			return fmt.Errorf("%s ended at start (%s): %s", p.Name, p.State(), p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s does not accept connections: %w", p.Name, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// cpuBusy is the time CPU n has spent working, in seconds, from /proc/stat.
func cpuBusy(stat []byte, n int) float64 {
	name := "cpu" + strconv.Itoa(n)
	for line := range strings.Lines(string(stat)) {
		f := strings.Fields(line)
		if len(f) < 9 || f[0] != name {
			continue
		}
		var sum float64
		for i, v := range f[1:9] {
			x, err := strconv.ParseFloat(v, 64)
			if err == nil && i != 3 && i != 4 { // idle, iowait
				sum += x
			}
		}
		return sum / 100
	}
	return 0
}
