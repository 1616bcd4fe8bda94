package rule

import (
	_ "embed"
	"slices"
	"strings"
)

// languageText lists the actions of the language, whether there are rows for them or not.
//
//go:embed language.txt
var languageText string

// Names lists the actions that the language has at a place.
func Names(at Place) []string {
	var names []string
	in := false
	for l := range strings.Lines(languageText) {
		switch l = strings.TrimSpace(l); {
		case l == "" || l[0] == '#':
		case l[0] == '[':
			in = l == "["+at.String()+"]"
		case in:
			names = append(names, l)
		}
	}
	return names
}

// refusals say why actions are not supported.
var refusals = map[string]string{
	"send-spoe-group": ": there is no SPOE: let a script ask the agent (core.tcp)",
	"ot-group":        ": there is no OpenTracing",
}

// Language reports whether the language has an action at a place. What is there and
// has no row is not supported, and said to be so.
func Language(at Place, name string) bool { return slices.Contains(Names(at), name) }
