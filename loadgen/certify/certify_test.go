package certify

import (
	"slices"
	"strings"
	"testing"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/loadgen/workload"
)

// A generator that has no ports or descriptors left measures itself, also in a closed
// loop; what an interruption broke off says nothing against the rest.
func TestCertifyWithoutPorts(t *testing.T) {
	l := &result.Load{Name: "web", Arrival: string(workload.Closed)}
	l.FailuresByCause = map[string]uint64{result.CauseLocal: 8}
	if got := Doubts(l); len(got) != 1 || !strings.Contains(got[0].Text, "could not start 8 requests") {
		t.Errorf("%q", got)
	}
	l.Interrupted = 8
	if got := Doubts(l); got != nil {
		t.Errorf("%q", got)
	}
}

func TestCertify(t *testing.T) {
	perSecond := []uint32{20, 300, 400, 20, 2000}
	for _, c := range []struct {
		name              string
		arrival           workload.Arrival
		lag, response     float64
		count             uint64
		busy              float64
		late              []int
		want, wantSeconds string
		concerns          string
	}{
		{"on time", workload.Constant, 100, 2000, 5000, 0.5, nil, "", "", ""},
		{"a tenth is allowed", workload.Constant, 200, 2000, 5000, 0.85, nil, "", "", ""},
		{"more is not", workload.Constant, 201, 2000, 5000, 0.5, []int{1, 2, 4}, "over a tenth of the p99 it reports, 2.00 ms", "second 1-2, 4", result.ConcernsBounds},
		{"slow target", workload.Constant, 1000, 90_000, 5000, 0.5, nil, "", "", ""},
		{"late by more than 1 ms", workload.Poisson, 1001, 90_000, 5000, 0.5, []int{4}, "more than 1.00 ms", "second 4", result.ConcernsBounds},
		{"too few for a p99", workload.Constant, 900, 1000, 999, 0.5, nil, "", "", ""},
		{"nothing answered", workload.Constant, 1500, 0, 0, 0.5, []int{4}, "more than 1.00 ms", "second 4", result.ConcernsBounds},
		{"busy", workload.Constant, 10, 2000, 5000, 0.86, nil, "busy 86.0 % of the time", "", result.ConcernsTimes},
		{"closed loop", workload.Closed, 5000, 2000, 5000, 1, nil, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &result.Load{Name: "web", Arrival: string(c.arrival), BusyShare: c.busy}
			l.Lag = result.Latency{Count: max(c.count, 1000), P99: c.lag}
			l.Response = result.Latency{Count: c.count, P99: c.response}
			l.LateSeconds = LateSeconds(l, perSecond)
			if !slices.Equal(l.LateSeconds, c.late) {
				t.Errorf("late seconds %v, want %v", l.LateSeconds, c.late)
			}
			var got string
			for _, d := range Doubts(l) {
				got += strings.ReplaceAll(d.Text, "\u202f", " ")
				if want := c.concerns; d.Concerns != want {
					t.Errorf("%q concerns %s, want %s", d.Text, d.Concerns, want)
				}
			}
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) || !strings.Contains(got, c.wantSeconds) {
				t.Errorf("problems %q, want %q in %q", got, c.want, c.wantSeconds)
			}
		})
	}
}

// Of a few requests one late start says nothing; half of them do. Fewer than it takes
// for a median say nothing at all.
func TestCertifyOfFewRequests(t *testing.T) {
	for _, c := range []struct {
		requests, late int
		want           string
	}{
		{20, 1, ""},
		{20, 9, ""},
		{20, 11, "p50 of its start lag is 8.0"},
		{19, 19, ""},
		{100, 9, ""},
		{100, 11, "p90 of its start lag"},
		{999, 12, ""},
		{999, 25, "p98 of its start lag"},
		{1000, 9, ""},
		{1000, 11, "p99 of its start lag"},
	} {
		h := hdr.NewLong()
		for i := range c.requests {
			us := int64(20)
			if i < c.late {
				us = 8000
			}
			hdr.Record(h, us)
		}
		var e hdr.Encoder
		lag, err := e.Summary(h)
		if err != nil {
			t.Fatal(err)
		}
		got := Doubts(&result.Load{Name: "web", Arrival: string(workload.Constant), Tally: result.Tally{Lag: lag}})
		if len(got) > 1 || (len(got) == 0) != (c.want == "") || len(got) == 1 && !strings.Contains(got[0].Text, c.want) {
			t.Errorf("%d of %d late: %q, want %q", c.late, c.requests, got, c.want)
		}
	}
}

// A generator that waited for its processor knows no bound of its times.
func TestCertifyWaiting(t *testing.T) {
	l := &result.Load{Name: "web", Arrival: string(workload.Constant), DurationSeconds: 10, Host: &result.LoadHost{WaitedSeconds: 0.9}}
	if got := Doubts(l); got != nil {
		t.Errorf("waited 9 %% of the time: %q", got)
	}
	l.Host.WaitedSeconds = 1.1
	if got := Doubts(l); len(got) != 1 || got[0].Concerns != result.ConcernsTimes || !strings.Contains(got[0].Text, "no processor") {
		t.Errorf("waited 11 %% of the time: %q", got)
	}
}

func TestSecondsList(t *testing.T) {
	for want, s := range map[string][]int{
		"no second in particular": nil,
		"second 0":                {0},
		"second 3-5, 9":           {3, 4, 5, 9},
		"second 0, 2, 4, 6, 8, 10, 12, 14, 3 more": {0, 2, 4, 6, 8, 10, 12, 14, 16, 17, 20},
	} {
		if got := SecondsList(s); got != want {
			t.Errorf("%v: %q, want %q", s, got, want)
		}
	}
}
