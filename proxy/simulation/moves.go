package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bench/proxy/config"
	"bench/proxy/server"
	"bench/proxy/state"
	"bench/proxy/stream"
)

// Move is something that an operator or a check decides of a server while requests are under
// way.
type Move struct {
	At     time.Duration
	What   string // one of the words below
	Server int    // from 1, in the order of the configuration, those behind it are added
	N      int    `json:",omitempty"` // the weight, or the number of slots
}

// The words for moves. They do what package engine does, which has threads of its own.
const (
	toMaint   = "maint"
	toDrain   = "drain"
	toReady   = "ready"
	toDown    = "down"
	toUp      = "up"
	toWeight  = "weight"
	toMaxConn = "maxconn"
	toAdd     = "add"
	toDelete  = "delete"
	toKill    = "kill" // its sessions
)

// added is how many servers there may be beside those of the configuration.
const added = 2

// moving draws moves. Where every request is to be answered the first server stays as it is.
func (m *maker) moving() {
	p := m.p
	for len(p.Servers) < 2 {
		p.Servers = append(p.Servers, p.Servers[0])
	}
	first := 1
	if p.Hostile {
		first = 0
	}
	for i := range p.Servers {
		if i > 0 && m.one(3) {
			p.Servers[i] += " backup"
		}
		if m.one(3) && !strings.Contains(p.Servers[i], "maxconn") {
			p.Servers[i] += pick(m, " maxconn 1", " minconn 1 maxconn 5", " minconn 2 maxconn 20")
		}
		if p.Hostile && m.one(4) && strings.Contains(p.Servers[i], "maxconn") { // else who sticks to it may be refused
			p.Servers[i] += " maxqueue " + pick(m, "1", "3")
		}
		if p.Hostile && m.one(3) {
			p.Servers[i] += " on-marked-down shutdown-sessions"
		}
		if p.Hostile && m.one(4) {
			p.Servers[i] += " on-marked-up shutdown-backup-sessions"
		}
	}
	words := []string{toMaint, toMaint, toDrain, toReady, toReady, toDown, toDown, toUp, toUp, toWeight, toMaxConn, toAdd, toAdd, toDelete, toDelete}
	if p.Hostile {
		words = append(words, toKill)
	}
	if m.one(2) {
		p.Proxy = append(p.Proxy, "fullconn "+pick(m, "3", "10"))
	}
	if m.one(3) && !slices.ContainsFunc(p.Proxy, func(line string) bool { return strings.HasPrefix(line, "stick-table") }) {
		// Many wait for the very server that is moved.
		p.Proxy = append(p.Proxy, "stick-table type ip size 10 expire "+pick(m, "5ms", "1s"), "stick on src,ipmask(24)")
		for range 10 {
			m.client()
		}
	}
	at := time.Duration(0)
	for range 1 + m.IntN(40) {
		at += m.upTo(pick(m, 2*time.Millisecond, 20*time.Millisecond, 200*time.Millisecond))
		v := Move{At: at, What: pick(m, words...), Server: 1 + first + m.IntN(len(p.Servers)-first)}
		switch v.What {
		case toWeight:
			v.N = pick(m, 0, 1, 256)
		case toMaxConn:
			v.N = pick(m, 0, 1, 2, 10)
		case toAdd, toDelete:
			v.Server = len(p.Servers) + 1 + m.IntN(added)
			if v.What == toDelete { // which takes a server in maintenance
				p.Moves = append(p.Moves, Move{At: at, What: toMaint, Server: v.Server})
			}
		}
		p.Moves = append(p.Moves, v)
		if v.What == toAdd {
			p.Moves = append(p.Moves, Move{At: at, What: toReady, Server: v.Server})
		}
	}
}

// nameOf is the name of a server, from 1.
func nameOf(n int) string { return fmt.Sprintf("s%d", n) }

// move carries a move out, or puts it off while another one takes its time.
func (e *engine) move(v Move) {
	if e.moves = append(e.moves, v); len(e.moves) == 1 {
		e.nextMove()
	}
}

// moved ends the move at hand.
func (e *engine) moved() {
	e.moves = e.moves[1:]
	if len(e.moves) > 0 {
		e.nextMove()
	}
}

func (e *engine) nextMove() {
	v, be := e.moves[0], e.shared.Backends.All()[0]
	s, found := be.Server(nameOf(v.Server))
	switch {
	case v.What == toAdd && !found && !be.Spec.FixedWeights():
		e.add(be, v.Server)
		return
	case v.What == toDelete && found && s.Dynamic && s.Admin() == state.Maint:
		e.remove(be, s)
		return
	case found:
		e.change(s, v)
	}
	e.moved()
}

// change changes a server.
func (e *engine) change(s *server.Server, v Move) {
	switch v.What {
	case toMaint:
		e.order(s, state.OrderMaint, true)
		e.order(s, state.OrderDrain, false)
	case toDrain:
		e.order(s, state.OrderDrain, true)
		e.order(s, state.OrderMaint, false)
	case toReady:
		e.order(s, state.OrderDrain|state.OrderMaint, false)
	case toDown:
		e.setHealth(s, state.Down)
		e.force(s, false)
	case toUp:
		e.setHealth(s, state.Up)
		e.force(s, true)
	case toWeight:
		if !s.Backend.Spec.FixedWeights() {
			s.SetWeight(v.N)
			e.changed()
		}
	case toMaxConn:
		s.SetMaxConn(v.N)
	case toKill:
		e.each(func(t *stream.Thread) { t.KillServerStreams(s, 'K') }, nil)
	}
}

// leave ends what connects the threads with a server that has gone.
func (e *engine) leave(s *server.Server) {
	if s.Running() {
		return
	}
	e.each(func(t *stream.Thread) {
		if s.Spec.OnMarkedDown {
			t.KillServerStreams(s, 'D')
		}
		t.CloseIdle(s)
	}, nil)
}

// each has fn called on every thread's loop, and then done.
func (e *engine) each(fn func(*stream.Thread), done func()) {
	left := len(e.threads)
	for i, t := range e.threads {
		e.loops[i].Post(func() {
			fn(t)
			if left--; left == 0 && done != nil {
				done()
			}
		})
	}
}

// add adds a server.
func (e *engine) add(be *server.Backend, n int) {
	at := origin(n - 1)
	words := []string{at.String()}
	r, err := config.ServerAtRunTime(&e.shared.Config.Global.TLS, be.Spec, nameOf(n), append(words, e.inner...))
	if err != nil {
		panic(fmt.Sprintf("a server that cannot be added: %v", err)) // the words are ours
	}
	r.Server.ID = be.FreeID()
	s := be.NewDynamic(r.Server, e.shared.Slots.Take(), r.Enabled)
	if err := e.secureServer(s); err != nil {
		panic(err)
	}
	e.each(func(t *stream.Thread) { t.AddServer(s) }, func() {
		be.Add(s)
		e.changed()
		e.moved()
	})
}

// remove removes a server that nobody uses any more.
func (e *engine) remove(be *server.Backend, s *server.Server) {
	e.each(func(*stream.Thread) {}, func() {
		if be.Remove(s) != nil {
			e.moved()
			return
		}
		e.changed()
		e.each(func(t *stream.Thread) { t.RemoveServer(s) }, func() {
			e.shared.Slots.Give(s.Slot)
			e.moved()
		})
	})
}
