package words

import (
	"maps"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// AbuseHead names the columns of AbuseRows.
func AbuseHead() []string {
	return []string{"clients", "opened", "refused", "closed", "reset", "timed out", "left", "open", "held p50", "held max", "answered", "answers"}
}

// AbuseRows are the counts of sets of clients that misbehave, one row for each
// and one for each variant that it tried.
func AbuseRows(all []result.Abuse) (rows [][]string) {
	for i := range all {
		a := &all[i]
		p50, longest := units.None, units.None
		if h := &a.Held; h.Count > 0 {
			longest = units.Latency(h.Max)
			if result.Enough(0.5, h.Count) {
				p50 = units.Latency(h.P50)
			}
		}
		rows = append(rows, abuseRow(a.Name+": "+a.Kind+" of "+a.Target, &a.AbuseCounts, p50, longest))
		for j := range a.Variants {
			v := &a.Variants[j]
			rows = append(rows, abuseRow("· "+v.Name, &v.AbuseCounts, units.None, units.None))
		}
	}
	return rows
}

func abuseRow(name string, c *result.AbuseCounts, p50, longest string) []string {
	row := []string{series.OneLine(name)}
	for _, n := range []uint64{c.Opened, c.Refused + c.Unreached + c.Local, c.Closed, c.Reset, c.TimedOut, c.Left, c.Open} {
		row = append(row, units.Count(n))
	}
	return append(row, p50, longest, units.Count(c.Answered), Answers(c))
}

// Answers writes answers by status: "200 x 3, 408 x 1".
func Answers(c *result.AbuseCounts) string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(c.Statuses)) {
		parts = append(parts, series.OneLine(status)+" x "+units.Count(c.Statuses[status]))
	}
	if c.Garbled > 0 {
		parts = append(parts, "no HTTP x "+units.Count(c.Garbled))
	}
	if len(parts) == 0 {
		return units.None
	}
	return strings.Join(parts, ", ")
}

// Abuse is a set of clients in a few words: what became of its connections.
func Abuse(a *result.Abuse) string {
	parts := []string{units.Count(a.Opened) + " opened"}
	if answers := Answers(&a.AbuseCounts); answers != units.None {
		parts = append(parts, answers)
	}
	for _, e := range []struct {
		n    uint64
		word string
	}{
		{a.Refused + a.Unreached + a.Local, "refused"},
		{a.Closed, "closed"},
		{a.Reset, "reset"},
		{a.TimedOut, "timed out"},
		{a.Left, "left"},
		{a.Open, "open"},
	} {
		if e.n > 0 {
			parts = append(parts, units.Count(e.n)+" "+e.word)
		}
	}
	return series.OneLine(a.Name + ": " + strings.Join(parts, ", "))
}
