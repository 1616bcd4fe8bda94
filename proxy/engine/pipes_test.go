package engine

import (
	"testing"

	"bench/proxy/spec"
)

// TestMaxPipes holds the default limit against what the reference reports in
// "show info" (Maxpipes) for the same configurations.
func TestMaxPipes(t *testing.T) {
	front := func(maxconn int) *spec.Proxy {
		return &spec.Proxy{Caps: spec.Frontend, MaxConn: maxconn, Options: spec.Options{SpliceAuto: true}}
	}
	back := func(fullconn int, auto bool) *spec.Proxy {
		return &spec.Proxy{Caps: spec.Backend, FullConn: fullconn, FullConnAuto: auto, Options: spec.Options{SpliceResponse: true}}
	}
	listen := func(maxconn int) *spec.Proxy {
		return &spec.Proxy{Caps: spec.Frontend | spec.Backend, MaxConn: maxconn, FullConn: 10, FullConnAuto: true, Options: spec.Options{SpliceRequest: true}}
	}
	const fds = 19970
	for _, c := range []struct {
		name              string
		maxpipes, maxconn int
		proxies           []*spec.Proxy
		want              int
	}{
		{"nobody splices", 0, 1000, []*spec.Proxy{{Caps: spec.Frontend}}, 0},
		{"set", 77, 1000, nil, 77},
		{"more than there are descriptors", 1 << 20, 1000, nil, fds/2 - 1},
		{"no limit at all", 0, 0, []*spec.Proxy{front(0)}, 1997},
		{"limit of the process", 0, 1000, []*spec.Proxy{front(0)}, 250},
		{"limit of the frontend", 0, 1000, []*spec.Proxy{front(60)}, 15},
		{"limit of the backend", 0, 1000, []*spec.Proxy{back(30, false)}, 7},
		{"backend without a limit", 0, 1000, []*spec.Proxy{back(30, true)}, 250},
		{"listen section", 0, 1000, []*spec.Proxy{listen(100)}, 250},
		{"sum of frontends", 0, 1000, []*spec.Proxy{front(60), front(100), back(8, false)}, 40},
		{"frontends beyond the process", 0, 100, []*spec.Proxy{front(600)}, 25},
	} {
		cfg := &spec.Config{Proxies: c.proxies, Global: spec.Global{MaxPipes: c.maxpipes}}
		if got := maxPipes(cfg, c.maxconn, fds); got != c.want {
			t.Errorf("%s: %d pipes, want %d", c.name, got, c.want)
		}
	}
}
