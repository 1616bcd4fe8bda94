package words

import (
	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// SpreadHead is the head of the table of figures over repetitions.
func SpreadHead() []string {
	return []string{"over runs", "runs", "median", "lowest", "highest", "99 % interval"}
}

// SpreadRows are its rows.
func SpreadRows(all []result.Spread) (rows [][]string) {
	format := make(map[string]func(float64) string)
	for _, me := range series.Measures() {
		format[me.Name] = me.Format
	}
	for i := range all {
		s := &all[i]
		show := format[s.Measure]
		if show == nil { // of a record that a newer version has written
			show = units.Number
		}
		name := series.OneLine(s.Measure)
		if s.Combination != "" {
			name = series.OneLine(s.Combination) + " " + name
		}
		runs := units.Count(uint64(s.Runs))
		if s.Known < s.Runs {
			runs = units.Count(uint64(s.Known)) + " of " + runs
		}
		interval := units.None
		if s.Low != nil && s.High != nil {
			interval = show(*s.Low) + " .. " + show(*s.High)
		}
		rows = append(rows, []string{name, runs, show(s.Median), show(s.Lowest), show(s.Highest), interval})
	}
	return rows
}
