package simulation

import (
	"slices"
	"strings"

	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/state"
)

// A server that is not to be chosen is not chosen: neither by load balancing, which counts
// whom it chooses, nor by anybody else, who would have to connect to it. Connections that
// were promised before are another matter: who holds a slot of a server goes on to try it,
// and who waits for one may be given it.

// farm is what the books say of the servers of an engine.
type farm struct {
	// barred are those that load balancing may not choose, with how often it had chosen
	// them when that began.
	barred map[*server.Server]uint64
	// gone are those that do not run, with how many connections there may be yet.
	gone map[*server.Server]int
}

// changed looks at the servers of an engine when one of them has changed.
func (e *engine) changed() {
	be := e.shared.Backends.All()[0]
	e.hold()
	usable, tries := be.Usable(nil), be.Spec.Retries+2
	barred, gone := map[*server.Server]uint64{}, map[*server.Server]int{}
	for _, s := range be.Servers() {
		if !slices.Contains(usable, s) {
			barred[s] = e.chosen(s)
		}
		if s.Running() || persists(be.Spec) {
			continue
		}
		left, known := e.farm.gone[s]
		if !known {
			left = int(s.Cur.Load()+s.Queued.Load()) * tries
		}
		gone[s] = left
	}
	e.farm = farm{barred, gone}
}

// hold holds load balancing to those that it might choose so far.
func (e *engine) hold() {
	for s, before := range e.farm.barred {
		if n := e.chosen(s); n != before {
			e.books.complain("%s was chosen %d times while it was out of balancing", s.Spec.Name, n-before)
		}
	}
}

// chosen is how often load balancing has chosen a server, which threads forget when it is
// removed.
func (e *engine) chosen(s *server.Server) (n uint64) {
	for _, t := range e.threads {
		if side := t.Server(s); side != nil {
			n += side.C.LBTotal
		}
	}
	return n
}

// connected notes a connection to server i, from 0. With two engines nobody knows whose it is.
func (w *world) connected(i int) {
	e := w.engines[0]
	s, found := e.shared.Backends.All()[0].Server(nameOf(i + 1))
	if !found || len(w.engines) > 1 {
		return
	}
	left, is := e.farm.gone[s]
	if !is {
		return
	}
	if e.farm.gone[s] = left - 1; left == 0 {
		w.books.complain("a connection to %s, which is gone (%s), that nobody was promised", s.Spec.Name, strings.Join(conditions(s), ", "))
	}
}

func conditions(s *server.Server) (words []string) {
	if s.Health() == state.Down {
		words = append(words, "down")
	}
	if s.Admin() == state.Maint {
		words = append(words, "in maintenance")
	}
	return words
}

// persists tells whether requests may go to servers that are down on purpose.
func persists(px *spec.Proxy) bool { return px.Options.Persist || len(px.Persist) > 0 }
