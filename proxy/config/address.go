package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"bench/internal/sock"
)

// maxPortRange bounds the listeners that one address can stand for.
const maxPortRange = 4096

// portRange is an address whose port may be a range or an offset.
type portRange struct {
	addr     sock.Addr
	host     string // a name that is to be looked up; addr has the port only
	network  string // in which to look it up
	fd       int    // of "fd@N", -1 otherwise
	low      int    // first port; 0 if none was written
	high     int    // last port
	written  bool   // a port was written
	relative bool   // "+N" or "-N": relative to the port of the client's connection
	negative bool   // "-N"
}

// readAddress reads one address with its port or ports, looking a host name up if
// it is one.
func (l *line) readAddress(text string) (portRange, error) {
	r, err := splitAddress(text)
	if err != nil || r.host == "" {
		return r, err
	}
	ip, err := l.lookUp(r.network, r.host)
	if err != nil {
		return r, err
	}
	r.resolved(ip)
	return r, nil
}

// resolved sets the address of the host name.
func (r *portRange) resolved(ip netip.Addr) {
	r.addr = sock.FromAddrPort(netip.AddrPortFrom(ip, uint16(max(r.low, 0))))
}

// splitAddress is readAddress without looking names up.
func splitAddress(text string) (portRange, error) {
	r := portRange{fd: -1}
	if n, ok := cutPrefixes(text, "fd@", "stream+fd@"); ok {
		fd, err := strconv.Atoi(n)
		if err != nil || fd < 0 {
			return r, fmt.Errorf("'%s': want fd@NUMBER", text)
		}
		r.fd = fd
		return r, nil
	}
	text = strings.TrimPrefix(text, "stream+")
	for _, no := range []string{"sockpair@", "quic4@", "quic6@", "dgram+", "udp@", "udp4@", "udp6@"} {
		if strings.HasPrefix(text, no) {
			return r, fmt.Errorf("'%s': addresses with '%s' are not supported here", text, no)
		}
	}
	if isUnixAddress(text) {
		a, err := sock.Parse(text)
		r.addr = a
		return r, err
	}
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		host, port = text[:i], text[i+1:]
	}
	if err := r.ports(text, port); err != nil {
		return r, err
	}
	if a, err := sock.Parse(host + ":0"); err == nil {
		r.addr = a
		r.addr.SetPort(uint16(max(r.low, 0)))
		return r, nil
	}
	prefix := ""
	if i := strings.IndexByte(host, '@'); i >= 0 {
		prefix, host = host[:i+1], host[i+1:]
	}
	if !isHostName(host) {
		return r, fmt.Errorf("'%s' is not an address: want IP:PORT, [IPv6]:PORT, NAME:PORT, the path of a socket from / on, unix@PATH or abns@NAME", text)
	}
	r.host, r.network = host, networkOf(prefix)
	return r, nil
}

// ports reads "80", "80-89", "+1000" or nothing.
func (r *portRange) ports(text, port string) error {
	if port == "" {
		return nil
	}
	r.written = true
	if port[0] == '+' || port[0] == '-' {
		r.relative, r.negative = true, port[0] == '-'
		port = port[1:]
	}
	low, high, ranged := strings.Cut(port, "-")
	if !ranged {
		high = low
	}
	a, err1 := strconv.ParseUint(low, 10, 16)
	b, err2 := strconv.ParseUint(high, 10, 16)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("'%s': invalid port '%s': want 1 to 65535, or a range like 8080-8089", text, port)
	}
	if a > b {
		return fmt.Errorf("'%s': the port range ends before it begins", text)
	}
	r.low, r.high = int(a), int(b)
	return nil
}

func isUnixAddress(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "unix@") || strings.HasPrefix(s, "abns@")
}

func cutPrefixes(s string, prefixes ...string) (string, bool) {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(s, p); ok {
			return rest, true
		}
	}
	return s, false
}

// resolveAddress reads an address, looking a host name up if it is one.
func (l *line) resolveAddress(text string) (sock.Addr, error) {
	text, err := expandAddress(text, &l.p.look)
	if err != nil {
		return sock.Addr{}, err
	}
	a, err := sock.Parse(text)
	if err == nil {
		return a, nil
	}
	prefix, host := "", text
	if i := strings.IndexByte(text, '@'); i >= 0 {
		prefix, host = text[:i+1], text[i+1:]
	}
	host, port, _ := strings.Cut(host, ":")
	if !isHostName(host) {
		return a, fmt.Errorf("'%s' is not an address: want IP:PORT, [IPv6]:PORT, NAME:PORT, the path of a socket from / on, unix@PATH or abns@NAME", strings.TrimSuffix(text, ":0"))
	}
	ip, lookErr := l.lookUp(networkOf(prefix), host)
	if lookErr != nil {
		return a, lookErr
	}
	n, convErr := strconv.ParseUint(port, 10, 16)
	if port != "" && convErr != nil {
		return a, fmt.Errorf("'%s': invalid port '%s'", text, port)
	}
	return sock.FromAddrPort(netip.AddrPortFrom(ip, uint16(n))), nil
}

// lookUp finds an address of a host name.
func (l *line) lookUp(network, host string) (netip.Addr, error) {
	ip, err := l.p.env.resolve(network, host)
	if err != nil {
		return ip, fmt.Errorf("cannot resolve the host name '%s'", host)
	}
	return ip, nil
}

// networkOf is the network that the prefix of an address asks for.
func networkOf(prefix string) string {
	switch prefix {
	case "ipv4@", "tcp4@", "udp4@":
		return "ip4"
	case "ipv6@", "tcp6@", "udp6@":
		return "ip6"
	}
	return "ip"
}

// isHostName tells whether s can be a name in the DNS or in /etc/hosts.
func isHostName(s string) bool {
	letter := false
	for i := range len(s) {
		c := s[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c == '_':
			letter = true
		case c >= '0' && c <= '9', c == '-', c == '.':
		default:
			return false
		}
	}
	return letter && len(s) <= 253 && s[0] != '-' && s[0] != '.'
}
