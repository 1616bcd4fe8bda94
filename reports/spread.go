package reports

import (
	"fmt"

	"bench/internal/result"
	"bench/reports/internal/tty"
	"bench/reports/words"
)

// maxSpreads is the room for figures over repetitions in the summary on a terminal.
const maxSpreads = 8

// spreads says how much repetitions differ. Where there is not room for every figure,
// the first one of each combination comes first.
func (s *summary) spreads() {
	all := s.run.Spreads
	if len(all) == 0 {
		return
	}
	shown := all
	if s.width > 0 && len(all) > maxSpreads {
		shown = nil
		for i := range all {
			if all[i].Measure == all[0].Measure && len(shown) < maxSpreads-1 {
				shown = append(shown, all[i])
			}
		}
	}
	var columns []tty.Column
	for i, head := range words.SpreadHead() {
		columns = append(columns, tty.Column{Head: head, Right: i > 0, Wraps: i == 0, Least: 12})
	}
	s.add("")
	s.addTable(columns, words.SpreadRows(shown))
	if n := len(all) - len(shown); n > 0 {
		s.add(fmt.Sprintf("and %d more in the report", n))
	}
}

// spreads lists the figures over repetitions.
func (m *reviewText) spreads(all []result.Spread) {
	if len(all) == 0 {
		return
	}
	m.Table(words.SpreadHead()...)
	for _, row := range words.SpreadRows(all) {
		m.Row(row...)
	}
}
