package cli

import (
	"net/netip"
	"strconv"

	"bench/internal/sock"
)

// changeAgent is "set server" for what concerns the agent of a server.
func (r *request) changeAgent(s Server) error {
	st := s.State()
	if !st.AgentOn {
		text := "agent checks are not enabled on this server"
		if r.arg(1) == "agent" || r.arg(1) == "agent-send" {
			text += "."
		}
		return r.complain(text)
	}
	switch r.arg(1) {
	case "agent":
		if r.arg(2) != "up" && r.arg(2) != "down" {
			return r.fail("'set server <srv> agent' expects 'up' or 'down'.")
		}
		s.SetAgentHealth(r.arg(2) == "up")
		return nil
	case "agent-send":
		s.SetAgentSend(r.arg(2))
		return nil
	}
	return r.changeAgentAddr(s, st.AgentAddr)
}

// changeAgentAddr sets where the agent is.
func (r *request) changeAgentAddr(s Server, to netip.AddrPort) error {
	portText, hasPort := r.arg(2), true
	if r.arg(1) == "agent-addr" {
		ip, ok := sock.ParseIP(r.arg(2))
		if !ok {
			return r.brief(sevWarning, "invalid addr '"+r.arg(2)+"'")
		}
		to, portText, hasPort = netip.AddrPortFrom(ip, to.Port()), r.arg(4), r.arg(3) == "port"
	}
	if hasPort {
		n, err := strconv.Atoi(portText)
		switch {
		case err != nil:
			return r.brief(sevWarning, "provided port is not an integer")
		case n < 1 || n > 65535:
			return r.brief(sevWarning, "provided port is invalid")
		}
		to = netip.AddrPortFrom(to.Addr(), uint16(n))
	}
	s.SetAgentAddr(to)
	return nil
}
