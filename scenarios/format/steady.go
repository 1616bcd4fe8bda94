package format

import "bench/scenarios/objective"

// SteadyPhase is the phase in which a load asks most of its target, among those that are
// measured: what it does when nothing else is said.
func SteadyPhase(l *Load) Phase {
	best := l.Phases[len(l.Phases)-1]
	most := -1.0
	for _, p := range l.Phases {
		rate := 0.0
		if p.Rate != nil {
			rate = max(p.Rate.From, p.Rate.To)
		}
		if p.Measure && rate > most {
			best, most = p, rate
		}
	}
	if best.Rate != nil {
		highest := max(best.Rate.From, best.Rate.To)
		best.Rate = &Rate{From: highest, To: highest}
	}
	return best
}

// Undecidable says why an objective over the whole of a run in which nothing happens can
// never be decided, however many requests there are; "" if it may be.
func (s *Scenario) Undecidable(e *objective.Expr) string {
	return e.Undecidable(&objective.Foreseen{
		Requests:   func(string) (float64, bool) { return 0, false },
		NoOrigins:  len(s.Backends) == 0,
		NoCounters: s.Proxy.Foreign() && s.Proxy.Stats.Socket == "",
	})
}
