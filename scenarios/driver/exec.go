package driver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"bench/internal/proc"
)

// ErrNoReload is the answer of a proxy that cannot be reloaded.
var ErrNoReload = errors.New("driver exec cannot reload without reloadSignal")

// ExecConfig is the path of the configuration within a cell's directory.
func ExecConfig(dir string) string { return filepath.Join(dir, "proxy.cfg") }

// command drives any program that stays in the foreground.
type command struct {
	Options
	words  []string
	signal syscall.Signal // 0: no reload
	gen    *Generation
}

// NewExec drives the program of the given command line. A reload sends it
// signal, which is HUP, USR1, USR2, or "" where it has none.
func NewExec(words []string, signal string, o Options) Driver {
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2}
	return &command{Options: o, words: words, signal: signals[signal]}
}

func (d *command) StatsSocket() string {
	if d.Stats == "" || !strings.Contains(d.Config+strings.Join(d.words, " "), d.Stats) {
		return ""
	}
	return d.Stats
}

func (d *command) Prepare(context.Context) error {
	if d.Host == nil { // which says so itself
		if err := Find("exec", d.words[0]); err != nil {
			return err
		}
	}
	return os.WriteFile(ExecConfig(d.Dir), []byte(d.Config), 0o600)
}

func (d *command) Version(context.Context) (version, build string, err error) {
	return filepath.Base(d.words[0]), "", nil
}

func (d *command) Command() string { return strings.Join(d.words, " ") }

func (d *command) Start(ctx context.Context) (*Generation, error) {
	p, err := d.Group.Start(proc.Spec{Name: "exec", On: d.Host, Args: d.words, CPUs: d.CPUs, Nice: d.Nice, Dir: d.Dir, Enter: d.Namespace.Enter})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.Options.Ready)
	defer cancel()
	for !d.listening() {
		select {
		case <-p.Done():
			return nil, &ExitError{Driver: "exec", State: p.State(), Output: p.Output()}
		case <-ctx.Done():
			p.Kill()
			return nil, notReady(ctx, "exec", d.Options.Ready, p)
		case <-time.After(10 * time.Millisecond):
		}
	}
	d.gen = &Generation{Process: p, PID: p.PID()}
	return d.gen, nil
}

// Reload signals the running process, which remains its own successor.
func (d *command) Reload(context.Context) (*Generation, error) {
	if d.signal == 0 {
		return nil, ErrNoReload
	}
	return d.gen, d.gen.Process.Signal(d.signal)
}

// ReloadBroken: what would be wrong in the program's language is not known.
func (d *command) ReloadBroken(context.Context) error {
	return errors.New("driver exec has no broken configuration for its program")
}

func (d *command) Stop(ctx context.Context) {
	if d.gen != nil {
		d.gen.Process.Stop(ctx, syscall.SIGTERM)
	}
}
