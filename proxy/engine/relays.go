package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
	"bench/proxy/log"
	"bench/proxy/spec"
)

// relay is a "log-forward" section at work: a goroutine for each address and each
// connection. Lines of other programs do not pass through the loops, whose clients must
// not wait for them.
type relay struct {
	e    *Engine
	spec *spec.LogForward
	plan *log.Plan

	// Set by bind.

	listeners []*relayListener // guarded by Engine.mu from then on
	datagrams []net.PacketConn

	places  chan struct{} // taken by connections
	running sync.WaitGroup

	// Guarded by mu.

	mu    sync.Mutex
	conns map[net.Conn]bool
	ended bool
}

type relayListener struct {
	net.Listener
	fd   int // the same socket, to hand over
	bind *spec.Bind
}

// makeRelays works out where the sections send what they get.
func (e *Engine) makeRelays() error {
	for _, s := range e.cfg.LogForwards {
		plan, err := log.NewRelayPlan(&e.cfg.Global, s, e.rings)
		if err != nil {
			return err
		}
		e.relays = append(e.relays, &relay{e: e, spec: s, plan: plan, places: make(chan struct{}, firstPositive(s.MaxConn, int(e.shared.MaxConn.Load()))), conns: map[net.Conn]bool{}})
	}
	return nil
}

// bind opens the sockets that are not open yet.
func (r *relay) bind() error {
	for _, b := range r.spec.Binds[len(r.listeners):] {
		l, err := r.listen(b)
		if err != nil {
			return fmt.Errorf("starting log-forward %s: %w [%s:%d]", r.spec.Name, err, b.File, b.Line)
		}
		r.listeners = append(r.listeners, l)
	}
	for _, b := range r.spec.Datagrams[len(r.datagrams):] {
		c, err := r.datagram(b)
		if err != nil {
			return fmt.Errorf("starting log-forward %s: %w [%s:%d]", r.spec.Name, err, b.File, b.Line)
		}
		r.datagrams = append(r.datagrams, c)
	}
	return nil
}

func (r *relay) listen(b *spec.Bind) (*relayListener, error) {
	fd, err := r.e.open(b, firstPositive(b.Options.Backlog, r.spec.Backlog))
	if err != nil {
		return nil, err
	}
	if !sock.IsListening(fd) { // the process that is being replaced has let go of it
		if err := sock.ListenAgain(fd, firstPositive(b.Options.Backlog, r.spec.Backlog)); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Text, err)
		}
	}
	twin, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(twin), b.Text)
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // another process may have taken the name by then
	}
	return &relayListener{l, fd, b}, nil
}

func (r *relay) datagram(b *spec.DatagramBind) (net.PacketConn, error) {
	network, addr := "udp", b.Addr.String()
	if b.Addr.IsUnix() {
		network, addr = "unixgram", b.Addr.Path()
		if !b.Addr.IsAbstract() {
			if err := os.Remove(addr); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
		}
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if e := raw.Control(func(fd uintptr) { err = r.prepare(int(fd), b) }); e != nil {
			return e
		}
		return err
	}}
	var c net.PacketConn
	err := b.Namespace.Do(func() (err error) {
		c, err = lc.ListenPacket(context.Background(), network, addr)
		return err
	})
	return c, err
}

// prepare sets what is to be set before the socket has its address.
func (r *relay) prepare(fd int, b *spec.DatagramBind) error {
	if b.Addr.IsUnix() {
		return nil
	}
	if !r.e.cfg.Global.NoReusePort {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return err
		}
	}
	if b.Interface != "" {
		if err := unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, b.Interface); err != nil {
			return err
		}
	}
	if !b.Foreign {
		return nil
	}
	if b.Addr.Family() == sock.FamilyIPv6 {
		return unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_TRANSPARENT, 1)
	}
	return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_TRANSPARENT, 1)
}

func (r *relay) start() {
	for _, l := range r.listeners {
		r.running.Go(func() { r.accept(l) })
	}
	for _, c := range r.datagrams {
		r.running.Go(func() { r.receive(c) })
	}
}

// receive passes datagrams on until the socket is closed.
func (r *relay) receive(c net.PacketConn) {
	out := log.NewRelay(r.plan)
	defer out.Close()
	buf := make([]byte, r.e.cfg.Global.Tune.BufSize)
	for {
		n, _, err := c.ReadFrom(buf)
		switch {
		case err == nil:
			r.passed(out, buf[:n])
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			_ = c.Close()
			return
		}
	}
}

// passed counts a line and passes it on.
func (r *relay) passed(out *log.Relay, line []byte) {
	r.e.relayed.Add(1)
	out.Pass(line)
}

// accept takes connections, as many at a time as the section allows: others wait, one of
// them accepted already, because addresses share the places.
func (r *relay) accept(l *relayListener) {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(acceptPause) // no descriptors, perhaps
			continue
		}
		r.places <- struct{}{}
		if !r.enter(c) {
			_ = c.Close()
			<-r.places
			continue
		}
		r.running.Go(func() {
			r.serve(c)
			r.leave(c)
			<-r.places
		})
	}
}

// acceptPause is after a connection that could not be accepted.
const acceptPause = 100 * time.Millisecond

// enter notes a connection, which keeps a process that is stopping alive.
func (r *relay) enter(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	r.conns[c] = true
	r.e.shared.Conns.Inc()
	return true
}

func (r *relay) leave(c net.Conn) {
	_ = c.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
	r.e.shared.Conns.Dec()
}

// serve passes on the lines of a connection.
func (r *relay) serve(c net.Conn) {
	out := log.NewRelay(r.plan)
	defer out.Close()
	frames := log.NewFrames(r.e.cfg.Global.Tune.BufSize)
	for {
		if r.spec.Client > 0 {
			_ = c.SetReadDeadline(time.Now().Add(r.spec.Client))
		}
		n, err := c.Read(frames.Room())
		frames.Took(n)
		for {
			line, ok, wrong := frames.Next()
			if wrong != nil {
				return
			}
			if !ok {
				break
			}
			r.passed(out, line)
		}
		if err != nil {
			return
		}
	}
}

// drainTime is how long what datagrams there are may take when the section stops.
const drainTime = 100 * time.Millisecond

// stop closes the sockets, behind the datagrams that have come. Connections go on.
func (r *relay) stop() {
	r.e.mu.Lock()
	listeners := r.listeners
	r.listeners = nil
	r.e.mu.Unlock()
	for _, l := range listeners {
		_ = l.Close()
		sock.Close(l.fd)
	}
	for _, c := range r.datagrams {
		if r.e.serving {
			_ = c.SetReadDeadline(time.Now().Add(drainTime))
		} else {
			_ = c.Close()
		}
	}
}

// end breaks the connections off.
func (r *relay) end() {
	r.mu.Lock()
	r.ended = true
	for c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}
