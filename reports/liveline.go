package reports

import (
	"fmt"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

// Line mode: one line a second and one an event, key=value, for pipes, logs
// and CI. Fields keep their order and no value holds a space, a message apart.

// grace is how long a second waits for the readings of all loads.
const grace = 400_000

// bare makes a text one word.
func bare(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '=' || r == '\u202f' {
			return '_'
		}
		return r
	}, series.OneLine(s))
	if s == "" {
		return "-"
	}
	return s
}

// secondLine reports one second of the run.
func (s *liveState) secondLine(i int64) string {
	t := &s.seconds[i]
	at := (i + 1) * second
	return fmt.Sprintf("%s phase=%s offered=%d good=%d err=%d p50ok=%s maxok=%s lag=%s", units.ClockSeconds(at-s.zeroUs), s.phaseWord(at-second/2),
		t.offered, t.good, t.errors.Total(), lineQuantile(t), lineMax(t), units.CompactLatency(t.lagP99))
}

func lineQuantile(t *liveSecond) string {
	if !result.Enough(0.5, t.ok.N()) {
		return units.None
	}
	return units.CompactLatency(t.ok.Quantile(0.5))
}

func lineMax(t *liveSecond) string {
	if len(t.ok) == 0 {
		return units.None
	}
	return units.CompactLatency(t.max)
}

// phaseWord names the phase at a time, or the fault in force.
func (s *liveState) phaseWord(us int64) string {
	for i := range s.events {
		e := &s.events[i]
		if us >= e.BeginUs && (e.inForce() || e.begun && e.Applied && e.Class == "fault" && us < e.EndUs) {
			return fmt.Sprintf("fault:%d", e.ID)
		}
	}
	for _, p := range s.plan.Phases {
		if us >= p.StartUs && us < p.StartUs+p.LengthUs {
			return bare(p.Name)
		}
	}
	return bare(s.phase.Name)
}

// eventLine reports the begin or the end of an event.
func (s *liveState) eventLine(e *result.Event, ended bool) string {
	what, at := "begin", e.BeginUs
	switch {
	case !e.Applied:
		what, at = "not-applied", max(e.BeginUs, e.PlannedUs)
	case ended:
		what, at = "end", e.EndUs
	}
	class := e.Class
	if class == "" {
		class = "event"
	}
	return fmt.Sprintf("%s EVENT %s=%d %s kind=%s target=%s", units.Clock(at-s.zeroUs), bare(class), e.ID, what, bare(words.Kind(e)), bare(e.Target))
}

// beginLine reports the start of a cell.
func (s *liveState) beginLine() string {
	p := &s.plan
	return fmt.Sprintf("BEGIN scenario=%s cell=%s proxy=%s seed=%d length=%s load=%s", bare(p.Scenario), bare(p.Cell), bare(p.Proxy), p.Seed,
		units.CompactLatency(float64(p.LengthUs)), bare(p.Load))
}

// eventText is how the live view speaks of an event.
func (s *liveState) eventText(e *result.Event, ended bool) string {
	word, at := "event", e.BeginUs
	switch {
	case e.Class == "fault":
		word = "FAULT"
	case e.Class == "seen":
		word = "seen"
	}
	what := "begin"
	switch {
	case !e.Applied:
		what, at = "NOT APPLIED", max(e.BeginUs, e.PlannedUs)
	case ended:
		what, at = "end", e.EndUs
	case e.Class == "moment" || e.EndUs <= e.BeginUs:
		what = ""
	}
	text := fmt.Sprintf("%s  %s %d %s  %s %s", units.Clock(at-s.zeroUs), word, e.ID, what, words.Kind(e), e.Target)
	if e.Applied && what == "begin" && e.EndUs > e.BeginUs {
		text += " " + tenths(e.EndUs-e.BeginUs)
	}
	if e.Detail != "" {
		text += "  " + e.Detail
	}
	return strings.Join(strings.Fields(text), " ")
}
