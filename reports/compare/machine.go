package compare

import (
	"slices"
	"strings"

	"bench/internal/result"
	"bench/reports/internal/benchfmt"
	"bench/reports/internal/openmetrics"
	"bench/reports/series"
	"bench/reports/words"
)

// benchstat writes the values of one side: a line for each pair, cell, load and class,
// with all measures that are known of it.
func benchstat(c *result.Comparison, side string) []byte {
	var f benchfmt.File
	f.Config("pkg", "bench/compare")
	type group struct{ cell, load, class string }
	var groups []group
	pairs := 0
	higher := make(map[string]bool)
	for i := range c.Measures {
		m := &c.Measures[i]
		if g := (group{m.Cell, m.Load, m.Class}); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
		pairs = max(pairs, len(sideValues(m, side)))
		if name, unit := words.ComparedName(m), ""; m.Unit == "/s" && !higher[name] {
			higher[name] = true
			f.HigherIsBetter(benchfmt.Unit(name, unit))
		}
	}
	for pair := range pairs {
		for _, g := range groups {
			var values []benchfmt.Value
			for i := range c.Measures {
				m := &c.Measures[i]
				if all := sideValues(m, side); g == (group{m.Cell, m.Load, m.Class}) && pair < len(all) {
					values = append(values, benchValue(m, all[pair]))
				}
			}
			f.Result(c.Scenario, []benchfmt.Part{{Key: "cell", Value: g.cell}, {Key: "load", Value: g.load}, {Key: "class", Value: g.class}}, values)
		}
	}
	return []byte(f.String())
}

func sideValues(m *result.ComparedMeasure, side string) []float64 {
	if side == series.SideNew {
		return m.NewValues
	}
	return m.BaseValues
}

// benchValue is a value in the units that benchstat knows how to scale.
func benchValue(m *result.ComparedMeasure, v float64) benchfmt.Value {
	name := words.ComparedName(m)
	switch m.Unit {
	case "us":
		return benchfmt.Value{V: round(v * 1e3), Unit: benchfmt.Unit(name, "ns")}
	case "bytes":
		return benchfmt.Value{V: v, Unit: benchfmt.Unit(name, "bytes")}
	}
	return benchfmt.Value{V: v, Unit: benchfmt.Unit(name, "")}
}

// metrics writes the comparison for Prometheus.
func metrics(c *result.Comparison) []byte {
	var f openmetrics.File
	base, fresh := words.CompareSides(c)
	scenario := openmetrics.Label{Name: "scenario", Value: series.OneLine(c.Scenario)}
	f.Family("bench_compare_verdict", openmetrics.Gauge, "", "The verdict of the comparison; its value is always 1.").
		Add("", 1, scenario, openmetrics.Label{Name: "verdict", Value: words.CompareHead(c)}, openmetrics.Label{Name: "base", Value: base}, openmetrics.Label{Name: "new", Value: fresh})
	f.Family("bench_compare_exit_code", openmetrics.Gauge, "", "Exit code of the comparison: 0 nothing worse, 3 worse, 4 unclear or not comparable.").
		Add("", float64(c.ExitCode), scenario)
	f.Family("bench_compare_pairs", openmetrics.Gauge, "", "Pairs of runs that count.").Add("", float64(c.Pairs), scenario)
	for i := range c.Measures {
		m := &c.Measures[i]
		labels := []openmetrics.Label{
			scenario,
			{Name: "cell", Value: series.OneLine(m.Cell)},
			{Name: "load", Value: series.OneLine(m.Load)},
			{Name: "class", Value: series.OneLine(m.Class)},
			{Name: "measure", Value: words.ComparedName(m)},
		}
		with := func(name, value string) []openmetrics.Label {
			return append(slices.Clone(labels), openmetrics.Label{Name: name, Value: value})
		}
		f.Family("bench_compare_measure_verdict", openmetrics.Gauge, "", "The verdict of each measure; its value is always 1.").
			Add("", 1, with("verdict", series.OneLine(m.Verdict))...)
		if !m.Known {
			continue
		}
		name := "bench_compare_median"
		before, unit := baseUnit(m.Base, m.Unit)
		after, _ := baseUnit(m.New, m.Unit)
		if unit != "" {
			name += "_" + unit
		}
		family := f.Family(name, openmetrics.Gauge, unit, "Median of the measure over the runs of a side; of counts the sum.")
		family.Add("", before, with("side", series.SideBase)...)
		family.Add("", after, with("side", series.SideNew)...)
		if words.IsShare(m) {
			f.Family("bench_compare_share_difference_ratio", openmetrics.Gauge, "ratio", "Of what is counted: its share with new less that with base.").
				Add("", round(m.ChangePercent/100), labels...)
			continue
		}
		change := func(name, help string, percent *float64) {
			if percent != nil {
				f.Family("bench_compare_"+name+"_ratio", openmetrics.Gauge, "ratio", help).Add("", round(*percent/100), labels...)
			}
		}
		change("change", "Change from base to new, 0.02 being two percent.", &m.ChangePercent)
		change("change_low", "Lower bound of the change.", m.Low)
		change("change_high", "Upper bound of the change.", m.High)
	}
	return []byte(strings.ToValidUTF8(f.String(), "\ufffd"))
}
