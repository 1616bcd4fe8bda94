package config

import (
	"net/netip"

	"bench/internal/sock"
	"bench/proxy/spec"
)

func dispatchKeywords() []keyword {
	return []keyword{
		{name: "dispatch", args: "<address>:<port>", scope: inBack, doc: "Where all connections go, unless something names a server.", read: readDispatch},
		{name: "transparent", scope: inDefaults | inBack, doc: "The former name of \"option transparent\".", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.options["transparent"] = opt[bool]{val: !l.no, set: true, pos: l.pos}
			}
		}},
	}
}

func readDispatch(l *line) {
	w, ok := l.one("an address with a port")
	if !ok {
		return
	}
	a, err := l.resolveAddress(w.text)
	switch {
	case err != nil:
		l.fail(w, "'dispatch': %v", err)
		return
	case a.IsUnix():
	case a.AddrPort().Port() == 0:
		l.fail(w, "'dispatch' expects an address with a port, not '%s'", w.text)
		return
	case a.AddrPort().Addr().IsUnspecified():
		// The system takes it for this host.
		to := netip.IPv6Loopback()
		if a.AddrPort().Addr().Is4() {
			to = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		a = sock.FromAddrPort(netip.AddrPortFrom(to, a.AddrPort().Port()))
	}
	l.sect.settings.dispatch.put(a, l.pos)
}

// direct finds out whether the backend chooses servers, or sends all to one place.
func (p *parser) direct(s *section, px *spec.Proxy) {
	set := &s.settings
	transparent := set.options["transparent"]
	switch {
	case set.balance.set && transparent.val:
		p.alert(s, transparent.pos, "'%s' cannot have both 'option transparent' and 'balance'", px.Name)
		return
	case set.balance.set && set.dispatch.set:
		p.warning(s, set.dispatch.pos, "'dispatch' has no effect in '%s', which has 'balance'", px.Name)
		return
	case !transparent.val && !set.dispatch.set:
		return
	}
	t := newServerTemplate()
	t.Weight = 1
	if t.MapPort = !set.dispatch.set; t.MapPort {
		t.Addr = sock.FromAddrPort(netip.AddrPortFrom(netip.IPv4Unspecified(), 0))
	} else {
		t.Addr = set.dispatch.val
	}
	px.Direct = &t.Server
}
