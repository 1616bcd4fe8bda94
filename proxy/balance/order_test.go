package balance

import (
	"cmp"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"bench/proxy/server"
	"bench/proxy/spec"
)

// turnsModel is round robin as a sorted list of turns: the earliest server with a slot
// is served, its next turn comes a step later, and who had to be passed over does not
// save up turns.
type turnsModel struct {
	turns []turn
	now   uint64
}

func (m *turnsModel) step(s *server.Server) uint64 {
	return stepScale * server.ShareScale / uint64(max(s.Share(), 1))
}

func (m *turnsModel) build(servers []*server.Server) {
	var next []turn
	for i, s := range servers {
		at := m.now + m.step(s)
		if j := slices.IndexFunc(m.turns, func(t turn) bool { return t.srv == s }); j >= 0 {
			at = min(at, m.turns[j].at)
		}
		next = append(next, turn{at, i, s})
	}
	m.turns = next
}

func (m *turnsModel) pick(avoid *server.Server, free func(*server.Server) bool) *server.Server {
	slices.SortFunc(m.turns, func(a, b turn) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq)) })
	i := slices.IndexFunc(m.turns, func(t turn) bool { return t.srv != avoid && free(t.srv) })
	passed := i
	if i < 0 { // nobody else: the one to avoid, and all were passed over
		passed = len(m.turns)
		if i = slices.IndexFunc(m.turns, func(t turn) bool { return t.srv == avoid && free(t.srv) }); i < 0 {
			return nil
		}
	}
	t := &m.turns[i]
	got := t.srv
	m.now = t.at
	t.at += m.step(got)
	for j := range passed {
		if j < i || passed == len(m.turns) {
			m.turns[j].at = max(m.turns[j].at, m.now)
		}
	}
	return got
}

// Whatever is full, avoided, comes or goes: round robin serves exactly whom the list of
// turns does. Where only the one to avoid is left, those before it in the list keep their
// place, which the model leaves open: it is built anew from what was chosen.
func TestRoundRobinIsAListOfTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawFarm(t)
		p := picker(spec.RoundRobin)
		m := &turnsModel{}
		p.Build(all)
		m.build(all)
		held := map[*server.Server]int{}
		t.Repeat(map[string]func(*rapid.T){
			"serve": func(t *rapid.T) {
				want := m.pick(nil, func(s *server.Server) bool { return !s.Full() })
				got, full := p.Pick(nil)
				if got != want || full {
					t.Fatalf("served %v, want %v", got, want)
				}
				if got == nil {
					return
				}
				if rapid.Bool().Draw(t, "stays") {
					held[got]++
				} else {
					got.Release()
				}
			},
			"avoid": func(t *rapid.T) {
				avoid := oneOf(t, all)
				others := slices.ContainsFunc(m.turns, func(x turn) bool { return x.srv != avoid && !x.srv.Full() })
				if !others {
					t.Skip("there is nobody else")
				}
				want := m.pick(avoid, func(s *server.Server) bool { return !s.Full() })
				got, _ := p.Pick(avoid)
				if got != want {
					t.Fatalf("served %v, want %v", got, want)
				}
				got.Release()
			},
			"end": func(t *rapid.T) {
				s := oneOf(t, all)
				if held[s] == 0 {
					t.Skip("nobody is there")
				}
				held[s]--
				s.Release()
			},
			"build": func(t *rapid.T) {
				use := slices.DeleteFunc(slices.Clone(all), func(*server.Server) bool { return rapid.IntRange(0, 3).Draw(t, "out") == 0 })
				p.Build(use)
				m.build(use)
			},
			"weigh": func(t *rapid.T) {
				oneOf(t, all).SetWeight(rapid.IntRange(1, 9).Draw(t, "weight"))
				var use []*server.Server
				slices.SortFunc(m.turns, func(a, b turn) int { return a.seq - b.seq })
				for _, x := range m.turns {
					use = append(use, x.srv)
				}
				p.Build(use)
				m.build(use)
			},
		})
	})
}

// A server that is served although it should be avoided, for want of another one, has had
// its turn: the others come before it is served again.
func TestAvoidedServerHasHadItsTurn(t *testing.T) {
	for _, a := range []spec.Balance{"roundrobin", spec.StaticRR} {
		servers := farm(spec.Server{Weight: 1, MaxConn: 1}, spec.Server{Weight: 1}, spec.Server{Weight: 1, MaxConn: 1})
		p := picker(a)
		p.Build(servers)
		for _, s := range []*server.Server{servers[0], servers[2]} {
			if !s.TryAcquire() {
				t.Fatal("a server has no slot")
			}
		}
		if s, full := p.Pick(servers[1]); s != servers[1] || full {
			t.Fatalf("%s: chose %v where only the one to avoid is left", a, s)
		}
		servers[0].Release()
		servers[2].Release()
		var got []*server.Server
		for range 3 {
			s, _ := p.Pick(nil)
			got = append(got, s)
		}
		if got[2] != servers[1] || got[0] == got[1] {
			t.Errorf("%s: then %s, %s, %s", a, got[0].Spec.Name, got[1].Spec.Name, got[2].Spec.Name)
		}
		for _, s := range servers { // nobody was passed over who could have served
			s.Release()
		}
		if a == spec.StaticRR && got[0] != servers[2] {
			t.Errorf("%s goes on behind the one that served, not with %s", a, got[0].Spec.Name)
		}
	}
}

// static-rr goes on where it was when servers go, and begins anew only where there is no
// such place any longer.
func TestStaticRoundRobinGoesOn(t *testing.T) {
	servers := farm(spec.Server{Weight: 1}, spec.Server{Weight: 1}, spec.Server{Weight: 1})
	next := func(p Picker) string {
		s, _ := p.Pick(nil)
		s.Release()
		return s.Spec.Name
	}
	p := picker(spec.StaticRR)
	p.Build(servers)
	next(p)
	p.Build(servers)
	if got := next(p); got != "s2" {
		t.Errorf("went on with %s, want s2", got)
	}
	p.Build(servers[:2]) // the next place, the third, is gone
	if got := next(p) + next(p); got != "s1s2" {
		t.Errorf("began anew with %s", got)
	}
	next(p)
	p.Build(servers[:1]) // as is the second
	if got := next(p); got != "s1" {
		t.Errorf("began anew with %s", got)
	}
}

// leastconn begins its scan anew when it is built, and does not avoid whom it does not have.
func TestLeastConnBuiltAnew(t *testing.T) {
	servers := farm(spec.Server{Weight: 1}, spec.Server{Weight: 1}, spec.Server{Weight: 1})
	p := picker(spec.LeastConn)
	p.Build(servers)
	s, _ := p.Pick(nil)
	s.Release()
	p.Build(servers)
	if s, _ = p.Pick(nil); s != servers[0] {
		t.Errorf("begins with %s", s.Spec.Name)
	}
	p.Build(nil)
	if s, _ := p.Pick(servers[1]); s != nil {
		t.Errorf("%s was chosen, which it does not have", s.Spec.Name)
	}
	if s, _ := p.Pick(nil); s != nil {
		t.Errorf("%s was chosen of nobody", s.Spec.Name)
	}
}

// Once room was made, not even the first time that all servers are there allocates.
func TestRoomIsMadeBeforehand(t *testing.T) {
	var specs []spec.Server
	for range 50 {
		specs = append(specs, spec.Server{Weight: 1})
	}
	servers := farm(specs...)
	for _, a := range Algorithms() {
		least := uint64(1 << 62) // others may allocate meanwhile
		for range 5 {
			p := picker(a.Name)
			p.Build(servers[:1])
			p.Reserve(len(servers))
			if (&spec.Proxy{Balance: a.Name}).FixedWeights() {
				p.Build(servers) // the order grows until all were up at once
				p.Build(servers[:1])
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p.Build(servers)
			for range 60 {
				s, _ := p.Pick(servers[7])
				s.Release()
			}
			runtime.ReadMemStats(&after)
			least = min(least, after.Mallocs-before.Mallocs)
		}
		if least > 0 {
			t.Errorf("%s: %d allocations", a.Name, least)
		}
	}
	p := picker(spec.RoundRobin).(*roundRobin)
	p.Build(servers)
	room := p.room
	if p.Reserve(room); p.room != room {
		t.Errorf("room for %d was made anew", room)
	}
	if len(p.before) != 0 {
		t.Errorf("%d servers are held after building", len(p.before))
	}
}
