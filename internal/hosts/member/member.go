// Package member is a host that offers itself to a hub: it starts processes for one run
// at a time, passes on what they say, and ends and undoes all of it as soon as the run
// is over, or nothing is heard of it any more. What the processes do is none of its
// business.
package member

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"bench/chaos/port"
	"bench/internal/confine"
	"bench/internal/hosts/wire"
)

// Options of a host.
type Options struct {
	Hub  *wire.Address
	Name string
	// Labels by which scenarios may choose the host.
	Labels map[string]string
	// Allow lists the roles the host takes on, Exec the paths of programs other than
	// this one that it starts.
	Allow, Exec []string
	// Address by which other hosts reach this one; empty is the one that leads to the hub.
	Address string
	// Self is the command of this program.
	Self []string
	// Tool is the version of this program.
	Tool string
	// Dir is where the host keeps others of this machine from joining, too.
	Dir string
	// Note takes what is worth a line, from several goroutines.
	Note func(string)
	// Clock is CLOCK_MONOTONIC in nanoseconds; tests have another.
	Clock func() int64
}

// Host is a host that has joined.
type Host struct {
	options  Options
	instance string
	conn     *nats.Conn
	lock     *os.File
	refused  chan error
	confines bool // the kernel keeps own programs to the directory of the run

	// opening is held while a run begins, which may take seconds: signs of life must not wait
	// for that.
	opening sync.Mutex

	mu   sync.Mutex
	work *work // nil: free
	past map[string]bool
	left bool // no run begins any more
	port int
}

// ErrJoined is a machine that offers itself already.
var ErrJoined = errors.New("this machine has joined already")

// Join offers this machine to the hub until ctx ends; then everything is ended and
// undone. It fails with ErrJoined where another host of this machine keeps its lock.
func Join(ctx context.Context, o Options) (err error) {
	if err := wire.CheckName(o.Name); err != nil {
		return err
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	h := &Host{options: o, instance: hex.EncodeToString(random[:]), refused: make(chan error, 1), past: map[string]bool{}}
	if h.lock, err = lockMachine(o.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.lock.Close()) }()
	if o.Address != "" {
		if h.options.Address, err = wire.ParseHost(o.Address); err != nil {
			return fmt.Errorf("--address: %w", err)
		}
	}
	h.conn, err = wire.Connect(o.Hub, wire.Options{Name: wire.ClientOfHost(o.Name), Note: o.Note, Refused: func(err error) {
		select {
		case h.refused <- err:
		default:
		}
	}})
	if err != nil {
		return err
	}
	defer h.conn.Close()
	if h.options.Address == "" {
		if h.options.Address, err = o.Hub.Towards(); err != nil {
			return err
		}
	}
	return h.serve(ctx)
}

func (h *Host) serve(ctx context.Context) error {
	// Free ports are looked for in different places on different hosts, which may be on
	// one machine.
	h.port = lowPort + os.Getpid()*7%(highPort-lowPort)
	why := confine.Possible()
	if h.confines = why == nil; !h.confines {
		h.options.Note(fmt.Sprintf("runs may write files and start programs here as this user may: %v", why))
	}
	for subject, take := range map[string]nats.MsgHandler{
		wire.Who: h.tellWho, wire.AnyRunBeat: h.heard, wire.AnyOrders(h.options.Name): h.ordered,
	} {
		if _, err := h.conn.Subscribe(subject, take); err != nil {
			return err
		}
	}
	if err := h.conn.FlushTimeout(10 * time.Second); err != nil {
		return fmt.Errorf("the hub does not answer: %w", err)
	}
	h.options.Note(fmt.Sprintf("joined as %s, reached at %s", h.options.Name, h.options.Address))
	go h.beats(ctx)
	tick := time.NewTicker(wire.Tick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return h.leave()
		case err := <-h.refused:
			return errors.Join(fmt.Errorf("the hub forbids what a host has to do: %w", err), h.leave())
		case <-tick.C:
		}
		if w := h.current(); w != nil && w.tick() {
			if err := h.free("nothing was heard of the run for " + (wire.Lease * wire.Tick).String()); err != nil {
				h.options.Note(err.Error())
			}
		}
	}
}

func (h *Host) current() *work {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.work
}

// beats says twice a second that the host lives. It may have to wait for the connection,
// which nothing else must.
func (h *Host) beats(ctx context.Context) {
	tick := time.NewTicker(wire.BeatEvery)
	defer tick.Stop()
	for {
		h.beat()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// beat says that the host lives. What is lost of it is made up for by the next.
func (h *Host) beat() {
	b := wire.BeatMessage{Instance: h.instance}
	if w := h.current(); w != nil {
		b.Run = w.id
	}
	if text, err := json.Marshal(b); err == nil {
		_ = h.conn.Publish(wire.Beat(h.options.Name), text)
	}
}

// heard takes a sign of life of a run, which says nothing: what says something is the
// acknowledgement of a message that somebody else wanted to have here.
func (h *Host) heard(m *nats.Msg) {
	if w := h.current(); w != nil && m.Subject == wire.RunBeat(w.id) && len(m.Data) == 0 {
		w.alive()
	}
}

func (h *Host) tellWho(*nats.Msg) {
	hello := wire.Hello{
		Version: wire.Version, Name: h.options.Name, Instance: h.instance, Labels: h.options.Labels,
		Allow: h.options.Allow, Exec: h.options.Exec, Address: h.options.Address, CPUs: runtime.NumCPU(), Kernel: kernel(),
		Tool: h.options.Tool, Packets: port.Allowed() == nil,
	}
	if w := h.current(); w != nil {
		hello.Run = w.id
	}
	if text, err := json.Marshal(hello); err == nil {
		_ = h.conn.Publish(wire.HelloOf(h.options.Name), text) // who misses it asks again
	}
}

// ordered takes an order of a run; it does not wait for anything. Orders want an answer: what
// wants none is an acknowledgement, as for heard.
func (h *Host) ordered(m *nats.Msg) {
	received := h.options.Clock()
	run, name, ok := runOf(m.Subject)
	switch {
	case !ok, m.Reply == "":
		return
	case name == wire.ClockChannel:
		_ = m.Respond(wire.Stamps(received, h.options.Clock()))
		return
	}
	if w := h.current(); w != nil && w.id == run {
		w.alive()
		if name == wire.RunChannel && closing(m) {
			go h.close(m)
			return
		}
		w.channel(name).offer(m)
		return
	}
	go h.open(m, run, name)
}

// open begins a run, or says why not.
func (h *Host) open(m *nats.Msg, run, name string) {
	if !h.opening.TryLock() {
		return // one begins at this moment: it is asked again
	}
	defer h.opening.Unlock()
	h.mu.Lock()
	w, over := h.work, h.left || h.past[run]
	h.mu.Unlock()
	switch {
	case w != nil && w.id == run:
		w.channel(name).offer(m) // it came while the run began
	case over || name != wire.RunChannel || !opening(m):
		respond(m, wire.Reply{Error: "host " + h.options.Name + " does not work for this run any more", Kind: wire.KindGone})
	case w != nil:
		respond(m, wire.Reply{Error: "host " + h.options.Name + " works for another run", Kind: wire.KindBusy})
	default:
		w, err := h.begin(run)
		if err != nil {
			respond(m, refusal("", fmt.Errorf("host %s: %w", h.options.Name, err)))
			return
		}
		h.mu.Lock()
		h.work = w
		h.mu.Unlock()
		h.options.Note("run " + run + " begins")
		w.channel(name).offer(m)
	}
}

// close ends the run on its order.
func (h *Host) close(m *nats.Msg) {
	r := wire.Reply{}
	if err := h.free("it is over"); err != nil {
		r.Error = "host " + h.options.Name + ": " + err.Error()
	}
	respond(m, r)
}

// leave ends what the host works for, and lets nothing begin any more.
func (h *Host) leave() error {
	h.opening.Lock() // what begins is ended, too
	h.mu.Lock()
	h.left = true
	h.mu.Unlock()
	h.opening.Unlock()
	return h.free("the host leaves")
}

// free ends what the host works for, if anything.
func (h *Host) free(why string) error {
	h.mu.Lock()
	w := h.work
	h.mu.Unlock()
	if w == nil {
		return nil
	}
	err := w.end()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.work == w {
		h.work = nil
		h.past[w.id] = true
		h.options.Note("run " + w.id + " ends: " + why)
	}
	return err
}

// closing reports whether a message is the order that ends a run.
func closing(m *nats.Msg) bool {
	var o wire.Order
	return json.Unmarshal(m.Data, &o) == nil && o.Op == wire.OpClose
}

// lockMachine keeps a second host from joining from the same machine.
func lockMachine(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "join.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, errors.Join(fmt.Errorf("%w (%s is locked)", ErrJoined, f.Name()), f.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
	}
	return f, nil
}

// Ports that are given out lie below those the kernel gives to connections.
const lowPort, highPort = 10_240, 32_767

// freePort is a port of the host's address that nobody listens on.
func (h *Host) freePort() (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var last error
	for range highPort - lowPort {
		port := h.port
		if h.port++; h.port > highPort {
			h.port = lowPort
		}
		l, err := net.Listen("tcp", net.JoinHostPort(h.options.Address, strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("no port of %s is free: %w", h.options.Address, last)
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
