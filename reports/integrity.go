package reports

import (
	"strings"

	"bench/internal/result"
	"bench/reports/internal/junit"
	"bench/reports/series"
	"bench/reports/words"
)

// integrity speaks of the first message that was not what was sent, if there is one.
func (s *summary) integrity(c *result.Cell) (differs bool) {
	all := words.Differences(c)
	if len(all) > 0 {
		s.add("")
		s.add("diff   " + words.Difference(&all[0]))
	}
	return len(all) > 0
}

// counts says what clients and origins count differently.
func (s *summary) counts(c *result.Cell) (differ bool) {
	for i, text := range words.Counts(c) {
		if i == 0 {
			s.add("")
		}
		s.add("counts " + text)
		differ = true
	}
	return differ
}

// integrity lists what the check of contents came to.
func (m *reviewText) integrity(a *series.Analysis) {
	rows := words.IntegrityRows(a.Cell.Cell)
	if len(rows) == 0 {
		return
	}
	m.Table(words.IntegrityHead()...)
	for _, row := range rows {
		m.Row(row...)
	}
	all := words.Differences(a.Cell.Cell)
	if len(all) == 0 {
		return
	}
	m.Table(words.DifferenceHead()...)
	for _, row := range words.DifferenceRows(all, a.ZeroUs) {
		m.Row(row...)
	}
}

// differences are the first messages that were not what was sent, for the case of a
// limit on integrity; "" for others.
func differences(o *result.Objective, c *result.Cell) string {
	if !strings.Contains(o.Expr, "integrity.") {
		return ""
	}
	var lines []string
	all := words.Differences(c)
	for i := range all {
		lines = append(lines, words.Difference(&all[i]))
	}
	return xmlTextLines(lines)
}

func xmlTextLines(lines []string) string {
	for i := range lines {
		lines[i] = junit.Text(lines[i])
	}
	return strings.Join(lines, "\n")
}
