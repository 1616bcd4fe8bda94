package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"bench/internal/proc"
)

// nginx drives the nginx of this machine: a master process in the foreground,
// whose workers a reload replaces.
type nginx struct {
	Options
	binary string
	config string // path
	gen    *Generation
}

// NewNginx drives the nginx of this machine; binary is looked up in PATH and is
// nginx when empty.
func NewNginx(binary string, o Options) Driver {
	if binary == "" {
		binary = "nginx"
	}
	return &nginx{Options: o, binary: binary, config: filepath.Join(o.Dir, "nginx.conf")}
}

// StatsSocket: nginx has none.
func (d *nginx) StatsSocket() string { return "" }

// pidDirective finds a pid directive, which may stand only once.
var pidDirective = regexp.MustCompile(`(?m)^\s*pid\s`)

func (d *nginx) line(extra ...string) []string {
	global := "daemon off;"
	if !pidDirective.MatchString(d.Config) {
		global += " pid " + filepath.Join(d.Dir, "nginx.pid") + ";"
	}
	line := []string{d.binary, "-p", d.Dir, "-e", "stderr", "-c", d.config, "-g", global}
	return append(append(line, d.Args...), extra...)
}

func (d *nginx) Prepare(ctx context.Context) error {
	if d.Host == nil { // which says so itself
		if err := Find("nginx", d.binary); err != nil {
			return err
		}
	}
	if err := os.WriteFile(d.config, []byte(d.Config), 0o600); err != nil {
		return err
	}
	p, err := d.Group.Start(proc.Spec{Name: "nginx", On: d.Host, Args: d.line("-t", "-q")})
	if err != nil {
		return err
	}
	if err := wait(ctx, p, d.Options.Ready); err != nil {
		return fmt.Errorf("nginx -t: %w", err)
	}
	if p.ExitCode() != 0 {
		return &ConfigError{Driver: "nginx", Output: withLines(p.Output(), d.Config)}
	}
	return nil
}

func (d *nginx) Version(ctx context.Context) (version, build string, err error) {
	p, err := d.Group.Start(proc.Spec{Name: "nginx", On: d.Host, Args: []string{d.binary, "-V"}})
	if err != nil {
		return "", "", err
	}
	if err := wait(ctx, p, 10*time.Second); err != nil {
		return "", "", fmt.Errorf("nginx -V: %w", err)
	}
	// "nginx version: nginx/1.22.1"
	first, rest, _ := strings.Cut(p.Output(), "\n")
	return first[strings.LastIndexByte(first, '/')+1:], strings.TrimSpace(rest), nil
}

func (d *nginx) Command() string { return strings.Join(d.line(), " ") }

func (d *nginx) Start(ctx context.Context) (*Generation, error) {
	p, err := d.Group.Start(proc.Spec{Name: "nginx", On: d.Host, Args: d.line(), CPUs: d.CPUs, Nice: d.Nice, Enter: d.Namespace.Enter})
	if err != nil {
		return nil, err
	}
	if err := d.until(ctx, p, func() bool { return d.listening() && len(workers(p)) > 0 }); err != nil {
		return nil, err
	}
	d.gen = &Generation{Process: p, PID: p.PID()}
	return d.gen, nil
}

// Reload tells the master to read its configuration again, and waits for a
// worker that was not there before.
func (d *nginx) Reload(ctx context.Context) (*Generation, error) {
	p := d.gen.Process
	before := workers(p)
	if err := p.Signal(syscall.SIGHUP); err != nil {
		return nil, err
	}
	return d.gen, d.until(ctx, p, func() bool {
		return slices.ContainsFunc(workers(p), func(pid int) bool { return !slices.Contains(before, pid) })
	})
}

// ReloadBroken lets the master read a wrong configuration, which it refuses
// while its workers go on.
func (d *nginx) ReloadBroken(ctx context.Context) (err error) {
	if err := os.WriteFile(d.config, []byte(d.Config+"\nno_such_directive;\n"), 0o600); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.WriteFile(d.config, []byte(d.Config), 0o600)) }()
	before := workers(d.gen.Process)
	if err := d.gen.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(masterTries):
	}
	if !slices.Equal(before, workers(d.gen.Process)) {
		return errors.New("nginx accepts a broken configuration")
	}
	return nil
}

// workers are those of a master; none where its machine does not say.
func workers(p *proc.Process) []int {
	all, err := p.Children()
	if err != nil {
		return nil
	}
	return all
}

// until waits for a condition while the master lives.
func (d *nginx) until(ctx context.Context, p *proc.Process, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, d.Options.Ready)
	defer cancel()
	for !holds() {
		select {
		case <-p.Done():
			return &ExitError{Driver: "nginx", State: p.State(), Output: p.Output()}
		case <-ctx.Done():
			return notReady(ctx, "nginx", d.Options.Ready, p)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

func (d *nginx) Stop(ctx context.Context) {
	if d.gen != nil {
		d.gen.Process.Stop(ctx, syscall.SIGTERM)
	}
}
