package config

import (
	"fmt"
	"maps"
	"slices"

	"bench/internal/nearest"
	"bench/proxy/spec"
)

// peersDraft is a "peers" section as far as it has been read.
type peersDraft struct {
	spec.Peers
	bind    bindDraft
	server  serverTemplate
	bindPos spec.Pos // of the line by which this peer listens; Line 0: there is none
	byPeer  bool     // that is a "peer" line
}

// peersKeywords are those of "peers" sections (configuration manual, section 3.5).
func peersKeywords() []keyword {
	const address = "<name> [<address>:<port> [<option>...]]"
	return []keyword{
		{name: "localpeer", args: "<name>", scope: inGlobal, doc: "Name of this process among its peers; by default that of the machine, or what -L says.", read: readLocalPeer},
		{name: "bind", args: "<address> [<option>...]", scope: inPeers, doc: "Address of this peer.", read: readPeersBind},
		{name: "default-bind", args: "<option>...", scope: inPeers, doc: "Options of this peer's address.", read: func(l *line) {
			if l.arity(1, maxWords, "options") {
				readOptions(l, bindOptions(), "bind", &l.p.others.group.bind, l.args, ofPeersBind(l))
			}
		}},
		{name: "default-server", args: "<option>...", scope: inPeers, doc: "Options of the peers that follow.", read: func(l *line) {
			if l.arity(1, maxWords, "options") {
				readOptions(l, serverOptions(), "server", &l.p.others.group.server, l.args, ofPeers(l))
			}
		}},
		{name: "disabled", scope: inPeers, doc: "Do not use the section.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.p.others.group.Disabled = true
			}
		}},
		{name: "enabled", scope: inPeers, doc: "Use the section.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.p.others.group.Disabled = false
			}
		}},
		{name: "log", args: "<target>...", scope: inPeers, inert: "connections of peers are not logged, as in the reference", doc: "Where to log.", read: func(l *line) { l.arity(1, maxWords, "a target") }},
		{name: "peer", args: address, scope: inPeers, doc: "A process to exchange tables with, or the address of this one.", read: readPeer},
		{name: "server", args: address, scope: inPeers, doc: "A process to exchange tables with, or this one, without an address where a \"bind\" line has it.", read: readPeer},
		{name: "table", args: "<name> type <type> size <size> [<option>...]", scope: inPeers, doc: "A stick table, which others name as <section>/<name>.", read: readPeersTable},
	}
}

func readLocalPeer(l *line) {
	w, ok := l.one("a name")
	switch {
	case !ok:
	case l.p.env.LocalPeer != "":
		l.warn(l.head, "'localpeer' is ignored: the command line names this peer, by -L")
	case len(l.p.others.peers) > 0:
		l.warn(l.head, "'localpeer' is ignored: it stands behind a section 'peers'")
	default:
		l.p.global.LocalPeer, l.p.env.Vars[localPeerVariable] = w.text, w.text
	}
}

// localPeerVariable is the variable that has the name of this peer.
const localPeerVariable = "HAPROXY_LOCALPEER"

func (p *parser) beginPeers(l *line, name word) {
	if o := p.others.peers[name.text]; o != nil {
		l.twice(name, o.Pos)
	}
	g := &peersDraft{Peers: spec.Peers{Pos: l.pos, Name: name.text}, server: newServerTemplate()}
	g.bind.FD, g.bind.Level = -1, spec.LevelOperator
	if p.others.peers == nil {
		p.others.peers = map[string]*peersDraft{}
	}
	p.others.peers[name.text], p.others.group = g, g
}

// ofPeersBind allows the options of "bind" that mean something here. What would change the
// protocol is refused, the rest has no effect.
func ofPeersBind(l *line) func(*bindOption, word) bool {
	return func(o *bindOption, w word) bool {
		switch o.name {
		case "accept-proxy", "accept-netscaler-cip", "proto":
			l.fail(w, "'%s' is not supported in 'peers'", o.name)
			return false
		case "maxconn", "thread", "process", "shards", "level", "expose-fd", "severity-output", "name", "id":
			l.warn(w, "'%s' has no effect in 'peers'", o.name)
		}
		return true
	}
}

// ofPeers is ofPeersBind for the options of servers.
func ofPeers(l *line) func(*serverOption, word) bool {
	return func(o *serverOption, w word) bool {
		switch o.name {
		case "send-proxy", "send-proxy-v2", "send-proxy-v2-ssl", "send-proxy-v2-ssl-cn", "proxy-v2-options", "socks4", "sni":
			l.fail(w, "'%s' is not supported in 'peers'", o.name)
			return false
		}
		if !slices.Contains(peerOptions(), o.name) {
			l.warn(w, "'%s' has no effect in 'peers'", o.name)
		}
		return true
	}
}

// peerOptions are the options of servers that peers have.
func peerOptions() []string {
	names := []string{"source", "namespace"}
	for _, o := range serverTLSOptions() {
		names = append(names, o.name)
	}
	return names
}

// listens notes that this peer listens, by the line at hand.
func (l *line) peerListens(byPeer bool) bool {
	g := l.p.others.group
	if g.bindPos.Line > 0 && byPeer != g.byPeer {
		l.fail(l.head, "a section 'peers' has its address either on a 'bind' line or on the 'peer' line of its own name: see line %d", g.bindPos.Line)
		return false
	}
	if g.byPeer = byPeer; g.bindPos.Line == 0 {
		g.bindPos = l.pos
	}
	return true
}

func readPeersBind(l *line) {
	if l.arity(1, maxWords, "an address") && l.peerListens(false) {
		l.listenAsPeer(l.args[0], l.args[1:])
	}
}

// listenAsPeer makes this peer listen at an address.
func (l *line) listenAsPeer(address word, options []word) {
	g := l.p.others.group
	d := g.bind
	d.Pos = l.pos
	d.tls.certs, d.tls.lists = slices.Clip(d.tls.certs), slices.Clip(d.tls.lists)
	if readOptions(l, bindOptions(), "bind", &d, options, ofPeersBind(l)) {
		l.bindAddresses(address, &d, true, func(b *spec.Bind) { g.Binds = append(g.Binds, b) })
	}
}

func readPeer(l *line) {
	if !l.arity(1, maxWords, "a name") {
		return
	}
	g, name := l.p.others.group, l.args[0].text
	d := &serverDraft{serverTemplate: g.server}
	if !l.serverName(l.args[0], name, d) {
		return
	}
	if i := slices.IndexFunc(g.Peers.Peers, func(p *spec.Peer) bool { return p.Name == name }); i >= 0 {
		l.fail(l.args[0], "peer '%s' is already defined on line %d", name, g.Peers.Peers[i].Line)
		return
	}
	p := &spec.Peer{Pos: l.pos, Name: name, Local: name == l.p.global.LocalPeer}
	rest := l.args[1:]
	switch {
	case len(rest) == 0 && p.Local:
	case len(rest) == 0:
		l.missing("the address of peer '" + name + "'")
		return
	case p.Local && g.bindPos.Line > 0:
		l.fail(rest[0], "peer '%s' is this one, and has its address on line %d: none is expected here", name, g.bindPos.Line)
		return
	default:
		a, ok := l.ringAddress(rest[0], rest[0].text)
		if !ok || !readOptions(l, serverOptions(), "server", &d.serverTemplate, rest[1:], ofPeers(l)) {
			return
		}
		p.Addr = a.addr
		if p.Local && l.peerListens(true) {
			l.listenAsPeer(rest[0], nil)
		}
	}
	if !l.serverTLS(&d.serverTemplate) {
		return
	}
	switch {
	case d.Source != nil && d.Source.As != spec.AsSelf:
		l.fail(l.args[0], "'usesrc' is not supported in 'peers', where there are no clients")
		return
	case d.ClientsNamespace:
		l.fail(l.args[0], "'namespace *' is not supported in 'peers', where there are no clients")
		return
	}
	p.TLS, p.Source, p.Namespace = d.TLS, d.Source, d.Namespace
	g.Peers.Peers = append(g.Peers.Peers, p)
}

func readPeersTable(l *line) {
	if !l.arity(1, maxWords, "a name") {
		return
	}
	for _, w := range l.args[1:] {
		if w.text == "peers" {
			l.fail(w, "'table' expects no 'peers': it is shared with those of its section")
			return
		}
	}
	g := l.p.others.group
	if t, ok := l.table(g.Name+"/"+l.args[0].text, l.args[1:]); ok {
		t.Peers, t.SharedAs = g.Name, "/"+l.args[0].text
		l.p.others.tables = append(l.p.others.tables, t)
	}
}

// resolvePeers are the sections that are used. One without this process among its peers is
// not, as in the reference: its tables stay here.
func (p *parser) resolvePeers(cfg *spec.Config) {
	for _, r := range p.peerUses {
		if _, ok := p.others.peers[r.name]; !ok {
			names := slices.Sorted(maps.Keys(p.others.peers))
			p.report(Diagnostic{Severity: Alert, Pos: r.pos, Word: r.name, Msg: fmt.Sprintf("there is no section 'peers %s'", r.name), Suggestion: nearest.Word(r.name, names), Source: r.text})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.others.peers)) {
		g := p.others.peers[name]
		i := slices.IndexFunc(g.Peers.Peers, func(s *spec.Peer) bool { return s.Local })
		warn := func(format string, a ...any) {
			p.report(Diagnostic{Severity: Warning, Pos: g.Pos, Word: name, Msg: fmt.Sprintf(format, a...)})
		}
		switch {
		case g.Disabled:
		case i < 0:
			warn("section 'peers %s' is ignored: no peer in it is named '%s', as this process is (-L, 'localpeer')", name, cfg.Global.LocalPeer)
		case len(g.Binds) == 0:
			warn("section 'peers %s' is ignored: this process, '%s', has no address in it", name, cfg.Global.LocalPeer)
		default:
			if own := g.Peers.Peers[i]; !own.Addr.IsValid() {
				own.Addr = g.Binds[0].Addr
			}
			cfg.Peers = append(cfg.Peers, &g.Peers)
			continue
		}
		for _, t := range cfg.Tables {
			if t.Peers == name {
				t.Peers = ""
			}
		}
	}
}
