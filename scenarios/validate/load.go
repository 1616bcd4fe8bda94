package validate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bench/internal/result"
	"bench/internal/units"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

func (v *validator) loads() {
	if v.given("load") && len(v.s.Load) == 0 {
		v.fail("load", "a scenario needs at least one load")
	}
	spans := map[string]result.Phase{} // by name of phase
	owners := map[string]string{}
	for i := range v.s.Load {
		l := &v.s.Load[i]
		at := fmt.Sprintf("load[%d]", i)
		if v.Bad[at] {
			continue
		}
		v.name(at+".name", l.Name)
		if slices.ContainsFunc(v.s.Load[:i], func(o format.Load) bool { return o.Name == l.Name }) && l.Name != "" {
			v.fail(at+".name", "there are two loads %q", l.Name)
		}
		v.target(at+".target", l.Target)
		v.requests(at, l)
		v.arrival(at, l)
		v.contents(at, l)
		v.shows(at+".tls", l.TLS)
		v.phases(at, l, spans, owners)
		v.node(at+".node", l.Node, format.ClientNode)
		v.cpus(at+".cpus", l.CPUs)
	}
}

func (v *validator) target(path, target string) {
	if !v.given(path) || v.Bad[path] {
		return
	}
	kind, listener, ok := strings.Cut(target, "/")
	switch {
	case ok && slices.Contains(v.s.ProxyNames(), kind):
		if binds := v.bindsOf(kind); binds != nil && !binds[listener] {
			v.fail(path, "%s", v.noListener(kind, listener))
		}
	case ok && kind == "origin":
		if !slices.Contains(v.s.BackendNames(), listener) {
			v.fail(path, "there is no backend %q%s", source.Printable(listener), source.DidYouMean(listener, v.s.BackendNames()))
		}
	default:
		v.fail(path, "a target is proxy/NAME or origin/BACKEND%s, not %q", v.orCompanion("NAME"), source.Printable(target))
	}
}

// http checks what a load of protocol http1 sends and expects.
func (v *validator) http(at string, l *format.Load) {
	h := l.HTTP()
	problems := h.Problems()
	for i := range l.Requests {
		v.between(fmt.Sprintf("%s.requests[%d].weight", at, i), l.Requests[i].Weight, 1, 1_000_000)
	}
	for i := range h.Requests {
		for _, p := range h.Requests[i].Problems(&h) {
			if own := fmt.Sprintf("requests[%d]", i); len(l.Requests) > 0 && v.given(at+"."+own) && v.owns(at+"."+own, p.Field) {
				p.Field = own + "." + p.Field
			}
			problems = append(problems, p)
		}
	}
	for _, p := range problems {
		v.fail(at+"."+p.Field, "%s", source.Printable(p.Text))
	}
}

// owns reports whether a request itself says what a problem is about; the load
// says it otherwise.
func (v *validator) owns(request, field string) bool {
	if field == "weight" || field == "name" {
		return true
	}
	if strings.HasPrefix(field, "headers.") {
		return v.given(request + "." + field)
	}
	key, _, _ := strings.Cut(field, ".")
	return v.given(request + "." + key)
}

// files finds the files of a load, which are relative to the scenario.
func (v *validator) files(at string, l *format.Load) {
	file := func(path string, name *string) {
		if *name == "" || v.Bad[path] {
			return
		}
		written := *name
		if !filepath.IsAbs(*name) {
			*name = filepath.Join(v.dir, *name)
		}
		abs, err := filepath.Abs(*name)
		if err != nil {
			v.fail(path, "%s", err)
			return
		}
		*name = abs
		switch info, err := os.Stat(abs); {
		case errors.Is(err, fs.ErrNotExist):
			v.fail(path, "there is no file %s; a path is relative to the scenario", written)
		case err != nil:
			v.fail(path, "%s", err)
		case !info.Mode().IsRegular():
			v.fail(path, "%s is not a file", written)
		}
	}
	file(at+".body.file", &l.Body.File)
	for i := range l.Requests {
		if b := l.Requests[i].Body; b != nil {
			file(fmt.Sprintf("%s.requests[%d].body.file", at, i), &b.File)
		}
	}
	if l.Trace != nil {
		file(at+".trace.file", &l.Trace.File)
	}
}

// arrival checks how requests become due.
func (v *validator) arrival(at string, l *format.Load) {
	switch {
	case l.Arrival == "trace" && l.Trace == nil:
		v.fail(at+".arrival", "arrival trace needs trace: {file: ...}")
	case l.Arrival != "trace" && l.Trace != nil:
		v.fail(at+".trace", "a trace belongs to arrival trace, not %s", l.Arrival)
	case l.Trace != nil && (l.Trace.Speed <= 0 || l.Trace.Speed > 1e6):
		v.fail(at+".trace.speed", "speed must be above 0 and at most 1000000, not %v", l.Trace.Speed)
	}
	if l.Arrival != "closed" && l.Think > 0 {
		v.fail(at+".think", "think belongs to arrival closed, not %s", l.Arrival)
	}
	if l.Arrival == "closed" && l.Connections.Pool == 0 {
		v.fail(at+".connections.pool", "closed arrival needs a number of connections")
	}
	v.between(at+".connections.requestsPerConnection", l.Connections.RequestsPerConnection, 0, 1<<30)
	v.between(at+".connections.pipeline", l.Connections.Pipeline, 1, 10_000)
	v.between(at+".processes", l.Processes, 0, 64)
	v.between(at+".threads", l.Threads, 1, 64)
}

// pace checks the rate of a phase and its course.
func (v *validator) pace(path string, l *format.Load, p *format.Phase) {
	ruled := l.Arrival == "closed" || l.Arrival == "trace"
	switch {
	case v.Bad[path+".rate"]:
	case l.Arrival == "closed" && p.Rate != nil:
		v.fail(path+".rate", "closed arrival has no rate: it is as fast as the answers")
	case l.Arrival == "trace" && p.Rate != nil:
		v.fail(path+".rate", "a trace has its own times and no rate")
	case !ruled && p.Rate == nil:
		v.fail(path, "phase %q needs a rate, as 2000/s", p.Name)
	case p.Rate != nil && max(p.Rate.From, p.Rate.To) > maxRate:
		v.fail(path+".rate", "a load sends at most %d/s", maxRate)
	}
	for _, key := range []string{"steps", "burst"} {
		if ruled && v.given(path+"."+key) {
			v.fail(path+"."+key, "%s belongs to a rate, and arrival %s has no rate", key, l.Arrival)
		}
	}
	v.between(path+".steps", p.Steps, 1, 10_000)
	v.between(path+".burst", p.Burst, 1, 1_000_000)
	if l.Arrival == "closed" && p.Connections != nil && *p.Connections == 0 {
		v.fail(path+".connections", "closed arrival needs a number of connections")
	}
}

func (v *validator) phases(at string, l *format.Load, spans map[string]result.Phase, owners map[string]string) {
	if v.given(at+".phases") && len(l.Phases) == 0 && !v.Bad[at+".phases"] {
		v.fail(at+".phases", "a load needs at least one phase")
	}
	var start int64
	measured := false
	for j := range l.Phases {
		p := &l.Phases[j]
		path := fmt.Sprintf("%s.phases[%d]", at, j)
		if v.Bad[path] {
			continue
		}
		v.name(path+".name", p.Name)
		if v.given(path+".for") && p.For <= 0 {
			v.fail(path+".for", "a phase must last longer than 0")
		}
		v.pace(path, l, p)
		span := result.Phase{Name: p.Name, StartUs: start, LengthUs: p.For.Us(), Measured: p.Measure}
		if old, ok := spans[p.Name]; ok && p.Name != "" && !v.Bad[path+".for"] {
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
	if !measured && len(l.Phases) > 0 && !v.Bad[at+".phases"] {
		v.fail(at+".phases", "no phase of load %q is measured", l.Name)
	}
	if format.FromUs(start) > 24*time.Hour {
		v.fail(at+".phases", "a run lasts at most 24h, not %v", format.FromUs(start))
	}
}

func seconds(us int64) string { return units.CompactLatency(float64(us)) }

func (v *validator) events() {
	phases := v.s.Timeline()
	if len(phases) == 0 {
		return // said already; nothing can be placed in time
	}
	for i := range v.s.Events {
		e := &v.s.Events[i]
		at := fmt.Sprintf("events[%d]", i)
		if v.Bad[at] {
			continue
		}
		v.when(at, e, phases)
		if !v.given(at+".do") || v.Bad[at+".do"] {
			continue
		}
		action, ok := format.FindAction(e.Do)
		if !ok {
			var names []string
			for _, a := range format.Actions() {
				names = append(names, a.Name)
			}
			v.fail(at+".do", "there is no action %q%s", source.Printable(e.Do), source.DidYouMean(e.Do, names))
			continue
		}
		v.spares(at, e, action)
		v.args(at, e, action)
		if e.Do == "proxy.command" {
			v.template(at+".args.command", "", e.Args.Command)
		}
		v.lasts(at, e, phases)
	}
}

// lasts refuses an event that would go on after the end of the run, and so could not
// be what it is asked to be.
func (v *validator) lasts(at string, e *format.Event, phases []result.Phase) {
	path := at + ".args.for"
	length, lasts := v.s.Length(), e.Args.For.D()
	if !v.given(path) || v.Bad[path] || length <= 0 || v.timesUnknown() {
		return
	}
	begin := time.Duration(0)
	switch {
	case e.When != "": // nobody knows when
	case e.Every > 0:
		i := slices.IndexFunc(phases, func(p result.Phase) bool { return p.Name == e.In })
		if i < 0 || e.Every.Us() >= phases[i].LengthUs {
			return // said already
		}
		begin = format.FromUs(phases[i].StartUs + (phases[i].LengthUs-1)/e.Every.Us()*e.Every.Us())
	default:
		var err error
		if begin, err = format.ResolveAt(e.At, phases); err != nil || begin < 0 || begin >= length {
			return // said already
		}
	}
	if begin+lasts > length {
		v.fail(path, "%s would last until %s, but the run ends at %s: make it shorter, or the last phase longer",
			e.Do, seconds((begin + lasts).Microseconds()), seconds(length.Microseconds()))
	}
}

// timesUnknown reports that a phase could not be read: nothing can be said about when
// anything happens.
func (v *validator) timesUnknown() bool {
	for i := range v.s.Load {
		at := fmt.Sprintf("load[%d]", i)
		if v.Bad[at] || v.Bad[at+".phases"] {
			return true
		}
		for j := range v.s.Load[i].Phases {
			p := fmt.Sprintf("%s.phases[%d]", at, j)
			if v.Bad[p] || v.Bad[p+".for"] || v.Bad[p+".name"] {
				return true
			}
		}
	}
	return false
}

func (v *validator) when(at string, e *format.Event, phases []result.Phase) {
	v.condition(at+".when", e.When)
	v.condition(at+".until", e.Until)
	if v.given(at+".until") && !v.given(at+".every") {
		v.fail(at+".until", "until belongs to every: it ends a repetition")
	}
	switch {
	case v.given(at+".at") && v.given(at+".every"):
		v.fail(at+".every", "give at or every, not both")
	case v.given(at+".when") && (v.given(at+".at") || v.given(at+".every")):
		v.fail(at+".when", "give one of at, every and when")
	case v.given(at + ".when"):
		if i := slices.IndexFunc(phases, func(p result.Phase) bool { return p.Name == e.In }); i < 0 && v.given(at+".in") {
			v.fail(at+".in", "%s", format.UnknownPhase{Name: e.In, Known: v.s.PhaseNames()})
		}
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
		case v.timesUnknown(): // why is said already
		case i < 0:
			v.fail(at+".in", "%s", format.UnknownPhase{Name: e.In, Known: v.s.PhaseNames()})
		case phases[i].LengthUs <= 0 || e.Every <= 0: // said already
		case e.Every.Us() >= phases[i].LengthUs:
			v.fail(at+".every", "phase %s lasts %s: the event never happens", e.In, seconds(phases[i].LengthUs))
		case phases[i].LengthUs/max(1, e.Every.Us()) > 10_000:
			v.fail(at+".every", "the event happens more than 10000 times")
		}
	case !v.given(at + ".at"):
		v.fail(at, "an event needs at, every or when")
	default:
		if v.given(at + ".in") {
			v.fail(at+".in", "in belongs to every and when; write at: %s+1s for a time within a phase", source.Printable(e.In))
		}
		t, err := format.ResolveAt(e.At, phases)
		switch {
		case v.timesUnknown(): // why is said already
		case err != nil:
			v.fail(at+".at", "%s", source.Printable(err.Error()))
		case (t < 0 || t >= v.s.Length()) && v.s.Length() > 0:
			v.fail(at+".at", "%s is outside the run, which lasts %s", source.Printable(e.At), seconds(v.s.Length().Microseconds()))
		}
	}
}

// condition reads a condition on the proxy's counters.
func (v *validator) condition(path, text string) {
	if !v.given(path) || v.Bad[path] {
		return
	}
	if _, err := format.ParseCondition(text); err != nil {
		v.fail(path, "%s", source.Printable(err.Error()))
	} else if d := v.s.Proxy.Driver; d == "nginx" || d == "exec" {
		v.fail(path, "driver %s has no counters to wait for", d)
	}
}

func (v *validator) args(at string, e *format.Event, action format.Action) {
	given := map[string]bool{}
	for _, key := range format.ArgKeys() {
		path := at + ".args." + key
		given[key] = v.given(path)
		if given[key] && !slices.Contains(action.Needs, key) && !slices.Contains(action.Allows, key) {
			takes := strings.Join(append(slices.Clone(action.Needs), action.Allows...), ", ")
			if takes == "" {
				takes = "no arguments"
			}
			v.Faults.Add(v.Keys[path], "%s takes %s, not %s", action.Name, takes, key)
		}
	}
	placed := v.s.Placed() && (action.OnWire() || action.OnConnections())
	for _, key := range action.Needs {
		if placed && key == "wire" && v.s.Network == nil {
			continue
		}
		if !given[key] && !v.Bad[at+".args"] {
			v.fail(at+".args."+key, "%s needs args: %s", action.Name, strings.Join(action.Needs, ", "))
			return
		}
	}
	if given["for"] && e.Args.For <= 0 {
		v.fail(at+".args.for", "for must be longer than 0")
	}
	if e.Args.Rate != nil && (*e.Args.Rate <= 0 || *e.Args.Rate > 1) {
		v.fail(at+".args.rate", "rate is a share above 0 and up to 1, not %v", *e.Args.Rate)
	}
	v.latency(at+".args.latency", e.Args.Latency)
	before := len(v.Faults.List)
	if placed {
		v.portFault(at, e)
	}
	switch {
	case placed && v.s.Network == nil || len(v.Faults.List) > before:
	case action.OnWire():
		v.wire(at, e)
	case action.OnConnections():
		v.connections(at, e)
	}
	if given["count"] && e.Args.Count != nil && *e.Args.Count < 1 {
		v.fail(at+".args.count", "count must be at least 1, not %d", *e.Args.Count)
	}
	if given["name"] && action.OnProcess() {
		if _, err := v.s.Processes(e.Args.Name); err != nil {
			v.fail(at+".args.name", "%s", source.Printable(err.Error()))
		}
		return
	}
	if given["name"] {
		if _, err := v.s.Replicas(e.Args.Name); err != nil {
			v.fail(at+".args.name", "%s", source.Printable(err.Error()))
			return
		}
		v.fault(at, e, action)
	}
}
