// Package peering exchanges the entries of stick tables with other processes, by the
// protocol of the reference (peers protocol 2.1): each tells the others what it has
// changed, and one that begins is taught all that another one knows. A group is one
// "peers" section; everything of it belongs to one event loop, whatever thread has changed
// an entry. What entries are made of is in package table, and what is counted in them may
// not enter here.
package peering

import (
	"crypto/tls"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/transport"
)

// Config is what a group is made of.
type Config struct {
	Spec   *spec.Peers
	Local  string         // name of this process
	Tables []*table.Table // those that are shared, in the order of their numbers
	Loop   *loop.Loop
	Kit    *transport.Kit
	TLS    *tlsio.Queue
	// Secure makes what connections to a peer are secured by, nil: they are in clear.
	Secure func(*spec.Peer) *tls.Config
	// Replaces tells that another process ends in favour of this one, and will teach it.
	Replaces bool
	// AtOnce is how many entries are sent in one turn of the loop.
	AtOnce int
	Times  Times
}

// Times are the intervals of the protocol.
type Times struct {
	Resync    time.Duration // that somebody is waited for who may teach
	Retry     time.Duration // for an attempt to connect, and from its beginning to the next one
	Heartbeat time.Duration // of silence, until a sign of life is sent
	Dead      time.Duration // of silence, until the other side is given up
	Again     time.Duration // from the end of a connection to the next, at least
	Spread    time.Duration // and how much longer that may be, by chance
	Gather    time.Duration // changes, before they are sent
}

// StandardTimes are those of the reference, but for the last one, which it does not have.
func StandardTimes() Times {
	return Times{
		Resync: 5 * time.Second, Retry: 5 * time.Second, Heartbeat: 3 * time.Second, Dead: 5 * time.Second,
		Again: 50 * time.Millisecond, Spread: 2 * time.Second, Gather: 2 * time.Millisecond,
	}
}

// stage is how far a process is with learning what others know.
type stage uint8

const (
	fromLocal  stage = iota // the process that this one replaces is waited for
	fromRemote              // somebody else is asked
	upToDate
)

// Group is one section.
type Group struct {
	cfg   Config
	l     *loop.Loop
	peers []*peer
	local *peer

	stage     stage
	until     int64 // who may teach is waited for
	teacher   *session
	timer     loop.Timer
	gather    loop.Timer
	sessions  map[*session]struct{}
	strange   int // those of which it is not known yet who they are
	began     time.Time
	turns     uint64
	listeners []*listener
	stopping  bool
	stopped   func()

	entry table.Entry
	body  []byte
	cells []table.Cell
	key   [16]byte
}

// MaxStrange bounds the connections that have not said who they are.
const MaxStrange = 128

// peer is another process of the section, or this one.
type peer struct {
	g     *Group
	spec  *spec.Peer
	s     *session // nil: there is none
	timer loop.Timer

	// sent is up to which change of each table the other side is known to have all.
	sent []uint64
	// partial: it does not know all by itself, so that there is no use in asking it again.
	partial bool
	older   bool // it speaks version 2.0
	last    status
	made    time.Time // the last connection
	began   int64     // the last attempt
	next    int64     // when the next attempt is due; 0: none is
	counters
}

// counters count what came of a peer's connections.
type counters struct {
	sentBeats, heardBeats, silent, attempts, errors, collisions int
}

// New makes a group. Nothing happens before Start.
func New(cfg Config) *Group {
	g := &Group{cfg: cfg, l: cfg.Loop, stage: fromRemote, sessions: map[*session]struct{}{}}
	if cfg.Replaces {
		g.stage = fromLocal
	}
	for _, s := range cfg.Spec.Peers {
		p := &peer{g: g, spec: s, sent: make([]uint64, len(cfg.Tables))}
		g.peers = append(g.peers, p)
		if s.Local {
			g.local = p
		}
	}
	changed := g.changed
	for _, t := range cfg.Tables {
		t.Follow(func() { g.l.Post(changed) })
	}
	return g
}

// Spec is what the group was made of.
func (g *Group) Spec() *spec.Peers { return g.cfg.Spec }

// Start begins to connect, on the loop.
func (g *Group) Start() {
	now := g.l.Refresh()
	g.began = time.Now()
	g.until = now + int64(g.cfg.Times.Resync)
	g.l.SetTimer(&g.timer, g.until, g)
	if g.stage == fromRemote {
		g.connectAll()
	}
}

func (g *Group) connectAll() {
	for _, p := range g.peers {
		if p != g.local && p.s == nil && !p.timer.Active() {
			p.connect()
		}
	}
}

// changed is called after a change, once for all that come until they are sent.
func (g *Group) changed() {
	g.l.SetTimer(&g.gather, g.l.Now()+int64(g.cfg.Times.Gather), gathered{g})
}

type gathered struct{ g *Group }

// Expired implements loop.TimerHandler.
func (x gathered) Expired(*loop.Timer) {
	for _, p := range x.g.peers {
		if p.s != nil {
			p.s.push()
		}
	}
}

// Expired implements loop.TimerHandler: nobody has come in time who could teach.
func (g *Group) Expired(*loop.Timer) { g.learn() }

// learn looks for somebody who teaches what this process does not know yet.
func (g *Group) learn() {
	g.turns++
	if g.stage == upToDate || g.teacher != nil || g.stopping {
		return
	}
	now := g.l.Now()
	if g.stage == fromLocal && now >= g.until {
		g.stage = fromRemote
		g.waitForTeacher()
		g.connectAll()
	}
	if g.stage == fromRemote {
		for _, p := range g.peers {
			if p != g.local && p.s != nil && p.s.state == established && !p.partial {
				g.teacher = p.s
				p.s.ask = true
				p.s.push()
				return
			}
		}
		if now >= g.until {
			g.stage = upToDate
		}
	}
}

func (g *Group) waitForTeacher() {
	g.until = g.l.Now() + int64(g.cfg.Times.Resync)
	g.l.SetTimer(&g.timer, g.until, g)
}

// taught is called when a session has told all that it will.
func (g *Group) taught(s *session, all bool) {
	if g.teacher != s {
		return
	}
	g.teacher, s.ask = nil, false
	if all {
		g.stage = upToDate
		g.connectAll()
	} else {
		s.p.partial = true
		g.waitForTeacher()
	}
	g.learn()
}

// accept takes a connection in that was made to this peer.
func (g *Group) accept(fd int, secure *tls.Config) {
	if g.stopping || g.strange >= MaxStrange {
		sock.Close(fd)
		return
	}
	s := &session{g: g, end: transport.NewEndpoint(g.cfg.Kit, fd), state: greeted}
	if err := g.l.Add(fd, poller.In|poller.Out, s); err != nil {
		sock.Close(fd)
		return
	}
	g.sessions[s] = struct{}{}
	g.strange++
	s.strange = true
	s.deadline(g.cfg.Times.Dead)
	if secure != nil {
		s.shake(g.cfg.TLS.Server(fd, secure, s))
	}
}

// connect begins a connection to a peer.
func (p *peer) connect() {
	g := p.g
	p.next, p.last, p.began = 0, 0, g.l.Refresh()
	p.attempts++
	opt := sock.ConnectOptions{NoDelay: true, Namespace: p.spec.Namespace}
	if src := p.spec.Source; src != nil {
		opt.Source, opt.Interface = &src.Addr, src.Interface
	}
	fd, _, errno := sock.Connect(&p.spec.Addr, &opt)
	if errno != 0 {
		p.lost(p.began + int64(g.cfg.Times.Retry))
		return
	}
	s := &session{g: g, p: p, end: transport.NewEndpoint(g.cfg.Kit, fd), state: connecting, out: make([]byte, 0, 256)}
	if err := g.l.Add(fd, poller.In|poller.Out, s); err != nil {
		sock.Close(fd)
		p.lost(p.began + int64(g.cfg.Times.Retry))
		return
	}
	p.s = s
	g.sessions[s] = struct{}{}
	s.deadline(g.cfg.Times.Retry)
}

// lost notes when to connect again.
func (p *peer) lost(next int64) {
	g := p.g
	if g.stopping {
		g.localLost(p)
		return
	}
	if p == g.local {
		return
	}
	p.next = next
	g.l.SetTimer(&p.timer, p.next, p)
}

// Expired implements loop.TimerHandler: it is time to connect again.
func (p *peer) Expired(*loop.Timer) {
	switch {
	case p.s != nil || p.g.stopping && p != p.g.local:
	case p.g.stage == fromLocal:
		p.lost(p.g.l.Now() + int64(p.g.cfg.Times.Again))
	default:
		p.connect()
	}
}

// jitter is the time until the next connection after one that was good. Both sides notice
// the end at once, and are not to connect at once.
func (g *Group) jitter() time.Duration {
	return g.cfg.Times.Again + rand.N(g.cfg.Times.Spread+1)
}

// gone is called when a session has ended.
func (g *Group) gone(s *session, wasGood bool) {
	if s.strange {
		g.strange--
	}
	p := s.p
	if g.teacher == s {
		g.teacher = nil
		g.waitForTeacher()
	}
	if p == nil || p.s != s {
		return
	}
	p.s = nil
	next := p.began + int64(g.cfg.Times.Retry) // at once after an attempt that has come to nothing for as long
	if wasGood {
		next = g.l.Refresh() + int64(g.jitter())
	}
	p.lost(next)
	g.learn()
}

// Stop ends all connections to others, tells the process that replaces this one all that
// it knows, and calls done when that has it, or there is none. The connection stays.
func (g *Group) Stop(done func()) {
	if g.stopping {
		done()
		return
	}
	g.stopping, g.stopped = true, done
	for _, p := range g.peers {
		g.l.StopTimer(&p.timer)
		if p.s != nil {
			p.s.close(false)
		}
	}
	if g.local == nil || !slices.ContainsFunc(g.cfg.Tables, func(t *table.Table) bool { return t.Used() > 0 }) {
		g.finish()
		return
	}
	g.local.attempts = 0
	g.local.connect()
}

// maxHandovers is how often it is tried to reach the process that replaces this one.
const maxHandovers = 5

// localLost goes on after the connection to the process that replaces this one has ended
// before its time: where it was refused there is none.
func (g *Group) localLost(p *peer) {
	if g.stopped == nil || p != g.local {
		return
	}
	if p.last == 0 || p.last >= badProtocol || p.attempts >= maxHandovers {
		g.finish()
		return
	}
	g.l.SetTimer(&p.timer, g.l.Refresh()+int64(g.cfg.Times.Again), p)
}

func (g *Group) finish() {
	if done := g.stopped; done != nil {
		g.stopped = nil
		done()
	}
}

// Close ends everything, once the loop has ended.
func (g *Group) Close() {
	for s := range g.sessions {
		sock.Close(s.end.FD())
	}
	clear(g.sessions)
}

// pid is what greetings tell of the process.
func pid() int { return os.Getpid() }
