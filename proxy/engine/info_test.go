package engine_test

import (
	"strings"
	"testing"
)

// Both proxies tell the same fields of the process, in the same order, with the same types.
func TestInfoHasTheFieldsOfTheReference(t *testing.T) {
	p := startPair(t, conversationConfig)
	fields := func(text string, parts int) string {
		var list []string
		for l := range strings.Lines(text) {
			f := strings.Split(strings.TrimSpace(l), ":")
			if len(f) < parts {
				continue
			}
			list = append(list, strings.Join(f[:parts], ":"))
		}
		return strings.Join(list, "\n")
	}
	for command, parts := range map[string]int{"show info": 1, "show info desc": 1, "show info typed": 3, "show info typed desc": 3, "show info float": 1, "show info typed float": 3} {
		theirs, ours := p.both(t, "stats", command)
		if want, got := fields(theirs, parts), fields(ours, parts); want != got {
			t.Errorf("%s\n%s", command, lineDiff(got, want))
		}
	}
	for _, command := range []string{"show info", "show info typed", "show info json"} {
		for _, level := range []string{"operator; ", "user; "} {
			theirs, ours := p.both(t, "stats", level+command)
			if w, g := strings.Count(theirs, "\n"), strings.Count(ours, "\n"); w != g {
				t.Errorf("%s%s: %d lines, the reference has %d", level, command, g, w)
			}
		}
	}
}
