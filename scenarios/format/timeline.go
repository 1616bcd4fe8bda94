package format

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"bench/internal/result"
	"bench/internal/units"
	"bench/scenarios/source"
)

// Timeline lists the phases of all loads merged by name, in order of time.
func (s *Scenario) Timeline() []result.Phase {
	var all []result.Phase
	for i := range s.Load {
		var at int64
		for _, p := range s.Load[i].Phases {
			if !slices.ContainsFunc(all, func(q result.Phase) bool { return q.Name == p.Name }) {
				all = append(all, result.Phase{Name: p.Name, StartUs: at, LengthUs: p.For.Us(), Measured: p.Measure})
			}
			at += p.For.Us()
		}
	}
	slices.SortStableFunc(all, func(a, b result.Phase) int { return cmp.Compare(a.StartUs, b.StartUs) })
	return all
}

// Length is the time from the start of the loads to the end of the last phase.
func (s *Scenario) Length() time.Duration {
	var longest time.Duration
	for i := range s.Load {
		var sum time.Duration
		for _, p := range s.Load[i].Phases {
			sum += p.For.D()
		}
		longest = max(longest, sum)
	}
	return longest
}

// Occurrence is one time at which an event is due.
type Occurrence struct {
	Event *Event
	At    time.Duration // after the start of the first phase
}

// Span is when a phase begins and ends, or the whole run where name is empty.
func (s *Scenario) Span(name string) (from, to time.Duration) {
	for _, p := range s.Timeline() {
		if p.Name == name {
			return FromUs(p.StartUs), FromUs(p.StartUs + p.LengthUs)
		}
	}
	return 0, s.Length()
}

// Occurrences lists when every event is due, in order of time and then of the
// file, but for those that wait for a condition. The scenario must be valid.
func (s *Scenario) Occurrences() []Occurrence {
	var all []Occurrence
	phases := s.Timeline()
	for i := range s.Events {
		e := &s.Events[i]
		if e.When != "" {
			continue // nobody knows when
		}
		if e.Every > 0 {
			p := phases[slices.IndexFunc(phases, func(p result.Phase) bool { return p.Name == e.In })]
			start, length := FromUs(p.StartUs), FromUs(p.LengthUs)
			for t := e.Every.D(); t < length; t += e.Every.D() {
				all = append(all, Occurrence{e, start + t})
			}
			continue
		}
		at, err := ResolveAt(e.At, phases)
		if err != nil {
			continue // reported by validation
		}
		all = append(all, Occurrence{e, at})
	}
	slices.SortStableFunc(all, func(a, b Occurrence) int { return cmp.Compare(a.At, b.At) })
	return all
}

// FromUs is a number of microseconds as a duration.
func FromUs(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// ResolveAt reads "12s", "steady" or "steady+12s".
func ResolveAt(text string, phases []result.Phase) (time.Duration, error) {
	name, offset, plus := strings.Cut(text, "+")
	name = strings.TrimSpace(name)
	i := slices.IndexFunc(phases, func(p result.Phase) bool { return p.Name == name })
	if i < 0 {
		if plus || !startsWithDigit(text) {
			var names []string
			for _, p := range phases {
				names = append(names, p.Name)
			}
			return 0, UnknownPhase{name, names}
		}
		return units.ParseDuration(text)
	}
	at := FromUs(phases[i].StartUs)
	if plus {
		d, err := units.ParseDuration(offset)
		if err != nil {
			return 0, err
		}
		at += d
	}
	return at, nil
}

// UnknownPhase is a reference to a phase that no load has.
type UnknownPhase struct {
	Name  string
	Known []string
}

func (e UnknownPhase) Error() string {
	return "there is no phase \"" + source.Printable(e.Name) + "\"" + source.DidYouMean(e.Name, e.Known)
}

func startsWithDigit(s string) bool {
	s = strings.TrimLeft(s, " +-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}
