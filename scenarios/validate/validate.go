// Package validate says what is wrong with a scenario beyond what its types say, each
// fault at its place.
package validate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"bench/scenarios/format"
	"bench/scenarios/objective"
	"bench/scenarios/proxyconf"
	"bench/scenarios/source"
)

// maxRate bounds the requests per second of one load.
const maxRate = 1_000_000

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// Check reports what is wrong with s, which d has decoded, as faults of d. Files are
// relative to dir; matrix reports that s is one of several combinations. obstacle is why it
// is one that cannot be, though each of its values can; configs is where the texts of the
// proxies' configurations stand, that of the proxy under test first.
func Check(d *format.Decoder, s *format.Scenario, dir string, matrix bool) (obstacle string, configs []proxyconf.Text) {
	v := &validator{Decoder: d, s: s, dir: dir, matrix: matrix}
	v.scenario()
	configs = []proxyconf.Text{v.configText()}
	for i := range s.Companions {
		configs = append(configs, v.textAt(fmt.Sprintf("companions[%d].config", i)))
	}
	return v.obstacle, configs
}

// validator checks what the types cannot say. It says nothing about values the
// Decoder could not read.
type validator struct {
	*format.Decoder
	s   *format.Scenario
	dir string // where a configFile is relative to
	// binds are the listeners the configuration declares; nil if unknown.
	binds map[string]bool
	// owned are those of companions, by their names, and referred what templates say
	// of other proxies' listeners.
	owned    map[string]map[string]bool
	referred []reference
	// matrix reports that this is one of several combinations, and obstacle why it
	// is one that cannot be.
	matrix   bool
	obstacle string
}

// at is the place of a value, or of the nearest value around it.
func (v *validator) at(path string) source.Pos {
	for {
		if pos, ok := v.Pos[path]; ok {
			return pos
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return v.Pos[""]
		}
		path = path[:i]
	}
}

// fail notes a fault of a value that could be read.
func (v *validator) fail(path, format string, args ...any) {
	if !v.Bad[path] {
		v.Faults.Add(v.at(path), format, args...)
		v.Bad[path] = true
	}
}

// cannotBe complains about what does not go with another choice. In a matrix,
// where each may go with something else, the combination is left out instead.
func (v *validator) cannotBe(path, why string) {
	if v.matrix {
		v.obstacle = why
		return
	}
	v.fail(path, "%s", why)
}

// given reports whether the file has the key.
func (v *validator) given(path string) bool {
	_, ok := v.Pos[path]
	return ok
}

func (v *validator) name(path, text string) {
	if v.given(path) && !nameRule.MatchString(text) {
		v.fail(path, "a name is up to 63 lower-case letters, digits, - and _, and begins with a letter; not %q", source.Printable(text))
	}
}

// between fails a whole number outside its range.
func (v *validator) between(path string, n, low, high int) {
	if n < low || n > high {
		v.fail(path, "%s must be from %d to %d, not %d", format.Leaf(path), low, high, n)
	}
}

func (v *validator) scenario() {
	s := v.s
	if v.given("version") && s.Version != 1 {
		v.fail("version", "version %d is unknown; this program reads version 1", s.Version)
	}
	v.name("name", s.Name)
	v.between("repeat", s.Repeat, 1, format.MaxCells)
	v.network()
	v.hosts()
	v.backends()
	v.proxy()
	v.companions()
	v.loads()
	v.abuse()
	v.events()
	v.references()
	v.objectives()
	v.compare()
}

func (v *validator) cpus(path string, cpus []int) {
	for i, cpu := range cpus {
		at := fmt.Sprintf("%s[%d]", path, i)
		if cpu < 0 || cpu > 4095 {
			v.fail(at, "there is no CPU %d", cpu)
		} else if slices.Contains(cpus[:i], cpu) {
			v.fail(at, "CPU %d is given twice", cpu)
		}
	}
}

func (v *validator) backends() {
	for i := range v.s.Backends {
		b := &v.s.Backends[i]
		at := fmt.Sprintf("backends[%d]", i)
		v.name(at+".name", b.Name)
		if j := slices.IndexFunc(v.s.Backends[:i], func(o format.Backend) bool { return o.Name == b.Name }); j >= 0 && b.Name != "" {
			v.fail(at+".name", "there are two backends %q", b.Name)
		}
		v.between(at+".replicas", b.Replicas, 1, format.MaxReplicas)
		v.between(at+".status", b.Status, 200, 599)
		v.between(at+".requestsPerConnection", b.RequestsPerConnection, 0, 1<<30)
		v.size(at+".body", b.Body)
		v.latency(at+".latency", b.Latency)
		v.origin(at, b)
		v.listen(i)
		v.node(at+".node", b.Node, format.OriginNode)
		v.cpus(at+".cpus", b.CPUs)
	}
}

// maxThreads is the most that HAProxy takes.
const maxThreads = 64

func (v *validator) proxy() {
	v.external()
	p := &v.s.Proxy
	if p.Foreign() {
		v.observed()
		return
	}
	if v.given("proxy.config") && v.given("proxy.configFile") {
		v.fail("proxy.configFile", "give config or configFile, not both")
	}
	if p.ConfigFile != "" && !v.Bad["proxy.configFile"] {
		path := p.ConfigFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(v.dir, path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			v.fail("proxy.configFile", "%s", err)
			return
		}
		p.Config = string(text)
		v.template("proxy.configFile", path, p.Config)
	} else if v.given("proxy.config") {
		v.template("proxy.config", "", p.Config)
	}
	exec := p.Driver == "exec"
	if !exec && p.Config == "" && v.given("proxy") && !v.Bad["proxy"] && !v.Bad["proxy.config"] {
		v.fail("proxy", "driver %s needs config or configFile", p.Driver)
	}
	switch {
	case exec && len(p.Command) == 0 && !v.Bad["proxy.command"]:
		v.fail("proxy", "driver exec needs command")
	case !exec && v.given("proxy.command"):
		v.fail("proxy.command", "command belongs to driver exec; driver %s takes args", p.Driver)
	case exec && v.given("proxy.args"):
		v.fail("proxy.args", "args belongs to drivers builtin, haproxy and nginx; driver exec takes command")
	case exec && v.given("proxy.poller") && p.Poller != "":
		v.fail("proxy.poller", "driver exec cannot choose a poller; write it into command")
	case p.Driver == "nginx" && v.given("proxy.poller") && p.Poller != "":
		v.fail("proxy.poller", "driver nginx chooses its poller in the configuration: events { use {{.Poller}}; }")
	}
	if v.given("proxy.reload") && p.Driver != "builtin" && p.Driver != "haproxy" {
		v.fail("proxy.reload", "driver %s has one way of reloading; reload belongs to drivers builtin and haproxy", p.Driver)
	}
	if v.given("proxy.threads") {
		v.between("proxy.threads", p.Threads, 0, maxThreads)
		if p.Threads > 0 && p.Driver != "builtin" && p.Driver != "haproxy" {
			v.fail("proxy.threads", "threads belongs to drivers builtin and haproxy; driver %s has them in its configuration", p.Driver)
		}
	}
	if p.Poller == "io_uring" && p.Driver == "haproxy" {
		v.cannotBe("proxy.poller", "HAProxy has no io_uring: its pollers are epoll, poll and select")
	}
	for i, word := range p.Command {
		v.template(fmt.Sprintf("proxy.command[%d]", i), "", word)
	}
	if v.given("proxy.binary") && exec {
		v.fail("proxy.binary", "binary belongs to drivers builtin, haproxy and nginx; driver exec has its program in command")
	}
	if v.given("proxy.reloadSignal") && !exec {
		v.fail("proxy.reloadSignal", "reloadSignal belongs to driver exec")
	}
	if p.Poller != "" && p.Poller != "poll" && p.Poller != "select" && runtime.GOOS != "linux" {
		v.fail("proxy.poller", "poller %s needs Linux", p.Poller)
	}
	if p.Ready.D() <= 0 {
		v.fail("proxy.ready", "ready must be longer than 0")
	}
	v.node("proxy.node", p.Node, format.ProxyNode)
	v.observed()
}

// observed checks what is said of the looks at a proxy, whoever has started it.
func (v *validator) observed() {
	p := &v.s.Proxy
	if every := p.Stats.Every.D().Milliseconds(); every < 10 || every > 60_000 {
		v.fail("proxy.stats.every", "every must be from 10ms to 1m, not %v", p.Stats.Every)
	}
	v.cpus("proxy.cpus", p.CPUs)
}

// template renders a template with placeholders; file is where its text is,
// empty for the scenario itself.
func (v *validator) template(path, file, text string) (rendered string, ok bool) {
	if v.binds == nil {
		v.binds = map[string]bool{}
	}
	return v.render(path, file, text, v.binds)
}

// render does so for the proxy whose listeners binds are.
func (v *validator) render(path, file, text string, binds map[string]bool) (rendered string, ok bool) {
	if v.Bad[path] {
		return "", false
	}
	data := placeholders(v.s)
	data.Listener = func(proxy, name string) (string, error) { return v.refer(path, proxy, name) }
	rendered, err := proxyconf.Render(text, data, func(listener string) string {
		binds[listener] = true
		return "127.0.0.1:9"
	})
	if err == nil {
		return rendered, true
	}
	v.Bad[path] = true
	var fault *proxyconf.Error
	if !errors.As(err, &fault) {
		v.Faults.Add(v.at(path), "%s", err)
		return "", false
	}
	if fault.Col == 0 {
		// Only the line is known: its first word is shown.
		if lines := strings.Split(text, "\n"); fault.Line <= len(lines) {
			line := lines[fault.Line-1]
			fault.Col = len(line) - len(strings.TrimLeft(line, " \t")) + 1
		}
	}
	pos := source.Pos{Line: fault.Line, Col: max(fault.Col, 1)}
	if file != "" {
		other := source.NewFaults(file, []byte(text))
		other.Add(pos, "%s", fault.Msg)
		v.Faults.List = append(v.Faults.List, other.List...)
		return "", false
	}
	t := v.textAt(path)
	v.Faults.Add(t.Place(pos.Line, pos.Col), "%s", fault.Msg)
	return "", false
}

// textAt is where a text of the scenario stands.
func (v *validator) textAt(path string) proxyconf.Text {
	block, ok := v.Blocks[path]
	if !ok {
		block = v.at(path)
	}
	return proxyconf.Text{At: block, Block: ok}
}

// configText is where the text of the proxy's configuration stands.
func (v *validator) configText() proxyconf.Text {
	if file := v.s.Proxy.ConfigFile; file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(v.dir, file)
		}
		return proxyconf.Text{File: file}
	}
	return v.textAt("proxy.config")
}

func (v *validator) objectives() {
	if v.given("steadyState") {
		v.expression("steadyState", v.s.SteadyState)
		if len(v.s.Events)+len(v.s.Abuse) == 0 && !v.Bad["events"] && !v.Bad["abuse"] {
			v.fail("steadyState", "steadyState is checked before the first event, and the scenario has no events")
		}
	}
	v.needsStats()
	for i := range v.s.Objectives {
		o := &v.s.Objectives[i]
		at := fmt.Sprintf("objectives[%d]", i)
		switch {
		case v.given(at + ".expr"):
			v.expression(at+".expr", o.Expr)
		case !v.Bad[at+".expr"]:
			v.expression(at, o.Expr)
		}
		if o.Abort {
			if e, err := objective.Parse(o.Expr, v.s.ObjectiveNames()); err == nil && !e.Abortable() {
				v.fail(at+".abort", "abort needs an upper limit of a count or a share, such as \"errors < 5%%\"; %q can only be judged at the end", source.Printable(o.Expr))
			}
			if o.Window != "" {
				v.fail(at+".abort", "an objective with a window is judged at the end; abort belongs to one without")
			}
		}
		if o.Window == "" {
			continue
		}
		if _, err := objective.ParseWindow(o.Window, v.s.PhaseNames(), v.s.Kinds()); err != nil {
			v.syntax(at+".window", err)
		}
		if e, err := objective.Parse(o.Expr, v.s.ObjectiveNames()); err == nil && e.WholeRunOnly() != "" {
			v.fail(at+".window", "%s is known for the whole run only; a window cannot confine it", e.WholeRunOnly())
		}
	}
	for i := range v.s.Objectives {
		path := fmt.Sprintf("objectives[%d]", i)
		if v.given(path + ".expr") {
			path += ".expr"
		}
		v.foresee(path, &v.s.Objectives[i])
	}
}

func (v *validator) expression(path, text string) {
	if _, err := objective.Parse(text, v.s.ObjectiveNames()); err != nil {
		v.syntax(path, err)
	}
}

// syntax places the fault of an expression within its value.
func (v *validator) syntax(path string, err error) {
	if v.Bad[path] {
		return
	}
	v.Bad[path] = true
	pos := v.at(path)
	var fault *objective.SyntaxError
	if errors.As(err, &fault) && pos.Line > 0 {
		pos.Col += fault.Col - 1 + v.Faults.QuoteAt(pos)
	}
	v.Faults.Add(pos, "%s", source.Printable(err.Error()))
}
