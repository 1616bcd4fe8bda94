package format

import "fmt"

// maxShorten bounds by how much a scenario can be shortened.
const maxShorten = 100

// Shorten divides the times of all phases, events and misbehaving clients. What
// belongs to the proxy and the origins, such as time-outs and latencies, stays: a
// shortened scenario reports whether it runs, not how anything fares.
func (s *Scenario) Shorten(by float64) {
	scale := func(d *Duration) { *d = Duration(float64(*d) / by) }
	phases := s.Timeline()
	at := func(text *string) {
		if t, err := ResolveAt(*text, phases); *text != "" && err == nil {
			*text = fmt.Sprintf("%dus", int64(float64(t.Microseconds())/by))
		}
	}
	for i := range s.Events {
		e := &s.Events[i]
		at(&e.At)
		scale(&e.Every)
		scale(&e.Args.For)
	}
	for i := range s.Abuse {
		at(&s.Abuse[i].At)
		scale(&s.Abuse[i].For)
	}
	// The times above are relative to the phases as they were.
	for i := range s.Load {
		for j := range s.Load[i].Phases {
			scale(&s.Load[i].Phases[j].For)
		}
	}
}

// CheckShorten says what is wrong with a divisor.
func CheckShorten(by float64) error {
	if !(by >= 1 && by <= maxShorten) { // which NaN is not, either
		return fmt.Errorf("a scenario can be shortened by a number from 1 to %d, not %v", maxShorten, by)
	}
	return nil
}
