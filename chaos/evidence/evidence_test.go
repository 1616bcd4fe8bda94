package evidence_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bench/chaos/evidence"
	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/internal/dist"
	"bench/internal/result"
)

func TestShare(t *testing.T) {
	for _, c := range []struct {
		asked float64
		k, n  uint64
		want  string
	}{
		{0.01, 100, 10_000, result.Confirmed},
		{0.01, 130, 10_000, result.Confirmed},
		{0.01, 200, 10_000, result.Mismatch},
		{0.01, 0, 10_000, result.Mismatch},
		{0.01, 0, 100, result.Inconclusive},
		{0.01, 0, 0, result.NoEffect},
		{0.5, 0, 100, result.Mismatch},
		{0.5, 45, 100, result.Confirmed},
		{1, 100, 100, result.Confirmed},
		{1, 99, 100, result.Mismatch},
		{1, 0, 0, result.NoEffect},
	} {
		if got := evidence.Share("x", c.asked, c.k, c.n, float64(c.n)); got.Verdict != c.want {
			t.Errorf("asked %v, %d of %d: %+v, want %s", c.asked, c.k, c.n, got, c.want)
		}
	}
}

// TestIntervalCovers holds the interval against 5,000 draws: it must contain the
// true share in 99 % of them.
func TestIntervalCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, p := range []float64{0.01, 0.1, 0.5} {
		const runs, n = 5000, 2000
		covered := 0
		for range runs {
			k := uint64(0)
			for range n {
				if r.Float64() < p {
					k++
				}
			}
			f := evidence.Share("x", p, k, n, n)
			if *f.Low <= p && p <= *f.High {
				covered++
			}
			if f.Verdict == result.Mismatch {
				t.Errorf("%d of %d is called a mismatch of %v", k, n, p)
			}
		}
		if share := float64(covered) / runs; share < 0.983 || share > 0.997 {
			t.Errorf("share %v: covered in %.4f of the runs, want 0.99", p, share)
		}
	}
}

func TestLateness(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		count    int64
		p50, p99 time.Duration
		want     string
	}{
		{1000, ms, 2 * ms, result.Confirmed},
		{1000, 2 * ms, 2 * ms, result.Mismatch},
		{1000, ms, 20 * ms, result.Mismatch},
		{5, ms, 2 * ms, result.Confirmed},
		{5, ms, 20 * ms, result.Inconclusive},
		{99, ms, 20 * ms, result.Inconclusive},
		{100, ms, 20 * ms, result.Mismatch}, // of a hundred, one lies beyond p99
		{0, 0, 0, result.NoEffect},
	} {
		if f := evidence.Lateness("x", c.count, c.p50, c.p99, ms, 10*ms); f.Verdict != c.want {
			t.Errorf("%+v, want %s", f, c.want)
		}
	}
}

func TestSum(t *testing.T) {
	all := func(o ...string) (f []result.Finding) {
		for _, o := range o {
			f = append(f, result.Finding{Verdict: o})
		}
		return f
	}
	c, m, i, n := result.Confirmed, result.Mismatch, result.Inconclusive, result.NoEffect
	for _, x := range []struct {
		in   []result.Finding
		want string
	}{{nil, i}, {all(c, c), c}, {all(c, i, c), i}, {all(i, m, c), m}, {all(c, n, i), n}, {all(n, m), m}} {
		if got := verdictOf(x.in); got != x.want {
			t.Errorf("%v come to %s, want %s", x.in, got, x.want)
		}
		if left := evidence.Certificate("", false, x.in...); left.Verdict != m {
			t.Errorf("%v and not gone come to %s", x.in, left.Verdict)
		}
	}
}

// TestImpairments breaks each figure of an honest account in turn.
func TestImpairments(t *testing.T) {
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
	line := link.Line{Received: [2]uint64{10_000, 10_000}}
	truth := honest()
	findings := evidence.Impairment(&spec, &truth, line)
	if verdictOf(findings) != result.Confirmed {
		t.Errorf("an honest account: %+v", findings)
	}
	for what, broken := range map[string]func(*impair.Truth, *link.Line){
		"loss":              func(t *impair.Truth, _ *link.Line) { t.Dropped = 1000 },
		"duplicates":        func(t *impair.Truth, _ *link.Line) { t.Duplicated = 0 },
		"corruption":        func(t *impair.Truth, _ *link.Line) { t.Corrupted = 4000 },
		"held back":         func(t *impair.Truth, _ *link.Line) { t.Held = 3 },
		"overtaken":         func(t *impair.Truth, _ *link.Line) { t.Overtaken = 0 },
		"rate upstream":     func(t *impair.Truth, _ *link.Line) { t.BusyBytes[0] = 100_000 },
		"rate":              func(t *impair.Truth, _ *link.Line) { t.BusyTime[0] = 0 },
		"delay":             func(t *impair.Truth, _ *link.Line) { t.Late.P99 = 1e8 },
		"median delay":      func(t *impair.Truth, _ *link.Line) { t.Achieved.P50 /= 2 },
		"SYN-ACKs lost":     func(t *impair.Truth, _ *link.Line) { t.SynAcks = 0 },
		"connections reset": func(t *impair.Truth, _ *link.Line) { t.Resets = 0 },
		"FINs lost":         func(t *impair.Truth, _ *link.Line) { t.Fins = 0 },
		"windows closed":    func(t *impair.Truth, _ *link.Line) { t.Windows = 0 },
		"lost unasked":      func(_ *impair.Truth, l *link.Line) { l.Overrun = 100 },
	} {
		truth, line := honest(), line
		broken(&truth, &line)
		findings := evidence.Impairment(&spec, &truth, line)
		i := slices.IndexFunc(findings, func(f result.Finding) bool { return f.What == what })
		if i < 0 || findings[i].Verdict == result.Confirmed {
			t.Errorf("%s is broken and not noticed: %+v", what, findings)
		}
	}
	idle := honest()
	idle.BusyTime = [2]int64{}
	limited := impair.Spec{Rate: 8 * 8 << 10}
	if f := evidence.Impairment(&limited, &idle, line); verdictOf(f) != result.NoEffect || f[0].Asked != "8 KiB/s" {
		t.Errorf("a limit of 8 KiB/s that nothing reached: %+v", f)
	}
	drop := impair.Spec{Drop: true}
	if f := evidence.Impairment(&drop, &impair.Truth{Packets: [2]uint64{5, 0}, Dropped: 4}, line); verdictOf(f) != result.Mismatch {
		t.Errorf("a partition that lets a packet pass: %+v", f)
	}
	burst := impair.Spec{Burst: &impair.Burst{Enter: 0.01, Leave: 0.25, Bad: 1}}
	if f := evidence.Impairment(&burst, &impair.Truth{Packets: [2]uint64{100_000, 0}, Dropped: 4200}, line); verdictOf(f) != result.Confirmed {
		t.Errorf("bursts: %+v", f)
	}
}

// verdictOf is the verdict of findings of a fault that is gone.
func verdictOf(findings []result.Finding) string {
	return evidence.Certificate("", true, findings...).Verdict
}
