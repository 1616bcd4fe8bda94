package runner

import (
	"testing"

	"bench/backends/control"
	"bench/internal/result"
)

// A fault of origins had an effect if what it acts on came within its reach while it
// lasted.
func TestEffectOfFaultsOfOrigins(t *testing.T) {
	idle := met{requests: 100, cut: 5, bytes: 1000, active: 0, refused: 7, limited: 3}
	after := func(change func(*met)) met { m := idle; change(&m); return m }
	busy := idle
	busy.active = 4
	for _, c := range []struct {
		name, kind, scope string
		before, after     met
		want, achieved    string
	}{
		{"a reset of open connections", control.Reset, control.ScopeLive, busy, idle, result.Confirmed, "4"},
		{"a reset of open ones, where none is", control.Reset, control.ScopeLive, idle, after(func(m *met) { m.refused += 2 }), result.NoEffect, "0"},
		{"a reset of new ones", control.Reset, control.ScopeNew, busy, after(func(m *met) { m.refused += 2 }), result.Confirmed, "2"},
		{"a reset of new ones, where none came", control.Reset, control.ScopeNew, busy, idle, result.NoEffect, "0"},
		{"a limit", control.Limit, "", idle, after(func(m *met) { m.limited += 9 }), result.Confirmed, "9"},
		{"a limit that nothing reached", control.Limit, "", idle, after(func(m *met) { m.requests += 9 }), result.NoEffect, "0"},
		{"answers cut", control.Truncate, "", idle, after(func(m *met) { m.cut++ }), result.Confirmed, "1"},
		{"requests, whatever bytes they had", control.Stall, "", idle, after(func(m *met) { m.requests += 2; m.bytes += 500 }), result.Confirmed, "2"},
		{"bytes of a protocol without requests", control.Stall, "", idle, after(func(m *met) { m.bytes += 500 }), result.Confirmed, "500"},
		{"nothing", control.Stall, "", idle, idle, result.NoEffect, "0"},
		{"counters that began again", control.Stall, "", idle, met{}, result.NoEffect, "0"},
		{"not known before", control.Stall, "", met{unknown: "gone"}, idle, result.Inconclusive, "unknown"},
		{"not known after", control.Stall, "", idle, met{unknown: "gone"}, result.Inconclusive, "unknown"},
	} {
		if f := effect(c.kind, c.scope, &c.before, &c.after); f.Verdict != c.want || f.Achieved != c.achieved {
			t.Errorf("%s: %+v, want %s %s", c.name, f, c.want, c.achieved)
		}
	}
}

// A run whose fault met nothing says nothing: that outweighs what is unclear, but not
// what is broken or could not be decided.
func TestVerdictOfAFaultWithoutEffect(t *testing.T) {
	const why = "event 1 backend.stall had no effect (nothing was affected): the run says nothing about it"
	for verdictOfLimit, want := range map[string]string{result.Pass: result.Unclear, result.Unclear: result.Unclear, result.Invalid: result.Invalid, result.Fail: result.Fail} {
		c := &result.Cell{
			Events:     []result.Event{{ID: 1, Kind: "backend.stall", Certificate: &result.Certificate{Verdict: result.NoEffect}}},
			Objectives: []result.Objective{{Expr: "x == 0", Verdict: verdictOfLimit, Reason: "why"}},
		}
		if word, reason := verdict(c); word != want || (want == result.Unclear) != (reason == why) {
			t.Errorf("%s: %s %q, want %s", verdictOfLimit, word, reason, want)
		}
	}
}

// Abuse that opened no connection reached nobody, however often it was tried.
func TestAbuseThatReachedNobody(t *testing.T) {
	for opened, reached := range map[uint64]bool{0: false, 1: true} {
		c := &result.Cell{Abuse: make([]result.Abuse, 1)}
		c.Abuse[0].Name, c.Abuse[0].Attempts, c.Abuse[0].Opened = "rude", 50, opened
		if why := noEffect(c); (why == "") != reached {
			t.Errorf("%d of 50 opened: %q", opened, why)
		}
	}
}

// What loads know to have been altered has been reported; what origins found beyond that
// has not.
func TestUnreported(t *testing.T) {
	load := func(requests, answers uint64) result.Load {
		return result.Load{Integrity: &result.Integrity{Requests: requests, Answers: answers}}
	}
	for _, c := range []struct{ found, want uint64 }{{0, 0}, {5, 0}, {7, 2}} {
		if got := unreported([]result.Load{load(2, 90), {}, load(3, 0)}, c.found); got != c.want {
			t.Errorf("of %d altered, %d are unreported, want %d", c.found, got, c.want)
		}
	}
}
