package virtual

import (
	"syscall"
	"time"

	"bench/internal/poller"
)

// object is what a descriptor stands for.
type object interface {
	// level is what it is ready for.
	level() poller.Events
	watched() *[]*watch
	close()
}

// watches are the pollers that watch an object.
type watches []*watch

func (w *watches) watched() *[]*watch { return (*[]*watch)(w) }

// touch lets the pollers look at the object again.
func (w watches) touch() {
	for _, x := range w {
		x.touch()
	}
}

// watch is an object watched by a poller.
type watch struct {
	p      *Poller // nil: not any more
	o      object
	fd     int32
	gen    uint32
	armed  poller.Events
	listed bool
}

func (w *watch) touch() {
	if w.p != nil && !w.listed {
		w.listed = true
		w.p.list = append(w.p.list, w)
	}
}

// Poller implements poller.Poller. It never sleeps: a wait with nothing to report
// returns at once, and the loop is not turned again before there is something, or the
// time is up.
type Poller struct {
	m *Machine
	// Edges: everything that happens is reported, with all that the object is ready for,
	// as epoll does; otherwise only what was asked for by Rearm, as select does.
	Edges bool

	watches []*watch // by descriptor
	list    []*watch // that may have something to report
	until   int64    // when the wait ends; 0: the loop is at work, never: it ends by an event only
}

const never = -1

// NewPoller makes a poller.
func (m *Machine) NewPoller(edges bool) *Poller { return &Poller{m: m, Edges: edges} }

var _ poller.Poller = (*Poller)(nil)

func (p *Poller) awake() bool {
	return len(p.list) > 0 || p.until >= 0 && p.until <= p.m.now
}

// Name implements poller.Poller, as do the methods below.
func (p *Poller) Name() string { return "virtual" }

// Add begins watching.
func (p *Poller) Add(fd int, gen uint32, want poller.Events) error {
	o := p.m.object(fd)
	if o == nil {
		return syscall.EBADF
	}
	for fd >= len(p.watches) {
		p.watches = append(p.watches, nil)
	}
	if p.watches[fd] != nil {
		return syscall.EEXIST
	}
	w := &watch{p: p, o: o, fd: int32(fd), gen: gen, armed: want}
	p.watches[fd] = w
	all := o.watched()
	*all = append(*all, w)
	w.touch()
	return nil
}

// Rearm asks for the next edge.
func (p *Poller) Rearm(fd int, ev poller.Events) {
	if w := p.at(fd); w != nil && !p.Edges {
		w.armed |= ev
		w.touch()
	}
}

func (p *Poller) at(fd int) *watch {
	if fd < 0 || fd >= len(p.watches) {
		return nil
	}
	return p.watches[fd]
}

// Remove ends watching.
func (p *Poller) Remove(fd int) {
	w := p.at(fd)
	if w == nil {
		return
	}
	p.watches[fd] = nil
	w.p = nil
	all := w.o.watched()
	for i, x := range *all {
		if x == w {
			*all = append((*all)[:i], (*all)[i+1:]...)
			return
		}
	}
}

// Forget ends watching.
func (p *Poller) Forget(fd int) { p.Remove(fd) }

// Receive does nothing: nothing is received ahead.
func (p *Poller) Receive(int) {}

// Direct is always granted.
func (p *Poller) Direct(int) bool { return true }

// Recv reads.
func (p *Poller) Recv(fd int, b []byte) (int, syscall.Errno) {
	e := p.m.end(fd)
	if e == nil {
		return 0, syscall.EBADF
	}
	n, errno := e.Read(b)
	p.m.note("recv", fd, n, errno)
	return n, errno
}

// Peek reads, and leaves it there.
func (p *Poller) Peek(fd int, b []byte) (int, syscall.Errno) {
	e := p.m.end(fd)
	if e == nil {
		return 0, syscall.EBADF
	}
	n, errno := e.peek(b)
	p.m.note("peek", fd, n, errno)
	return n, errno
}

// Error is that of the socket.
func (p *Poller) Error(fd int) syscall.Errno { return p.m.Error(fd) }

// Close gives up what is watched.
func (p *Poller) Close() {
	for fd := range p.watches {
		p.Remove(fd)
	}
	p.until, p.list = never, nil
}

// Wait reports some of what there is, in any order.
func (p *Poller) Wait(out []poller.Event, timeout time.Duration) (int, error) {
	n := p.report(out)
	switch {
	case n > 0 || timeout == 0:
		p.until = 0
	case timeout < 0:
		p.until = never
	default:
		p.until = p.m.now + int64(timeout)
	}
	return n, nil
}

func (p *Poller) report(out []poller.Event) int {
	m := p.m
	ready := 0
	for _, w := range p.list { // those first that have something to report
		if w.p == nil || p.ready(w) == 0 {
			w.listed = false
			continue
		}
		p.list[ready] = w
		ready++
	}
	clear(p.list[ready:])
	p.list = p.list[:ready]
	n := 0
	if ready > 0 {
		some := min(ready, len(out)-1)
		if some > 1 && m.draw(4) == 0 {
			some = 1 + m.draw(some)
		}
		for ; n < some; n++ {
			i := m.draw(len(p.list))
			w := p.list[i]
			last := len(p.list) - 1
			p.list[i], p.list[last] = p.list[last], nil
			p.list = p.list[:last]
			w.listed = false
			out[n] = p.tell(w)
		}
	}
	if m.Unasked > 0 && m.draw(100) < m.Unasked && len(p.watches) > 0 {
		if w := p.watches[m.draw(len(p.watches))]; w != nil {
			out[n] = poller.Event{FD: w.fd, Gen: w.gen, Ev: poller.In << m.draw(2)}
			m.note("unasked", int(w.fd), int(out[n].Ev), 0)
			n++
		}
	}
	return n
}

// ready is what there is to report of an object.
func (p *Poller) ready(w *watch) poller.Events {
	ev := w.o.level()
	if p.Edges {
		return ev
	}
	asked := w.armed
	if asked&poller.In != 0 {
		asked |= poller.Hup
	}
	return ev & asked
}

// tell makes the report.
func (p *Poller) tell(w *watch) poller.Event {
	ev := p.ready(w)
	w.armed &^= ev
	if !p.Edges && ev&poller.Hup != 0 {
		ev |= poller.In
	}
	p.m.note("event", int(w.fd), int(ev), 0)
	return poller.Event{FD: w.fd, Gen: w.gen, Ev: ev}
}
