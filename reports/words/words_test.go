package words

import (
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/series"
)

func TestPhrases(t *testing.T) {
	limit := result.Objective{Expr: "response.p99 < 50ms", Metric: "response.p99", Op: "<=", Wanted: 50_000, Got: 2_680_000, Unit: "us", Known: true, WorstUs: 11_950_000, Event: 1}
	share := result.Objective{Metric: "errors", Op: "==", Wanted: 0.01, Unit: "%", WorstUs: -1, Window: "proxy.reload -1s..+2s"}
	stall := result.Event{ID: 1, Kind: "backend.stall", Target: "web.1", Class: "fault"}
	reload := result.Event{ID: 2, Kind: "proxy.reload", Class: "moment"}
	var errs series.Errors
	errs[series.Proxy5xx], errs[series.Reset], errs[series.Timeout], errs[series.Local] = 600, 30, 4, 1
	for _, c := range []struct{ got, want string }{
		{Objective(&limit), "p99"},
		{Wanted(&limit), "≤ 50.0 ms"},
		{Got(&limit), "2.68 s"},
		{Worst([]result.Event{reload, stall}, 2_000_000, &limit), "0:09.9  fault 1 stall web.1"},
		{Objective(&share), "errors in proxy.reload -1s..+2s"},
		{Wanted(&share), "= 1.00 %"},
		{Got(&share), "unknown"},
		{Worst(nil, 0, &share), ""},
		{Event(&stall), "fault 1 stall web.1"},
		{Event(&reload), "event 2 reload"},
		{Kind(&result.Event{Kind: "x"}), "x"},
		{Errors(&errs, 2), "635: 600 5xx proxy, 30 reset, 5 other"},
		{Errors(&series.Errors{}, 2), "0"},
		{Failures(map[string]uint64{result.CauseRefused: 2, result.CauseConnect: 1}), "3 refused"},
		{ErrorMap(634, map[string]uint64{"5xx proxy": 600, "reset": 34}), "634 5xx proxy ..."},
		{ErrorMap(0, nil), "0"},
		{Recovery(&series.Window{EndUs: 10, RecoveredUs: 700_010}), "700 ms"},
		{Recovery(&series.Window{RecoveredUs: -1}), "not seen"},
		{Length([]result.Phase{{LengthUs: 9e6}, {LengthUs: 40e6, Measured: true}}, 0), "40.0 s"},
		{Length(nil, 3_600_000_000), "1:00:00"},
		{Load([]result.Load{{Arrival: "constant", Protocol: "http1", Connections: 64, DurationSeconds: 2, Tally: result.Tally{Requests: 600}}}), "open loop 300/s, 64 connections, http1"},
		{Loop([]result.Load{{Arrival: "closed"}, {Arrival: "poisson"}}), "2 loads, open and closed loop 0/s"},
		{Load(nil), ""},
		{Quantity(12.5, "/s"), "12.5/s"},
		{Quantity(3, "1"), "3"},
		{Quantity(2.5, "1"), "2.50"},
		{Quantity(1234, "1"), "1\u202f234"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestGotWithin(t *testing.T) {
	low, high := 14_100.0, 14_900.0
	o := &result.Objective{Metric: "response.p99", Got: 14_800, Unit: "us", Known: true}
	for want, change := range map[string]func(){
		"14.8 ms":                    func() {},
		"14.8 ms (known to ±700 µs)": func() { o.Low, o.High = &low, &high },
		"unknown":                    func() { o.Known = false },
	} {
		o.Low, o.High, o.Known = nil, nil, true
		change()
		if got := strings.ReplaceAll(GotWithin(o), "\u202f", " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	o.Low, o.High, o.Metric = &low, &high, "recovery"
	if got := Within(o); got != 0 {
		t.Errorf("a recovery is no latency: %v", got)
	}
}

// What is said of the whole run at length is not said again with each of its limits.
func TestLimitNote(t *testing.T) {
	cell := &result.Cell{Name: "poller=poll", Phases: []result.Phase{{LengthUs: 1e6, Measured: true}}}
	for verdict, want := range map[string]string{
		result.Invalid: "0:02.0: this machine was too busy to tell",
		result.Unclear: "0:02.0: this machine was too busy to tell; others used 90 %",
	} {
		o := result.Objective{WorstUs: 2e6, Verdict: verdict, Reason: "this machine was too busy to tell; others used 90 %"}
		l := &series.Limit{Worst: o, Cell: cell, Verdicts: map[string]int{verdict: 2}}
		if got := LimitNote(l, false); got != want {
			t.Errorf("%s: %q, want %q", verdict, got, want)
		}
		if got := LimitNote(l, true); got != want+", in poller=poll; 2 "+verdict {
			t.Errorf("%s, several cells: %q", verdict, got)
		}
	}
}
