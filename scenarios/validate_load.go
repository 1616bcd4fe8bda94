package scenarios

import (
	"fmt"
	"maps"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"

	"bench/internal/result"
	"bench/internal/units"
	"bench/loadgen"
	"bench/scenarios/objective"
)

var httpToken = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func (v *validator) loadNames() []string {
	var names []string
	for i := range v.s.Load {
		names = append(names, v.s.Load[i].Name)
	}
	return names
}

func (v *validator) backendNames() []string {
	var names []string
	for i := range v.s.Backends {
		names = append(names, v.s.Backends[i].Name)
	}
	return names
}

func (v *validator) loads() {
	if v.given("load") && len(v.s.Load) == 0 {
		v.fail("load", "a scenario needs at least one load")
	}
	spans := map[string]result.Phase{} // by name of phase
	owners := map[string]string{}
	for i := range v.s.Load {
		l := &v.s.Load[i]
		at := fmt.Sprintf("load[%d]", i)
		if v.bad[at] {
			continue
		}
		v.name(at+".name", l.Name)
		if slices.ContainsFunc(v.s.Load[:i], func(o Load) bool { return o.Name == l.Name }) && l.Name != "" {
			v.fail(at+".name", "there are two loads %q", l.Name)
		}
		v.target(at+".target", l.Target)
		v.request(at, l)
		v.between(at+".connections.requestsPerConnection", l.Connections.RequestsPerConnection, 0, 1<<30)
		if l.Arrival == "closed" && l.Connections.Pool == 0 {
			v.fail(at+".connections.pool", "closed arrival needs a number of connections")
		}
		v.phases(at, l, spans, owners)
		v.cpus(at+".cpus", l.CPUs)
	}
}

func (v *validator) target(path, target string) {
	if !v.given(path) || v.bad[path] {
		return
	}
	kind, listener, ok := strings.Cut(target, "/")
	switch {
	case ok && kind == "proxy":
		if v.binds != nil && !v.bad["proxy.config"] && !v.bad["proxy.configFile"] && !v.binds[listener] {
			known := slices.Sorted(maps.Keys(v.binds))
			if len(known) == 0 {
				v.fail(path, "the proxy's configuration has no {{bind %q}}", printable(listener))
			} else {
				v.fail(path, "the proxy's configuration has no {{bind %q}}%s", printable(listener), didYouMean(listener, known))
			}
		}
	case ok && kind == "origin":
		if !slices.Contains(v.backendNames(), listener) {
			v.fail(path, "there is no backend %q%s", printable(listener), didYouMean(listener, v.backendNames()))
		}
	default:
		v.fail(path, "a target is proxy/NAME or origin/BACKEND, not %q", printable(target))
	}
}

func (v *validator) request(at string, l *Load) {
	if !httpToken.MatchString(l.Method) {
		v.fail(at+".method", "%q is not an HTTP method", printable(l.Method))
	}
	if !strings.HasPrefix(l.Path, "/") || strings.ContainsFunc(l.Path, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		v.fail(at+".path", "a path begins with / and has neither spaces nor letters beyond ASCII; not %q", printable(l.Path))
	}
	if strings.ContainsFunc(l.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		v.fail(at+".host", "a host has neither spaces nor letters beyond ASCII; not %q", printable(l.Host))
	}
	for key, value := range l.Headers {
		path := at + ".headers." + key
		switch {
		case !httpToken.MatchString(key):
			v.fail(path, "%q is not a header name", printable(key))
		case strings.ContainsAny(value, "\r\n\x00"):
			v.fail(path, "a header's value is one line")
		case reservedHeader(key) != "":
			v.fail(path, "%s is set by the generator: %s", key, reservedHeader(key))
		}
	}
	if l.Body > 1<<30 {
		v.fail(at+".body", "a body is at most 1GiB")
	}
	if l.Timeout.D() < time.Millisecond {
		v.fail(at+".timeout", "timeout must be at least 1ms")
	}
}

// reservedHeader says by what the generator sets a header, "" if it does not.
func reservedHeader(key string) string {
	switch textproto.CanonicalMIMEHeaderKey(key) {
	case "Host":
		return "use host"
	case "Connection":
		return "use connections.requestsPerConnection"
	case "Content-Length", "Transfer-Encoding":
		return "they follow from body"
	case loadgen.HeaderID:
		return "it numbers the requests"
	}
	return ""
}

func (v *validator) phases(at string, l *Load, spans map[string]result.Phase, owners map[string]string) {
	if v.given(at+".phases") && len(l.Phases) == 0 && !v.bad[at+".phases"] {
		v.fail(at+".phases", "a load needs at least one phase")
	}
	var start int64
	measured := false
	for j := range l.Phases {
		p := &l.Phases[j]
		path := fmt.Sprintf("%s.phases[%d]", at, j)
		if v.bad[path] {
			continue
		}
		v.name(path+".name", p.Name)
		if v.given(path+".for") && p.For <= 0 {
			v.fail(path+".for", "a phase must last longer than 0")
		}
		switch {
		case v.bad[path+".rate"]:
		case l.Arrival == "closed" && p.Rate != nil:
			v.fail(path+".rate", "closed arrival has no rate: it is as fast as the answers")
		case l.Arrival != "closed" && p.Rate == nil:
			v.fail(path, "phase %q needs a rate, as 2000/s", p.Name)
		case p.Rate != nil && max(p.Rate.From, p.Rate.To) > maxRate:
			v.fail(path+".rate", "a load sends at most %d/s", maxRate)
		}
		span := result.Phase{Name: p.Name, StartUs: start, LengthUs: p.For.Us(), Measured: p.Measure}
		if old, ok := spans[p.Name]; ok && p.Name != "" && !v.bad[path+".for"] {
			switch {
			case owners[p.Name] == l.Name:
				v.fail(path+".name", "there are two phases %q", p.Name)
			case old.StartUs != span.StartUs || old.LengthUs != span.LengthUs:
				v.fail(path+".name", "phase %q is %s to %s here but %s to %s in load %s: phases of one name coincide",
					p.Name, seconds(span.StartUs), seconds(span.StartUs+span.LengthUs),
					seconds(old.StartUs), seconds(old.StartUs+old.LengthUs), owners[p.Name])
			case old.Measured != span.Measured:
				v.fail(path+".name", "phase %q is measured in one load and not in another", p.Name)
			}
		} else if p.Name != "" {
			spans[p.Name], owners[p.Name] = span, l.Name
		}
		start += p.For.Us()
		measured = measured || p.Measure
	}
	if !measured && len(l.Phases) > 0 && !v.bad[at+".phases"] {
		v.fail(at+".phases", "no phase of load %q is measured", l.Name)
	}
	if us(start) > 24*time.Hour {
		v.fail(at+".phases", "a run lasts at most 24h, not %v", us(start))
	}
}

func seconds(us int64) string { return units.CompactLatency(float64(us)) }

func (v *validator) phaseNames() []string {
	var names []string
	for _, p := range v.s.Timeline() {
		names = append(names, p.Name)
	}
	return names
}

// kinds are the actions of the scenario's events.
func (v *validator) kinds() []string {
	var names []string
	for i := range v.s.Events {
		if !slices.Contains(names, v.s.Events[i].Do) {
			names = append(names, v.s.Events[i].Do)
		}
	}
	return names
}

func (v *validator) events() {
	phases := v.s.Timeline()
	if len(phases) == 0 {
		return // said already; nothing can be placed in time
	}
	for i := range v.s.Events {
		e := &v.s.Events[i]
		at := fmt.Sprintf("events[%d]", i)
		if v.bad[at] {
			continue
		}
		v.when(at, e, phases)
		if !v.given(at+".do") || v.bad[at+".do"] {
			continue
		}
		action, ok := FindAction(e.Do)
		if !ok {
			var names []string
			for _, a := range Actions() {
				names = append(names, a.Name)
			}
			v.fail(at+".do", "there is no action %q%s", printable(e.Do), didYouMean(e.Do, names))
			continue
		}
		v.args(at, e, action)
	}
}

func (v *validator) when(at string, e *Event, phases []result.Phase) {
	switch {
	case v.given(at+".at") && v.given(at+".every"):
		v.fail(at+".every", "give at or every, not both")
	case v.given(at + ".every"):
		if e.Every <= 0 {
			v.fail(at+".every", "every must be longer than 0")
		}
		if !v.given(at + ".in") {
			v.fail(at, "every needs in: the phase it repeats in")
			return
		}
		i := slices.IndexFunc(phases, func(p result.Phase) bool { return p.Name == e.In })
		switch {
		case i < 0:
			v.fail(at+".in", "%s", unknownPhase{e.In, v.phaseNames()})
		case phases[i].LengthUs <= 0 || e.Every <= 0: // said already
		case e.Every.Us() >= phases[i].LengthUs:
			v.fail(at+".every", "phase %s lasts %s: the event never happens", e.In, seconds(phases[i].LengthUs))
		case phases[i].LengthUs/max(1, e.Every.Us()) > 10_000:
			v.fail(at+".every", "the event happens more than 10000 times")
		}
	case !v.given(at + ".at"):
		v.fail(at, "an event needs at or every")
	default:
		if v.given(at + ".in") {
			v.fail(at+".in", "in belongs to every; write at: %s+1s for a time within a phase", printable(e.In))
		}
		t, err := resolveAt(e.At, phases)
		switch {
		case err != nil:
			v.fail(at+".at", "%s", printable(err.Error()))
		case (t < 0 || t >= v.s.Length()) && v.s.Length() > 0:
			v.fail(at+".at", "%s is outside the run, which lasts %s", printable(e.At), seconds(v.s.Length().Microseconds()))
		}
	}
}

func (v *validator) args(at string, e *Event, action Action) {
	given := map[string]bool{}
	for _, key := range []string{"name", "for", "status", "rate", "latency", "command"} {
		path := at + ".args." + key
		given[key] = v.given(path)
		if given[key] && !slices.Contains(action.Needs, key) && !slices.Contains(action.Allows, key) {
			takes := strings.Join(append(slices.Clone(action.Needs), action.Allows...), ", ")
			if takes == "" {
				takes = "no arguments"
			}
			v.f.add(v.keys[path], "%s takes %s, not %s", action.Name, takes, key)
		}
	}
	for _, key := range action.Needs {
		if !given[key] && !v.bad[at+".args"] {
			v.fail(at+".args."+key, "%s needs args: %s", action.Name, strings.Join(action.Needs, ", "))
			return
		}
	}
	if given["for"] && e.Args.For <= 0 {
		v.fail(at+".args.for", "for must be longer than 0")
	}
	if given["status"] {
		v.between(at+".args.status", e.Args.Status, 400, 599)
	}
	if e.Args.Rate != nil && (*e.Args.Rate <= 0 || *e.Args.Rate > 1) {
		v.fail(at+".args.rate", "rate is a share above 0 and up to 1, not %v", *e.Args.Rate)
	}
	v.latency(at+".args.latency", e.Args.Latency)
	if given["name"] {
		if _, err := v.s.Replicas(e.Args.Name); err != nil {
			v.fail(at+".args.name", "%s", printable(err.Error()))
		}
	}
}

// Replicas are the names of the origins an event means: web.1 is one, web all
// of a backend.
func (s *Scenario) Replicas(text string) ([]string, error) {
	var names, known []string
	for i := range s.Backends {
		b := &s.Backends[i]
		known = append(known, b.Name)
		for r := range min(max(b.Replicas, 0), maxReplicas) {
			name := fmt.Sprintf("%s.%d", b.Name, r+1)
			if text == name {
				return []string{name}, nil
			}
			if text == b.Name {
				names = append(names, name)
			}
			known = append(known, name)
		}
	}
	if names == nil {
		return nil, fmt.Errorf("there is no origin %q%s", text, didYouMean(text, known))
	}
	return names, nil
}

// ParseObjective parses the expression and window of a valid objective.
func (s *Scenario) ParseObjective(o Objective) (*objective.Expr, *objective.Window, error) {
	v := &validator{s: s}
	e, err := objective.Parse(o.Expr, v.loadNames())
	if err != nil || o.Window == "" {
		return e, nil, err
	}
	w, err := objective.ParseWindow(o.Window, v.phaseNames(), v.kinds())
	return e, w, err
}
