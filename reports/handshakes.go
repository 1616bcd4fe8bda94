package reports

import (
	"fmt"

	"bench/internal/result"
	"bench/reports/series"
	"bench/reports/words"
)

// maxHandshakes is the room for loads in TLS in the summary.
const maxHandshakes = 3

// handshakes says of each load in TLS what its handshakes came to.
func (s *summary) handshakes(c *result.Cell) {
	var texts []string
	for i := range c.Loads {
		if text := words.Handshakes(&c.Loads[i]); text != "" {
			texts = append(texts, text)
		}
	}
	shown := texts
	if len(texts) > maxHandshakes {
		shown = texts[:maxHandshakes-1]
	}
	lead := "tls    "
	for _, text := range shown {
		s.add(lead + text)
		lead = "       "
	}
	if n := len(texts) - len(shown); n > 0 {
		s.add(fmt.Sprintf("       and %d more", n))
	}
}

// handshakesLines is the room for them in a run of one cell.
func (s *summary) handshakesLines() (n int) {
	loads := s.run.Cells[0].Loads
	for i := range loads {
		if words.Handshakes(&loads[i]) != "" {
			n++
		}
	}
	return min(n, maxHandshakes)
}

// handshakes lists what handshakes of TLS came to.
func (m *reviewText) handshakes(a *series.Analysis) {
	rows := words.HandshakesRows(a.Loads)
	if len(rows) == 0 {
		return
	}
	m.Table(words.HandshakesHead()...)
	for _, row := range rows {
		m.Row(row...)
	}
}
