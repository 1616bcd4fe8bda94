package main

import (
	"strings"
	"testing"
	"time"

	"bench/scenarios/sidebyside"
)

// TestPeersDocument: what is missed, not measured or not the subject's limit says so.
func TestPeersDocument(t *testing.T) {
	fine := sidebyside.Sample{CPUMicros: 10, KernelMicros: 8, Subject: 1, LoadSide: 0.5, Others: 0.02}
	limited := sidebyside.Sample{Subject: 0.6, LoadSide: 1, Failed: 3}
	rows := []sidebyside.Row{
		{Name: "ahead", Ours: "engine", Peer: "haproxy", A: []sidebyside.Sample{fine}, B: []sidebyside.Sample{fine}, CPU: sidebyside.Ratio{Median: 1.8, Low: 1.7, High: 2}, User: sidebyside.Ratio{Median: 2.5}, Rate: sidebyside.Ratio{Median: 1.5, Low: 1.4, High: 1.6}, Must: 1.4, Aim: 1.7},
		{Name: "enough", Ours: "engine", Peer: "haproxy", A: []sidebyside.Sample{fine}, B: []sidebyside.Sample{limited}, CPU: sidebyside.Ratio{Median: 1.4}, Must: 1.4, Aim: 1.7},
		{Name: "behind", Ours: "engine", Peer: "haproxy", A: []sidebyside.Sample{fine}, B: []sidebyside.Sample{fine}, CPU: sidebyside.Ratio{Median: 1.39}, Must: 1.4, Aim: 1.7},
		{Name: "absent", Ours: "bench load", Peer: "wrk", Reason: "wrk is not installed", Must: 1.15, Aim: 1.25},
	}
	idle := []sidebyside.IdleRow{
		{Name: "idle http", Connections: 5000, Ours: sidebyside.IdleMemory{User: 300}, Peer: sidebyside.IdleMemory{User: 1000}, Ratio: 0.3},
		{Name: "idle tcp", Connections: 9000, Ratio: 1.2},
	}
	c := &peersCmd{Rounds: 5, Duration: 2 * time.Second}
	got := string(c.document([]string{"2 processors", "haproxy 2.6.12"}, []table{contestTable(rows), idleTable(idle)}))
	for _, want := range []string{
		"on a machine with 2 processors, haproxy 2.6.12. Each row took 5 rounds of\nfour measurements of 2s.",
		"| ahead | engine | haproxy | 1.80 (1.70 to 2.00) | 1.40, better 1.70 | yes, the better one | 2.50 | 80 % | 1.50 (1.40 to 1.60) | 0 | ≤ 2 % |",
		"| enough | engine | haproxy | 1.40 (0.00 to 0.00) | 1.40, better 1.70 | yes | 0.00 | 80 % | not the subject's limit | 3 | ≤ 2 % |",
		"| behind | engine | haproxy | 1.39 (0.00 to 0.00) | 1.40, better 1.70 | **no** | 0.00 | 80 % |",
		"| absent | bench load | wrk | not measured: wrk is not installed | 1.15, better 1.25 | - | - | - | - | - | - |",
		"| idle http | 5000 | 0.30 | 1.00, better 0.30 | yes, the better one | 300 | 1000 |",
		"| idle tcp | 9000 | 1.20 | 1.00, better 0.30 | **no** |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the document lacks\n%s\nin\n%s", want, got)
		}
	}
}
