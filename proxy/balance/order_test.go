package balance

import (
	"runtime"
	"testing"

	"bench/proxy/server"
	"bench/proxy/spec"
)

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

// leastconn goes on where it was when it is built anew, and does not avoid whom it does not
// have.
func TestLeastConnBuiltAnew(t *testing.T) {
	servers := farm(spec.Server{Weight: 1}, spec.Server{Weight: 1}, spec.Server{Weight: 1})
	p := picker(spec.LeastConn)
	p.Build(servers)
	s, _ := p.Pick(nil)
	s.Release()
	p.Build(servers)
	if s, _ = p.Pick(nil); s != servers[1] {
		t.Errorf("goes on with %s", s.Spec.Name)
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
}
