package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"bench/internal/hosts/wire"
	"bench/internal/proc"
)

// startLimit bounds an order of a process: a machine may be slow, not silent.
const startLimit = 20 * time.Second

// mostOfOutput is how much is kept of the output that comes with the end of a process.
const mostOfOutput = 64 << 10

// remote is one process of a host, or one connection to a socket there.
type remote struct {
	host   *Host
	orders caller
	// signals do not wait for a process that does not read its input.
	signals caller
	pid     int
	stdout  io.Writer
	done    chan struct{}

	mu   sync.Mutex
	last uint64 // number of the last output
	end  *wire.End
}

var _ proc.Host = (*Host)(nil)

// newRemote makes what takes the output of a process before that can begin.
func (h *Host) newRemote(stdout io.Writer) (*remote, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.why != nil {
		return nil, h.why
	}
	name := h.channelName()
	r := &remote{host: h, stdout: stdout, done: make(chan struct{})}
	r.orders = caller{host: h, channel: name}
	r.signals = caller{host: h, channel: name + "-s"}
	h.children[name] = r
	return r, nil
}

func (r *remote) forget() {
	r.host.mu.Lock()
	defer r.host.mu.Unlock()
	delete(r.host.children, r.orders.channel)
}

// Launch implements proc.Host. The files of the run's directory are there before the
// process is, and where its command line or input name that directory, they name the one
// there. The environment is the host's: by that of a program one could make another one
// of it.
func (h *Host) Launch(s *proc.Spec, stdout io.Writer) (proc.Remote, error) {
	if len(s.Env) > 0 {
		return nil, fmt.Errorf("host %s: processes there have the environment of their host", h.Name())
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := h.syncFiles(ctx); err != nil {
		return nil, err
	}
	r, err := h.newRemote(stdout)
	if err != nil {
		return nil, err
	}
	o := &wire.Order{
		Op: wire.OpStart, Name: s.Name, Args: h.allThere(s.Args), CPUs: s.CPUs, Nice: s.Nice,
		RealTime: s.RealTime, Pipe: s.StdinPipe, Lines: s.Stdout != nil, Data: h.bytesThere(s.Stdin), InDir: s.Dir != "",
	}
	if self := h.session.options.Self; len(s.Args) >= len(self) && strings.Join(s.Args[:len(self)], "\x00") == strings.Join(self, "\x00") {
		o.Self, o.Args = true, o.Args[len(self):]
	}
	reply, err := r.orders.call(ctx, o)
	if err != nil {
		r.forget()
		return nil, err
	}
	r.pid = reply.PID
	return r, nil
}

func (r *remote) PID() int { return r.pid }

// Stdin writes to the process; each write returns when the host has written it.
func (r *remote) Stdin() io.WriteCloser { return stdin{r} }

type stdin struct{ r *remote }

func (w stdin) Write(p []byte) (int, error) {
	data := w.r.host.bytesThere(p)
	for len(data) > 0 {
		n := min(len(data), wire.MaxChunk)
		if err := w.r.order(&wire.Order{Op: wire.OpStdin, Data: data[:n]}); err != nil {
			return 0, err
		}
		data = data[n:]
	}
	return len(p), nil
}

func (w stdin) Close() error { return w.r.order(&wire.Order{Op: wire.OpEOF}) }

func (r *remote) order(o *wire.Order) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	_, err := r.orders.call(ctx, o)
	return err
}

func (r *remote) Signal(sig syscall.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	switch sig {
	case syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2:
		if err := r.host.syncFiles(ctx); err != nil {
			return err
		}
	}
	_, err := r.signals.call(ctx, &wire.Order{Op: wire.OpSignal, Signal: int(sig)})
	return err
}

func (r *remote) Children() ([]int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	all, err := r.host.Usage(ctx, []int{r.pid})
	if err != nil || len(all) == 0 { // it is gone
		return nil, err
	}
	return all[0].Children, nil
}

func (r *remote) Kill() {
	select {
	case <-r.done:
		return
	default:
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		_, _ = r.signals.call(ctx, &wire.Order{Op: wire.OpKill}) // the end of the run makes up for it
	}()
}

func (r *remote) Done() <-chan struct{} { return r.done }

func (r *remote) End() (state string, code int, output string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == nil {
		return "", -1, ""
	}
	return r.end.State, r.end.Code, r.end.Output
}

// finish notes the end; the first one counts.
func (r *remote) finish(end wire.End) {
	r.mu.Lock()
	if r.end != nil {
		r.mu.Unlock()
		return
	}
	r.end = &end
	r.mu.Unlock()
	close(r.done)
	r.forget()
}

// took takes output number seq. What was known is dropped; a gap is an error.
func (r *remote) took(seq uint64, kind string, data []byte) error {
	r.mu.Lock()
	last := r.last
	if seq == last+1 {
		r.last = seq
	}
	r.mu.Unlock()
	switch {
	case seq <= last:
		return nil
	case seq > last+1:
		return fmt.Errorf("output %d to %d of a process is missing", last+1, seq-1)
	}
	if kind == wire.OutputEnd {
		var end wire.End
		if err := json.Unmarshal(data, &end); err != nil {
			return err
		}
		end.State, end.Output = wire.Shown(end.State, mostOfError), wire.Shown(end.Output, mostOfOutput)
		r.finish(end)
		return nil
	}
	_, _ = r.stdout.Write(data) // whose fault it is says so itself
	return nil
}

// Dial connects to a unix socket in the run's directory on the host.
func (h *Host) Dial(ctx context.Context, path string) (net.Conn, error) {
	c := &conn{path: path}
	c.change.L = &c.mu
	r, err := h.newRemote(taker(c.take))
	if err != nil {
		return nil, err
	}
	c.remote = r
	relative := strings.TrimPrefix(strings.TrimPrefix(h.there(path), h.dir), "/")
	if _, err := r.orders.call(ctx, &wire.Order{Op: wire.OpDial, Path: relative}); err != nil {
		r.forget()
		return nil, err
	}
	go func() {
		<-r.done
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ended = true
		c.change.Broadcast()
	}()
	return c, nil
}

// conn is a connection through the hub.
type conn struct {
	path   string
	remote *remote

	mu            sync.Mutex
	change        sync.Cond
	rest          []byte
	ended, closed bool
	deadline      time.Time
	timer         *time.Timer
}

// taker is a writer that gives what it gets to a function.
type taker func([]byte)

func (t taker) Write(p []byte) (int, error) {
	t(p)
	return len(p), nil
}

// take takes what comes from the other end.
func (c *conn) take(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = append(c.rest, p...)
	c.change.Broadcast()
}

func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case len(c.rest) > 0:
			n := copy(p, c.rest)
			c.rest = c.rest[n:]
			return n, nil
		case c.ended:
			return 0, io.EOF
		case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		c.change.Wait()
	}
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	deadline, closed := c.deadline, c.closed
	c.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if !deadline.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	for rest := p; len(rest) > 0; {
		n := min(len(rest), wire.MaxChunk)
		if _, err := c.remote.orders.call(ctx, &wire.Order{Op: wire.OpStdin, Data: rest[:n]}); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				err = os.ErrDeadlineExceeded
			}
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

func (c *conn) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.change.Broadcast()
	c.mu.Unlock()
	if first {
		c.remote.Kill()
	}
	return nil
}

func (c *conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	if c.timer != nil {
		c.timer.Stop()
	}
	if !t.IsZero() {
		c.timer = time.AfterFunc(time.Until(t), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.change.Broadcast()
		})
	}
	c.change.Broadcast()
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error  { return c.SetDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.SetDeadline(t) }
func (c *conn) LocalAddr() net.Addr                { return &net.UnixAddr{Name: "hub", Net: "unix"} }

func (c *conn) RemoteAddr() net.Addr { return &net.UnixAddr{Name: c.path, Net: "unix"} }
