package validate

import (
	"fmt"
	"slices"

	"bench/internal/result"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

func (v *validator) abuse() {
	phases := v.s.Timeline()
	for i := range v.s.Abuse {
		a := &v.s.Abuse[i]
		at := fmt.Sprintf("abuse[%d]", i)
		if v.Bad[at] {
			continue
		}
		v.name(at+".name", a.Name)
		switch {
		case a.Name == "":
		case slices.ContainsFunc(v.s.Abuse[:i], func(o format.Abuse) bool { return o.Name == a.Name }):
			v.fail(at+".name", "there are two sets of clients %q", a.Name)
		case slices.Contains(v.s.LoadNames(), a.Name):
			v.fail(at+".name", "there is a load %q, too: objectives could not tell them apart", a.Name)
		}
		v.target(at+".target", a.Target)
		v.node(at+".node", a.Node, format.ClientNode)
		v.cpus(at+".cpus", a.CPUs)
		v.abuseTime(at, a, phases)
		if v.Bad[at+".kind"] || !v.given(at+".kind") {
			continue
		}
		spec := a.Spec(0)
		for _, p := range spec.Problems() {
			// What could not be read, or is said already, is not said again.
			if field := at + "." + abuseKey(p.Field); v.given(field) || p.Field == "connections" {
				v.fail(field, "%s", source.Printable(p.Text))
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
func (v *validator) abuseTime(at string, a *format.Abuse, phases []result.Phase) {
	if v.Bad[at+".at"] || len(phases) == 0 {
		return
	}
	begin, err := format.ResolveAt(a.At, phases)
	switch {
	case err != nil:
		v.fail(at+".at", "%s", source.Printable(err.Error()))
	case begin < 0 || begin >= v.s.Length():
		v.fail(at+".at", "%s is outside the run, which lasts %s", source.Printable(a.At), seconds(v.s.Length().Microseconds()))
	case !v.Bad[at+".for"] && begin+a.For.D() > v.s.Length():
		v.fail(at+".for", "it would last until %s, but the run ends at %s", seconds((begin + a.For.D()).Microseconds()), seconds(v.s.Length().Microseconds()))
	}
}
