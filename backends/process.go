package backends

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"bench/backends/control"
	"bench/backends/fault"
	"bench/backends/origin"
	"bench/internal/loop"
	"bench/internal/sock"
)

// Process is the origins of one process, serving. It implements
// control.Target.
type Process struct {
	kind     origin.Kind
	threads  []*thread
	replicas []*replica
	ledger   fault.Ledger
	since    atomic.Int64
	control  *http.Server
	addr     string // of the control endpoint
	socket   string // its file, if it has one
	ended    chan error
	stop     sync.Once
}

// thread is one event loop.
type thread struct {
	loop *loop.Loop
	done chan struct{}
	err  error
}

// replica is one origin with its parts on the threads that serve it.
type replica struct {
	name  string
	addr  sock.Addr
	parts []part
}

type part struct {
	thread *thread
	origin origin.Replica
}

// errStopped answers orders to a process that is ending.
var errStopped = errors.New("the origin is stopping")

// Start binds everything, and serves when it returns.
func Start(o *Options) (*Process, error) {
	places, err := o.places()
	if err != nil {
		return nil, err
	}
	p := &Process{kind: o.Kind, ended: make(chan error, 1)}
	p.since.Store(loop.Nanotime())
	if err := p.start(o, places); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func (p *Process) start(o *Options, places []place) error {
	for i := range max(1, o.Threads) {
		l, err := o.newLoop()
		if err != nil {
			return err
		}
		t := &thread{loop: l, done: make(chan struct{})}
		p.threads = append(p.threads, t)
		if len(o.CPUs) > 0 {
			cpu := o.CPUs[i%len(o.CPUs)]
			l.Post(func() { t.err = pin(cpu) })
		}
		go p.run(t)
		if !l.Call(func() {}) || t.err != nil {
			return t.err
		}
	}
	for i := range places {
		if err := p.place(&places[i], i, o.Seed); err != nil {
			return err
		}
	}
	if o.Control != "" {
		return p.serveControl(o.Control)
	}
	return nil
}

func (o *Options) newLoop() (*loop.Loop, error) {
	if o.Poller == "" {
		return loop.NewQuickest(sock.ReservableFDs())
	}
	return loop.New(o.Poller, sock.ReservableFDs())
}

// run turns a loop; an origin with a loop that failed is of no use.
func (p *Process) run(t *thread) {
	defer close(t.done)
	if err := t.loop.Run(); err != nil {
		select {
		case p.ended <- err:
		default:
		}
	}
}

// pin ties the calling thread to one CPU.
func pin(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("cannot pin the origin to CPU %d: %w", cpu, err)
	}
	return nil
}

// place starts a replica on every thread. A unix socket cannot be bound
// several times, and some kinds cannot be divided: such a replica lives on one
// thread.
func (p *Process) place(pl *place, index int, seed uint64) error {
	r := &replica{name: pl.name, addr: pl.addr}
	threads := p.threads
	if pl.addr.IsUnix() || p.kind.OneThread() {
		threads = threads[index%len(threads):][:1]
	}
	for i, t := range threads {
		at := &origin.Place{
			Loop: t.loop, Name: r.name, Addr: r.addr, ReusePort: len(threads) > 1,
			Ledger: &p.ledger, Seed: seed, Stream: uint64(index)<<16 | uint64(i),
		}
		var replica origin.Replica
		var err error
		if !t.loop.Call(func() { replica, err = p.kind.Start(at) }) {
			err = errStopped
		}
		if err != nil {
			return err
		}
		r.addr = replica.Addr()
		r.parts = append(r.parts, part{t, replica})
	}
	p.replicas = append(p.replicas, r)
	return nil
}

func (p *Process) serveControl(addr string) error {
	a, err := sock.Parse(addr)
	if err != nil {
		return fmt.Errorf("control endpoint: %w", err)
	}
	fd, err := sock.Listen(&a, nil)
	if err != nil {
		return fmt.Errorf("control endpoint: %w", err)
	}
	bound, errno := sock.LocalAddr(fd)
	f := os.NewFile(uintptr(fd), "control")
	defer f.Close()
	if errno != 0 {
		return fmt.Errorf("control endpoint: reading its address: %w", errno)
	}
	p.addr = bound.String()
	if a.IsUnix() {
		p.addr = a.String()
		if !a.IsAbstract() {
			p.socket = a.Path()
		}
	}
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("control endpoint: %w", err)
	}
	p.control = &http.Server{Handler: control.Handler(p), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		err := p.control.Serve(l)
		if !errors.Is(err, http.ErrServerClosed) {
			select {
			case p.ended <- fmt.Errorf("control endpoint: %w", err):
			default:
			}
		}
	}()
	return nil
}

// Ended delivers the error of a process that cannot go on.
func (p *Process) Ended() <-chan error { return p.ended }

// ReadyLine says where the process serves.
func (p *Process) ReadyLine() ReadyLine {
	line := ReadyLine{Ready: true, Kind: p.kind.Protocol(), PID: os.Getpid(), Control: p.addr}
	for _, r := range p.replicas {
		line.Origins = append(line.Origins, Bound{r.name, r.addr.String()})
	}
	return line
}

// Stop breaks all connections, closes everything and removes unix sockets. It
// may be called several times.
func (p *Process) Stop() {
	p.stop.Do(func() {
		if p.control != nil {
			_ = p.control.Close()
		}
		if p.socket != "" {
			_ = os.Remove(p.socket)
		}
		for _, r := range p.replicas {
			for _, part := range r.parts {
				part.thread.loop.Call(part.origin.Close)
			}
		}
		for _, t := range p.threads {
			t.loop.Stop()
			<-t.done
		}
	})
}
