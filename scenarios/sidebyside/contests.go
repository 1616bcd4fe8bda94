package sidebyside

import (
	"bytes"
	"context"
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
)

// contests are the rows of the table.
func contests() []contest {
	const engine, haproxy, generator = "engine", "haproxy", "bench load"
	var rows []contest
	for _, j := range jobs() {
		rows = append(rows, contest{
			name: j.name, ours: engine, peer: haproxy, needs: append(j.needs(), haproxy), must: j.must, aim: j.aim,
			a: func(b *bed) *contestant { return b.engine(&j, 0) },
			b: func(b *bed) *contestant { return b.proxy([]string{haproxy}, "", &j, 0) },
		})
	}
	plain := job{name: "idle connections", mode: "http"}
	rows = append(rows, contest{
		name: "8 000 idle connections", ours: engine, peer: "engine without them", must: 0.95, aim: 1,
		a: func(b *bed) *contestant { return b.engine(&plain, 8000) },
		b: func(b *bed) *contestant { return b.engine(&plain, 0) },
	})
	// Two threads carry twice of what one does if a request costs them no more. At
	// a rate that leaves room for the load, which shares their second processor.
	one := job{name: "2 threads", mode: "http", load: []string{"--rate=8000/s", "--spin=0us"}}
	two := one
	two.threads = 2
	rows = append(rows, contest{
		name: two.name + ", 8 000/s", ours: "engine, 2 threads", peer: "engine, 1 thread", must: 0.9, aim: 0.975,
		a: func(b *bed) *contestant { return b.engine(&two, 0) },
		b: func(b *bed) *contestant { return b.engine(&one, 0) },
	})
	for _, v := range []struct {
		name      string
		ours      []string
		header    []string
		must, aim float64
	}{
		{"generator keep-alive", nil, nil, 1.15, 1.25},
		{"generator close", []string{"--requests-per-connection=1"}, []string{"-H", "Connection: close"}, 1.1, 1.2},
	} {
		rows = append(rows, contest{
			name: v.name, ours: generator, peer: wrk, needs: []string{wrk, nginx}, must: v.must, aim: v.aim,
			a: func(b *bed) *contestant { return b.generator(v.ours) },
			b: func(b *bed) *contestant { return b.wrk(v.header) },
		})
	}
	rows = append(rows, redisContests()...)
	return append(rows, contest{
		name: "origin keep-alive", ours: "bench backend", peer: nginx, needs: []string{nginx}, must: 1.2, aim: 1.5,
		a: func(b *bed) *contestant {
			return b.answering(func(ctx context.Context) (*proc.Process, string, error) {
				return b.originOn(ctx, "128B", b.o.SubjectCPU)
			})
		},
		b: func(b *bed) *contestant {
			return b.answering(func(ctx context.Context) (*proc.Process, string, error) { return b.nginxOn(ctx, b.o.SubjectCPU) })
		},
	})
}

const connections = 64

// sink is the address of a UDP socket that nobody reads: the kernel drops what
// does not fit, which costs every sender the same.
func (b *bed) sink() (string, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return "", err
	}
	b.closers = append(b.closers, func() { _ = c.Close() })
	return c.LocalAddr().String(), nil
}

// answering is a server on the subject's CPU under our generator on the other.
func (b *bed) answering(start func(context.Context) (*proc.Process, string, error)) *contestant {
	var url string
	return &contestant{
		start: func(ctx context.Context) (p *proc.Process, err error) {
			p, url, err = start(ctx)
			return p, err
		},
		load: func(ctx context.Context) (done, error) {
			return b.bench(ctx, url, b.o.LoadCPU, nil)
		},
	}
}

// generator is our generator on the subject's CPU against nginx on the other.
func (b *bed) generator(args []string) *contestant {
	var url string
	return &contestant{
		start: func(ctx context.Context) (_ *proc.Process, err error) {
			_, url, err = b.nginxOn(ctx, b.o.LoadCPU)
			return nil, err
		},
		load: func(ctx context.Context) (done, error) {
			return b.bench(ctx, url, b.o.SubjectCPU, append([]string{"--spin=0us"}, args...))
		},
	}
}

// wrk is wrk in the generator's place.
func (b *bed) wrk(args []string) *contestant {
	var url string
	return &contestant{
		start: func(ctx context.Context) (_ *proc.Process, err error) {
			_, url, err = b.nginxOn(ctx, b.o.LoadCPU)
			return nil, err
		},
		load: func(ctx context.Context) (done, error) {
			return b.wrkOn(ctx, url, b.o.SubjectCPU, args)
		},
	}
}

// output runs a program to its end, pinned, and returns what it printed and the
// CPU time it used.
func (b *bed) output(ctx context.Context, argv []string, cpu int) (string, cpuTime, error) {
	var out, fail bytes.Buffer
	c := exec.CommandContext(ctx, "taskset", append([]string{"-c", strconv.Itoa(cpu)}, argv...)...)
	c.Stdout, c.Stderr = &out, &fail
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := c.Run()
	// The exit code of a load reports whether its schedule held; a closed loop
	// has none, and failures are counted from its outcome.
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() > 0 && out.Len() > 0) {
		return "", cpuTime{}, fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, fail.String())
	}
	user, kernel := c.ProcessState.UserTime().Seconds(), c.ProcessState.SystemTime().Seconds()
	return out.String(), cpuTime{user + kernel, kernel}, nil
}

// origin starts a mock origin on the load side and returns its address.
func (b *bed) origin(ctx context.Context) (string, error) {
	_, url, err := b.originOn(ctx, "128B", b.o.LoadCPU)
	return strings.TrimPrefix(url, "http://"), err
}

// originOn starts a mock origin on a CPU and returns its URL.
func (b *bed) originOn(ctx context.Context, body string, cpu int) (*proc.Process, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := b.group.Start(proc.Spec{
		Name: "origin", CPUs: []int{cpu},
		Args: []string{b.o.Self, "backend", "http", "--listen", addr, "--body", body},
	})
	if err != nil {
		return nil, "", err
	}
	return p, "http://" + addr, waitPort(ctx, p, port)
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

// nginxOn starts nginx on a CPU and returns its URL.
func (b *bed) nginxOn(ctx context.Context, cpu int) (*proc.Process, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	dir, err := b.group.Dir("bench-nginx-")
	if err != nil {
		return nil, "", err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, dir, port, strings.Repeat("x", 128)), 0o600); err != nil {
		return nil, "", err
	}
	p, err := b.group.Start(proc.Spec{Name: "nginx", Args: []string{"nginx", "-c", file}, CPUs: []int{cpu}})
	if err != nil {
		return nil, "", err
	}
	return p, fmt.Sprintf("http://127.0.0.1:%d/", port), waitPort(ctx, p, port)
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

// cpuIdle is the time CPU n had nothing to do, in seconds, from /proc/stat. The
// kernel measures it, while it counts the other columns by the timer's tick, which
// keeps step with work that comes at even times and meets it always or never.
func cpuIdle(stat []byte, n int) float64 {
	name := "cpu" + strconv.Itoa(n)
	for line := range strings.Lines(string(stat)) {
		f := strings.Fields(line)
		if len(f) < 9 || f[0] != name {
			continue
		}
		idle, _ := strconv.ParseFloat(f[4], 64)
		iowait, _ := strconv.ParseFloat(f[5], 64)
		return (idle + iowait) / 100
	}
	return 0
}
