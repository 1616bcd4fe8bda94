package simulation

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/internal/virtual"
	"bench/proxy/registry"
	"bench/proxy/server"
	"bench/proxy/spec"
)

// astray is a machine that connects to the second server instead of the first.
type astray struct{ *virtual.Machine }

func (k astray) Connect(a *sock.Addr, o *sock.ConnectOptions) (int, bool, syscall.Errno) {
	to := *a
	if to == origin(0) {
		to = origin(1)
	}
	return k.Machine.Connect(&to, o)
}

// A connection to a server that is down is noticed, unless it was promised before.
func TestConnectionsToGoneServersAreNoticed(t *testing.T) {
	p := &Plan{
		Seed: 1, Threads: 1, Edges: true, Servers: []string{"", ""}, Link: virtual.Link{Room: 64 << 10},
		Proxy: []string{"balance roundrobin", "timeout client 1m", "timeout server 1m", "timeout connect 1m"},
		Moves: []Move{{What: toDown, Server: 2}},
		Clients: []Client{{At: time.Millisecond, Link: virtual.Link{Room: 64 << 10}, Requests: []Request{
			{ID: 1, Method: "GET", Answer: Answer{Status: 200, Framing: ByLength}},
		}}},
	}
	if o := Run(p, nil); len(o.Broken) > 0 {
		t.Fatalf("an engine that does as it should: %v", o.Broken)
	}
	o := runOn(p, nil, func(m *virtual.Machine) sock.Kernel { return astray{m} })
	if len(o.Broken) == 0 || !strings.Contains(o.Broken[0].Text, "a connection to s2, which is gone (down)") {
		t.Errorf("an engine that connects to a server which is down: %v", o.Broken)
	}
}

// So is that load balancing has chosen a server which was not to be chosen.
func TestChoicesOfBarredServersAreNoticed(t *testing.T) {
	px := &spec.Proxy{Servers: []*spec.Server{{Name: "s1"}}}
	s := server.NewBackend(px, new(registry.Slots)).Servers()[0]
	for _, c := range []struct {
		before uint64
		want   int
	}{{0, 0}, {1, 1}} { // there are no threads, which have chosen nothing
		e := &engine{books: newBooks(&Plan{}), farm: farm{barred: map[*server.Server]uint64{s: c.before}}}
		if e.hold(); len(e.books.broken) != c.want {
			t.Errorf("%d choices before, 0 by now: %v", c.before, e.books.broken)
		}
	}
}

// A server that is ill goes down and comes back, and its checks leave nothing behind.
func TestChecksFollowSpells(t *testing.T) {
	p := &Plan{
		Seed: 1, Threads: 2, Servers: []string{"", "check port 81 inter 100ms rise 2 fall 2 slowstart 200ms", "track px/s2"}, Link: virtual.Link{Room: 64 << 10},
		Proxy: []string{"balance roundrobin", "option httpchk", "timeout client 1m", "timeout server 1m", "timeout connect 1m"},
		Clients: []Client{{At: 15 * time.Second, Link: virtual.Link{Room: 64 << 10}, Requests: []Request{
			{ID: 1, Method: "GET", Answer: Answer{Status: 200, Framing: ByLength}},
		}}},
	}
	for i, how := range []Illness{refuses, lost, silent, wrong, hangsUp} {
		p.Spells = append(p.Spells, Spell{Server: 2, At: time.Duration(1+3*i) * time.Second, For: 1700 * time.Millisecond, How: how})
	}
	var states []string
	o := Run(p, func(_ time.Duration, what string) {
		if strings.HasPrefix(what, "checks of s2") {
			states = append(states, strings.TrimPrefix(what, "checks of s2: "))
		}
	})
	if len(o.Broken) > 0 {
		t.Error(o.Broken)
	}
	if o.Falls != len(p.Spells) || len(states) != 2*len(p.Spells) {
		t.Errorf("checks took the server down %d times, in %d spells: %q", o.Falls, len(p.Spells), states)
	}
	// What they have met, and that they come back by an answer.
	for i, want := range []string{"L4CON", "L4TOUT", "L7TOUT", "L7STS", "L7RSP"} {
		if 2*i+1 < len(states) && (!strings.HasPrefix(states[2*i], want) || !strings.HasPrefix(states[2*i+1], "L7OK")) {
			t.Errorf("spell %d: %q, then %q; want %s and L7OK", i+1, states[2*i], states[2*i+1], want)
		}
	}
}
