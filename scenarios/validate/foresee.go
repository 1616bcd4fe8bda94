package validate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bench/scenarios/format"
	"bench/scenarios/objective"
)

// foresee refuses objectives that can never be decided: what a run would end with is
// known before it begins.
func (v *validator) foresee(path string, o *format.Objective) {
	e, err := objective.Parse(o.Expr, v.s.ObjectiveNames())
	if err != nil || v.Bad[path] {
		return
	}
	f := objective.Foreseen{
		Requests: v.requestsIn(o.Window), Unmeasured: v.unmeasured(o.Window), Faults: len(v.s.Abuse) > 0,
		Followed: func(load string) bool {
			return slices.ContainsFunc(v.s.Load, func(l format.Load) bool { return (load == "" || l.Name == load) && l.Cookies })
		},
		NoOrigins:  len(v.s.Backends) == 0 && !v.Bad["backends"],
		NoCounters: v.s.Proxy.Foreign() && v.s.Proxy.Stats.Socket == "",
	}
	for i := range v.s.Events {
		do := v.s.Events[i].Do
		if do == "backend.kill" || do == "proxy.kill" {
			f.Killed = do
		}
		// Of an action that nobody knows it has been said already.
		a, known := format.FindAction(do)
		f.Faults = f.Faults || !known || a.Class == format.ClassFault
	}
	if why := e.Undecidable(&f); why != "" {
		v.fail(path, "this can never be decided: %s", why)
	}
}

// unmeasured is the phase that is a window and that no load measures, "" if there is
// none.
func (v *validator) unmeasured(window string) string {
	w, err := objective.ParseWindow(window, v.s.PhaseNames(), v.s.Kinds())
	if err != nil || w.Phase == "" {
		return ""
	}
	for i := range v.s.Load {
		for _, p := range v.s.Load[i].Phases {
			if p.Name == w.Phase && p.Measure {
				return ""
			}
		}
	}
	return w.Phase
}

// requestsIn returns how many requests a load can bring to the measured phases, or to
// the longest stretch of a window.
func (v *validator) requestsIn(window string) func(load string) (float64, bool) {
	w := &objective.Window{}
	if window != "" {
		var err error
		if w, err = objective.ParseWindow(window, v.s.PhaseNames(), v.s.Kinds()); err != nil {
			return func(string) (float64, bool) { return 0, false }
		}
	}
	return func(load string) (sum float64, ok bool) {
		if v.timesUnknown() || len(v.s.Load) == 0 {
			return 0, false // why is said already
		}
		for i := range v.s.Load {
			l := &v.s.Load[i]
			if load != "" && l.Name != load {
				continue
			}
			if l.Arrival != "constant" && l.Arrival != "poisson" || v.Bad[fmt.Sprintf("load[%d].arrival", i)] {
				return 0, false // nobody knows how many they will be
			}
			for j := range l.Phases {
				if v.Bad[fmt.Sprintf("load[%d].phases[%d].rate", i, j)] {
					return 0, false
				}
			}
			n, known := v.requestsOf(l, w)
			if !known {
				return 0, false
			}
			if l.Arrival == "poisson" {
				n += 5 * math.Sqrt(n) // more than chance brings
			}
			sum += n
		}
		return sum, true
	}
}

// requestsOf is the most requests of one load within a window.
func (v *validator) requestsOf(l *format.Load, w *objective.Window) (n float64, ok bool) {
	highest := 0.0
	for j := range l.Phases {
		p := &l.Phases[j]
		highest = max(highest, p.Rate.From, p.Rate.To)
		if p.Measure && w.Phase == "" || p.Name == w.Phase {
			n += (p.Rate.From + p.Rate.To) / 2 * p.For.D().Seconds()
		}
	}
	n = math.Ceil(n) + float64(len(l.Phases))
	if w.Kind == "" {
		return n, true
	}
	longest, known := v.longest(w.Kind)
	return min(n, highest*(longest+w.To-w.From).Seconds()+1), known
}

// longest is the longest time that an event of a kind lasts, if that is known.
func (v *validator) longest(kind string) (d time.Duration, ok bool) {
	for i := range v.s.Events {
		if e := &v.s.Events[i]; e.Do == kind {
			// What ends by itself, or with the run, lasts nobody knows how long.
			if e.Args.For == 0 {
				return 0, false
			}
			d = max(d, e.Args.For.D())
		}
	}
	return d, d > 0
}

// needsStats refuses what reads or orders the proxy by its stats socket where the
// configuration has none.
func (v *validator) needsStats() {
	p := &v.s.Proxy
	remedy := `: write "stats socket {{.Stats}} mode 600 level admin" into its section global`
	if p.Foreign() {
		if p.Stats.Socket != "" || v.Bad["proxy.stats.socket"] {
			return
		}
		remedy = ": give its path by proxy.stats.socket"
	} else if p.Driver != "builtin" && p.Driver != "haproxy" || p.Config == "" || v.Bad["proxy.config"] || v.Bad["proxy.configFile"] ||
		strings.Contains(p.Config, ".Stats") {
		return
	}
	for i := range v.s.Events {
		e, at := &v.s.Events[i], fmt.Sprintf("events[%d]", i)
		switch {
		case v.given(at + ".when"):
			v.fail(at+".when", "%s", "the proxy has no stats socket to read this from"+remedy)
		case v.given(at + ".until"):
			v.fail(at+".until", "%s", "the proxy has no stats socket to read this from"+remedy)
		case e.Do == "proxy.command":
			v.fail(at+".do", "%s", "the proxy has no stats socket to send a command to"+remedy)
		}
	}
}
