package config

import (
	"slices"

	"bench/proxy/compress"
	"bench/proxy/spec"
)

// filterKeywords are about what would look at, or change, bodies on their way
// (configuration manual, sections 4.2 and 9).
func filterKeywords() []keyword {
	const scope = inDefaults | inFront | inBack
	return []keyword{
		{name: "compression algo", args: "<algorithm>...", scope: scope, doc: "Algorithms to encode responses by, if the client takes one of them; the last one is preferred where it takes any.", read: readAlgorithms},
		{name: "compression type", args: "<type>...", scope: scope, doc: "Beginnings of the content types to encode.", read: func(l *line) {
			if l.arity(1, maxWords, "content types") {
				c := l.sect.settings.compressing()
				c.Types = append(slices.Clip(c.Types), texts(l.args)...)
			}
		}},
		{name: "compression offload", scope: scope, doc: "Do not tell servers which encodings clients take.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.compressing().Offload = true
			}
		}},
		{name: "filter compression", scope: inFront | inBack, same: true, doc: "Where among the filters to encode: always behind the cache.", read: func(l *line) { l.arity(0, 0, "") }},
		{name: "filter trace", args: "[name <name>] [random-forwarding] [hexdump] [quiet]", scope: inFront | inBack, inert: "nothing is traced", doc: "Print what passes, for debugging.", read: readFilterTrace},
	}
}

// compressing is what the section says about encoding, to be changed.
func (s *settings) compressing() *spec.Compression {
	c := spec.Compression{}
	if s.compression != nil {
		c = *s.compression // the defaults have theirs
	}
	s.compression = &c
	return &c
}

func readAlgorithms(l *line) {
	if !l.arity(1, maxWords, "algorithms") {
		return
	}
	c := l.sect.settings.compressing()
	for _, w := range l.args {
		i := slices.Index(compress.Names(), w.text)
		if i < 0 {
			l.unknown(w, "algorithm", compress.Names())
			return
		}
		c.Algorithms = append([]compress.Algorithm{compress.Algorithm(i)}, c.Algorithms...)
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
