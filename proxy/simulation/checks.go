package simulation

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/internal/virtual"
	"bench/proxy/check"
	"bench/proxy/server"
	"bench/proxy/state"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// Servers are checked as engines check them, by package check, at a port of their own: so
// it is known of each connection what it is for. Spells of illness, which only checks see,
// take servers down and let them come back.

// Spell is a time in which a server looks ill to its checks.
type Spell struct {
	Server  int // from 1
	At, For time.Duration
	How     Illness
}

// Illness is what checks meet.
type Illness string

// The illnesses.
const (
	refuses Illness = "refuses" // connections
	lost    Illness = "is lost" // nothing comes back
	silent  Illness = "is silent"
	wrong   Illness = "says 503"
	hangsUp Illness = "hangs up"
)

// lasts is how long servers are checked: to the end it would be the most that happens.
const lasts = 20 * time.Second

// checkPort is where checks go.
const checkPort = 81

// checking draws checks, and spells. Where every request is to be answered the first server
// stays as it is.
func (m *maker) checking() {
	p := m.p
	for len(p.Servers) < 2 {
		p.Servers = append(p.Servers, p.Servers[0])
	}
	if m.one(2) {
		p.Proxy = append(p.Proxy, pick(m, "option httpchk", "option httpchk GET /check", "option httpchk OPTIONS * HTTP/1.1"))
	}
	if p.Hostile && m.one(4) {
		p.Proxy = append(p.Proxy, pick(m, "option persist", "force-persist if { src 10.0.1.0/31 }"))
	}
	first := 1
	if p.Hostile {
		first = 0
	}
	for i := first; i < len(p.Servers); i++ {
		if i > first && m.one(5) {
			p.Servers[i] += fmt.Sprintf(" track px/s%d", first+1)
			continue
		}
		inter := pick(m, 100, 300, 1000)
		options := fmt.Sprintf(" check port %d inter %dms rise %d fall %d", checkPort, inter, 1+m.IntN(3), 1+m.IntN(3))
		if m.one(3) {
			options += fmt.Sprintf(" fastinter %dms downinter %dms", inter/2, inter/3)
		}
		if m.one(4) {
			options += " init-state " + pick(m, "down", "fully-up")
		}
		if m.one(3) {
			options += " slowstart " + pick(m, "100ms", "2s")
		}
		p.Servers[i] += options
		for at := m.upTo(200 * time.Millisecond); m.one(2) && at < lasts/3; {
			s := Spell{Server: i + 1, At: at, For: time.Millisecond + m.upTo(pick(m, 50*time.Millisecond, 2*time.Second, 10*time.Second))}
			s.How = pick(m, refuses, lost, silent, wrong, hangsUp)
			p.Spells = append(p.Spells, s)
			at += s.For + time.Millisecond + m.upTo(10*time.Second)
		}
	}
	for range m.IntN(6) {
		m.client()
	}
}

// probe checks one server.
type probe struct {
	e *engine
	s *server.Server
	l *loop.Loop
	c *check.Checker
}

// addChecks makes the checks of all servers, and begins.
func (e *engine) addChecks() error {
	for _, be := range e.shared.Backends.All() {
		for _, s := range be.Servers() {
			if s.Spec.Track != nil {
				to, _ := be.Server(s.Spec.Track.Server)
				e.followers[to] = append(e.followers[to], s)
			}
			if s.Spec.Check {
				if err := e.addCheck(s); err != nil {
					return err
				}
			}
		}
	}
	if len(e.probes) > 0 {
		e.m.After(lasts, e.stopChecks)
	}
	return nil
}

func (e *engine) addCheck(s *server.Server) (err error) {
	i := s.Slot % len(e.loops)
	t, b := e.threads[i], s.Backend.Spec
	k := &probe{e: e, s: s, l: e.loops[i]}
	at := *s.Addr()
	at.SetPort(uint16(s.Spec.CheckPort))
	k.c, err = check.New(check.Config{
		Check: b.Check, Inter: s.Spec.Inter, FastInter: s.Spec.FastInter, DownInter: s.Spec.DownInter,
		Rise: s.Spec.Rise, Fall: s.Spec.Fall, Init: s.Spec.InitState, Connect: b.Timeouts.Connect, Timeout: b.Timeouts.Check,
		Sample: t.Sample, Probe: func(p check.Probe) txn.Stream { return t.Checked(s, p) },
	}, k.l, at, k)
	if err != nil {
		return err
	}
	if !s.Spec.InitState.Up() {
		s.SetHealth(state.Down)
	}
	e.probes[s] = k
	k.l.Post(func() { k.c.Start(0) })
	return nil
}

// Checked implements check.Listener.
func (k *probe) Checked(check.Result, check.Health) {}

// Changed implements check.Listener.
func (k *probe) Changed(up bool, r check.Result) {
	k.e.books.tell("checks of %s: %v %s", k.s.Spec.Name, r.Status, r.Output)
	if up {
		k.e.setHealth(k.s, state.Up)
		return
	}
	k.e.books.falls++
	k.e.setHealth(k.s, state.Down)
}

// setHealth changes the health of a server, and of those that follow it.
func (e *engine) setHealth(s *server.Server, h state.Health) {
	if changed, _ := s.SetHealth(h); !changed {
		return
	}
	e.changed()
	e.leave(s)
	for _, f := range e.followers[s] {
		e.setHealth(f, h)
	}
	if h == state.Up && s.Spec.OnMarkedUp && !s.Spec.Backup {
		for _, o := range s.Backend.Servers() {
			if o.Spec.Backup {
				e.each(func(t *stream.Thread) { t.KillServerStreams(o, 'U') }, nil)
			}
		}
	}
}

// order gives an order about a server, or takes it back.
func (e *engine) order(s *server.Server, what state.Orders, on bool) {
	e.administer(s, func() (bool, int) { return s.Decide(what, on) })
}

// administer changes what is decided about a server by set, and about those that follow it.
func (e *engine) administer(s *server.Server, set func() (bool, int)) {
	before := s.Orders()
	changed, _ := set()
	now := s.Orders()
	if changed {
		wasMaint := before.All().Admin() == state.Maint
		if wasMaint {
			s.SetHealth(e.afterMaint(s))
		}
		e.changed()
		e.pauseCheck(s, wasMaint)
		e.leave(s)
	}
	if now == before {
		return
	}
	for _, f := range e.followers[s] {
		e.administer(f, func() (bool, int) { return f.Inherit(now.All()) })
	}
}

// afterMaint is the health that a server leaves maintenance with.
func (e *engine) afterMaint(s *server.Server) state.Health {
	if t := s.Spec.Track; t != nil {
		to, _ := s.Backend.Server(t.Server)
		return to.Health()
	}
	if e.probes[s] != nil && !s.Spec.InitState.Up() {
		return state.Down
	}
	return state.Up
}

// pauseCheck suspends the checks of a server while it is in maintenance.
func (e *engine) pauseCheck(s *server.Server, wasMaint bool) {
	k := e.probes[s]
	switch {
	case k == nil:
	case s.Admin() == state.Maint:
		k.l.Post(k.c.Pause)
	case wasMaint:
		k.l.Post(func() {
			k.c.Reset()
			if !e.unchecked {
				k.c.Resume()
			}
		})
	}
}

// force makes the checks of a server begin with what was decided of its health.
func (e *engine) force(s *server.Server, up bool) {
	if k := e.probes[s]; k != nil {
		k.l.Post(func() { k.c.Force(up) })
	}
}

// stopChecks ends all checks.
func (e *engine) stopChecks() {
	e.unchecked = true
	for _, k := range e.probes {
		k.l.Post(k.c.Stop)
	}
}

// arriveCheck decides about a connection of a check, to server i from 0.
func (w *world) arriveCheck(i int) virtual.Arrival {
	w.calls++
	a := virtual.Arrival{Actor: func(e *virtual.End) virtual.Actor {
		w.checked = append(w.checked, e)
		return &checkPoint{w: w, e: e, i: i}
	}}
	a.Link.Seed, a.Link.Delay = mix(w.p.Seed)+w.calls, min(w.p.Link.Delay, int64(time.Millisecond))
	a.Refuse, a.Lost = w.ill[i] == refuses, w.ill[i] == lost
	return a
}

// checkPoint is where a server answers a check.
type checkPoint struct {
	w   *world
	e   *virtual.End
	i   int
	got []byte
}

// Ready implements virtual.Actor.
func (p *checkPoint) Ready() {
	for !p.e.Closed() {
		n, errno := p.e.Read(p.w.room)
		if errno == syscall.EAGAIN {
			break
		}
		if n == 0 {
			p.e.Close()
			return
		}
		p.got = append(p.got, p.w.room[:n]...)
	}
	how := p.w.ill[p.i]
	if how == hangsUp {
		p.e.Close()
		return
	}
	if !bytes.HasSuffix(p.got, []byte("\r\n\r\n")) || how == silent {
		return
	}
	p.got = nil
	status := "200 Well"
	if how == wrong {
		status = "503 Ill"
	}
	p.e.Push([]byte("HTTP/1.1 " + status + "\r\ncontent-length: 0\r\n\r\n"))
}

// fallsIll begins a spell of illness, and sees to its end.
func (w *world) fallsIll(s Spell) {
	w.tell("server %d %s", s.Server, s.How)
	w.ill[s.Server-1] = s.How
	// A spell that begins late, because others had the processor, must not last into the next.
	lasts := s.At + s.For - w.m.Elapsed()
	w.m.After(lasts, func() {
		w.tell("server %d is well", s.Server)
		w.seen(s.Server, lasts, true)
		delete(w.ill, s.Server-1)
		well := w.m.Elapsed()
		for _, next := range w.p.Spells {
			if next.Server == s.Server && next.At >= well {
				w.m.After(next.At-well-1, func() { w.seen(s.Server, next.At-well-1, false) })
				break
			}
		}
	})
}

// seen holds the state of a server against what it has been for so long.
func (w *world) seen(n int, d time.Duration, ill bool) {
	e := w.engines[0]
	s, found := e.shared.Backends.All()[0].Server(nameOf(n))
	moved := func(v Move) bool { return v.Server == n }
	if !found || e.probes[s] == nil || e.unchecked || w.p.Turn > time.Millisecond || slices.ContainsFunc(w.p.Moves, moved) {
		return
	}
	// A check takes up to an interval, and so does the time to the next one.
	sp := s.Spec
	if d < time.Duration(2*(max(sp.Rise, sp.Fall)+1))*sp.Inter+time.Second {
		return
	}
	down := ill && w.shows(w.ill[n-1])
	if got := s.Health() == state.Down; got != down {
		w.books.complain("server %d has been well (%v) for %v, and is down (%v)", n, !down, d, got)
	}
}

// shows tells whether checks can see an illness.
func (w *world) shows(how Illness) bool {
	return how == refuses || how == lost || slices.ContainsFunc(w.p.Proxy, func(line string) bool { return strings.HasPrefix(line, "option httpchk") })
}

// checkAddress is where server i is checked.
func checkAddress(i int) sock.Addr {
	a := origin(i)
	a.SetPort(checkPort)
	return a
}
