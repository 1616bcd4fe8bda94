// Package importer makes a scenario of an operator's own HAProxy configuration: the
// configuration stays as it is but for what ties it to its machine (addresses, stats
// sockets, logs, certificates, users), mock origins take the places of the servers,
// and each frontend gets a load. What was replaced or left out is noted by file and
// line. Nothing is run here, and no file but the configuration is read.
package importer

import (
	"slices"
	"strings"

	"bench/proxy/config"
)

// place is where a line was written.
type place struct {
	file string
	line int
}

// line is one line of the configuration.
type line struct {
	place
	text  string   // as written
	words []string // after quotes and variables; nil of an empty line
}

// head is the first words of a line, as many as n, without a "no" before them.
func (l *line) head(n int) string {
	words := l.words
	if len(words) > 1 && words[0] == "no" {
		words = words[1:]
	}
	return strings.Join(words[:min(n, len(words))], " ")
}

// section is a section with its lines; the first one of a file may have no kind.
type section struct {
	kind, name string
	begin      line
	lines      []line
	defaults   *section // what it is based on; nil: nothing
}

// front reports whether the section accepts connections, back whether it has servers.
func (s *section) front() bool { return s.kind == "frontend" || s.kind == "listen" }
func (s *section) back() bool  { return s.kind == "backend" || s.kind == "listen" }

// find returns the last line that begins with the words, in the section or what it
// is based on, nil if there is none.
func (s *section) find(head string) *line {
	n := strings.Count(head, " ") + 1
	for s != nil {
		for i := len(s.lines) - 1; i >= 0; i-- {
			if l := &s.lines[i]; len(l.words) >= n && strings.Join(l.words[:n], " ") == head {
				return l
			}
		}
		s = s.defaults
	}
	return nil
}

// mode is "http" or "tcp".
func (s *section) mode() string {
	if l := s.find("mode"); l != nil && len(l.words) > 1 {
		return l.words[1]
	}
	return "tcp"
}

// sectionKinds are the words that begin a section.
var sectionKinds = []string{
	"global", "defaults", "frontend", "backend", "listen", "resolvers", "peers", "mailers", "userlist", "cache", "program",
	"ring", "http-errors", "log-forward", "fcgi-app", "traces", "log-profile", "crt-store", "acme",
}

// read cuts the sources into sections.
func read(sources []config.Source, env map[string]string) ([]*section, error) {
	var all []*section
	var defaults *section
	named := map[string]*section{}
	for _, src := range sources {
		s := &section{}
		all = append(all, s)
		number := 0
		for text := range strings.Lines(strings.TrimPrefix(string(src.Text), "\ufeff")) {
			number++
			l := line{place: place{src.Name, number}, text: strings.TrimRight(text, "\r\n")}
			words, err := config.Words(l.text, env)
			if err != nil {
				return nil, &Error{l.place, err.Error()}
			}
			for _, w := range words {
				l.words = append(l.words, w.Text)
			}
			if len(l.words) == 0 || !slices.Contains(sectionKinds, l.words[0]) || l.words[0] == "cache" && s.kind == "cache" {
				s.lines = append(s.lines, l)
				continue
			}
			s = &section{kind: l.words[0], begin: l, defaults: defaults}
			all = append(all, s)
			if len(l.words) > 1 && l.words[1] != "from" {
				s.name = l.words[1]
			}
			if i := slices.Index(l.words, "from"); i > 0 && i+1 < len(l.words) {
				s.defaults = named[l.words[i+1]]
			} else if s.kind == "defaults" {
				s.defaults = nil
			}
			if s.kind == "defaults" {
				defaults = s
				named[s.name] = s
			}
		}
	}
	return all, nil
}
