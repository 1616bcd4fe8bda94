package importer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// written is one line of the template, and the line it comes from.
type written struct {
	place
	text string
}

// put adds lines that come from l.
func put(out []written, l *line, texts ...string) []written {
	for _, t := range texts {
		out = append(out, written{l.place, t})
	}
	return out
}

// rewrite writes the configuration as the template of a scenario.
func (im *importer) rewrite() []written {
	var out []written
	global := false
	for _, s := range im.sections {
		if why, ok := foreignSections[s.kind]; ok {
			im.note(&s.begin, "left out", "section '%s': %s", s.kind, why)
			continue
		}
		if s.kind == "" && len(s.lines) == 0 {
			continue
		}
		if s.kind != "" {
			head := im.plain(strings.TrimSpace(s.begin.text))
			if s.front() && len(s.begin.words) > 2 && s.begin.words[2] != "from" {
				head = s.kind + " " + s.name
			}
			out = put(out, &s.begin, head)
		}
		if s.kind == "global" && !global {
			global = true
			out = put(out, &s.begin, statsLines...)
		}
		out = append(out, im.section(s)...)
	}
	if !global {
		out = append(put(nil, &line{}, append([]string{"global"}, statsLines...)...), out...)
	}
	return out
}

// statsLines give the runner its counters, and let a reload take the listeners over.
var statsLines = []string{"    stats socket {{.Stats}} mode 600 level admin expose-fd listeners", "    stats timeout 1m"}

// section writes the lines of one section.
func (im *importer) section(s *section) []written {
	var out []written
	if s.front() && len(s.begin.words) > 2 && s.begin.words[2] != "from" {
		bind := s.begin
		bind.words = append([]string{"bind"}, s.begin.words[2:]...)
		out = put(out, &bind, im.bind(s, &bind)...)
	}
	for i := range s.lines {
		l := &s.lines[i]
		if len(l.words) == 0 {
			if t := strings.TrimSpace(l.text); t != "" {
				if s.kind != "" {
					t = "    " + t
				}
				out = put(out, l, im.plain(t))
			}
			continue
		}
		switch {
		case l.words[0] == "bind" && s.front():
			out = put(out, l, im.bind(s, l)...)
		case l.words[0] == "server" && s.back():
			out = put(out, l, im.server(s, l)...)
		case l.words[0] == "server-template" && s.back():
			out = put(out, l, im.serverTemplate(s, l)...)
		case l.words[0] == "default-server":
			if rest := im.serverOptions(l, l.words[1:]); len(rest) > 0 {
				out = put(out, l, im.compose(append([]string{"default-server"}, rest...)))
			}
		default:
			if text, keep := im.ordinary(s, l); keep {
				out = put(out, l, text)
			}
		}
	}
	if s.front() && im.isOpen(s) && s.find("default_backend") == nil && im.servers[s] == nil {
		if b := im.target(s); b != nil {
			im.note(&s.begin, "added", "default_backend %s: without it the load would not get past the conditions of '%s'", b.name, s.name)
			out = put(out, &s.begin, "    default_backend "+b.name)
		}
	}
	return out
}

func (im *importer) isOpen(s *section) bool {
	return slices.ContainsFunc(im.doors, func(d door) bool { return d.sect == s })
}

// ordinary is a line that is neither an address nor a server: kept, changed, or
// left out.
func (im *importer) ordinary(s *section, l *line) (text string, keep bool) {
	if why := im.unwanted(s, l); why != "" {
		im.note(l, "left out", "'%s': %s", l.head(2), why)
		return "", false
	}
	if asksForClient(l.words) {
		im.note(l, "note", "'%s' goes by the address of the client: in a scenario all have that of this machine", l.head(2))
	}
	text = im.plain(strings.TrimSpace(l.text))
	words := slices.Clone(l.words)
	changed := false
	for i, w := range words {
		for _, path := range paths(words, i) {
			switch {
			case im.Exists(path) && !filepath.IsAbs(path):
				if abs, err := filepath.Abs(path); err == nil {
					words[i], changed = strings.Replace(w, path, abs, 1), true
				}
			case !im.Exists(path):
				words[i], changed = strings.Replace(w, path, "/dev/null", 1), true
				im.note(l, "replaced", "'%s' is not there: an empty file takes its place", path)
			}
		}
	}
	if i := slices.Index(words, "peers"); i > 0 && words[0] == "stick-table" && i+1 < len(words) {
		im.note(l, "left out", "'peers %s': a scenario has one proxy", words[i+1])
		words, changed = slices.Delete(words, i, i+2), true
	}
	if words[0] == "maxconn" && s.kind == "global" && len(words) > 1 && len(words[1]) > 4 {
		im.note(l, "replaced", "maxconn %s by %d, which the descriptors of most machines allow", words[1], mostConnections)
		words[1], changed = fmt.Sprint(mostConnections), true
	}
	if changed {
		return im.compose(words), true
	}
	return "    " + text, true
}

// asksForClient reports whether what a line does depends on the address of the client.
func asksForClient(words []string) bool {
	if words[0] == "balance" {
		return len(words) > 1 && words[1] == "source"
	}
	first := 1
	if words[0] == "acl" {
		first = 2 // behind its name
	}
	return slices.ContainsFunc(words[min(first, len(words)):], func(w string) bool {
		fetch, _, _ := strings.Cut(w, ",")
		return fetch == "src" || strings.HasPrefix(fetch, "src_") || strings.Contains(w, "%[src")
	})
}

// mostConnections is the global maxconn in place of a higher one.
const mostConnections = 4000

// paths are the files that the i-th word names as a list or a map.
func paths(words []string, i int) []string {
	if i > 0 && slices.Contains([]string{"-f", "file", "lf-file"}, words[i-1]) {
		return []string{words[i]}
	}
	var found []string
	for part := range strings.SplitSeq(words[i], ",") {
		at := strings.Index(part, "map")
		if at < 0 {
			continue
		}
		_, arg, ok := strings.Cut(part[at:], "(")
		if arg = strings.TrimRight(arg, ")]"); ok && strings.ContainsAny(arg, "/.") {
			found = append(found, arg)
		}
	}
	return found
}

// bind writes a listener for each address of a line.
func (im *importer) bind(s *section, l *line) []string {
	if len(l.words) < 2 {
		return nil
	}
	var out []string
	options := im.bindOptions(l)
	for addr := range strings.SplitSeq(l.words[1], ",") {
		if strings.HasPrefix(addr, "quic") || strings.HasPrefix(addr, "udp") || strings.HasPrefix(addr, "fd@") || strings.HasPrefix(addr, "sockpair@") {
			im.note(l, "left out", "address '%s': loads cannot reach it", addr)
			continue
		}
		name := name(s.name, im.names)
		how := ""
		if _, port, ok := strings.Cut(addr, ":"); ok && strings.Contains(port, "-") {
			how = ", one port for the whole range"
		}
		im.note(l, "replaced", "'bind %s' by the listener %s of the scenario%s", addr, name, how)
		im.doors = append(im.doors, door{name, s})
		out = append(out, strings.TrimRight(fmt.Sprintf("    bind {{bind %q}} %s", name, im.join(options)), " "))
	}
	return out
}

// bindOptions are the options of a listener that mean something in a scenario.
func (im *importer) bindOptions(l *line) []string { return im.options(l, l.words[2:], bindDropped) }

// serverOptions are the options of a server that mean something in a scenario. Checks
// that are far apart come sooner: the runner waits until all servers are up.
func (im *importer) serverOptions(l *line, words []string) []string {
	kept := im.options(l, words, serverDropped)
	for i := 1; i < len(kept); i++ {
		if w := kept[i-1]; (w == "inter" || w == "fastinter" || w == "downinter") && isLong(kept[i]) {
			im.note(l, "replaced", "'%s %s' of '%s' by %s: a run is short", w, kept[i], l.head(2), soon)
			kept[i] = soon
		}
	}
	return kept
}

// soon is the time between checks that takes the place of longer ones.
const soon = "2s"

// isLong reports whether a time of the configuration is above soon.
func isLong(text string) bool {
	if _, err := strconv.Atoi(text); err == nil {
		text += "ms"
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		text = days + "h"
	}
	d, err := time.ParseDuration(text)
	return err == nil && d > 2*time.Second
}

// options leaves out those of a table.
func (im *importer) options(l *line, words []string, dropped map[string]int) []string {
	var kept, gone []string
	for i := 0; i < len(words); i++ {
		n, drop := dropped[words[i]]
		if !drop {
			kept = append(kept, words[i])
			continue
		}
		gone = append(gone, words[i])
		if n < 0 { // the rest of the line
			break
		}
		i += n
	}
	if len(gone) > 0 {
		im.note(l, "left out", "%s of '%s'", strings.Join(gone, ", "), l.head(2))
	}
	return kept
}

// server writes a server with a mock origin's address.
func (im *importer) server(s *section, l *line) []string {
	if len(l.words) < 3 {
		return nil
	}
	options := im.join(im.serverOptions(l, l.words[3:]))
	return []string{im.at(s, l, l.words[1], l.words[2], options)}
}

// serverTemplate writes the servers that a template stands for one by one.
func (im *importer) serverTemplate(s *section, l *line) []string {
	if len(l.words) < 4 {
		return nil
	}
	low, high, ok := templateRange(l.words[2])
	if !ok {
		return nil
	}
	options := im.join(im.serverOptions(l, l.words[4:]))
	var out []string
	notes := len(im.notes)
	for i := low; i <= high; i++ {
		out = append(out, im.at(s, l, fmt.Sprintf("%s%d", l.words[1], i), l.words[3], options))
	}
	im.notes = im.notes[:notes]
	im.note(l, "replaced", "the template '%s' by its %d servers", l.words[1], high-low+1)
	return out
}

func (im *importer) at(s *section, l *line, name, addr, options string) string {
	o := im.servers[s]
	i := o.next % o.replicas
	o.next++
	im.note(l, "replaced", "address '%s' of server '%s' by that of the mock origin %s.%d", addr, name, o.name, i+1)
	return strings.TrimRight(fmt.Sprintf("    server %s {{(index .Backends %q %d).Addr}} %s", name, o.name, i, options), " ")
}

// plain writes text of the configuration so that neither the template nor the
// variables of a scenario find anything in it.
func (im *importer) plain(text string) string {
	text = strings.ReplaceAll(text, "{{", `{{"{{"}}`)
	return strings.ReplaceAll(text, "${", "$${")
}

// compose is a line of words.
func (im *importer) compose(words []string) string { return "    " + im.join(words) }

// join quotes words where the language needs it.
func (im *importer) join(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, " \t#\"'\\$\n\r") {
			w = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "\n", `\n`, "\r", `\r`).Replace(w) + `"`
		}
		quoted[i] = w
	}
	return im.plain(strings.Join(quoted, " "))
}
