package library

import (
	"errors"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

func hdr(t *testing.T, value int64, n int64) string {
	t.Helper()
	h := hdrhistogram.New(1, 60_000_000, 3)
	if err := h.RecordValues(value, n); err != nil {
		t.Fatal(err)
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func load(t *testing.T, requests, failed uint64, us int64) result.Load {
	l := result.Load{Name: "l"}
	l.Requests, l.Failed = requests, failed
	if failed > 0 {
		l.FailuresByCause = map[string]uint64{result.CauseRefused: failed}
	}
	l.Response.HDR = hdr(t, us, int64(requests-failed))
	return l
}

func TestMarkdown(t *testing.T) {
	pass := &result.Run{Scenario: "reload", Cells: []*result.Cell{{
		Name: "run", Verdict: result.Pass, Proxy: result.Proxy{Driver: "builtin", Version: "1"},
		Loads: []result.Load{load(t, 4000, 0, 2000), load(t, 1000, 0, 90_000)},
	}}}
	fail := &result.Run{Scenario: "reload", Cells: []*result.Cell{{
		Name: "reload=restart", Verdict: result.Fail, Proxy: result.Proxy{Driver: "haproxy", Version: "2"},
		Loads: []result.Load{load(t, 900, 7, 2000)},
		Objectives: []result.Objective{
			{Expr: "failed == 0", Metric: "failed", Op: "==", Got: 7, Unit: "1", Known: true, Verdict: result.Fail},
			{Expr: "retried == 0", Metric: "retried", Op: "==", Unit: "1", Known: true, Verdict: result.Pass},
		},
	}}}
	got, err := Markdown([]Entry{{"Lost?", pass, nil}, {"Lost?", fail, nil}, {"Other | one?", nil, errors.New("no such program\nmore")}})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"| scenario | proxy | verdict | requests | failed | p99 | what did not hold |",
		"| --- | --- | --- | ---: | ---: | ---: | --- |",
		"| **reload** Lost? | builtin 1 | PASS | 5000 | 0 | 90.0 ms |  |",
		"|  | haproxy 2, reload=restart | FAIL | 900 | 7: 7 refused | - | failed = 0: 7 |",
		"| Other \\| one? | | not run | | | | no such program |",
		"",
	}, "\n")
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestMarkdownOfNonsense(t *testing.T) {
	run := &result.Run{Cells: []*result.Cell{{Loads: []result.Load{{}}}}}
	run.Cells[0].Loads[0].Response.HDR = "nonsense"
	if _, err := Markdown([]Entry{{"", run, nil}}); err == nil {
		t.Error("a histogram that cannot be read is passed over")
	}
}
