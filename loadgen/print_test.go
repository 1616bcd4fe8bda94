package loadgen

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
)

var update = flag.Bool("update", false, "write the golden files")

func TestPrint(t *testing.T) {
	for name, l := range map[string]*result.Load{
		"open": {
			Name: "load", Protocol: "http1", Target: "http://127.0.0.1:8080/", Arrival: "constant", Connections: 64, Seed: 7,
			DurationSeconds: 10, RatePerSecond: 1999, CPUSeconds: 0.41, BusyShare: 0.052, Sent: 22_003,
			Tally: result.Tally{
				Requests: 20_000, Completed: 19_990, Failed: 10, Retried: 3, ConnsOpened: 64, BytesIn: 5_540_000, BytesOut: 1_440_000,
				FailuresByCause: map[string]uint64{"timeout": 8, "5xx-proxy": 2}, StatusCounts: map[string]uint64{"200": 19_990, "503": 2},
				Response: result.Latency{Unit: "us", Count: 19_990, P50: 226, P90: 391, P99: 2710, P999: 15_500, Max: 40_900},
				Service:  result.Latency{Unit: "us", Count: 19_990, P50: 77, P90: 126, P99: 1790, P999: 4480, Max: 5020},
				All:      result.Latency{Unit: "us", Count: 20_000, P50: 226, P90: 392, P99: 2720, P999: 15_600, Max: 10_000_000},
				Lag:      result.Latency{Unit: "us", Count: 20_000, P50: 1, P90: 2, P99: 44, P999: 120, Max: 600},
			},
		},
		"closed": {
			Name: "load", Target: "http://web/", Arrival: "closed", Connections: 0, Seed: 1, DurationSeconds: 0.5, RatePerSecond: 100,
			Tally: result.Tally{
				Requests: 50, Completed: 50,
				Response: result.Latency{Unit: "us", Count: 50, P50: 226, P90: 391, P99: 2710, P999: 15_500, Max: 40_900},
				Service:  result.Latency{Unit: "us", Count: 50, P50: 77, P90: 126, P99: 1790, P999: 4480, Max: 5020},
			},
		},
		"nothing": {
			Name: "load", Target: "http://web/", Arrival: "poisson", Connections: 1, DurationSeconds: 1,
			Tally: result.Tally{Requests: 1000, Failed: 1000, FailuresByCause: map[string]uint64{"refused": 1000}, All: result.Latency{Count: 1000, P50: 70, P90: 80, P99: 90, P999: 100, Max: 100}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := Print(&b, l); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".txt"), b.String())
		})
	}
}

func TestPrintProgress(t *testing.T) {
	var b strings.Builder
	for _, p := range []*result.Progress{
		{Phase: "main", AtUs: 1_000_400, LengthUs: 1_000_000, Offered: 2000, Good: 1990, Errors: map[string]uint64{"timeout": 4, "refused": 6}, P50Us: 231, P99Us: 1900, MaxUs: 12_345, LagP99Us: 20, InFlight: 3, Conns: 64},
		{Phase: "main", AtUs: 61_000_000, LengthUs: 500_000, Offered: 1000, LagP99Us: 20, InFlight: 1000, Queued: 936, Conns: 64},
	} {
		if err := PrintProgress(&b, p); err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
	}
	golden(t, filepath.Join("testdata", "progress.txt"), b.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("printed\n%s\nwant (%s; -update writes it anew)\n%s", got, file, want)
	}
}
