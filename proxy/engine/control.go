package engine

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/proxy/cli"
	"bench/proxy/spec"
	"bench/proxy/stream"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Frontend implements cli.Engine.
func (e *Engine) Frontend(name string) (cli.Frontend, bool) {
	if id, numbered := number(name); numbered {
		for _, f := range e.shared.Frontends.All() {
			if f.Spec.ID == id {
				return &frontendHandle{e, f}, true
			}
		}
		return nil, false
	}
	f, ok := e.shared.Frontends.Get(name)
	if !ok {
		return nil, false
	}
	return &frontendHandle{e, f}, true
}

// frontendHandle implements cli.Frontend.
type frontendHandle struct {
	e *Engine
	f *stream.Frontend
}

func (h *frontendHandle) SetMaxConn(n int) {
	h.f.MaxConn.Store(int64(n))
	h.e.wakeAcceptors()
}

func (h *frontendHandle) State() cli.FrontendState {
	h.e.mu.Lock()
	defer h.e.mu.Unlock()
	switch {
	case h.f.Stopped.Load() || h.f.Spec.Disabled:
		return cli.Shut
	case h.e.paused[h.f]:
		return cli.Disabled
	}
	return cli.Enabled
}

func (h *frontendHandle) Disable() { h.e.pause(h.f, true) }
func (h *frontendHandle) Enable()  { h.e.pause(h.f, false) }

func (h *frontendHandle) Shutdown() {
	h.f.Stopped.Store(true)
	e := h.e
	e.pausing.Lock()
	defer e.pausing.Unlock()
	e.mu.Lock()
	var gone, rest []*stream.Listener
	for _, l := range e.listeners {
		if l.Frontend == h.f {
			gone = append(gone, l)
		} else {
			rest = append(rest, l)
		}
	}
	e.listeners = rest
	e.mu.Unlock()
	for _, l := range gone {
		e.unlisten(l)
	}
	e.announceStop(h.f.Spec)
}

// MaxConn implements cli.Engine.
func (e *Engine) MaxConn() int { return int(e.shared.MaxConn.Load()) }

// SetMaxConn implements cli.Engine. The configured limit cannot be exceeded:
// descriptors and tables were made for it.
func (e *Engine) SetMaxConn(n int) error {
	if n > e.hard {
		return fmt.Errorf("maxconn %d is above the limit of %d the process was started with", n, e.hard)
	}
	e.shared.MaxConn.Store(int64(firstPositive(n, e.hard)))
	e.wakeAcceptors()
	return nil
}

// SetRateLimit implements cli.Engine.
func (e *Engine) SetRateLimit(l cli.RateLimit, n int) {
	switch l {
	case cli.ConnectionRate:
		e.shared.ConnPace.SetLimit(n)
	case cli.SessionRate:
		e.shared.SessPace.SetLimit(n)
	case cli.TLSRate:
		e.shared.TLSPace.SetLimit(n)
	case cli.CompressionRate:
		e.shared.CompressionPace.SetLimit(n)
	}
	e.wakeAcceptors()
}

func (e *Engine) wakeAcceptors() {
	for _, t := range e.threads {
		t.WakeAcceptors()
	}
}

// postEach runs fn on every thread's loop without waiting.
func (e *Engine) postEach(fn func(t *stream.Thread)) {
	for i, t := range e.threads {
		e.loops[i].Post(func() { fn(t) })
	}
}

// until is how long it is until a time on the clock of the loops; 0: for ever.
func until(when, now int64) time.Duration {
	const centuries = 1 << 62
	if when >= centuries {
		return 0
	}
	return max(time.Duration(when-now), 1)
}

func proto(a *sock.Addr) string {
	switch a.Family() {
	case sock.FamilyIPv6:
		return "tcpv6"
	case sock.FamilyUnix:
		return "unix_stream"
	}
	return "tcpv4"
}

// ShutdownSession implements cli.Engine.
func (e *Engine) ShutdownSession(id uint64) bool {
	found := false
	e.onEach(func(t *stream.Thread) { found = t.KillStream(id) || found })
	return found
}

// ProxyID implements cli.Engine.
func (e *Engine) ProxyID(name string) (int, bool) {
	id := e.proxyID(name)
	return id, id >= 0
}

// Errors implements cli.Engine.
func (e *Engine) Errors() (kept []cli.CapturedError, total uint64) {
	c := &e.shared.Captures
	for i := range e.cfg.Proxies {
		for _, response := range []bool{false, true} {
			got := c.Get(i, response)
			if got == nil {
				continue
			}
			kept = append(kept, cli.CapturedError{
				ID: got.Serial, When: got.At, Response: response, Frontend: got.Frontend, FrontendID: e.proxyID(got.Frontend),
				Backend: got.Backend, BackendID: e.proxyID(got.Backend), Server: got.Server, ServerID: e.serverID(got.Backend, got.Server),
				Source: got.Client.String(), State: got.Reason, Pos: got.Pos, Data: got.Data,
			})
		}
	}
	return kept, c.Total()
}

func (e *Engine) proxyID(name string) int {
	for _, p := range e.cfg.Proxies {
		if name != "" && p.Name == name {
			return p.ID
		}
	}
	return -1
}

func (e *Engine) serverID(backend, name string) int {
	if b, ok := e.shared.Backends.Get(backend); ok {
		if s, ok := b.Server(name); ok {
			return s.Spec.ID
		}
	}
	return -1
}

// Threads implements cli.Engine.
func (e *Engine) Threads() []cli.Thread {
	list := make([]cli.Thread, len(e.threads))
	now := loop.Nanotime()
	e.onEach(func(t *stream.Thread) {
		idle, wall := 100, now-e.startMono
		if wall > 0 {
			idle = int(min(100*t.Loop.Idle()/wall, 100))
		}
		counts := t.Loop.Counts()
		x := cli.Thread{
			Loops: t.Loop.Turns(), Accepted: t.Process.Conns, Streams: t.Process.Requests, Events: counts.Events, Stale: counts.Stale, Tasks: counts.Tasks,
			Timers: t.Loop.Timers(), Connections: t.Clients(), Idle: idle, Poller: t.Loop.Poller(),
			ID: unix.Gettid(), CPU: threadCPU(), Turn: time.Duration(max(loop.Nanotime()-t.Loop.Now(), 0)), Busy: time.Duration(max(wall-t.Loop.Idle(), 0)), Queued: map[string]int{},
		}
		t.Loop.Queued(func(r loop.Runner) { x.Queued[fmt.Sprintf("%T", r)]++ })
		x.Profiling, x.Profiles = t.Loop.Profiling(), map[string]cli.Profile{}
		t.Loop.Profiles(func(kind string, p loop.Profile) { x.Profiles[kind] = cli.Profile{Calls: p.Calls, Time: p.Time} })
		list[t.ID-1] = x
	})
	return list
}

// threadCPU is the processor time of the calling thread.
func threadCPU() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// SetProfiling implements cli.Engine.
func (e *Engine) SetProfiling(p spec.Profiling) {
	e.profiling.Store(int32(p))
	e.onEach(func(t *stream.Thread) { t.SetProfiling(p) })
}

// Profiling implements cli.Engine.
func (e *Engine) Profiling() spec.Profiling { return spec.Profiling(e.profiling.Load()) }

// listensOn is where clients find a listener: the socket of one with a name in the file
// system was bound under another.
func listensOn(l *stream.Listener) string {
	if l.Addr.IsUnix() {
		return l.Bind.Addr.String()
	}
	return l.Addr.String()
}

// Descriptors implements cli.Engine.
func (e *Engine) Descriptors() []cli.Descriptor {
	var list []cli.Descriptor
	e.mu.Lock()
	for _, l := range e.listeners {
		list = append(list, cli.Descriptor{FD: l.FD, What: fmt.Sprintf("listener fe=%s addr=%s", l.Frontend.Spec.Name, listensOn(l))})
	}
	for _, s := range e.stats {
		list = append(list, cli.Descriptor{FD: s.fd, What: "stats socket"})
	}
	e.mu.Unlock()
	for s := range e.Sessions() {
		list = append(list, cli.Descriptor{FD: s.ClientFD, What: fmt.Sprintf("client fe=%s sess=0x%x", s.Frontend, s.ID)})
		if s.ServerFD >= 0 {
			list = append(list, cli.Descriptor{FD: s.ServerFD, What: fmt.Sprintf("server be=%s srv=%s sess=0x%x", s.Backend, s.Server, s.ID)})
		}
	}
	return list
}

// Pools implements cli.Engine.
func (e *Engine) Pools() []cli.Pool {
	var list []cli.Pool
	e.onEach(func(t *stream.Thread) {
		for i, p := range t.Pools() {
			if i == len(list) {
				list = append(list, cli.Pool{Name: p.Name, Size: p.Size})
			}
			list[i].Made += p.Made
			list[i].Free += p.Free
		}
	})
	return list
}

// SendListeners implements cli.Engine.
func (e *Engine) SendListeners(conn *net.UnixConn) error {
	// The lock keeps the descriptors open until they have been sent. A process
	// that is stopping shares its stats socket with its successor and may have
	// been asked in its place: what it has left would be incomplete.
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shared.Stopping.Load() {
		return errors.New("this process is stopping: ask its successor")
	}
	return e.opt.SendListeners(conn, e.handable())
}
