package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bench/internal/poller"
	"bench/internal/proc"
	"bench/netns"
	"bench/scenarios/statsock"
)

// Options are what all drivers need.
type Options struct {
	Group *proc.Group
	Dir   string // of the cell: configuration, sockets, pid files
	// Config is the configuration with all addresses filled in.
	Config string
	// Stats is the path of the stats socket the configuration was given.
	Stats string
	// Listeners are the addresses of {{bind}}, by which readiness is told
	// where there is no stats socket.
	Listeners []string
	// Namespace that the proxy runs in; nil is that of this process.
	Namespace *netns.Namespace
	// Host that the proxy runs on, and how its unix sockets are reached; nil is this
	// machine.
	Host    proc.Host
	Sockets func(ctx context.Context, path string) (net.Conn, error)
	Poller  string
	Threads int    // 0 leaves them to the configuration
	Reload  string // strategy of reloads; "" is Handover
	CPUs    []int
	Nice    int           // priority, as of nice(1)
	Args    []string      // added to the command line
	Ready   time.Duration // bound of a start
}

// native drives HAProxy and programs with its command line.
type native struct {
	Options
	name    string
	command []string // the program and its first words
	config  string   // path
	latest  *Generation
	all     []*Generation
}

// NewHAProxy drives the HAProxy of this machine; binary is looked up in PATH
// and is haproxy when empty.
func NewHAProxy(binary string, o Options) Driver {
	if binary == "" {
		binary = "haproxy"
	}
	return &native{Options: o, name: "haproxy", command: []string{binary}, config: filepath.Join(o.Dir, "haproxy.cfg")}
}

// NewBuiltin drives the engine of this program: self is its own binary.
func NewBuiltin(self []string, o Options) Driver {
	return &native{Options: o, name: "builtin", command: append(self, "proxy"), config: filepath.Join(o.Dir, "haproxy.cfg")}
}

func (d *native) StatsSocket() string {
	if d.Stats == "" || !strings.Contains(d.Config, d.Stats) {
		return ""
	}
	return d.Stats
}

func (d *native) Prepare(ctx context.Context) error {
	if d.Host == nil { // which says so itself
		if err := Find(d.name, d.command[0]); err != nil {
			return err
		}
	}
	if err := os.WriteFile(d.config, []byte(d.Config), 0o600); err != nil {
		return err
	}
	if d.Poller == "io_uring" {
		if err := d.preparePoller(); err != nil {
			return err
		}
	}
	args := append(append([]string{}, d.command...), "-c", "-f", d.config)
	if d.Threads > 0 {
		text := fmt.Sprintf("global\n    nbthread %d\n", d.Threads)
		if err := os.WriteFile(d.threadsConfig(), []byte(text), 0o600); err != nil {
			return err
		}
		args = append(args, "-f", d.threadsConfig())
	}
	p, err := d.Group.Start(proc.Spec{Name: d.name, On: d.Host, Args: args})
	if err != nil {
		return err
	}
	if err := wait(ctx, p, d.Options.Ready); err != nil {
		return fmt.Errorf("%s -c: %w", d.name, err)
	}
	if p.ExitCode() != 0 {
		return &ConfigError{Driver: d.name, Output: withLines(p.Output(), d.Config)}
	}
	return nil
}

// pollerConfig is a second configuration, for what the command line cannot choose.
func (d *native) pollerConfig() string { return filepath.Join(d.Dir, "poller.cfg") }

// threadsConfig is one that has the last word on the number of threads.
func (d *native) threadsConfig() string { return filepath.Join(d.Dir, "threads.cfg") }

// preparePoller writes the choice of a poller that has to be named. The proxy would
// go on with another one where the kernel refuses it, and what is measured would
// not be what the report says.
func (d *native) preparePoller() error {
	if err := CheckPoller(d.Poller); err != nil {
		return err
	}
	return os.WriteFile(d.pollerConfig(), []byte("global\n    tune.poller "+d.Poller+"\n"), 0o600)
}

// CheckPoller says why a poller does not work on this machine; nil if it does, or
// if the proxy chooses (name "").
func CheckPoller(name string) error {
	for _, m := range poller.Mechanisms() {
		if m.Name != name {
			continue
		}
		if err := m.Probe(); err != nil {
			return fmt.Errorf("poller %s does not work here: %w", name, err)
		}
	}
	return nil
}

// wait waits for the end of p and kills it when that takes too long.
func wait(ctx context.Context, p *proc.Process, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-p.Done():
		return nil
	case <-ctx.Done():
		p.Kill()
		return ctx.Err()
	}
}

func (d *native) Version(ctx context.Context) (version, build string, err error) {
	p, err := d.Group.Start(proc.Spec{Name: d.name, On: d.Host, Args: append(append([]string{}, d.command...), "-vv")})
	if err != nil {
		return "", "", err
	}
	if err := wait(ctx, p, 10*time.Second); err != nil {
		return "", "", fmt.Errorf("%s -vv: %w", d.name, err)
	}
	first, rest, _ := strings.Cut(p.Output(), "\n")
	// "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/"
	if _, after, ok := strings.Cut(first, "version "); ok {
		version, _, _ = strings.Cut(after, " ")
	} else {
		version = first
	}
	return version, strings.TrimSpace(rest), nil
}

func (d *native) Command() string { return strings.Join(d.line(nil), " ") }

// line is the command line, with extra words for a reload.
func (d *native) line(extra []string) []string {
	line := append(append([]string{}, d.command...), "-f", d.config, "-p", filepath.Join(d.Dir, "proxy.pid"))
	if d.Options.Reload == Master {
		line = append(line, "-W", "-S", d.masterSocket())
	} else {
		line = append(line, "-db")
	}
	switch d.Poller {
	case "poll":
		line = append(line, "-de")
	case "select":
		line = append(line, "-de", "-dp")
	case "io_uring":
		line = append(line, "-f", d.pollerConfig())
	}
	if d.Threads > 0 {
		line = append(line, "-f", d.threadsConfig())
	}
	return append(append(line, d.Args...), extra...)
}

func (d *native) Start(ctx context.Context) (*Generation, error) {
	return d.launch(ctx, nil)
}

// Reload does what the management manual tells operators to do (section 4), by
// the strategy of the options.
func (d *native) Reload(ctx context.Context) (*Generation, error) {
	soft := []string{"-sf", strconv.Itoa(d.latest.PID)}
	switch d.Options.Reload {
	case ReusePort:
		return d.launch(ctx, soft)
	case Restart:
		d.latest.Process.Stop(ctx, syscall.SIGTERM)
		return d.launch(ctx, nil)
	case Master:
		if err := d.latest.Process.Signal(syscall.SIGUSR2); err != nil {
			return nil, err
		}
		return d.await(ctx, d.latest.Process)
	}
	if d.StatsSocket() != "" {
		soft = append([]string{"-x", d.Stats}, soft...)
	}
	return d.launch(ctx, soft)
}

// mistake is a line no configuration may have.
const mistake = "\nglobal\n    no-such-keyword\n"

// ReloadBroken puts a wrong configuration in the place of the right one for as
// long as the attempt takes.
func (d *native) ReloadBroken(ctx context.Context) (err error) {
	if d.Options.Reload == Restart {
		return errors.New("a restart with a broken configuration ends the proxy: choose another reload")
	}
	if err := os.WriteFile(d.config, []byte(d.Config+mistake), 0o600); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.WriteFile(d.config, []byte(d.Config), 0o600)) }()
	if d.Options.Reload == Master {
		return d.masterRefuses(ctx)
	}
	p, err := d.Group.Start(proc.Spec{Name: d.name, On: d.Host, Args: d.line([]string{"-sf", strconv.Itoa(d.latest.PID)}), CPUs: d.CPUs, Nice: d.Nice, Enter: d.Namespace.Enter})
	if err != nil {
		return err
	}
	if err := wait(ctx, p, d.Options.Ready); err != nil {
		return fmt.Errorf("a reload with a broken configuration does not end: %w", err)
	}
	if p.ExitCode() == 0 {
		return fmt.Errorf("%s accepts a broken configuration", d.name)
	}
	return nil
}

// masterTries is the time a master gets to read a configuration.
const masterTries = time.Second

// masterRefuses orders the reload and sees that the worker stays.
func (d *native) masterRefuses(ctx context.Context) error {
	if err := d.latest.Process.Signal(syscall.SIGUSR2); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-d.latest.Done():
		return fmt.Errorf("the worker of %s ended at a reload with a broken configuration", d.name)
	case <-time.After(masterTries):
	}
	return nil
}

func (d *native) launch(ctx context.Context, extra []string) (*Generation, error) {
	p, err := d.Group.Start(proc.Spec{Name: d.name, On: d.Host, Args: d.line(extra), CPUs: d.CPUs, Nice: d.Nice, Enter: d.Namespace.Enter})
	if err != nil {
		return nil, err
	}
	return d.await(ctx, p)
}

// await waits until a new process of p serves: p itself or a worker of it.
func (d *native) await(ctx context.Context, p *proc.Process) (*Generation, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Options.Ready)
	defer cancel()
	g := &Generation{Number: len(d.all), Process: p, PID: p.PID()}
	for !d.ready(g) {
		select {
		case <-p.Done():
			return nil, &ExitError{Driver: d.name, State: p.State(), Output: p.Output()}
		case <-ctx.Done():
			p.Kill()
			return nil, notReady(ctx, d.name, d.Options.Ready, p)
		case <-time.After(5 * time.Millisecond):
		}
	}
	d.all = append(d.all, g)
	d.latest = g
	return g, nil
}

// notReady says why a proxy was given up.
func notReady(ctx context.Context, name string, limit time.Duration, p *proc.Process) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return &ExitError{Driver: name, State: fmt.Sprintf("not ready after %v", limit), Output: p.Output()}
}

// ready reports whether the process of a new generation serves, and finds out
// which it is where a master has started it.
func (d *native) ready(g *Generation) bool {
	if d.StatsSocket() == "" {
		return d.listening()
	}
	c, err := d.DialStats(d.Stats, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	info, err := c.Info()
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(info["Pid"])
	if err != nil {
		return false
	}
	if d.Options.Reload != Master {
		return pid == g.PID
	}
	if d.latest != nil && pid == d.latest.PID || !d.masterAnswers() {
		return false
	}
	g.PID, g.gone = pid, make(chan struct{})
	go watchWorker(pid, g.Process, g.gone)
	return true
}

func (d *native) masterSocket() string { return filepath.Join(d.Dir, "master.sock") }

// masterAnswers reports whether the master process listens to commands. Before that a
// signal to it may be lost.
func (d *native) masterAnswers() bool {
	limit := time.Second
	dial := func(ctx context.Context, path string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	if d.Sockets != nil {
		dial, limit = d.Sockets, elsewhereLimit
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c, err := dial(ctx, d.masterSocket())
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	if c.SetDeadline(time.Now().Add(limit)) != nil {
		return false
	}
	if _, err := io.WriteString(c, "show proc\n"); err != nil {
		return false
	}
	// The connection stays open for more commands; the answer is one write.
	text := make([]byte, 4096)
	n, err := c.Read(text)
	return err == nil && bytes.Contains(text[:n], []byte("master"))
}

// Time between two looks whether a worker is there, on this machine and on another.
const (
	workerStep      = 20 * time.Millisecond
	workerElsewhere = 200 * time.Millisecond
)

// watchWorker closes gone when the worker has ended, which is no child of ours,
// or its master.
func watchWorker(pid int, master *proc.Process, gone chan<- struct{}) {
	defer close(gone)
	step, there := workerStep, func() bool { return syscall.Kill(pid, 0) == nil }
	if master.Elsewhere() != nil {
		step, there = workerElsewhere, func() bool {
			workers, err := master.Children()
			return err != nil || slices.Contains(workers, pid) // nothing is known without an answer
		}
	}
	for there() {
		select {
		case <-master.Done():
			return
		case <-time.After(step):
		}
	}
}

// DialStats connects to a stats socket of the proxy.
func (o *Options) DialStats(path string, timeout time.Duration) (*statsock.Conn, error) {
	if o.Sockets == nil {
		return statsock.Dial(path, timeout)
	}
	ctx, cancel := context.WithTimeout(context.Background(), max(timeout, elsewhereLimit))
	defer cancel()
	conn, err := o.Sockets(ctx, path)
	if err != nil {
		return nil, err
	}
	return statsock.Over(conn, max(timeout, elsewhereLimit))
}

// elsewhereLimit is the least bound of a command to a socket on another machine.
const elsewhereLimit = 5 * time.Second

// listening reports whether every listener accepts connections.
func (o *Options) listening() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, a := range o.Listeners {
		c, err := o.Namespace.Dial(ctx, "tcp", a)
		if err != nil {
			return false
		}
		_ = c.Close()
	}
	return true
}

func (d *native) Stop(ctx context.Context) { stopAll(ctx, d.all) }

// stopAll ends all generations at once. Those of one master share its process.
func stopAll(ctx context.Context, all []*Generation) {
	for _, g := range all {
		if g.Process.Running() {
			_ = g.Process.Signal(syscall.SIGTERM)
		}
	}
	for _, g := range all {
		g.Process.Stop(ctx, syscall.SIGTERM)
	}
}
