package cli

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"bench/proxy/statefile"
)

func anonCommands() []Command {
	return []Command{
		{Words: "set anon", Args: "{on|off} [<key>]", Help: "hide names and addresses in 'show sess' and 'show servers', or not", Fn: setAnon},
		{Words: "set anon global-key", Args: "<key>", Level: AdminLevel, Help: "set the key that names are hidden by; 0 for another one each time", Fn: setAnonKey},
		{Words: "show anon", Help: "show whether names and addresses are hidden", Fn: showAnon},
	}
}

// setAnon has the answers of this connection hide what names machines and services, by a
// key of its own, that of the process, or a random one.
func setAnon(r *request) error {
	switch r.arg(0) {
	case "off":
		if r.arg(1) != "" {
			return r.fail("Key can't be added while disabling anonymized mode")
		}
		r.anon = 0
		return nil
	case "on":
	default:
		return r.fail("'set anon' only supports :\n   - 'on' [key] to enable the anonymized mode\n   - 'off' to disable the anonymized mode")
	}
	if r.arg(1) == "" {
		if r.anon = r.s.anonKey.Load(); r.anon == 0 {
			r.anon = 1 + rand.Uint32N(1<<32-1)
		}
		return nil
	}
	n, err := strconv.ParseUint(r.arg(1), 10, 32)
	if err != nil || n == 0 {
		return r.fail("Value out of range (1 to 4294967295 expected).")
	}
	r.anon = uint32(n)
	return nil
}

func setAnonKey(r *request) error {
	n, err := strconv.ParseUint(r.arg(0), 10, 32)
	if err != nil {
		return r.fail("Value out of range (0 to 4294967295 expected).")
	}
	r.s.anonKey.Store(uint32(n))
	return nil
}

// showAnon tells the key only to whoever may use it.
func showAnon(r *request) error {
	if r.anon == 0 {
		return r.info("Anonymized mode disabled")
	}
	text := "Anonymized mode enabled"
	if r.access.Level >= Operator {
		text += fmt.Sprintf("\nKey : %d", r.anon)
	}
	return r.info(text)
}

// hash is what stands for a text: the same for the same text under the same key, and of so
// few bits that many texts have it.
func (c *conn) hash(text string) string {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint32(nil, c.anon), text...))
	return fmt.Sprintf("%06x", sum[:3])
}

// nothing are texts that name nothing.
var nothing = map[string]bool{"": true, "?": true, statefile.None: true}

// hide is a name as this connection may see it.
func (c *conn) hide(name string) string {
	if c.anon == 0 || nothing[name] {
		return name
	}
	return c.hash(name)
}

// hideAddr is an address as this connection may see it: its kind and its port are no secret.
func (c *conn) hideAddr(addr string) string {
	if c.anon == 0 || nothing[addr] {
		return addr
	}
	host, port := addr, ""
	if at, err := netip.ParseAddrPort(addr); err == nil {
		host, port = at.Addr().String(), ":"+strconv.Itoa(int(at.Port()))
	}
	kind := "UNIX"
	if ip, err := netip.ParseAddr(host); err == nil {
		kind = "IPV6"
		if ip.Unmap().Is4() {
			kind = "IPV4"
		}
	} else if !strings.HasPrefix(host, "unix") && !strings.HasPrefix(host, "abns") {
		return c.hash(host)
	}
	return kind + "(" + c.hash(host) + ")" + port
}

// hideLine hides what a line of server states tells.
func (c *conn) hideLine(l *statefile.Line) {
	l.Backend, l.Server, l.Host, l.Service = c.hide(l.Backend), c.hide(l.Server), c.hide(l.Host), c.hide(l.Service)
	l.Addr, l.CheckAddr, l.AgentAddr = c.hideAddr(l.Addr), c.hideAddr(l.CheckAddr), c.hideAddr(l.AgentAddr)
}

// hideSession is a session as this connection may see it.
func (c *conn) hideSession(s *Session) *Session {
	if c.anon == 0 {
		return s
	}
	h := *s
	h.Frontend, h.Backend, h.Server, h.Listener = c.hide(s.Frontend), c.hide(s.Backend), c.hide(s.Server), c.hide(s.Listener)
	h.Source, h.ListenerAddr, h.ServerAddr = c.hideAddr(s.Source), c.hideAddr(s.ListenerAddr), c.hideAddr(s.ServerAddr)
	return &h
}
