package pollers

import (
	"bytes"
	"flag"
	"math"
	"os"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/internal/fixture"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Known answers of the sign test: the interval from the lowest to the highest of six
// runs holds the median with 1 - 2/64.
func TestInterval(t *testing.T) {
	for _, tt := range []struct {
		runs, drop int
		coverage   float64
	}{
		{1, 0, 0}, {2, 0, 0.5}, {5, 0, 0.9375}, {6, 0, 0.96875}, {8, 0, 0.9921875}, {9, 1, 0.9609375}, {10, 1, 0.978515625}, {20, 5, 0.958610535},
	} {
		drop, coverage := interval(tt.runs)
		if drop != tt.drop || math.Abs(coverage-tt.coverage) > 1e-6 {
			t.Errorf("%d runs: %d, %v; want %d, %v", tt.runs, drop, coverage, tt.drop, tt.coverage)
		}
	}
}

func row(cells ...[]float64) *result.PollerRow {
	r := &result.PollerRow{}
	for i, values := range cells {
		c := result.PollerCell{Contestant: string(rune('a' + i))}
		for _, v := range values {
			c.Runs = append(c.Runs, result.PollerRun{CPUMicros: v, Rate: 1e6 / v, Requests: 100, P99Us: v, Subject: 0.9, LoadSide: 0.5})
		}
		if values == nil {
			c.Short, c.Reason = "fd", "too many"
		}
		r.Cells = append(r.Cells, c)
	}
	return r
}

func TestFigures(t *testing.T) {
	saturated := row([]float64{10, 10}, []float64{20, 20})
	for i := range saturated.Cells[0].Runs {
		saturated.Cells[0].Runs[i].LoadSide = 0.99
	}
	for _, tt := range []struct {
		name, by string
		row      *result.PollerRow
		want     string
	}{
		{"clear", "cpu", row([]float64{10, 11}, []float64{20, 22}), "10.5 µs best; 21.0 µs 2.0"},
		{"spread", "cpu", row([]float64{10, 14}, []float64{13, 15}, []float64{200, 220}), "12.0 µs =; 14.0 µs =; 210 µs 18"},
		{"one alone is no best", "cpu", row([]float64{10}, nil), "10.0 µs ; not run: fd "},
		{"higher is better", "rate", row([]float64{10}, []float64{40}), "100 000 best; 25 000 0.2"},
		{"too few samples", "p99", row([]float64{10}, []float64{40}), "- ; - "},
		{"load side the limit", "rate", saturated, "≥ 100 000 ; 50 000 "},
		{"not counted", "syscalls", row([]float64{10}, []float64{40}), "- ; - "},
	} {
		m, err := MeasureNamed(tt.by)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range m.Figures(tt.row) {
			got = append(got, f.Text+" "+f.Ratio)
		}
		if text := strings.ReplaceAll(strings.Join(got, "; "), "\u202f", " "); text != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, text, tt.want)
		}
	}
	if _, err := MeasureNamed("memory"); err == nil || !strings.Contains(err.Error(), "known are cpu, rate") {
		t.Errorf("an unknown measure: %v", err)
	}
}

func TestProblems(t *testing.T) {
	r := fixture.Pollers()
	if got := Problems(r); len(got) != 0 {
		t.Errorf("a quiet machine: %q", got)
	}
	r.Works[0].Rows[0].Cells[0].Runs[0].Others = 0.2
	r.Works[1].Rows[0].Cells[0].Runs[0].Failed = 3
	r.Works[1].Rows[0].Cells[0].Runs[0].FailuresByCause = map[string]uint64{result.CauseProxy5xx: 3}
	got := Problems(r)
	if len(got) != 2 || !strings.Contains(got[0], "20.0 %") || !strings.HasPrefix(got[1], "active: failed requests, of ") || !strings.HasSuffix(got[1], ": epoll 3 5xx proxy") {
		t.Errorf("%q", got)
	}
}

func TestPrint(t *testing.T) {
	for _, key := range []string{"cpu", "p99.9"} {
		m, err := MeasureNamed(key)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := Print(&got, fixture.Pollers(), m, key != "cpu"); err != nil {
			t.Fatal(err)
		}
		file := "testdata/" + key + ".txt"
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs (-update renews it):\n%s", file, got.String())
		}
	}
}
