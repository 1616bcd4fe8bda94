package balance

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bench/internal/testquiet"
	"bench/proxy/hash"
	"bench/proxy/server"
	"bench/proxy/spec"
)

// ringOf makes the picker of "hash-type consistent".
func ringOf(servers []*server.Server) *consistent {
	c := &consistent{}
	c.Build(servers)
	return c
}

// However a circle has come about, it is the one that is made of its servers anew.
func TestRingDoesNotDependOnItsPast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawFarm(t)
		c := &consistent{}
		for range rapid.IntRange(1, 8).Draw(t, "changes") {
			var use []*server.Server
			for _, s := range all {
				if rapid.Bool().Draw(t, "in") {
					use = append(use, s)
				}
				if rapid.IntRange(0, 3).Draw(t, "weighs") == 0 {
					s.SetWeight(rapid.IntRange(1, 20).Draw(t, "weight"))
				}
			}
			c.Build(use)
			fresh := ringOf(use)
			if !slices.Equal(c.at, fresh.at) || !slices.Equal(c.nth, fresh.nth) || !slices.Equal(c.owner, fresh.owner) {
				t.Fatalf("%d points, want %d", len(c.at), len(fresh.at))
			}
		}
	})
}

// The server of a hash is that of the nearest point, as a plain search finds it.
func TestRingFindsTheNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		servers := drawFarm(t)
		c := ringOf(servers)
		h := hash.Avalanche(rapid.Uint32().Draw(t, "hash"))
		best, distance := -1, uint32(1<<31)
		for i, at := range c.at {
			// Of two that are equally near it is the one before the hash.
			if d := min(at-h, h-at); d < distance || d == distance && h-at == d {
				best, distance = i, d
			}
		}
		if got := c.nearest(h, nil).srv; got != servers[c.owner[best]] {
			t.Fatalf("%s, want %s", got.Spec.Name, servers[c.owner[best]].Spec.Name)
		}
	})
}

// A server that goes takes its own keys away, and hardly others; one of a thousand is
// gone and back in no time.
func TestRingMovesFewKeys(t *testing.T) {
	var specs []spec.Server
	for range 1000 {
		specs = append(specs, spec.Server{Weight: 1})
	}
	servers := farm(specs...)
	c := ringOf(servers)
	const keys = 50000
	owner := func() (list []*server.Server) {
		for i := range keys {
			list = append(list, c.nearest(hash.Avalanche(uint32(i)), nil).srv)
		}
		return list
	}
	before := owner()
	c.Build(servers[1:])
	moved := 0
	for i, s := range owner() {
		if s != before[i] {
			moved++
			if before[i] != servers[0] && s == servers[0] {
				t.Fatal("a key goes to a server that is gone")
			}
		}
	}
	if limit := keys/1000 + keys*2/100; moved == 0 || moved > limit {
		t.Errorf("%d of %d keys moved, want at most %d", moved, keys, limit)
	}
}

// A ring of many servers that loses one, or gets it back, is not sorted anew.
func TestRingIsMended(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	specs := make([]spec.Server, 1000)
	for i := range specs {
		specs[i].Weight = 1
	}
	servers := farm(specs...)
	least := func(f func()) time.Duration {
		best := time.Hour
		for range 10 {
			began := time.Now()
			f()
			best = min(best, time.Since(began))
		}
		return best
	}
	anew := least(func() { ringOf(servers) })
	c := ringOf(servers)
	mended := least(func() { c.Build(servers[1:]); c.Build(servers) }) / 2
	if mended > anew/2 {
		t.Errorf("mended in %v, made anew in %v", mended, anew)
	}
}

// With a balance factor no server has more than its share while another has less.
func TestBalanceFactorBoundsLoad(t *testing.T) {
	p := &spec.Proxy{Balance: spec.ByURI, Hash: spec.Hash{Consistent: true, Factor: 120}}
	servers := farmOf(p, spec.Server{Weight: 1}, spec.Server{Weight: 2}, spec.Server{Weight: 1})
	c := newHasher(p).(Hasher)
	c.Build(servers)
	for range 400 { // one key, as if the whole world asked for one page
		if s, full := c.PickHash(77, nil); s == nil || full {
			t.Fatal("no server")
		}
	}
	for i, most := range []int64{121, 241, 121} {
		if n := servers[i].Cur.Load(); n > most || n < most/3 {
			t.Errorf("server %d has %d of 400 sessions, want at most %d", i+1, n, most)
		}
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		h    spec.Hash
		uri  string
		want string
	}{
		{spec.Hash{}, "/a/b?c", "/a/b"},
		{spec.Hash{Whole: true}, "/a/b?c", "/a/b?c"},
		{spec.Hash{Len: 3}, "/a/b?c", "/a/"},
		{spec.Hash{Slashes: 2}, "/a/b?c", "/a"},
		{spec.Hash{Slashes: 3, Whole: true}, "/a/b?c/d", "/a/b?c"},
	} {
		if got := string(URIKey(&c.h, []byte(c.uri))); got != c.want {
			t.Errorf("%q by %+v: %q, want %q", c.uri, c.h, got, c.want)
		}
	}
	for host, want := range map[string]string{"haproxy.1wt.eu": "1wt", "a.b": "a", "localhost": "localhost", ".com": ".com", "": ""} {
		if got := string(Domain([]byte(host))); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
