package config

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"bench/internal/nearest"
	"bench/internal/sock"
	"bench/proxy/spec"
)

// resolverWord is one keyword of "resolvers" sections (configuration manual, section
// 5.3.2).
type resolverWord struct {
	name string
	args int
	read func(l *line, r *spec.Resolvers)
	what string // the arguments, for messages
	use  string // their syntax, for the manual
	doc  string
}

func resolverWords() []resolverWord {
	number := func(name, doc string, least, most int64, field func(*spec.Resolvers) *int) resolverWord {
		return resolverWord{name: name, args: 1, what: "a number", use: "<number>", doc: doc, read: func(l *line, r *spec.Resolvers) {
			if n, ok := l.integer(l.args[0], least, most); ok {
				*field(r) = n
			}
		}}
	}
	return []resolverWord{
		{name: "nameserver", args: 2, what: "a name and an address", use: "<name> [tcp@]<address>:<port>", doc: "A name server, over UDP unless TCP is asked for.", read: readNameserver},
		{name: "parse-resolv-conf", doc: "The name servers of /etc/resolv.conf.", read: func(l *line, r *spec.Resolvers) { l.systemNameservers(r) }},
		number("accepted_payload_size", "Largest answer over UDP that is accepted; it is announced to name servers.", 512, 65535, func(r *spec.Resolvers) *int { return &r.PayloadSize }),
		number("resolve_retries", "How often to ask before giving up.", 1, 1<<30, func(r *spec.Resolvers) *int { return &r.Retries }),
		{name: "timeout", args: 2, what: "'resolve' or 'retry', and a time", use: "{ resolve | retry } <time>", doc: "Time between two questions for a name, and time after which a question without an answer is asked again.", read: func(l *line, r *spec.Resolvers) {
			l.resolverTime(map[string]*time.Duration{"resolve": &r.Resolve, "retry": &r.Retry})
		}},
		{name: "hold", args: 2, what: "a status and a time", use: "{ nx | refused | timeout | other | valid | obsolete } <time>", doc: "How long the last good answer counts once answers with that status come; for obsolete, how long an address counts that is no longer in the answers; for valid, how long \"do-resolve\" takes an answer that was given to a server of the same name.", read: func(l *line, r *spec.Resolvers) {
			h := &r.Hold
			l.resolverTime(map[string]*time.Duration{"nx": &h.NX, "refused": &h.Refused, "timeout": &h.Timeout, "other": &h.Other, "valid": &h.Valid, "obsolete": &h.Obsolete})
		}},
	}
}

// resolverTime reads one of several times.
func (l *line) resolverTime(fields map[string]*time.Duration) {
	to, ok := fields[l.args[0].text]
	if !ok {
		l.unknown(l.args[0], "argument", slices.Sorted(maps.Keys(fields)))
		return
	}
	if d, ok := l.duration(l.args[1], time.Millisecond); ok {
		*to = d
	}
}

func newResolvers(name string, pos spec.Pos) *spec.Resolvers {
	const hold = 30 * time.Second
	return &spec.Resolvers{
		Pos: pos, Name: name, PayloadSize: 512, Retries: 3, Resolve: time.Second, Retry: time.Second,
		Hold: spec.Hold{NX: hold, Refused: hold, Timeout: hold, Other: hold, Valid: 10 * time.Second},
	}
}

// beginResolvers begins a section.
func (p *parser) beginResolvers(l *line) {
	p.inResolvers = true
	p.resolver = newResolvers("", l.pos) // what a section without a name says is read, too
	w, ok := l.one("a name")
	if !ok {
		return
	}
	if r, twice := p.resolvers[w.text]; twice {
		l.fail(w, "resolvers '%s' has the same name as the section at %s:%d", w.text, r.File, r.Line)
		return
	}
	p.resolver.Name = w.text
	p.resolvers[w.text] = p.resolver
	p.resolverNames = append(p.resolverNames, w.text)
}

// resolverLine takes one line of a resolvers section.
func (p *parser) resolverLine(l *line) {
	words := resolverWords()
	i := slices.IndexFunc(words, func(w resolverWord) bool { return w.name == l.head.text })
	if i < 0 {
		names := make([]string, len(words))
		for i := range words {
			names[i] = words[i].name
		}
		l.report(Alert, l.head, nearest.Word(l.head.text, names), "unknown keyword '%s' in 'resolvers' section", l.head.text)
		return
	}
	l.kw = &keyword{name: l.head.text}
	w := &words[i]
	most := w.args
	if w.name == "nameserver" {
		most = maxWords // options of servers may follow
	}
	if l.arity(w.args, most, w.what) {
		w.read(l, p.resolver)
	}
}

const dnsPort = 53

func readNameserver(l *line, r *spec.Resolvers) {
	name, w := l.args[0], l.args[1]
	for _, n := range r.Nameservers {
		if n.Name == name.text {
			l.fail(name, "there are two name servers '%s'", name.text)
			return
		}
	}
	text, tcp := cutPrefixes(w.text, "tcp@", "tcp4@", "tcp6@", "stream+tcp@")
	text, _ = cutPrefixes(text, "udp@", "udp4@", "udp6@", "ipv4@", "ipv6@")
	if len(l.args) > 2 && !tcp {
		l.fail(l.args[2], "'nameserver' cannot handle unexpected argument '%s'", l.args[2].text)
		return
	}
	for _, o := range l.args[min(2, len(l.args)):] {
		l.fail(o, "'%s' is not supported in 'nameserver'", o.text)
		return
	}
	a, err := l.resolveAddress(text)
	if err != nil || a.IsUnix() || a.AddrPort().Port() == 0 {
		l.fail(w, "'nameserver': '%s' is not an address with a port: want IP:PORT, [IPv6]:PORT or NAME:PORT, with tcp@ before it for TCP", w.text)
		return
	}
	r.Nameservers = append(r.Nameservers, spec.Nameserver{Name: name.text, Addr: a, TCP: tcp})
}

// resolvConf is the file of the system's name servers.
const resolvConf = "/etc/resolv.conf"

// systemNameservers adds those of the system.
func (l *line) systemNameservers(r *spec.Resolvers) {
	text, err := os.ReadFile(resolvConf)
	if err != nil {
		l.fail(l.head, "'%s': %v", l.kw.name, err)
		return
	}
	if addNameservers(r, string(text)) == 0 {
		l.warn(l.head, "'%s': there is no name server in %s", l.kw.name, resolvConf)
	}
}

func addNameservers(r *spec.Resolvers, text string) (n int) {
	for l := range strings.Lines(text) {
		f := strings.Fields(l)
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		ip, err := netip.ParseAddr(f[1])
		if err != nil || slices.ContainsFunc(r.Nameservers, func(s spec.Nameserver) bool { return s.Name == f[1] }) {
			continue
		}
		r.Nameservers = append(r.Nameservers, spec.Nameserver{Name: f[1], Addr: sock.FromAddrPort(netip.AddrPortFrom(ip, dnsPort))})
		n++
	}
	return n
}

// findResolvers finds a section; "default" is there without being written, with the
// system's name servers.
func (p *parser) findResolvers(name string) (*spec.Resolvers, bool) {
	r, ok := p.resolvers[name]
	if !ok && name == "default" {
		r, ok = newResolvers(name, spec.Pos{}), true
		if text, err := os.ReadFile(resolvConf); err == nil {
			addNameservers(r, string(text))
		}
		p.resolvers[name] = r
		p.resolverNames = append(p.resolverNames, name)
	}
	return r, ok
}

// useResolvers notes a line that names a section.
func (l *line) useResolvers(name string, set func(int)) {
	l.p.resolverUses = append(l.p.resolverUses, sectionUse{reference{name, l.pos, l.text}, set})
}

// checkResolvers finds the sections that servers and rules name.
func (p *parser) checkResolvers(cfg *spec.Config) {
	p.useDefaultResolvers()
	for i, s := range p.sections {
		for j, d := range s.servers {
			if d.resolvers.name == "" {
				continue
			}
			if r, ok := p.findResolvers(d.resolvers.name); ok && d.at.host != "" {
				cfg.Proxies[i].Servers[j].Resolvers = r
			}
		}
	}
	for _, u := range p.resolverUses {
		r := u.from
		if _, ok := p.findResolvers(r.name); ok {
			u.set(slices.Index(p.resolverNames, r.name))
		} else {
			p.report(Diagnostic{Severity: Alert, Pos: r.pos, Word: r.name, Msg: fmt.Sprintf("there is no section 'resolvers %s'", r.name), Suggestion: nearest.Word(r.name, p.resolverNames), Source: r.text})
		}
	}
	p.addDefaultResolvers()
	for _, name := range p.resolverNames {
		cfg.Resolvers = append(cfg.Resolvers, p.resolvers[name])
	}
}

// addDefaultResolvers adds the section "default" that is there without being written, if the
// system has name servers: it is shown to operators although nobody names it.
func (p *parser) addDefaultResolvers() {
	before := len(p.resolverNames)
	if r, _ := p.findResolvers("default"); len(r.Nameservers) == 0 {
		p.resolverNames = p.resolverNames[:before]
	}
}

// readResolveNet reads networks to prefer.
func readResolveNet(l *line, x *serverTemplate, w word) {
	x.Prefer = nil
	for text := range strings.SplitSeq(w.text, ",") {
		n, err := netip.ParsePrefix(text)
		if ip, bare := netip.ParseAddr(text); bare == nil {
			n, err = ip.Prefix(ip.BitLen())
		}
		if err != nil {
			l.fail(w, "'resolve-net' expects networks such as 10.0.0.0/8, separated by commas, not '%s'", text)
			return
		}
		x.Prefer = append(x.Prefer, n.Masked())
	}
}

func readResolveOpts(l *line, x *serverTemplate, w word) {
	for text := range strings.SplitSeq(w.text, ",") {
		switch text {
		case "allow-dup-ip":
			x.AllowDup = true
		case "prevent-dup-ip":
			x.AllowDup = false
		case "ignore-weight":
			x.IgnoreWeight = true
		default:
			l.unknown(w, "option", []string{"allow-dup-ip", "ignore-weight", "prevent-dup-ip"})
			return
		}
	}
}
