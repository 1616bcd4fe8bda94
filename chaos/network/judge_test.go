package network

import (
	"slices"
	"testing"
	"time"

	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/internal/dist"
	"bench/internal/result"
)

// TestJudge breaks each figure of an honest account in turn.
func TestJudge(t *testing.T) {
	after := int64(100)
	spec := impair.Spec{
		Loss: 0.1, Duplicate: 0.1, Corrupt: 0.1, Reorder: 0.1, ReorderBy: 1, Rate: 1e6,
		Delay: dist.FixedDuration(time.Millisecond), DropSynAck: 1, ResetAfter: &after, LoseFin: true, ZeroWindow: true,
	}
	honest := func() impair.Truth {
		ms := int64(time.Millisecond)
		return impair.Truth{
			Packets: [2]uint64{10_000, 10_000}, Dropped: 2000, Duplicated: 2000, Corrupted: 2000, Held: 1800, Overtaken: 1700,
			BusyBytes: [2]uint64{125_000, 0}, BusyTime: [2]int64{int64(time.Second), 0},
			SynAcks: 1, Resets: 1, Fins: 1, Windows: 1,
			Asked: impair.Times{Count: 100, P50: ms}, Achieved: impair.Times{Count: 100, P50: ms}, Late: impair.Times{Count: 100, P50: 1000, P99: 10_000},
		}
	}
	verdict := func(s impair.Spec, truth impair.Truth, line link.Line) (string, []result.Claim) {
		claims, _ := judge(&s, &truth, line)
		c := result.Certificate{Claims: claims, Gone: true}
		c.Conclude()
		return c.Verdict, claims
	}
	line := link.Line{Received: [2]uint64{10_000, 10_000}}
	if v, claims := verdict(spec, honest(), line); v != result.Confirmed {
		t.Errorf("an honest account: %+v", claims)
	}
	for what, broken := range map[string]func(*impair.Truth, *link.Line){
		"loss":              func(t *impair.Truth, _ *link.Line) { t.Dropped = 1000 },
		"duplicates":        func(t *impair.Truth, _ *link.Line) { t.Duplicated = 0 },
		"corrupted":         func(t *impair.Truth, _ *link.Line) { t.Corrupted = 4000 },
		"held back":         func(t *impair.Truth, _ *link.Line) { t.Held = 3 },
		"overtaken":         func(t *impair.Truth, _ *link.Line) { t.Overtaken = 0 },
		"rate upstream":     func(t *impair.Truth, _ *link.Line) { t.BusyBytes[0] = 100_000 },
		"rate":              func(t *impair.Truth, _ *link.Line) { t.BusyTime[0] = 0 },
		"late p50":          func(t *impair.Truth, _ *link.Line) { t.Late.P50 = 1e6 },
		"late p99":          func(t *impair.Truth, _ *link.Line) { t.Late.P99 = 1e8 },
		"delay p50":         func(t *impair.Truth, _ *link.Line) { t.Achieved.P50 /= 2 },
		"SYN-ACKs lost":     func(t *impair.Truth, _ *link.Line) { t.SynAcks = 0 },
		"connections reset": func(t *impair.Truth, _ *link.Line) { t.Resets = 0 },
		"FINs lost":         func(t *impair.Truth, _ *link.Line) { t.Fins = 0 },
		"windows closed":    func(t *impair.Truth, _ *link.Line) { t.Windows = 0 },
		"lost unasked":      func(_ *impair.Truth, l *link.Line) { l.Overrun = 100 },
	} {
		truth, line := honest(), line
		broken(&truth, &line)
		_, claims := verdict(spec, truth, line)
		i := slices.IndexFunc(claims, func(c result.Claim) bool { return c.What == what })
		if i < 0 || claims[i].Verdict == result.Confirmed {
			t.Errorf("%s is broken and not noticed: %+v", what, claims)
		}
	}
	if v, claims := verdict(impair.Spec{Drop: true}, impair.Truth{Packets: [2]uint64{5, 0}, Dropped: 4}, line); v != result.Mismatch {
		t.Errorf("a partition that lets a packet pass: %+v", claims)
	}
	burst := impair.Spec{Burst: &impair.Burst{Enter: 0.01, Leave: 0.25, Bad: 1}}
	if v, claims := verdict(burst, impair.Truth{Packets: [2]uint64{100_000, 0}, Dropped: 4200}, line); v != result.Confirmed {
		t.Errorf("bursts: %+v", claims)
	}
}
