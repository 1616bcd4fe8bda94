package scenarios

import (
	"fmt"
	"slices"

	"bench/internal/result"
	"bench/scenarios/objective"
)

func (v *validator) abuse() {
	phases := v.s.Timeline()
	for i := range v.s.Abuse {
		a := &v.s.Abuse[i]
		at := fmt.Sprintf("abuse[%d]", i)
		if v.bad[at] {
			continue
		}
		v.name(at+".name", a.Name)
		switch {
		case a.Name == "":
		case slices.ContainsFunc(v.s.Abuse[:i], func(o Abuse) bool { return o.Name == a.Name }):
			v.fail(at+".name", "there are two sets of clients %q", a.Name)
		case slices.Contains(v.loadNames(), a.Name):
			v.fail(at+".name", "there is a load %q, too: objectives could not tell them apart", a.Name)
		}
		v.target(at+".target", a.Target)
		v.node(at+".node", a.Node, ClientNode)
		v.cpus(at+".cpus", a.CPUs)
		v.abuseTime(at, a, phases)
		if v.bad[at+".kind"] || !v.given(at+".kind") {
			continue
		}
		spec := a.Spec(0)
		for _, p := range spec.Problems() {
			// What could not be read, or is said already, is not said again.
			if field := at + "." + abuseKey(p.Field); v.given(field) || p.Field == "connections" {
				v.fail(field, "%s", printable(p.Text))
			}
		}
	}
}

// abuseKey is the key of a field of an abuse.Spec.
func abuseKey(field string) string {
	switch field {
	case "after":
		return "at"
	case "length":
		return "for"
	}
	return field
}

// abuseTime checks when a set begins and ends.
func (v *validator) abuseTime(at string, a *Abuse, phases []result.Phase) {
	if v.bad[at+".at"] || len(phases) == 0 {
		return
	}
	begin, err := resolveAt(a.At, phases)
	switch {
	case err != nil:
		v.fail(at+".at", "%s", printable(err.Error()))
	case begin < 0 || begin >= v.s.Length():
		v.fail(at+".at", "%s is outside the run, which lasts %s", printable(a.At), seconds(v.s.Length().Microseconds()))
	case !v.bad[at+".for"] && begin+a.For.D() > v.s.Length():
		v.fail(at+".for", "it would go on to %s, and the run lasts %s", seconds((begin + a.For.D()).Microseconds()), seconds(v.s.Length().Microseconds()))
	}
}

// objectiveNames are those that may stand before a metric.
func (v *validator) objectiveNames() objective.Names {
	names := objective.Names{Loads: v.loadNames()}
	for i := range v.s.Abuse {
		names.Abuse = append(names.Abuse, v.s.Abuse[i].Name)
	}
	return names
}
