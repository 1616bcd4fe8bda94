package format

import (
	"fmt"

	"bench/scenarios/objective"
	"bench/scenarios/source"
)

// Replicas are the names of the origins an event means: web.1 is one, web all
// of a backend.
func (s *Scenario) Replicas(text string) ([]string, error) {
	var names, known []string
	for i := range s.Backends {
		b := &s.Backends[i]
		known = append(known, b.Name)
		for r := range min(max(b.Replicas, 0), MaxReplicas) {
			name := fmt.Sprintf("%s.%d", b.Name, r+1)
			if text == name {
				return []string{name}, nil
			}
			if text == b.Name {
				names = append(names, name)
			}
			known = append(known, name)
		}
	}
	if names == nil {
		return nil, fmt.Errorf("there is no origin %q%s", text, source.DidYouMean(text, known))
	}
	return names, nil
}

// ParseObjective parses the expression and window of a valid objective.
func (s *Scenario) ParseObjective(o Objective) (*objective.Expr, *objective.Window, error) {
	e, err := objective.Parse(o.Expr, s.ObjectiveNames())
	if err != nil || o.Window == "" {
		return e, nil, err
	}
	w, err := objective.ParseWindow(o.Window, s.PhaseNames(), s.Kinds())
	return e, w, err
}
