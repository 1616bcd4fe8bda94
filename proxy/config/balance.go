package config

import (
	"slices"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/spec"
)

// algorithms are the balance algorithms that the engine has.
func algorithms() []string { return []string{"roundrobin", string(spec.StaticRR), "leastconn"} }

func balanceKeywords() []keyword {
	return []keyword{{name: "balance", args: "[roundrobin | static-rr | leastconn]", scope: inDefaults | inBack, doc: "Algorithm that chooses the server; roundrobin if none is named.", read: func(l *line) {
		if len(l.args) == 0 {
			l.sect.settings.balance.put(defaultBalance, l.pos)
			return
		}
		w := l.args[0]
		name, _, _ := strings.Cut(w.text, "(")
		switch {
		case !slices.Contains(algorithms(), name) && l.p.inventory.has("balance", name):
			l.fail(w, "balance algorithm '%s' is not supported: use %s", name, strings.Join(algorithms(), ", "))
		case !slices.Contains(algorithms(), w.text):
			l.report(Alert, w, nearest.Word(w.text, l.p.inventory.lists["balance"]), "unknown balance algorithm '%s'", w.text)
		case l.arity(1, 1, ""):
			l.sect.settings.balance.put(spec.Balance(w.text), l.pos)
		}
	}}}
}
