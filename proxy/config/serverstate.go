package config

import (
	"strings"

	"bench/proxy/spec"
)

// stateOrigins are where the states of servers may come from at the start
// (configuration manual, "load-server-state-from-file").
var stateOrigins = []string{"global", "local", "none"}

// serverStateKeywords are about the states of servers that a former process has left in
// files (configuration manual, sections 3.1 and 4.2).
func serverStateKeywords() []keyword {
	return []keyword{
		{name: "server-state-base", args: "<directory>", scope: inGlobal, doc: "Directory of files of server states whose names are relative.", read: func(l *line) {
			if w, ok := l.one("a directory"); ok {
				l.p.global.stateBase = w.text
			}
		}},
		{name: "server-state-file", args: "<path>", scope: inGlobal, doc: "File of server states, in the form of \"show servers state\", for backends with \"load-server-state-from-file global\".", read: func(l *line) {
			if w, ok := l.one("a file"); ok {
				l.p.global.stateFile = w.text
			}
		}},
		{name: "load-server-state-from-file", args: "{ global | local | none }", scope: inDefaults | inBack, doc: "Where the states of servers come from at the start: the file that all backends share, one of the backend's own, or nowhere.", read: func(l *line) {
			w, ok := l.one("global, local or none")
			if !ok {
				return
			}
			for _, o := range stateOrigins {
				if w.text == o {
					l.sect.settings.stateFrom.put(o, l.pos)
					return
				}
			}
			l.unknown(w, "argument", stateOrigins)
		}},
		{name: "server-state-file-name", args: "[use-backend-name | <path>]", scope: inDefaults | inBack, doc: "File of the states of the backend's servers, if they come from one of its own; by default it has the name of the backend.", read: func(l *line) {
			if !l.arity(0, 1, "a file") {
				return
			}
			name := ""
			if len(l.args) == 1 && l.args[0].text != "use-backend-name" {
				name = l.args[0].text
			}
			l.sect.settings.stateFile.put(name, l.pos)
		}},
	}
}

// statePath is where a file of server states is; "" stays "".
func (p *parser) statePath(name string) string {
	if name == "" || p.global.stateBase == "" || strings.HasPrefix(name, "/") {
		return name
	}
	return p.global.stateBase + "/" + name
}

// serverState says where the states of the servers of a backend come from.
func (p *parser) serverState(s *section, px *spec.Proxy) {
	switch s.settings.stateFrom.val {
	case "global":
		px.StateFile = p.statePath(p.global.stateFile)
		if px.StateFile == "" && len(s.servers) > 0 {
			p.warning(s, s.settings.stateFrom.pos, "backend '%s' is to load server states from the file of 'server-state-file', which is not set in the global section", s.name)
		}
	case "local":
		px.StateFile = p.statePath(first(s.settings.stateFile.val, s.name))
	}
}
