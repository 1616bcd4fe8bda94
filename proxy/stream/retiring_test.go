package stream_test

import (
	"testing"

	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/state"
)

// Clients are sent to servers in maintenance where the proxy is to do that, but not to one
// that is about to be removed: they would be left without it.
func TestNobodyGoesToARetiringServer(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Options.Persist = true
		p.UseServer = []spec.ServerRule{{Server: p.Servers[0]}}
	}, origin(t, echoHTTP), origin(t, echoHTTP))
	first, second := r.backend.Servers()[0], r.backend.Servers()[1]
	first.Decide(state.OrderMaint, true)
	c := r.dial()
	for _, step := range []struct {
		retiring bool
		to       *server.Server
	}{{false, first}, {true, second}, {false, first}} {
		first.Retire(step.retiring)
		var before, after uint64
		r.loop.Call(func() { before = r.thread.Server(step.to).C.Sessions })
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if resp, _ := c.response("GET"); resp.StatusCode != 200 {
			t.Fatalf("retiring %v: status %d", step.retiring, resp.StatusCode)
		}
		r.loop.Call(func() { after = r.thread.Server(step.to).C.Sessions })
		if after != before+1 {
			t.Errorf("retiring %v: the request went elsewhere than to %s", step.retiring, step.to.Spec.Name)
		}
	}
}
