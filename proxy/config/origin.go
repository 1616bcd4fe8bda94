package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bench/internal/sock"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// readSource takes "source ADDRESS [usesrc ...] [interface NAME]" of a proxy.
func readSource(l *line) {
	if !l.arity(1, maxWords, "an address") {
		return
	}
	a, ok := l.sourceAddress(l.args[0], false)
	if !ok {
		return
	}
	o := &l.sect.settings.source
	o.put(a, l.pos)
	if rest := l.sourceMore(&o.val, l.args[1:]); len(rest) > 0 {
		l.fail(rest[0], "'source' cannot handle unexpected argument '%s'", rest[0].text)
	}
}

// sourceAddress reads an own address to connect from; ranged allows a range of
// ports.
func (l *line) sourceAddress(w word, ranged bool) (spec.Source, bool) {
	r, err := l.readAddress(w.text)
	switch {
	case err != nil:
		l.fail(w, "'source': %v", err)
	case r.fd >= 0, r.addr.IsUnix():
		l.fail(w, "'source': '%s' is not an IP address", w.text)
	case r.relative:
		l.fail(w, "'source': '%s': a port relative to the client's makes no sense here", w.text)
	case r.low != r.high && !ranged:
		l.fail(w, "'source': '%s': a range of ports belongs on 'server' lines", w.text)
	case r.low != r.high:
		// Port 0 leaves the choice to the kernel, as the first of a range as well.
		return spec.Source{Addr: r.addr, LastPort: uint16(r.high)}, true
	case r.low != 0:
		l.warn(w, "'source' with the fixed port %d allows one connection to each server at a time", r.low)
		return spec.Source{Addr: r.addr}, true
	default:
		return spec.Source{Addr: r.addr}, true
	}
	return spec.Source{}, false
}

// sourceMore takes "interface NAME" and "usesrc ..." after an own address, and returns
// what follows.
func (l *line) sourceMore(o *spec.Source, rest []word) []word {
	for len(rest) > 0 {
		switch name := rest[0].text; {
		case name != "interface" && name != "usesrc":
			return rest
		case len(rest) == 1 && name == "interface":
			l.missing("the name of a network interface")
			return nil
		case len(rest) == 1:
			l.missing("'client', 'clientip', 'hdr_ip(<name>[,<occurrence>])' or an address after 'usesrc'")
			return nil
		case name == "interface":
			o.Interface = rest[1].text
		default:
			l.useSource(o, rest[1])
		}
		rest = rest[2:]
	}
	return nil
}

// useSource reads whose address servers get to see.
func (l *line) useSource(o *spec.Source, w word) {
	o.AsAddr, o.Header = sock.Addr{}, nil
	switch name, ok := strings.CutPrefix(w.text, "hdr_ip("); {
	case w.text == "client":
		o.As = spec.AsClient
	case w.text == "clientip":
		o.As = spec.AsClientIP
	case ok:
		o.As = spec.AsHeader
		o.Header = l.sourceHeader(w, name)
	default:
		a, _ := l.sourceAddress(w, false)
		o.As, o.AsAddr = spec.AsOther, a.Addr
	}
}

// maxOccurrence is how many values from the end can be told apart, as in the reference.
const maxOccurrence = 10

// sourceHeader reads the rest of "hdr_ip(NAME[,OCCURRENCE])".
func (l *line) sourceHeader(w word, rest string) *sample.Expr {
	rest, closed := strings.CutSuffix(rest, ")")
	name, number, numbered := strings.Cut(rest, ",")
	name = strings.TrimSpace(name)
	n := -1
	var err error
	if numbered {
		n, err = strconv.Atoi(strings.TrimSpace(number))
	}
	switch {
	case !closed || name == "" || err != nil:
		l.fail(w, "'usesrc' expects 'hdr_ip(<name>[,<occurrence>])', not '%s'", w.text)
		return nil
	case n < -maxOccurrence:
		l.fail(w, "'usesrc': occurrences from the end reach to -%d, not '%d'", maxOccurrence, n)
		return nil
	case n == 0:
		return nil // no address is to be found, as in the reference
	}
	e, err := sample.Compile("req.hdr("+name+","+strconv.Itoa(n)+")", l.sampleEnv(txn.At(txn.StepBackend), whereServers))
	if err != nil {
		l.fail(w, "'usesrc': %v", err)
	}
	return e
}

// readInitAddr takes the methods of "init-addr".
func readInitAddr(l *line, x *serverTemplate, w word) {
	methods := strings.Split(w.text, ",")
	for _, m := range methods {
		if _, err := netip.ParseAddr(m); err != nil && !slices.Contains([]string{"last", "libc", "none"}, m) {
			l.fail(w, "'init-addr' expects last, libc, none or addresses, separated by commas, not '%s'", m)
			return
		}
	}
	x.initAddr = methods
}

// resolveServer finds the address of a server's host name by the methods of
// "init-addr". Without it the system is asked, and a server with "resolvers" may be
// left without an address.
func (l *line) resolveServer(w word, s *serverDraft) bool {
	if s.resolvers.name != "" {
		l.p.resolverUses = append(l.p.resolverUses, sectionUse{s.resolvers, func(int) {}})
	}
	if s.at.host == "" {
		return true
	}
	if s.SRV = s.resolvers.name != "" && strings.HasPrefix(s.at.host, "_"); s.SRV {
		// Only the DNS knows services.
		s.Unresolved = true
		s.at.resolved(netip.IPv4Unspecified())
		return true
	}
	methods := []string{"last", "libc"}
	if s.resolvers.name != "" {
		methods = append(methods, "none")
	}
	if s.initAddr != nil {
		methods = s.initAddr
	}
	asked := false
	for _, m := range methods {
		switch m {
		case "last":
			s.LastAddr = true
		case "libc":
			asked = true
			if ip, err := l.lookUpServer(s); err == nil {
				s.at.resolved(ip)
				return true
			}
		case "none":
			if asked {
				l.warn(w, "cannot resolve the host name '%s': server '%s' waits for an address in maintenance", s.at.host, s.Name)
			}
			s.Unresolved = true
			s.at.resolved(netip.IPv4Unspecified())
			return true
		default:
			if asked {
				l.warn(w, "cannot resolve the host name '%s': server '%s' takes the address %s of 'init-addr'", s.at.host, s.Name, m)
			}
			s.at.resolved(netip.MustParseAddr(m))
			return true
		}
	}
	if from := l.sect.settings.stateFrom.val; s.LastAddr && (from == "global" || from == "local") {
		// A file of server states may know it.
		s.Unresolved, s.NeedsAddr = true, true
		s.at.resolved(netip.IPv4Unspecified())
		return true
	}
	l.fail(w, "'server': cannot resolve the host name '%s'", s.at.host)
	return false
}

// lookUpServer asks the system for an address, of the preferred family if there is one.
func (l *line) lookUpServer(s *serverDraft) (netip.Addr, error) {
	network := ""
	if s.prefers {
		network = map[bool]string{true: "ip4", false: "ip6"}[s.PreferIPv4]
	}
	if s.at.network == "ip" && network != "" {
		if ip, err := l.lookUp(network, s.at.host); err == nil {
			return ip, nil
		}
	}
	return l.lookUp(s.at.network, s.at.host)
}
