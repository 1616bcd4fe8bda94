package runner

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"bench/backends/control"
	"bench/internal/hosts/session"
	"bench/internal/proc"
	"bench/scenarios/certmaker"
	"bench/scenarios/format"
)

// origin is one replica of a backend in a process of its own.
type origin struct {
	name    string // web.1
	addr    string
	socket  string // of its control endpoint
	backend *format.Backend
	group   *proc.Group
	args    []string
	cpus    []int
	client  *control.Client
	enter   func() (leave func() error, err error)
	host    *session.Host // nil: this machine

	mu sync.Mutex
	p  *proc.Process
	// killed reports that the end of the process is wanted.
	killed bool
	// lost says why the counters of the cell are not complete.
	lost string
}

// originReady bounds the start of an origin.
const originReady = 10 * time.Second

// newOrigin describes replica number n (from 1) of a backend; start starts it.
func newOrigin(g *proc.Group, self []string, b *format.Backend, n int, addr, dir string, seed uint64, cpus []int, certs *certmaker.Maker) (*origin, error) {
	name := fmt.Sprintf("%s.%d", b.Name, n)
	socket := filepath.Join(dir, name+".sock")
	args := append(slices.Clone(self), "backend", b.Kind, "--listen", addr, "--control", socket, "--name", name,
		"--latency", string(b.Latency), "--seed", strconv.FormatUint(seed^hash(name), 10))
	own, err := originArgs(b, filepath.Join(dir, b.Name+".answers"))
	if err != nil {
		return nil, err
	}
	if b.TLS != nil {
		file, err := certs.Cert(b.TLS.Name, b.TLS.Flaws...)
		if err != nil {
			return nil, err
		}
		own = append(own, "--tls-cert", file)
	}
	return &origin{
		name: name, addr: addr, socket: socket, backend: b, group: g, args: append(args, own...), cpus: cpus, client: control.NewClient(socket),
	}, nil
}

// start starts the process and waits until it serves.
func (o *origin) start(ctx context.Context) error {
	p, err := o.group.Start(proc.Spec{Name: "origin " + o.name, Args: o.args, CPUs: o.cpus, Nice: niceness, Enter: o.enter, On: processHost(o.host)})
	if err != nil {
		return err
	}
	o.mu.Lock()
	o.p, o.killed = p, false
	o.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, originReady)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- o.client.WaitReady(ctx) }()
	select {
	case err := <-ready:
		if _, wanted := o.process(); err != nil && wanted {
			return fmt.Errorf("origin %s: %w", o.name, err)
		}
		return nil // or a later event killed it again
	case <-p.Done():
		if _, wanted := o.process(); !wanted {
			return nil // a later event killed it again
		}
		return fmt.Errorf("origin %s ended at its start (%s): %s", o.name, p.State(), p.Output())
	}
}

// kill ends the process at once; what it counted is gone with it.
func (o *origin) kill() {
	o.mu.Lock()
	o.killed = true
	o.lost = "origin " + o.name + " was killed, and its counters with it"
	p := o.p
	o.mu.Unlock()
	p.Kill()
}

// process is the present process and whether its end would be a crash.
func (o *origin) process() (p *proc.Process, wanted bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.p, !o.killed
}

// running reports whether the origin is there.
func (o *origin) running() bool {
	p, wanted := o.process()
	return wanted && p.Running()
}

// fault orders a fault and returns when it begins and ends, by the clock of the origin.
func (o *origin) fault(ctx context.Context, kind string, a *format.EventArgs) (*control.Applied, error) {
	return o.client.Apply(ctx, a.Fault(kind))
}

// here is a time of the origin's machine by the clock of this one.
func (o *origin) here(ns int64) int64 {
	if o.host == nil {
		return ns
	}
	return o.host.Here(ns)
}

// moveTo has the origin start on another machine, where its control endpoint is, too.
func (o *origin) moveTo(h *session.Host) {
	o.host, o.cpus = h, nil
	o.client = control.NewClientOver(o.socket, func(ctx context.Context) (net.Conn, error) { return h.Dial(ctx, o.socket) })
}
