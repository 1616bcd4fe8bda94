package words

import (
	"fmt"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// IntegrityHead names the columns of IntegrityRows.
func IntegrityHead() []string {
	return []string{"load", "checked", "unchecked", "requests altered", "answers altered"}
}

// IntegrityRows are what the check of contents came to, one row for each load that
// had it, and one for requests that only the origins know of.
func IntegrityRows(c *result.Cell) (rows [][]string) {
	for i := range c.Loads {
		l := &c.Loads[i]
		if n := l.Integrity; n != nil {
			rows = append(rows, []string{
				series.OneLine(l.Name), units.Count(n.Checked), units.Count(n.Unchecked), units.Count(n.Requests), units.Count(n.Answers),
			})
		}
	}
	if n := c.AlteredUnreported; n > 0 {
		rows = append(rows, []string{"origins alone know of", units.None, units.None, units.Count(n), units.None})
	}
	return rows
}

// DifferenceHead names the columns of DifferenceRows.
func DifferenceHead() []string {
	return []string{"load", "request", "at", "direction", "what differs", "at byte", "expected", "got"}
}

// Differences are the first messages of a cell that were not what was sent.
func Differences(c *result.Cell) (all []result.Difference) {
	for i := range c.Loads {
		if n := c.Loads[i].Integrity; n != nil {
			all = append(all, n.Differences...)
		}
	}
	return all
}

// DifferenceRows shows them; times count from zeroUs.
func DifferenceRows(all []result.Difference, zeroUs int64) (rows [][]string) {
	for i := range all {
		d := &all[i]
		rows = append(rows, []string{
			series.OneLine(d.Load), units.Count(d.ID), units.Clock(d.AtUs - zeroUs), d.Direction,
			series.OneLine(d.Part), offset(d), orNone(d.Expected), orNone(d.Got),
		})
	}
	return rows
}

func offset(d *result.Difference) string {
	if d.Offset < 0 {
		return units.None
	}
	return units.Count(uint64(d.Offset))
}

func orNone(text string) string {
	if text == "" {
		return units.None
	}
	return series.OneLine(text)
}

// Difference is one of them in a sentence.
func Difference(d *result.Difference) string {
	text := fmt.Sprintf("%s of %s %s: %s", d.Direction, series.OneLine(d.Load), units.Count(d.ID), series.OneLine(d.Part))
	if d.Offset >= 0 {
		text += fmt.Sprintf(", at byte %s", units.Count(uint64(d.Offset)))
	}
	if d.Expected != "" {
		text += ", expected " + series.OneLine(d.Expected)
	}
	if d.Got != "" {
		text += ", got " + series.OneLine(d.Got)
	}
	return text
}
