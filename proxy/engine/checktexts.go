package engine

import (
	"fmt"
	"strconv"

	"bench/internal/sock"
	"bench/proxy/spec"
	"bench/proxy/state"
)

// describe says in which state the server is, as "http-check send-state" tells it.
func (k *serverCheck) describe() string {
	s := k.s
	b := s.Backend
	h := k.c.Health()
	word, cur, of := "DOWN", h.Cur, h.Rise
	switch {
	case s.Admin() == state.Maint:
		word = "MAINT"
	case s.Health() == state.Down:
	case s.Health() == state.Stopping:
		word, cur, of = "NOLB", h.Cur-h.Rise+1, h.Fall
	default:
		word, cur, of = "UP", h.Cur-h.Rise+1, h.Fall
	}
	stable := word == "MAINT" || h.Stable()
	text := word
	if !stable {
		text += fmt.Sprintf(" %d/%d", cur, of)
	}
	addr := s.Addr()
	host, port := "unix", ""
	if !addr.IsUnix() {
		host, port = addr.AddrPort().Addr().String(), strconv.Itoa(int(addr.AddrPort().Port()))
	}
	_, _, total := b.Count()
	return fmt.Sprintf("%s; address=%s; port=%s; name=%s/%s; node=%s; weight=%d/%d; scur=%d/%d; qcur=%d",
		text, host, port, b.Spec.Name, s.Spec.Name, k.e.node, s.Effective(), total, s.Cur.Load(), b.Cur.Load(), s.Queued.Load())
}

// environment is what the command of an external check is told: where the first listener
// of the proxy is and where the server, and more in its environment.
func (k *serverCheck) environment() (args, env []string) {
	s := k.s
	p := s.Backend.Spec
	const unused = "NOT_USED"
	proxyAddr, proxyPort := unused, unused
	envAddr, envPort := "", ""
	if len(p.Binds) > 0 {
		a := p.Binds[0].Addr
		if a.IsUnix() {
			proxyAddr, envAddr = a.Path(), a.Path()
		} else {
			proxyAddr, proxyPort = hostAndPort(&a)
			envAddr, envPort = proxyAddr, proxyPort
		}
	}
	a := s.Addr()
	serverAddr, serverPort := a.Path(), unused
	envServerPort := ""
	if !a.IsUnix() {
		serverAddr, serverPort = hostAndPort(a)
		envServerPort = serverPort
	}
	secure := "0"
	if s.TLS != nil && !s.Clear.Load() {
		secure = "1"
	}
	proto := "tcp"
	if p.Mode == spec.ModeHTTP {
		proto = "h1"
	}
	env = []string{
		"HAPROXY_PROXY_ADDR=" + envAddr, "HAPROXY_PROXY_PORT=" + envPort,
		"HAPROXY_PROXY_NAME=" + p.Name, "HAPROXY_PROXY_ID=" + strconv.Itoa(p.ID),
		"HAPROXY_SERVER_ADDR=" + serverAddr, "HAPROXY_SERVER_PORT=" + envServerPort,
		"HAPROXY_SERVER_NAME=" + s.Spec.Name, "HAPROXY_SERVER_ID=" + strconv.Itoa(s.Spec.ID),
		"HAPROXY_SERVER_MAXCONN=" + strconv.Itoa(s.MaxConn()), "HAPROXY_SERVER_CURCONN=" + strconv.FormatInt(s.Cur.Load(), 10),
		"HAPROXY_SERVER_SSL=" + secure, "HAPROXY_SERVER_PROTO=" + proto,
	}
	return []string{proxyAddr, proxyPort, serverAddr, serverPort}, env
}

func hostAndPort(a *sock.Addr) (host, port string) {
	ap := a.AddrPort()
	return ap.Addr().String(), strconv.Itoa(int(ap.Port()))
}
