package server

import (
	"testing"

	"bench/proxy/registry"
	"bench/proxy/spec"
)

// Connections that tell servers of a client are of use to that one only.
func TestIntroduces(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*spec.Proxy, *spec.Server)
		want   bool
	}{
		"nothing":                 {func(*spec.Proxy, *spec.Server) {}, false},
		"header":                  {func(_ *spec.Proxy, s *spec.Server) { s.Proxy.V1 = true }, true},
		"newer header":            {func(_ *spec.Proxy, s *spec.Server) { s.Proxy.V2 = true }, true},
		"namespace of the client": {func(_ *spec.Proxy, s *spec.Server) { s.ClientsNamespace = true }, true},
		"own address":             {func(_ *spec.Proxy, s *spec.Server) { s.Source = &spec.Source{} }, false},
		"foreign address":         {func(_ *spec.Proxy, s *spec.Server) { s.Source = &spec.Source{As: spec.AsOther} }, false},
		"address of the client":   {func(_ *spec.Proxy, s *spec.Server) { s.Source = &spec.Source{As: spec.AsClient} }, true},
		"by the backend":          {func(p *spec.Proxy, _ *spec.Server) { p.Source = &spec.Source{As: spec.AsHeader} }, true},
		"the server's comes first": {func(p *spec.Proxy, s *spec.Server) {
			p.Source, s.Source = &spec.Source{As: spec.AsClientIP}, &spec.Source{}
		}, false},
	} {
		p, s := &spec.Proxy{Name: "b"}, &spec.Server{Name: "s", Weight: 1}
		s.Addr.SetPort(1)
		c.change(p, s)
		p.Servers = []*spec.Server{s}
		got := NewBackend(p, &registry.Slots{}).Servers()[0]
		if got.Introduces() != c.want || c.want && !got.ForOneClient() {
			t.Errorf("%s: %v, for one client %v", name, got.Introduces(), got.ForOneClient())
		}
	}
}
