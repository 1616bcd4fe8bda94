package validate

import (
	"fmt"
	"slices"

	"bench/scenarios/format"
	"bench/scenarios/source"
)

func (v *validator) compare() {
	c := v.s.Compare
	if c == nil {
		return
	}
	if c.Alpha <= 0 || c.Alpha >= 0.5 {
		v.fail("compare.alpha", "alpha must be more than 0 and less than 0.5, not %v", c.Alpha)
	}
	if c.MinEffect <= 0 || c.MinEffect >= 1 {
		v.fail("compare.minEffect", "minEffect must be more than 0%% and less than 100%%")
	}
	for i := range c.Measures {
		m := &c.Measures[i]
		at := fmt.Sprintf("compare.measures[%d]", i)
		if v.given(at + ".name") {
			at += ".name"
		}
		if v.Bad[at] || v.Bad[fmt.Sprintf("compare.measures[%d].name", i)] {
			continue
		}
		if j := slices.IndexFunc(c.Measures[:i], func(o format.CompareMeasure) bool { return o.Name == m.Name }); j >= 0 {
			v.fail(at, "%q is given twice", source.Printable(m.Name))
		} else if err := v.s.CheckMeasure(m.Name); err != nil {
			v.syntax(at, err)
		}
	}
}
