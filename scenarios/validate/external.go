package validate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bench/scenarios/format"
	"bench/scenarios/source"
)

// external checks what belongs to a proxy that runs already, or to the other drivers.
func (v *validator) external() {
	p := &v.s.Proxy
	if !p.Foreign() {
		for _, key := range []string{"listeners", "pid", "stats.socket"} {
			if v.given("proxy." + key) {
				v.fail("proxy."+key, "%s belongs to driver external, a proxy that runs already; the run starts that of driver %s", format.Leaf("proxy."+key), p.Driver)
			}
		}
		return
	}
	for _, key := range []string{
		"config", "configFile", "poller", "threads", "binary", "reload", "args", "command", "reloadSignal", "ready", "node",
	} {
		if v.given("proxy." + key) {
			v.fail("proxy."+key, "%s belongs to a proxy that the run starts; driver external is one that runs already", key)
		}
	}
	if v.s.Network != nil {
		v.fail("network", "a network is for proxies that the run starts; that of driver external is outside of it")
	}
	if v.given("proxy.pid") && p.PID < 1 {
		v.fail("proxy.pid", "pid must be above 0, not %d", p.PID)
	}
	if len(p.Listeners) == 0 && v.given("proxy") && !v.Bad["proxy"] && !v.Bad["proxy.listeners"] {
		v.fail("proxy", "driver external needs listeners, as [{name: web, address: 127.0.0.1:8080}]")
	}
	v.binds = map[string]bool{}
	for i := range p.Listeners {
		l, at := &p.Listeners[i], fmt.Sprintf("proxy.listeners[%d]", i)
		v.name(at+".name", l.Name)
		if v.binds[l.Name] && l.Name != "" {
			v.fail(at+".name", "there are two listeners %q", source.Printable(l.Name))
		}
		v.binds[l.Name] = true
		if addr, err := netip.ParseAddrPort(l.Address); v.given(at+".address") && (err != nil || addr.Port() == 0 || addr.Addr().IsUnspecified()) {
			v.fail(at+".address", "an address is that of the listener with its port, such as 127.0.0.1:8080, not %q", source.Printable(l.Address))
		}
	}
	for i := range v.s.Backends {
		if b, at := &v.s.Backends[i], fmt.Sprintf("backends[%d]", i); b.Listen == "" && !v.Bad[at] && !v.Bad[at+".listen"] {
			v.fail(at, "backend %s needs listen, the address by which the proxy that runs already knows it, as 127.0.0.1:9001", source.Printable(b.Name))
		}
	}
}

// listen checks the fixed address of a backend.
func (v *validator) listen(i int) {
	b, at := &v.s.Backends[i], fmt.Sprintf("backends[%d].listen", i)
	if b.Listen == "" || v.Bad[at] {
		return
	}
	first, err := netip.ParseAddrPort(b.Listen)
	switch {
	case err != nil || first.Port() == 0:
		v.fail(at, "listen is an IP address and a port, such as 127.0.0.1:9001, not %q", source.Printable(b.Listen))
		return
	case first.Addr().IsUnspecified():
		v.fail(at, "listen is the one address that the proxy connects to, not %s", first.Addr())
		return
	case v.s.Network != nil:
		v.fail(at, "the run chooses the addresses in a network; listen belongs to a scenario without one")
		return
	}
	own := v.addresses(b)
	if len(own) < b.Replicas {
		v.fail(at, "%d replicas from %s on have no ports", b.Replicas, b.Listen)
		return
	}
	for j := range v.s.Backends[:i] {
		for _, addr := range v.addresses(&v.s.Backends[j]) {
			if slices.Contains(own, addr) {
				v.fail(at, "backend %s has the address %s already", source.Printable(v.s.Backends[j].Name), addr)
				return
			}
		}
	}
}

// addresses are the fixed ones of a backend's replicas.
func (v *validator) addresses(b *format.Backend) (all []string) {
	for n := 1; n <= min(b.Replicas, format.MaxReplicas); n++ {
		addr, err := b.Address(n)
		if err != nil {
			return all
		}
		all = append(all, addr)
	}
	return all
}

// spares refuses events that would do something to a proxy that is not the run's own.
func (v *validator) spares(at string, e *format.Event, action format.Action) {
	if !v.s.Proxy.Foreign() {
		return
	}
	const why = "driver external is a proxy that runs already: the run "
	switch {
	case strings.HasPrefix(e.Do, "proxy.reload"):
		v.fail(at+".do", why+"does not reload it")
	case e.Do == "proxy.kill":
		v.fail(at+".do", why+"does not kill it")
	case action.OnProcess() && e.Args.Name == format.ProxyName:
		v.fail(at+".args.name", why+"does nothing to its process")
	case action.OnConnections() && !action.NeedsWire() && strings.HasPrefix(e.Args.Only, "proxy/"):
		v.fail(at+".args.only", why+"does nothing to connections of its clients, who may be others; only origin/REPLICA is possible")
	}
}
