package format

import (
	"fmt"
	"slices"

	"bench/scenarios/objective"
)

func (s *Scenario) LoadNames() []string {
	var names []string
	for i := range s.Load {
		names = append(names, s.Load[i].Name)
	}
	return names
}

func (s *Scenario) BackendNames() []string {
	var names []string
	for i := range s.Backends {
		names = append(names, s.Backends[i].Name)
	}
	return names
}

func (s *Scenario) PhaseNames() []string {
	var names []string
	for _, p := range s.Timeline() {
		names = append(names, p.Name)
	}
	return names
}

// OriginNames are those of the backends, and of each of their origins.
func (s *Scenario) OriginNames() []string {
	names := s.BackendNames()
	for i := range s.Backends {
		b := &s.Backends[i]
		for n := range b.Replicas {
			names = append(names, fmt.Sprintf("%s.%d", b.Name, n+1))
		}
	}
	return names
}

// Kinds are the actions of the scenario's events, abuse among them.
func (s *Scenario) Kinds() []string {
	var names []string
	add := func(kind string) {
		if !slices.Contains(names, kind) {
			names = append(names, kind)
		}
	}
	for i := range s.Events {
		add(s.Events[i].Do)
	}
	for i := range s.Abuse {
		add(s.Abuse[i].EventKind())
	}
	return names
}

// ObjectiveNames are those that may stand before a metric.
func (s *Scenario) ObjectiveNames() objective.Names {
	names := objective.Names{Loads: s.LoadNames(), Origins: s.OriginNames()}
	for i := range s.Abuse {
		names.Abuse = append(names.Abuse, s.Abuse[i].Name)
	}
	return names
}
