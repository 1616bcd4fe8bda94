package balance

import (
	"cmp"
	"maps"
	"slices"

	"bench/proxy/server"
)

// roundRobin gives out positions, one for each choice, and each server has its turn at
// every so many of them, inversely to its weight: that spreads the turns of heavy servers
// between those of light ones. The order is that of the reference to the choice, whatever
// comes, goes and changes its weight between, and so are roundings and who comes first of
// equals.
type roundRobin struct {
	active, backup rotation
	current        *rotation                // whose servers are chosen from
	known          map[*server.Server]*turn // also of servers that are away: they keep some of their place
	spare          []*turn
	moved          []*turn // of use to Build alone
	passed         []*turn // of use to Pick alone
	room           int     // for so many servers all of these were made
}

// rotation is the order of the active servers, or of the backups. It goes in rounds of as
// many positions as all servers together have weight.
type rotation struct {
	begun  bool
	pos    int     // the one that is given out next
	length int     // of the round: the servers' weight when it began
	weight int     // of the servers now
	placed line    // have their next turn in this round, by position
	fresh  *line   // come into this round where nobody has a turn, the heaviest first
	later  *line   // will be the fresh ones of the next round
	lines  [2]line // fresh and later
}

// heaviest is the share of the greatest weight.
const heaviest = server.ShareScale * 256

func newRoundRobin() Picker {
	r := &roundRobin{}
	r.current = &r.active
	for _, g := range r.rotations() {
		g.fresh, g.later = &g.lines[0], &g.lines[1]
	}
	return r
}

func (r *roundRobin) rotations() [2]*rotation { return [2]*rotation{&r.active, &r.backup} }

func (r *roundRobin) of(t *turn) *rotation {
	if t.srv.Spec.Backup {
		return &r.backup
	}
	return &r.active
}

func (r *roundRobin) Reserve(n int) {
	r.forget()
	if n <= r.room {
		return
	}
	r.room = 2 * n
	for _, g := range r.rotations() {
		for _, l := range []*line{&g.placed, g.fresh, g.later} {
			l.heap = append(make([]*turn, 0, r.room), l.heap...)
		}
	}
	r.moved, r.passed = make([]*turn, 0, r.room), make([]*turn, 0, r.room)
	known := make(map[*server.Server]*turn, r.room)
	maps.Copy(known, r.known)
	r.known = known
	r.spare = make([]*turn, r.room-len(known), r.room)
	for i := range r.spare {
		r.spare[i] = new(turn)
	}
}

// forget lets go of the servers that were removed.
func (r *roundRobin) forget() {
	for s, t := range r.known {
		if now, _ := s.Backend.Server(s.Spec.Name); now == s {
			continue
		}
		if t.line != nil {
			t.leave()
			r.of(t).weight -= t.share
		}
		delete(r.known, s)
		*t = turn{}
		r.spare = append(r.spare, t)
	}
}

// Build notes what happened to servers since it was last called, one after the other.
func (r *roundRobin) Build(servers []*server.Server) {
	if len(servers) > 0 {
		if n := len(servers[0].Backend.Servers()); n > r.room {
			r.Reserve(n)
		}
	}
	for _, t := range r.known {
		t.here = false
	}
	for _, s := range servers {
		t := r.known[s]
		if t == nil {
			t = r.take(s)
		}
		t.here = true
	}
	if len(servers) > 0 {
		r.current = r.of(r.known[servers[0]])
	}
	r.moved = r.moved[:0]
	for s, t := range r.known {
		// Backups keep their places while active servers serve.
		if !t.here && t.line != nil && (r.of(t) == r.current || !s.Usable()) {
			r.moved = append(r.moved, t)
		}
	}
	for _, s := range servers {
		if t := r.known[s]; t.line == nil || t.left != s.Left() || t.share != s.Share() {
			r.moved = append(r.moved, t)
		}
	}
	slices.SortStableFunc(r.moved, func(a, b *turn) int { return cmp.Compare(a.srv.Moved(), b.srv.Moved()) })
	for _, t := range r.moved {
		r.of(t).follow(t)
	}
	r.current.begin()
}

// take makes the turn of a server that is new.
func (r *roundRobin) take(s *server.Server) *turn {
	last := len(r.spare) - 1
	t := r.spare[last]
	r.spare = r.spare[:last]
	t.srv = s
	r.known[s] = t
	return t
}

// Pick passes over servers that are full, which thereby lose their turn: they do not save
// it up.
func (r *roundRobin) Pick(avoid *server.Server) (*server.Server, bool) {
	g := r.current
	r.passed = r.passed[:0]
	var got, shunned *turn
	turned := false
	for got == nil {
		t := g.due()
		if t == nil && turned {
			break
		}
		if t == nil {
			turned = true
			g.turn()
			continue
		}
		t.leave()
		g.advance(t)
		switch {
		case t.srv == avoid:
			shunned = t
		case t.srv.Enter():
			got = t
			continue
		}
		r.passed = append(r.passed, t)
	}
	if got == nil && shunned != nil && shunned.srv.Enter() {
		got = shunned
	}
	if got != nil {
		g.place(got)
	}
	for _, t := range slices.Backward(r.passed) {
		switch {
		case t == got:
		case turned: // their position was one of the former round
			g.fresh.push(t, t.lightness())
		default:
			g.place(t)
		}
	}
	if got == nil {
		return nil, false
	}
	return got.srv, false
}

// begin starts the first round.
func (g *rotation) begin() {
	if !g.begun && g.weight > 0 {
		g.begun = true
		g.pos, g.length = g.weight, g.weight
	}
}

// follow gives a server the place that is due to it after a change.
func (g *rotation) follow(t *turn) {
	share := t.srv.Share()
	if t.line != nil && (!t.here || t.left != t.srv.Left()) {
		t.leave()
		g.weight -= t.share
	}
	t.left = t.srv.Left()
	switch {
	case !t.here:
	case t.line != nil:
		g.weight += share - t.share
		t.share = share
		g.reweigh(t)
	default:
		t.share = share
		g.weight += share
		if !g.begun {
			g.fresh.push(t, t.lightness())
			break
		}
		g.welcome(t)
	}
}

// welcome places a server that comes into a round: where it would have a turn if what is
// left of the round were all there is. Who comes when a round has been longer than it
// would be now has its first turn in the next one.
func (g *rotation) welcome(t *turn) {
	if left := g.length + g.weight - g.pos; left >= 0 {
		t.at = g.pos + left/t.share
	} else {
		t.at = 2*g.length + g.pos
	}
	g.place(t)
}

// reweigh moves the next turn of a server whose share is another: with a greater one it
// comes earlier, with a smaller one no later than planned.
func (g *rotation) reweigh(t *turn) {
	from := t.line
	t.leave()
	if from == g.fresh {
		g.fresh.push(t, t.lightness())
		return
	}
	if from == g.later {
		t.at += g.length
	}
	step := g.weight / t.share
	t.at, t.rest = min(t.at, t.last+step), 0
	if t.at < g.pos+2 {
		t.at = g.pos + step
	}
	g.place(t)
}

// due is the server whose turn it is, nil if nobody has one in this round any more.
func (g *rotation) due() *turn {
	t := g.placed.first()
	if t != nil && t.at <= g.pos {
		return t
	}
	if f := g.fresh.first(); f != nil {
		f.at, f.rest = 0, 0
		return f
	}
	return t // before its time
}

// turn begins the next round.
func (g *rotation) turn() {
	g.fresh, g.later = g.later, g.fresh
	g.pos, g.length = g.weight, g.weight
}

// advance takes a turn and plans the next one.
func (g *rotation) advance(t *turn) {
	if t.at == 0 { // fresh
		t.at = g.pos
	}
	t.last = t.at
	t.at += g.weight / t.share
	t.rest += g.weight % t.share
	if t.rest >= t.share {
		t.rest -= t.share
		t.at++
	}
	g.pos++
}

// place puts a server where its next turn is: in this round or a later one.
func (g *rotation) place(t *turn) {
	if t.at >= 2*g.length || t.at >= g.length+g.weight {
		t.at -= g.length
		g.later.push(t, t.lightness())
		return
	}
	// Of those with the same position the heavier comes first, and who has the smaller rest.
	g.placed.push(t, 256*t.at+(heaviest+t.rest-t.share)/server.ShareScale)
}
