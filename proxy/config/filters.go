package config

import "slices"

const uncompressed = "responses are passed on as they come"

// filterKeywords are about what would look at, or change, bodies on their way
// (configuration manual, sections 4.2 and 9).
func filterKeywords() []keyword {
	const scope = inDefaults | inFront | inBack
	list := func(what string, known []string) func(*line) {
		return func(l *line) {
			if !l.arity(1, maxWords, what) || known == nil {
				return
			}
			for _, w := range l.args {
				if !slices.Contains(known, w.text) {
					l.unknown(w, "argument", known)
				}
			}
		}
	}
	algorithms := []string{"identity", "gzip", "deflate", "raw-deflate"}
	return []keyword{
		{name: "compression algo", args: "<algorithm>...", scope: scope, inert: uncompressed, doc: "Algorithms to compress responses by.", read: list("algorithms", algorithms)},
		{name: "compression type", args: "<type>...", scope: scope, inert: uncompressed, doc: "Content types to compress.", read: list("content types", nil)},
		{name: "compression offload", scope: scope, inert: uncompressed, doc: "Have servers send responses that are not compressed.", read: func(l *line) { l.arity(0, 0, "") }},
		{name: "filter compression", scope: inFront | inBack, inert: uncompressed, doc: "Where among the filters to compress.", read: func(l *line) { l.arity(0, 0, "") }},
		{name: "filter trace", args: "[name <name>] [random-forwarding] [hexdump] [quiet]", scope: inFront | inBack, inert: "nothing is traced", doc: "Print what passes, for debugging.", read: readFilterTrace},
	}
}

func readFilterTrace(l *line) {
	for rest := l.args; len(rest) > 0; rest = rest[1:] {
		switch rest[0].text {
		case "name":
			if len(rest) < 2 {
				l.missing("a name after 'name'")
				return
			}
			rest = rest[1:]
		case "random-parsing", "random-forwarding", "hexdump", "quiet":
		default:
			l.unknown(rest[0], "argument", []string{"name", "random-forwarding", "hexdump", "quiet"})
			return
		}
	}
}
