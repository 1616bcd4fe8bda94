package reports

import (
	"bytes"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/series"
)

// shaking is a load in TLS, and one in clear.
func shaking() []result.Load {
	base := result.Tally{Handshakes: 2000, Resumed: 1900, Handshake: &result.Latency{Count: 2000, P50: 800, P99: 2500, Max: 9000}}
	bad := result.Tally{Handshakes: 5, HandshakesFailed: 12, Handshake: &result.Latency{Count: 5, P50: 700, P99: 700, Max: 3000}}
	sum := base
	sum.Handshakes, sum.HandshakesFailed = 2005, 12
	return []result.Load{
		{Name: "web", DurationSeconds: 20, Tally: sum, Phases: []result.LoadPhase{
			{Name: "warmup", LengthUs: 1_000_000, Tally: base},
			{Name: "steady", LengthUs: 10_000_000, Measured: true, Tally: base},
			{Name: "stall", LengthUs: 10_000_000, Measured: true, Tally: bad},
		}},
		{Name: "clear", DurationSeconds: 20, Phases: []result.LoadPhase{{Name: "steady", LengthUs: 10_000_000, Measured: true}}},
	}
}

func TestHandshakes(t *testing.T) {
	cell := &result.Cell{Name: "run", Loads: shaking()}
	run := &result.Run{Verdict: result.Pass, Scenario: "tls", Cells: []*result.Cell{cell}}
	text := plainSpaces(Summary(run, SummaryOptions{}))
	if want := "\ntls    web: 2 005 handshakes, 100/s, 94.8 % resumed, p99 2.50 ms, 12 failed\n"; !strings.Contains(text, want) {
		t.Errorf("the summary has no %q:\n%s", want, text)
	}
	var b bytes.Buffer
	r := &Report{Data: &series.Data{Run: run}, Cells: []*series.Analysis{{Cell: &series.Cell{Cell: cell}}}}
	if err := writeMarkdown(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"| web, steady | 2 000 | 200 | 95.0 % | 800 µs | 2.50 ms | 9.00 ms | 0 |",
		"| web, stall | 5 | 0.50 | 0 % | - | - | 3.00 ms | 12 |",
	} {
		if !strings.Contains(plainSpaces(b.String()), row) {
			t.Errorf("no row %s in\n%s", row, b.String())
		}
	}
	if strings.Contains(b.String(), "warmup |") || strings.Contains(b.String(), "clear, steady") {
		t.Errorf("rows that say nothing:\n%s", b.String())
	}
	for range 4 {
		cell.Loads = append(cell.Loads, shaking()...)
	}
	if text := Summary(run, SummaryOptions{}); !strings.Contains(text, "and 3 more\n") || strings.Count(text, "\n") > summaryLines {
		t.Errorf("the summary of many:\n%s", text)
	}
	cell.Loads = shaking()[1:]
	if text := Summary(run, SummaryOptions{}); strings.Contains(text, "\ntls ") {
		t.Errorf("the summary of a load in clear:\n%s", text)
	}
}
