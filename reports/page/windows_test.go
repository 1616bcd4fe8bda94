package page

import (
	"testing"

	"bench/internal/result"
	"bench/reports/series"
)

// A limit confined to windows is drawn where it held, at its value, in the plot
// of what it limits.
func TestWindowsOfLimits(t *testing.T) {
	b := &cellBuilder{
		Analysis: &series.Analysis{Cell: &series.Cell{Cell: &result.Cell{Objectives: []result.Objective{
			{
				Metric: "response.p99", Op: "<", Wanted: 10_000, Unit: "us", Verdict: result.Pass, Window: "proxy.reload +0s..+1s",
				Spans: []result.Span{{StartUs: 20, EndUs: 30}, {StartUs: 90, EndUs: 300}},
			},
			{Metric: "errors", Op: "<", Wanted: 0.1, Unit: "%", Verdict: result.Fail, Window: "steady", Spans: []result.Span{{StartUs: 0, EndUs: 50}}},
			{Metric: "response.p99", Op: "<", Wanted: 10_000, Unit: "us", Verdict: result.Pass},
		}}}},
		axis: axis{0, 100},
	}
	drawn, keys := b.windows(true, logScale{2, 6}.y)
	if len(drawn) != 2 || drawn[0].Left != 20 || drawn[0].Width != 10 || drawn[1].Width != 10 || drawn[0].Line != 50 {
		t.Errorf("latency: %+v", drawn)
	}
	if len(keys) != 1 || keys[0].Text != "p99 in proxy.reload +0s..+1s < 10.0 ms PASS" {
		t.Errorf("legend: %+v", keys)
	}
	drawn, keys = b.windows(false, nil)
	if len(drawn) != 1 || drawn[0].Width != 50 || drawn[0].Line >= 0 || len(keys) != 1 {
		t.Errorf("errors: %+v, %+v", drawn, keys)
	}
}
