package balance

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"bench/proxy/registry"
	"bench/proxy/server"
	"bench/proxy/spec"
)

// drawFarm makes a few servers; some have few slots.
func drawFarm(t *rapid.T) []*server.Server {
	var specs []spec.Server
	for range rapid.IntRange(1, 6).Draw(t, "servers") {
		specs = append(specs, spec.Server{Weight: rapid.IntRange(1, 5).Draw(t, "weight"), MaxConn: rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "maxconn"), MaxQueue: rapid.IntRange(0, 2).Draw(t, "maxqueue")})
	}
	return farm(specs...)
}

// oneOf draws a server.
func oneOf(t *rapid.T, servers []*server.Server) *server.Server {
	return servers[rapid.IntRange(0, len(servers)-1).Draw(t, "server")]
}

// Whatever is full, comes and goes: while nothing changes, round robin gives each
// server its share, neither a turn saved up before nor one owed, and nobody else's, from
// the round on that begins after a change.
func TestRoundRobinIsFairWhileNothingChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawFarm(t)
		p := picker("roundrobin")
		use := all
		p.Build(use)
		var held []*server.Server // slots taken by the test, to make servers full
		t.Repeat(map[string]func(*rapid.T){
			"fill": func(t *rapid.T) {
				s := oneOf(t, use)
				for s.MaxConn() > 0 && s.TryAcquire() {
					held = append(held, s)
				}
			},
			"empty": func(*rapid.T) {
				for _, s := range held {
					s.Release()
				}
				held = nil
			},
			"build": func(t *rapid.T) {
				use = nil
				for i, s := range all {
					if rapid.Bool().Draw(t, "in") || i == len(all)-1 && use == nil {
						use = append(use, s)
					}
				}
				p.Build(use)
			},
			"serve": func(t *rapid.T) {
				weight := 0
				var free []*server.Server
				for _, s := range use {
					if !s.Full() {
						free = append(free, s)
						weight += s.Weight()
					}
				}
				// The rest of the round under way is still divided as it was begun.
				for range server.ShareScale * 5 * 6 {
					if s, _ := p.Pick(nil); s != nil {
						s.Release()
					}
				}
				n := rapid.IntRange(1, 60).Draw(t, "requests")
				got := map[*server.Server]int{}
				for range n {
					s, _ := p.Pick(nil)
					if s == nil {
						if len(free) > 0 {
							t.Fatal("no server, and some are free")
						}
						return
					}
					got[s]++
					s.Release()
				}
				for _, s := range all {
					want := 0.0
					if slices.Contains(free, s) {
						want = float64(n) * float64(s.Weight()) / float64(weight)
					}
					if d := float64(got[s]) - want; d > 2 || d < -2 || want == 0 && d != 0 {
						t.Fatalf("server %s of weight %d of %d served %d of %d, want about %.1f", s.Spec.Name, s.Weight(), weight, got[s], n, want)
					}
				}
			},
		})
	})
}

// static-rr gives each server as many of any run of places as is its weight.
func TestStaticRoundRobinFollowsWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var specs []spec.Server
		total := 0
		for range rapid.IntRange(1, 6).Draw(t, "servers") {
			specs = append(specs, spec.Server{Weight: rapid.IntRange(1, 9).Draw(t, "weight")})
			total += specs[len(specs)-1].Weight
		}
		servers := farm(specs...)
		p := picker(spec.StaticRR)
		p.Build(servers)
		for range rapid.IntRange(0, 20).Draw(t, "before") {
			s, _ := p.Pick(nil)
			s.Release()
		}
		got := map[*server.Server]int{}
		for range total {
			s, _ := p.Pick(nil)
			s.Release()
			got[s]++
		}
		for _, s := range servers {
			if got[s] != s.Weight() {
				t.Fatalf("%s served %d of %d, its weight is %d", s.Spec.Name, got[s], total, s.Weight())
			}
		}
	})
}

// Building anew what has not changed changes nothing.
func TestRoundRobinKeepsTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		servers := drawFarm(t)
		name := rapid.SampledFrom([]spec.Balance{"roundrobin", spec.StaticRR}).Draw(t, "algorithm")
		p, q := picker(name), picker(name)
		p.Build(servers)
		q.Build(servers)
		for range rapid.IntRange(1, 40).Draw(t, "requests") {
			if rapid.Bool().Draw(t, "build") {
				q.Build(servers)
			}
			a, _ := p.Pick(nil)
			a.Release()
			b, _ := q.Pick(nil)
			b.Release()
			if a != b {
				t.Fatalf("%s without building anew, %s with", a.Spec.Name, b.Spec.Name)
			}
		}
	})
}

// leastconn takes the server with the least for its weight, rounded as in the reference,
// those who wait for it included, of those that have a slot or, with "maxqueue", a place
// to wait.
func TestLeastConnIsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		servers := drawFarm(t)
		p := picker("leastconn")
		p.Build(servers)
		var held []*server.Server
		waiting := map[*server.Server]int{}
		sessions := func(s *server.Server) (n int) {
			for _, o := range held {
				if o == s {
					n++
				}
			}
			return n
		}
		admits := func(s *server.Server) bool {
			return s.MaxConn() == 0 || sessions(s)+waiting[s] < s.MaxConn()+s.Spec.MaxQueue
		}
		load := func(s *server.Server) int { // servers with nobody are alike, whatever they weigh
			n := sessions(s) + waiting[s]
			if n == 0 {
				return 0
			}
			return (n + 1) * 256 / s.Weight()
		}
		t.Repeat(map[string]func(*rapid.T){
			"come": func(t *rapid.T) {
				var avoid *server.Server
				if rapid.IntRange(0, 3).Draw(t, "avoids") == 0 {
					avoid = oneOf(t, servers)
				}
				var best []*server.Server
				for _, s := range servers {
					switch {
					case s == avoid || !admits(s):
					case len(best) == 0 || load(s) < load(best[0]):
						best = []*server.Server{s}
					case load(s) == load(best[0]):
						best = append(best, s)
					}
				}
				if len(best) == 0 && avoid != nil && admits(avoid) {
					best = []*server.Server{avoid}
				}
				s, full := p.Pick(avoid)
				switch {
				case (s == nil) != (len(best) == 0) || s != nil && !slices.Contains(best, s):
					t.Fatalf("chose %v, the best are %v", s, best)
				case s == nil:
				case full != (s.MaxConn() > 0 && sessions(s) >= s.MaxConn()):
					t.Fatalf("%s with %d sessions of %d is full: %v", s.Spec.Name, sessions(s), s.MaxConn(), full)
				case !full:
					held = append(held, s)
				default:
					waiting[s]++
					w := &server.Waiter{}
					w.Wake = func() { waiting[s]--; held = append(held, w.Got) }
					s.Backend.Enqueue(w, s)
				}
			},
			"leave": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("nobody is there")
				}
				i := rapid.IntRange(0, len(held)-1).Draw(t, "who")
				s := held[i]
				held = slices.Delete(held, i, i+1)
				s.Release()
			},
		})
	})
}

// A slot that has just become free is for those who wait for it.
func TestLeastConnDoesNotOvertake(t *testing.T) {
	s := farm(spec.Server{Weight: 1, MaxConn: 1, MaxQueue: 2})[0]
	p := picker("leastconn")
	p.Build([]*server.Server{s})
	s.Queued.Inc() // as between the two steps of Release, in another thread
	if got, full := p.Pick(nil); got != s || !full || s.Cur.Load() != 0 {
		t.Errorf("chose %v, full: %v, sessions %d", got, full, s.Cur.Load())
	}
}

// Equal servers that are given back at once take turns.
func TestLeastConnTakesTurns(t *testing.T) {
	servers := farm(spec.Server{Weight: 1}, spec.Server{Weight: 1}, spec.Server{Weight: 1})
	p := picker("leastconn")
	p.Build(servers)
	if got := picks(t, p, 9, true); !slices.Equal(got, []int{3, 3, 3}) {
		t.Errorf("turns %v, want three each", got)
	}
}

// Who avoids a server gets it only if there is no other, with every algorithm.
func TestAvoidedIfThereIsAnother(t *testing.T) {
	for _, a := range Algorithms() {
		if a.Name == spec.Random {
			continue // draws, and waits where all it has drawn are full
		}
		rapid.Check(t, func(t *rapid.T) {
			servers := drawFarm(t)
			p := picker(a.Name)
			p.Build(servers)
			for _, s := range servers {
				for rapid.Bool().Draw(t, "fill") && s.MaxConn() > 0 && s.TryAcquire() {
				}
			}
			avoid := oneOf(t, servers)
			admits := func(s *server.Server) bool {
				return !s.Full() || a.Name == "leastconn" && s.Admits()
			}
			others := slices.ContainsFunc(servers, func(s *server.Server) bool { return s != avoid && admits(s) })
			none := !others && !admits(avoid)
			switch s, _ := p.Pick(avoid); {
			case (s == nil) != none:
				t.Fatalf("%s: chose %v, others %v", a.Name, s, others)
			case s == avoid && others:
				t.Fatalf("%s: chose the one to avoid", a.Name)
			}
		})
	}
}

// Threads build their pickers anew between two requests: neither that nor choosing may
// allocate once room was made.
func TestChoosingDoesNotAllocate(t *testing.T) {
	var specs []spec.Server
	for range 50 {
		specs = append(specs, spec.Server{Weight: 1})
	}
	servers := farm(specs...)
	for _, a := range Algorithms() {
		p := picker(a.Name)
		p.Reserve(len(servers))
		if (&spec.Proxy{Balance: a.Name}).FixedWeights() {
			p.Build(servers) // which has no servers added, and makes room when all are up
		}
		n := 1
		if got := testing.AllocsPerRun(100, func() {
			p.Build(servers[:n])
			n = n%len(servers) + 1
			s, _ := p.Pick(nil)
			s.Release()
		}); got > 0 {
			t.Errorf("%s: %v allocations", a.Name, got)
		}
	}
}

// farm makes servers of one backend.
func farm(servers ...spec.Server) []*server.Server {
	return farmOf(&spec.Proxy{Balance: spec.LeastConn}, servers...)
}

// farmOf makes servers of a backend.
func farmOf(p *spec.Proxy, servers ...spec.Server) []*server.Server {
	for i := range servers {
		servers[i].Name, servers[i].ID = fmt.Sprintf("s%d", i+1), i+1
		p.Servers = append(p.Servers, &servers[i])
	}
	return server.NewBackend(p, new(registry.Slots)).Servers()
}
