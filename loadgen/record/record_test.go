package record

import (
	"slices"
	"testing"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/loadgen/certify"
	"bench/loadgen/codec"
	"bench/loadgen/workload"
)

// steadySpec is a load at one rate.
func steadySpec(rate float64, lengthUs int64) *workload.Spec {
	return &workload.Spec{
		Name: "web", Targets: []string{"127.0.0.1:80"}, Arrival: workload.Constant,
		Phases: []workload.Phase{{Name: "steady", From: rate, To: rate, LengthUs: lengthUs, Measure: true}},
	}
}

// A thread that is held up is late, and says when.
func TestLateGeneratorNamesTheSecond(t *testing.T) {
	spec := steadySpec(1000, 3_000_000)
	r := New(spec, []codec.Class{{}}, 0)
	rep := StartReporter(r, nil, nil, false, nil)
	for k := range int64(3000) {
		at := k*1_000_000 + 500_000
		now := at + 2000
		if k >= 1200 && k < 1400 { // held up from 1.2 s to 1.4 s
			now = 1_400_000_000
		}
		q := &Entry{Intended: at, Sent: now}
		r.Intended(q, now, true)
		r.Good(q, now+3_000_000, 200)
	}
	r.Finish(3_100_000_000)
	rep.Wait()
	l, err := rep.Outcome(spec)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.LateSeconds, []int{1}) || len(certify.Doubts(l)) != 1 {
		t.Errorf("late seconds %v, problems %q", l.LateSeconds, certify.Doubts(l))
	}
	if l.Lag.Max < 199_000 || l.Lag.P50 > 10 {
		t.Errorf("lag p50 %.0f, max %.0f", l.Lag.P50, l.Lag.Max)
	}
}

// The members of a load wait at the same time: together they have waited as long as the
// one that waited longest.
func TestMembersWaitSideBySide(t *testing.T) {
	host := func(waited float64) *result.Load {
		return &result.Load{Host: &result.LoadHost{WaitedSeconds: waited, StolenSeconds: waited / 2}}
	}
	enc := &hdr.Encoder{}
	sum, err := mergeHosts([]*result.Load{host(0.2), host(0.6), host(0.4)}, enc)
	if err != nil || sum.WaitedSeconds != 0.6 || sum.StolenSeconds != 0.3 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// However many members have found differences, a load shows the first few and counts
// all.
func TestMergedDifferencesAreBounded(t *testing.T) {
	member := func(shown int) *result.Load {
		return &result.Load{Integrity: &result.Integrity{Checked: 100, Answers: 20, Differences: make([]result.Difference, shown)}}
	}
	got := mergeChecks([]*result.Load{member(maxMismatches - 1), {}, member(maxMismatches)})
	if got.Checked != 200 || got.Answers != 40 || len(got.Differences) != maxMismatches {
		t.Errorf("%d checked, %d altered, %d shown", got.Checked, got.Answers, len(got.Differences))
	}
	if got := mergeChecks([]*result.Load{{}, {}}); got != nil {
		t.Errorf("%+v of loads that check nothing", got)
	}
}
