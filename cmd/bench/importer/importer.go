package importer

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/config"
	"bench/scenarios/proxyconf"
)

// Error is a configuration that cannot be imported.
type Error struct {
	place
	msg string
}

func (e *Error) Error() string {
	if e.line == 0 {
		return e.msg
	}
	return fmt.Sprintf("%s:%d: %s", e.file, e.line, e.msg)
}

// Note says what became of a line.
type Note struct {
	File string
	Line int
	// Action is "replaced", "left out", "added", "note", Refused or Mistake.
	Action string
	Text   string
}

func (n Note) String() string { return fmt.Sprintf("%s:%d: %s: %s", n.File, n.Line, n.Action, n.Text) }

// Options of an import.
type Options struct {
	// Name of the scenario.
	Name string
	// Driver of the scenario: builtin or haproxy; "" takes the engine of this program
	// if it knows all of the configuration, and haproxy if it does not.
	Driver string
	// Env are the environment variables that the configuration sees.
	Env map[string]string
	// Exists reports whether a file of the configuration is there.
	Exists func(path string) bool
}

// Import makes a scenario, and notes about what was changed.
func Import(sources []config.Source, o Options) (text []byte, notes []Note, err error) {
	sections, err := read(sources, o.Env)
	if err != nil {
		return nil, nil, err
	}
	im := &importer{Options: o, sections: sections, names: map[string]bool{}, originNames: map[string]bool{}}
	if err := im.survey(); err != nil {
		return nil, nil, err
	}
	body := im.rewrite()
	loads := im.loads()
	if len(loads) == 0 {
		return nil, nil, &Error{msg: "no frontend leads to a server: there is nothing to put load on"}
	}
	lacking, err := im.lacking(body)
	if err != nil {
		return nil, nil, err
	}
	if im.Driver == "" {
		im.Driver = "builtin"
		if len(lacking) > 0 {
			im.Driver = "haproxy"
		}
	}
	im.notes = append(im.notes, lacking...)
	return im.scenario(body, loads), im.notes, nil
}

// lacking notes what the engine of this program refuses.
func (im *importer) lacking(body []written) ([]Note, error) {
	var template strings.Builder
	for _, l := range body {
		template.WriteString(strings.ReplaceAll(l.text, "$${", "${") + "\n")
	}
	data := proxyconf.Data{Backends: map[string][]proxyconf.Origin{}, Stats: "/tmp/stats.sock"}
	for _, o := range im.origins {
		for i := range o.replicas {
			data.Backends[o.name] = append(data.Backends[o.name], proxyconf.Origin{Name: fmt.Sprintf("%s.%d", o.name, i+1), Addr: "127.0.0.1:9", Host: "127.0.0.1", Port: 9})
		}
	}
	port := 1000
	text, err := proxyconf.Render(template.String(), data, func(string) string {
		port++
		return fmt.Sprintf("127.0.0.1:%d", port)
	})
	if err != nil {
		return nil, err
	}
	env := config.SystemEnv("2.6.12")
	env.Vars = maps.Clone(im.Env)
	// Whether a name is found is a matter of the run.
	env.Resolve = func(string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	_, found := config.Load([]config.Source{{Name: "config", Text: []byte(text)}}, env)
	var notes []Note
	for _, d := range found {
		if d.Severity == config.Alert {
			at := body[min(max(d.Line-1, 0), len(body)-1)]
			action := Mistake
			if d.Unsupported() {
				action = Refused
			}
			notes = append(notes, Note{at.file, at.line, action, d.Msg})
		}
	}
	return notes, nil
}

const (
	// Refused is the action of a note about what the engine of this program does not
	// know: the scenario needs driver haproxy.
	Refused = "not in the built-in engine"
	// Mistake is that of a note about what the engine takes for a mistake, as HAProxy
	// does, or an earlier version of it: only that can tell.
	Mistake = "refused, by HAProxy probably too"
)

// importer is an import under way.
type importer struct {
	Options
	sections []*section
	notes    []Note
	names    map[string]bool // taken, of listeners and loads
	origins  []*origins
	// originNames are the names taken of mock backends.
	originNames map[string]bool
	servers     map[*section]*origins
	used        map[string]bool // backends that a frontend names
	doors       []door          // listeners, in order
}

// origins are the mock origins in the place of one backend's servers.
type origins struct {
	name     string
	kind     string // http, tcp, mysql or redis
	replicas int
	next     int // server of the backend, as the lines go by
}

// door is a listener that gets a load.
type door struct {
	name string
	sect *section
}

func (im *importer) note(l *line, action, format string, a ...any) {
	im.notes = append(im.notes, Note{l.file, l.line, action, fmt.Sprintf(format, a...)})
}

// name makes a name of the kind that scenarios have, which is not taken yet.
func name(text string, taken map[string]bool) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, text), "-_")
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		name = "x" + name
	}
	name = name[:min(len(name), 50)]
	base := name
	for n := 2; taken[name]; n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	taken[name] = true
	return name
}

// Few processes are enough to see how a backend behaves, and every replica is one.
const (
	mostReplicas = 3  // of one backend
	mostOrigins  = 24 // of a scenario; beyond, a backend gets one
)

// survey finds out which backends there are, who uses them, and what they speak.
func (im *importer) survey() error {
	im.used, im.servers = map[string]bool{}, map[*section]*origins{}
	anyBackend := false
	for _, s := range im.sections {
		if !s.front() && s.kind != "defaults" {
			continue
		}
		for _, l := range s.lines {
			if len(l.words) > 1 && (l.words[0] == "default_backend" || l.words[0] == "use_backend") {
				im.used[l.words[1]] = true
				anyBackend = anyBackend || strings.Contains(l.words[1], "%[")
			}
		}
	}
	total := 0
	shared := map[string]*origins{} // of backends that nobody uses, by kind
	for _, s := range im.sections {
		n := 0
		for _, l := range s.lines {
			if s.back() && len(l.words) > 2 {
				n += serverCount(&l)
			}
		}
		if n == 0 {
			continue
		}
		kind := s.protocol()
		if s.kind == "backend" && !im.used[s.name] && !anyBackend {
			im.note(&s.begin, "note", "no frontend uses backend '%s': its servers share a mock origin", s.name)
			if shared[kind] == nil {
				shared[kind] = &origins{name: name("unused-"+kind, im.originNames), kind: kind, replicas: 1}
				im.origins = append(im.origins, shared[kind])
			}
			im.servers[s] = shared[kind]
			continue
		}
		replicas := min(n, mostReplicas)
		if total+replicas > mostOrigins {
			replicas = 1
		}
		if n > replicas {
			im.note(&s.begin, "note", "the %d servers of '%s' are %d mock origin(s) in turn", n, s.name, replicas)
		}
		total += replicas
		o := &origins{name: name(s.name, im.originNames), kind: kind, replicas: replicas}
		im.origins, im.servers[s] = append(im.origins, o), o
	}
	if len(im.origins) == 0 {
		return &Error{msg: "there is no backend with servers: nothing can be put behind the proxy"}
	}
	return nil
}

// serverCount is how many servers a line stands for.
func serverCount(l *line) int {
	switch l.words[0] {
	case "server":
		return 1
	case "server-template":
		low, high, ok := templateRange(l.words[2])
		if !ok {
			return 0
		}
		return high - low + 1
	}
	return 0
}

// templateRange reads the "3" or "2-5" of server-template.
func templateRange(text string) (low, high int, ok bool) {
	from, to, ranged := strings.Cut(text, "-")
	if !ranged {
		from, to = "1", from
	}
	low, err1 := strconv.Atoi(from)
	high, err2 := strconv.Atoi(to)
	return low, high, err1 == nil && err2 == nil && low >= 0 && high >= low && high-low < 1000
}

// protocol is the kind of origin that the servers of a section are: by its checks,
// by its mode, and by the ports that protocols are known by.
func (s *section) protocol() string {
	switch {
	case s.find("option mysql-check") != nil:
		return "mysql"
	case s.find("option redis-check") != nil:
		return "redis"
	case s.mode() == "http":
		return "http"
	}
	for _, l := range s.lines {
		if len(l.words) < 3 || l.words[0] != "server" && l.words[0] != "tcp-check" {
			continue
		}
		switch {
		case l.words[0] == "tcp-check" && slices.ContainsFunc(l.words, func(w string) bool { return strings.HasPrefix(w, "PING") }), strings.HasSuffix(l.words[2], ":6379"):
			return "redis"
		case strings.HasSuffix(l.words[2], ":3306"):
			return "mysql"
		}
	}
	return "tcp"
}

// target is the section with the servers that a front leads to, nil if none does.
func (im *importer) target(s *section) *section {
	names := []string{}
	if l := s.find("default_backend"); l != nil && len(l.words) > 1 {
		names = append(names, l.words[1])
	}
	for _, l := range s.lines {
		if len(l.words) > 1 && l.words[0] == "use_backend" {
			names = append(names, l.words[1])
		}
	}
	for _, n := range names {
		for _, b := range im.sections {
			if b.back() && b.name == n && im.servers[b] != nil {
				return b
			}
		}
	}
	if im.servers[s] != nil {
		return s
	}
	return nil
}
