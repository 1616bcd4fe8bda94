package runner

import (
	"fmt"
	"strings"

	"bench/internal/units"
	"bench/scenarios/format"
)

// loadInWords describes the loads of a scenario in a few words, by the highest
// rates: "open loop 300/s".
func loadInWords(s *format.Scenario) string {
	var open float64
	users, traces := 0, 0
	for i := range s.Load {
		l := &s.Load[i]
		switch l.Arrival { // neither of these has a rate
		case "closed":
			users += int(l.Connections.Pool)
			continue
		case "trace":
			traces++
			continue
		}
		highest := 0.0
		for _, p := range l.Phases {
			highest = max(highest, p.Rate.From, p.Rate.To)
		}
		open += highest
	}
	var words []string
	if open > 0 {
		words = append(words, "open loop "+units.Rate(open)+"/s")
	}
	if users > 0 {
		words = append(words, fmt.Sprintf("closed loop %d users", users))
	}
	switch traces {
	case 0:
	case 1:
		words = append(words, "1 trace")
	default:
		words = append(words, fmt.Sprintf("%d traces", traces))
	}
	if len(s.Load) > 1 {
		words = append(words, fmt.Sprintf("%d loads", len(s.Load)))
	}
	return strings.Join(words, ", ")
}
