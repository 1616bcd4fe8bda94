package cli

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"bench/internal/sock"
	"bench/proxy/state"
)

// setServer is "set server BACKEND/SERVER WHAT VALUE...".
func setServer(r *request) error {
	s, err := r.usedServer()
	if s == nil {
		return err
	}
	if r.arg(2) == "" {
		switch r.arg(1) {
		case "agent-addr", "check-addr":
			return r.fail("set server <b>/<s> " + r.arg(1) + " requires an address and optionally a port.")
		case "agent-port", "check-port":
			return r.fail("set server <b>/<s> " + r.arg(1) + " requires a port.")
		}
	}
	switch r.arg(1) {
	case "weight":
		return r.changeWeight(s, r.arg(2))
	case "state":
		return r.changeState(s)
	case "health":
		return r.changeHealth(s)
	case "addr":
		return r.changeAddr(s)
	case "check-addr", "check-port":
		return r.changeCheckAddr(s)
	case "agent", "agent-send", "agent-addr", "agent-port":
		return r.changeAgent(s)
	case "fqdn":
		return r.changeHost(s)
	case "ssl":
		return r.changeTLS(s)
	}
	return r.fail("usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr | check-port | fqdn | health | ssl | state | weight")
}

func (r *request) changeState(s Server) error {
	states := map[string]state.Admin{"ready": state.Ready, "drain": state.Drain, "maint": state.Maint}
	a, ok := states[r.arg(2)]
	if !ok {
		return r.fail("'set server <srv> state' expects 'ready', 'drain' and 'maint'.")
	}
	s.SetAdmin(a)
	return nil
}

func (r *request) changeHealth(s Server) error {
	if s.State().Follows {
		return r.fail("cannot change health on a tracking server.")
	}
	states := map[string]state.Health{"up": state.Up, "stopping": state.Stopping, "down": state.Down}
	h, ok := states[r.arg(2)]
	if !ok {
		return r.fail("'set server <srv> health' expects 'up', 'stopping', or 'down'.")
	}
	s.SetHealth(h)
	return nil
}

// changeAddr sets the address and, after "port", the port, and tells what was
// changed.
func (r *request) changeAddr(s Server) error {
	if r.arg(2) == "" {
		return r.fail("set server <b>/<s> addr requires an address and optionally a port.")
	}
	text, _ := Move(s, r.arg(2), r.arg(4), r.arg(3) == "port", " by 'stats socket command'")
	return r.warn(text)
}

// Move gives a server another address and, if hasPort, port. It returns what has changed,
// or what is wrong; by is the end of that.
func Move(s Server, addr, portText string, hasPort bool, by string) (text string, ok bool) {
	ip, ok := sock.ParseIP(addr)
	if !ok {
		return "Invalid addr '" + addr + "'" + by, false
	}
	st := s.State()
	old := st.Addr
	if !old.Addr().IsValid() && !st.Unresolved { // a unix socket
		return "Update for the current server address family is only supported through configuration file" + by, false
	}
	text = "no need to change the addr"
	if ip != old.Addr() {
		text = fmt.Sprintf("IP changed from '%s' to '%s'", old.Addr(), addr)
	}
	to := netip.AddrPortFrom(ip, old.Port())
	if hasPort {
		said, port := movePort(s, &st, portText)
		text += ", " + said
		to = netip.AddrPortFrom(ip, port)
	}
	if to != old {
		s.SetAddr(to)
	}
	return text + by, true
}

// movePort reads the port that a server is to have, and says what has changed. A number with a
// sign is what is added to the port that the client came to. The port returned is that of the
// address from now on. As in the reference the address is changed even if there is no number.
func movePort(s Server, st *ServerState, text string) (said string, port uint16) {
	port = st.Addr.Port()
	n, rest := leadingNumber(text)
	if rest == text {
		return "problem converting port '" + text + "' to an int", port
	}
	// Ports and offsets are numbers of 16 bits, of which a sign is no part.
	current, to, old, sign := port, uint16(n), "", ""
	if st.FollowsPort {
		current, old = uint16(st.PortOffset), "+"
	}
	if text[0] == '+' || text[0] == '-' {
		sign = text[:1]
	}
	switch {
	case sign != "" && !st.FollowsPort:
		if st.CheckPort == 0 && st.CheckAddr.Port() == 0 {
			return "can't change <port> to port map because it is incompatible with current health check port configuration (use 'port' statement from the 'server' directive.", port
		}
	case current == to:
		return "no need to change the port", port
	}
	old += strconv.Itoa(int(current))
	switch sign {
	case "":
		s.FixPort()
		return fmt.Sprintf("port changed from '%s' to '%d'", old, to), to
	case "-":
		said = fmt.Sprintf("port changed from '%s' to '-%d'", old, -to)
	default:
		said = fmt.Sprintf("port changed from '%s' to '+%d'", old, to)
	}
	s.FollowPort(int(to))
	return said, port
}

func (r *request) changeCheckAddr(s Server) error {
	st := s.State()
	if !st.CheckOn {
		return r.complain("health checks are not enabled on this server")
	}
	addr, portText, hasPort := st.CheckAddr, r.arg(2), true
	if r.arg(1) == "check-addr" {
		ip, ok := sock.ParseIP(r.arg(2))
		if !ok {
			return r.brief(sevWarning, "invalid addr '"+r.arg(2)+"'")
		}
		addr = netip.AddrPortFrom(ip, addr.Port())
		portText, hasPort = r.arg(4), r.arg(3) == "port"
	}
	if hasPort {
		n, err := strconv.Atoi(portText)
		switch {
		case err != nil:
			return r.brief(sevWarning, "provided port is not an integer")
		case n < 1 || n > 65535:
			return r.brief(sevWarning, "provided port is invalid")
		}
		addr = netip.AddrPortFrom(addr.Addr(), uint16(n))
	}
	s.SetCheckAddr(addr)
	return nil
}

// changeHost sets the name that the address of a server follows.
func (r *request) changeHost(s Server) error {
	const by = " by 'stats socket command'"
	name, st := r.arg(2), s.State()
	switch {
	case name == "":
		return r.fail("set server <b>/<s> fqdn requires a FQDN.")
	case !st.Resolved:
		return r.fail("set server <b>/<s> fqdn failed because no resolution is configured.")
	case st.Service:
		return r.fail("set server <b>/<s> fqdn failed because SRV resolution is configured.")
	case name == st.Host:
		return r.warn("no need to change the FDQN" + by)
	case len(name) > 255 || strings.ContainsFunc(name, notInName):
		return r.warn("invalid fqdn '" + name + "'" + by)
	case !s.SetHost(name):
		return r.warn("could not update " + r.arg(0) + " FQDN" + by)
	}
	return r.warn(r.arg(0) + " changed its FQDN from " + st.Host + " to " + name + by)
}

// notInName tells which letters no host name has.
func notInName(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_'
}

func (r *request) changeTLS(s Server) error {
	switch {
	case !s.State().HasTLS:
		return r.fail("'set server <srv> ssl' cannot be set.  default-server should define ssl settings")
	case r.arg(2) != "on" && r.arg(2) != "off":
		return r.fail("'set server <srv> ssl' expects 'on' or 'off'.")
	}
	s.SetTLS(r.arg(2) == "on")
	return r.notice("server ssl setting updated.")
}
