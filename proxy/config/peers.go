package config

const noPeers = "tables are not replicated to other processes"

// peersKeywords are those of "peers" sections (configuration manual, section 3.5).
func peersKeywords() []keyword {
	peer := func(l *line) {
		if l.arity(1, maxWords, "a name") && len(l.args) > 1 {
			l.addressWithPort(l.args[1])
		}
	}
	rows := []keyword{
		{name: "bind", args: "<address> [<option>...]", doc: "Address of this peer.", read: func(l *line) {
			if l.arity(1, maxWords, "an address") {
				l.addressWithPort(l.args[0])
			}
		}},
		{name: "default-bind", args: "<option>...", doc: "Options of this peer's address.", read: func(l *line) { l.arity(1, maxWords, "options") }},
		{name: "default-server", args: "<option>...", doc: "Options of the peers that follow.", read: func(l *line) { l.arity(1, maxWords, "options") }},
		{name: "disabled", doc: "Do not use the section.", read: func(l *line) { l.arity(0, 0, "") }},
		{name: "enabled", doc: "Use the section.", read: func(l *line) { l.arity(0, 0, "") }},
		{name: "log", args: "<target>...", doc: "Where to log.", read: func(l *line) { l.arity(1, maxWords, "a target") }},
		{name: "peer", args: "<name> [<address>:<port> [<option>...]]", doc: "A process to exchange tables with.", read: peer},
		{name: "server", args: "<name> [<address>:<port> [<option>...]]", doc: "A process to exchange tables with.", read: peer},
	}
	for i := range rows {
		rows[i].scope, rows[i].moot = inPeers, noPeers
	}
	return append(rows, keyword{name: "table", args: "<name> type <type> size <size> [<option>...]", scope: inPeers, doc: "A stick table, which others name as <section>/<name>.", read: func(l *line) {
		if l.arity(1, maxWords, "a name") {
			if t, ok := l.table(l.p.look.section+"/"+l.args[0].text, l.args[1:]); ok {
				l.p.others.tables = append(l.p.others.tables, t)
			}
		}
	}})
}

func (p *parser) beginPeers(l *line, name word) {
	l.once(name, &p.others.peers)
	l.without(noPeers)
}
