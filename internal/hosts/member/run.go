package member

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"bench/chaos"
	"bench/internal/hosts/wire"
	"bench/internal/proc"
)

// work is what a host does for one run.
type work struct {
	host    *Host
	id      string
	dir     string
	group   *proc.Group
	journal *chaos.Journal
	over    chan struct{}

	mu       sync.Mutex
	channels map[string]*channel
	children map[string]*child
	faults   []*fault
	ports    map[int]bool // that the run was given
	silent   int          // ticks since the last sign of life

	ending sync.Once
	left   error // what could not be undone
}

// begin makes what a run needs. What ends it, however that comes about, leaves nothing
// behind: the group has a guard, and the journal is read by the next one.
func (h *Host) begin(id string) (*work, error) {
	if _, err := chaos.Reap(); err != nil {
		return nil, fmt.Errorf("what an earlier run has left behind cannot be undone: %w", err)
	}
	journal, err := chaos.OpenJournal()
	if err != nil {
		return nil, err
	}
	group, err := proc.NewGroup(proc.Options{
		Guard: append(slices.Clone(h.options.Self), "guard"), Journal: journal.Path(), Lease: true,
		Note: func(mark, dir string) error {
			_, err := journal.Plan(chaos.Undo{Mark: mark, Dir: dir})
			return err
		},
	})
	if err != nil {
		return nil, errors.Join(err, journal.Close())
	}
	w := &work{host: h, id: id, group: group, journal: journal, over: make(chan struct{}), channels: map[string]*channel{}, children: map[string]*child{}, ports: map[int]bool{}}
	if w.dir, err = group.Dir("bench-host-"); err != nil {
		return nil, errors.Join(err, group.Close(), journal.Close())
	}
	return w, nil
}

// end ends everything of the run and undoes it. Whoever calls it again waits for the
// first.
func (w *work) end() error {
	w.ending.Do(func() {
		w.mu.Lock()
		faults := slices.Clone(w.faults)
		w.mu.Unlock()
		for _, f := range slices.Backward(faults) {
			w.left = errors.Join(w.left, f.end())
		}
		w.left = errors.Join(w.left, w.group.Close(), w.journal.Close())
		close(w.over)
	})
	return w.left
}

// channel finds a channel, or makes it.
func (w *work) channel(name string) *channel {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channels[name]
	if c == nil {
		do := w.order
		switch {
		case strings.HasPrefix(name, wire.FaultChannel):
			f := &fault{work: w}
			w.faults = append(w.faults, f)
			do = f.order
		case name != wire.RunChannel:
			// Orders and signals of a process have a channel each, so that neither waits
			// for the other.
			base := strings.TrimSuffix(name, "-s")
			if w.children[base] == nil {
				w.children[base] = &child{work: w, name: base}
			}
			do = w.children[base].order
		}
		c = newChannel(do, w.over)
		w.channels[name] = c
	}
	return c
}

func refusal(kind string, err error) wire.Reply { return wire.Reply{Error: err.Error(), Kind: kind} }

// order carries out what concerns the run as a whole.
func (w *work) order(o *wire.Order) wire.Reply {
	switch o.Op {
	case wire.OpOpen:
		return wire.Reply{Dir: w.dir}
	case wire.OpFile:
		if err := w.write(o); err != nil {
			return refusal("", err)
		}
		return wire.Reply{}
	case wire.OpPort:
		port, err := w.host.freePort()
		if err != nil {
			return refusal("", err)
		}
		w.mu.Lock()
		w.ports[port] = true
		w.mu.Unlock()
		return wire.Reply{Port: port}
	case wire.OpUsage:
		return wire.Reply{Usage: usage(o.PIDs)}
	}
	return refusal(wire.KindRefused, fmt.Errorf("%.40q is no order", o.Op))
}

func usage(pids []int) []wire.Usage {
	var all []wire.Usage
	for _, pid := range pids {
		if u, err := proc.ReadUsage(pid); err == nil {
			all = append(all, wire.Usage{PID: pid, CPUSeconds: u.CPUSeconds, RSSBytes: u.RSSBytes, Children: proc.Children(pid)})
		}
	}
	return all
}

// inside is the path of something in the directory of the run.
func (w *work) inside(path string) (string, error) {
	if !filepath.IsLocal(path) {
		return "", fmt.Errorf("%.80q is outside of the run's directory", path)
	}
	return filepath.Join(w.dir, path), nil
}

func (w *work) write(o *wire.Order) error {
	path, err := w.inside(o.Path)
	if err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | syscall.O_NOFOLLOW
	if o.Append {
		flags |= os.O_APPEND
	} else {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, os.FileMode(o.Mode)&0o700)
	if err != nil {
		return err
	}
	_, err = f.Write(o.Data)
	return errors.Join(err, f.Close())
}

// child is one process of a run, or one connection to a socket of one.
type child struct {
	work *work
	name string // of its channel

	mu      sync.Mutex
	process *proc.Process
	stdin   io.WriteCloser
}

// is tells what the child has become: a process, a connection or nothing yet.
func (c *child) is() (*proc.Process, io.WriteCloser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process, c.stdin
}

func (c *child) become(p *proc.Process, stdin io.WriteCloser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process, c.stdin = p, stdin
}

func (c *child) order(o *wire.Order) wire.Reply {
	process, stdin := c.is()
	switch o.Op {
	case wire.OpStart:
		return c.start(o)
	case wire.OpDial:
		return c.dial(o)
	case wire.OpStdin, wire.OpEOF:
		if stdin == nil {
			return refusal("", errors.New("there is nobody to write to"))
		}
		var err error
		if o.Op == wire.OpEOF {
			err = stdin.Close()
		} else {
			_, err = stdin.Write(o.Data)
		}
		if err != nil {
			return refusal("", err)
		}
		return wire.Reply{}
	case wire.OpSignal:
		if process == nil {
			return refusal("", errors.New("there is no process"))
		}
		if err := process.Signal(syscall.Signal(o.Signal)); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return refusal("", err)
		}
		return wire.Reply{}
	case wire.OpKill:
		if process != nil {
			go process.Kill() // its end is told by its output
		} else if stdin != nil {
			_ = stdin.Close()
		}
		return wire.Reply{}
	}
	return refusal(wire.KindRefused, fmt.Errorf("%.40q is no order", o.Op))
}

// confined is a command of this program that may write in the directory of the run only, and
// start no programs but itself and those that the host allows: a configuration may name any.
func (c *child) confined(args []string) []string {
	h := c.work.host
	if !h.confines {
		return args
	}
	all := append(slices.Clone(h.options.Self), "agent", "confined")
	for _, path := range h.options.Exec {
		all = append(all, "--may="+path)
	}
	return append(append(all, c.work.dir), args...)
}

// unused is an error where the channel is that of a process or connection already.
func (c *child) unused() error {
	if process, stdin := c.is(); process != nil || stdin != nil {
		return errors.New("the channel is in use")
	}
	return nil
}

func (c *child) outbox() *outbox {
	h := c.work.host
	return newOutbox(h.conn, wire.Output(c.work.id, h.options.Name, c.name), c.work.over)
}

func (c *child) start(o *wire.Order) wire.Reply {
	h := c.work.host
	if err := c.unused(); err != nil {
		return refusal(wire.KindRefused, err)
	}
	if err := h.allowed(o); err != nil {
		return refusal(wire.KindRefused, fmt.Errorf("host %s: %w", h.options.Name, err))
	}
	args := o.Args
	if o.Self {
		args = c.confined(append(slices.Clone(h.options.Self), args...))
	}
	out := c.outbox()
	s := proc.Spec{Name: o.Name, Args: args, CPUs: o.CPUs, Nice: o.Nice, RealTime: o.RealTime, StdinPipe: o.Pipe}
	if !o.Pipe {
		s.Stdin = o.Data
	}
	if o.Lines {
		s.Stdout = out
	}
	if o.InDir {
		s.Dir = c.work.dir
	}
	p, err := c.work.group.Start(s)
	if err != nil {
		kind := ""
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			kind = wire.KindMissing
		}
		out.finish(&wire.End{State: "not started", Code: -1})
		return refusal(kind, err)
	}
	c.become(p, p.Stdin)
	go func() {
		<-p.Done()
		out.finish(&wire.End{State: p.State(), Code: p.ExitCode(), Output: p.Output()})
	}()
	return wire.Reply{PID: p.PID()}
}

// dialLimit bounds a connection to a socket of the run.
const dialLimit = 2 * time.Second

// dial connects to a unix socket in the directory of the run.
func (c *child) dial(o *wire.Order) wire.Reply {
	if err := c.unused(); err != nil {
		return refusal(wire.KindRefused, err)
	}
	path, err := c.work.inside(o.Path)
	if err != nil {
		return refusal(wire.KindRefused, err)
	}
	conn, err := net.DialTimeout("unix", path, dialLimit)
	if err != nil {
		return refusal(wire.KindNobody, err)
	}
	out := c.outbox()
	c.become(nil, conn)
	go func() {
		_, err := io.Copy(out, conn)
		end := &wire.End{State: "closed"}
		if err != nil && !errors.Is(err, net.ErrClosed) {
			end.State = err.Error()
		}
		_ = conn.Close()
		out.finish(end)
	}()
	go func() {
		<-c.work.over
		_ = conn.Close()
	}()
	return wire.Reply{}
}

// runOf takes a subject of orders apart.
func runOf(subject string) (run, channel string, ok bool) {
	parts := strings.Split(subject, ".")
	if len(parts) != 5 {
		return "", "", false
	}
	return parts[3], parts[4], true
}

// tick counts a tick without a sign of life, and reports whether the lease is over.
func (w *work) tick() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent++
	return w.silent > wire.Lease
}

func (w *work) alive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = 0
}

// opening reports whether a message is the order that begins a run.
func opening(m *nats.Msg) bool {
	var o wire.Order
	return json.Unmarshal(m.Data, &o) == nil && o.Op == wire.OpOpen && o.Seq == 1
}
