package document

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bench/scenarios/format"
)

// Outside lists what the proxy of a scenario would take over or write to beyond
// the folder of the run: sockets, pid files and log targets that another proxy on
// this machine may be using. A configuration taken from such a proxy names its
// own, and who starts a second one with it, as root, takes them away.
func Outside(doc *Document) []string {
	var all []string
	for i := range doc.Cells {
		s := doc.Cells[i].Scenario
		isolated := s.Network != nil && !s.Placed() // on other machines there are no namespaces
		found := ofProxy(&s.Proxy, isolated)
		for j := range s.Companions {
			as := s.Companions[j].AsProxy(s)
			found = append(found, ofConfig("companions."+s.Companions[j].Name+".config", &as, isolated)...)
		}
		for _, f := range found {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}

func ofProxy(p *format.Proxy, isolated bool) []string {
	where := "proxy.config"
	if p.ConfigFile != "" {
		where = p.ConfigFile
	}
	found := ofConfig(where, p, isolated)
	for _, w := range []struct {
		key  string
		list []string
	}{{"proxy.args", p.Args}, {"proxy.command", p.Command}} {
		if path := takenPath(w.list); path != "" {
			found = append(found, w.key+": "+path)
		}
	}
	return found
}

// ofConfig does so for the lines of a configuration.
func ofConfig(where string, p *format.Proxy, isolated bool) (found []string) {
	for n, l := range strings.Split(p.Config, "\n") {
		var what string
		if p.Driver == "builtin" || p.Driver == "haproxy" {
			what = outsideLine(words(l), isolated)
		} else if path := takenPath(words(l)); path != "" {
			what = path
		}
		if what != "" {
			found = append(found, fmt.Sprintf("%s:%d: %s", where, n+1, what))
		}
	}
	return found
}

// words are those of a line of a configuration, without its comment.
func words(l string) []string {
	l, _, _ = strings.Cut(l, "#")
	return strings.FieldsFunc(l, func(r rune) bool { return strings.ContainsRune(" \t\r\"';", r) })
}

// outsideLine judges a line in HAProxy's language; "" is nothing outside.
func outsideLine(w []string, isolated bool) string {
	switch {
	case len(w) >= 3 && w[0] == "stats" && w[1] == "socket" && isPath(w[2]):
		return "stats socket " + w[2]
	case len(w) >= 2 && w[0] == "bind":
		for addr := range strings.SplitSeq(w[1], ",") {
			if isPath(addr) {
				return "bind " + addr
			}
		}
	case len(w) >= 2 && w[0] == "pidfile" && isPath(w[1]) && w[1] != os.DevNull:
		return "pidfile " + w[1]
	case len(w) >= 2 && w[0] == "log" && isPath(w[1]):
		return "log " + w[1]
	case len(w) >= 2 && w[0] == "log" && !isolated && remote(w[1]):
		return "log " + w[1] + " (another machine)"
	}
	return ""
}

// isPath reports whether an address is a path that the run does not choose. Names
// of the abstract namespace are taken as well, once for the whole machine.
func isPath(addr string) bool {
	addr = strings.TrimPrefix(strings.TrimPrefix(addr, "uxst@"), "uxdg@")
	if name, ok := strings.CutPrefix(addr, "abns@"); ok {
		return !strings.Contains(name, "{{")
	}
	path, named := strings.CutPrefix(addr, "unix@")
	return (named || strings.HasPrefix(path, "/")) && !strings.HasPrefix(path, "{{")
}

// remote reports whether a log target is an address beyond this machine.
func remote(target string) bool {
	host := target
	for _, prefix := range []string{"udp@", "udp4@", "udp6@", "ipv4@", "ipv6@"} {
		host = strings.TrimPrefix(host, prefix)
	}
	if ap, err := netip.ParseAddrPort(host); err == nil {
		return !ap.Addr().IsLoopback()
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && !ip.IsLoopback()
}

// takenPath finds, in words of a language that is not known here, a path that
// somebody else may be using: a socket there is, a pid file, a log.
func takenPath(words []string) string {
	for _, w := range words {
		// As in "unix:/run/x.sock", "--pid=/run/x.pid", "/run/x.sock,level,admin".
		at := strings.IndexByte(w, '/')
		if at < 0 || at > 0 && !strings.ContainsRune(":=@", rune(w[at-1])) || strings.Contains(w[:at], "{{") {
			continue
		}
		path, _, _ := strings.Cut(w[at:], ",")
		if strings.HasPrefix(path, "//") {
			continue // of a URL
		}
		st, err := os.Stat(path)
		if err == nil && st.Mode()&os.ModeSocket != 0 || slices.Contains([]string{".sock", ".socket", ".pid", ".log"}, filepath.Ext(path)) {
			return path
		}
	}
	return ""
}
