package balance

import (
	"slices"
	"testing"

	"bench/proxy/spec"
)

// picks counts n choices by server. Slots are given back at once with free.
func picks(t *testing.T, p Picker, n int, free bool) []int {
	t.Helper()
	var got []int
	for range n {
		s, _ := p.Pick(nil)
		if s == nil {
			t.Fatal("no server")
		}
		for len(got) < s.Spec.ID {
			got = append(got, 0)
		}
		got[s.Spec.ID-1]++
		if free {
			s.Release()
		}
	}
	return got
}

// picker makes one for an algorithm without arguments.
func picker(name spec.Balance) Picker { return ByName(name).New(&spec.Proxy{Balance: name}) }

func TestRoundRobinFollowsWeights(t *testing.T) {
	servers := farm(spec.Server{Weight: 1}, spec.Server{Weight: 2}, spec.Server{Weight: 3})
	p := picker("roundrobin")
	p.Build(servers)
	if got := picks(t, p, 600, true); !slices.Equal(got, []int{100, 200, 300}) {
		t.Errorf("turns %v", got)
	}
	servers[0].SetWeight(4)
	p.Build(servers)
	got := picks(t, p, 900, true)
	for i, want := range []int{400, 200, 300} {
		if d := got[i] - want; d < -2 || d > 2 {
			t.Errorf("turns %v after a change of weight", got)
		}
	}
}

// A server that starts slowly has its next turn far off; it must not wait for
// that turn once its weight has grown.
func TestRoundRobinBringsTurnsForward(t *testing.T) {
	servers := farm(spec.Server{Weight: 1}, spec.Server{Weight: 256})
	p := picker("roundrobin")
	p.Build(servers)
	picks(t, p, 10, true)
	servers[0].SetWeight(256)
	p.Build(servers)
	if got := picks(t, p, 10, true); got[0] < 4 {
		t.Errorf("turns %v, want about 5 each", got)
	}
}

func TestRoundRobinSkips(t *testing.T) {
	servers := farm(spec.Server{Weight: 1, MaxConn: 1}, spec.Server{Weight: 1}, spec.Server{Weight: 1})
	p := picker("roundrobin")
	p.Build(servers)
	if got := picks(t, p, 7, false); got[0] != 1 || got[1] != 3 || got[2] != 3 {
		t.Errorf("turns %v: one server has one slot", got)
	}
	for range 4 {
		if s, _ := p.Pick(servers[1]); s != servers[2] {
			t.Errorf("server %d, want the one not to be avoided", s.Spec.ID)
		}
	}
	p.Build(servers[:1])
	if s, _ := p.Pick(nil); s != nil {
		t.Errorf("server %d although it is full", s.Spec.ID)
	}
	servers[0].Release()
	if s, _ := p.Pick(servers[0]); s != servers[0] {
		t.Error("the only server is avoided")
	}
}

func TestLeastConn(t *testing.T) {
	servers := farm(spec.Server{Weight: 1}, spec.Server{Weight: 2}, spec.Server{Weight: 1, MaxConn: 3})
	p := picker("leastconn")
	p.Build(servers)
	got := picks(t, p, 15, false)
	if !slices.Equal(got, []int{4, 8, 3}) {
		t.Errorf("sessions %v, want the weights' share but 3 of the last", got)
	}
	for range 3 {
		servers[0].Release()
	}
	if s, _ := p.Pick(nil); s != servers[0] {
		t.Errorf("server %d, want the least loaded", s.Spec.ID)
	}
}
