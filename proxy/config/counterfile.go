package config

import (
	"fmt"

	"bench/proxy/spec"
	"bench/proxy/statefile"
)

// counterFileKeywords are about counters that go on from those that a former process has
// written down. The reference has them from version 3.0 on.
func counterFileKeywords() []keyword {
	return []keyword{
		{name: "stats-file", args: "<path>", scope: inGlobal, doc: "File of counters to go on from, in the form of \"dump stats-file\".", read: func(l *line) {
			if w, ok := l.one("a file"); ok {
				l.p.global.StatsFile = w.text
			}
		}},
		{name: "guid", args: "<name>", scope: inFrontend | inBackend | inListen, doc: "What identifies the proxy in a file of counters, whatever its name.", read: func(l *line) {
			if w, ok := l.one("an identifier"); ok && l.identifier(w) {
				l.sect.guid.put(w.text, l.at(w))
			}
		}},
	}
}

// identifier reports what cannot identify anything in a file of counters.
func (l *line) identifier(w word) bool {
	err := statefile.CheckGUID(w.text)
	if err != nil {
		l.fail(w, "'%s': %v", w.text, err)
	}
	return err == nil
}

// checkGUIDs refuses identifiers of two.
func (p *parser) checkGUIDs(all []*spec.Proxy) {
	owners := map[string]string{}
	take := func(s *section, guid string, at spec.Pos, owner string) {
		if guid == "" {
			return
		}
		if other := owners[guid]; other != "" {
			p.alert(s, at, "the identifier '%s' of %s is that of %s, too", guid, owner, other)
			return
		}
		owners[guid] = owner
	}
	for i, px := range all {
		s := p.sections[i]
		take(s, px.GUID, s.guid.pos, fmt.Sprintf("proxy '%s'", px.Name))
		for _, b := range px.Binds {
			take(s, b.GUID, b.Pos, fmt.Sprintf("the socket '%s' of '%s'", b.Text, px.Name))
		}
		for _, srv := range px.Servers {
			take(s, srv.GUID, srv.Pos, fmt.Sprintf("server '%s/%s'", px.Name, srv.Name))
		}
	}
}
