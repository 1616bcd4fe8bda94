package reports

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/reports/internal/fixture"
	"bench/reports/internal/omcheck"
	"bench/reports/series"
)

// Every reader of OpenMetrics takes the file, and its figures are those of the record.
func TestMetricsOfARun(t *testing.T) {
	for _, name := range quick() {
		dir := rendered(t, name)
		text := read(t, dir, "metrics.om")
		all, err := omcheck.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, bad := range []string{"\x1b", "\u202e", "NaN"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: holds %q", name, bad)
			}
		}
		if name != "stop" {
			continue
		}
		golden(t, "stop.om", text)
		find := func(name string, labels ...string) float64 {
			t.Helper()
			i := slices.IndexFunc(all, func(s omcheck.Sample) bool {
				for k := 0; k < len(labels); k += 2 {
					if s.Labels[labels[k]] != labels[k+1] {
						return false
					}
				}
				return s.Name == name
			})
			if i < 0 {
				t.Errorf("no %s %q", name, labels)
				return math.NaN()
			}
			return all[i].Value
		}
		run := completed(t, name)
		l := &run.Cells[0].Loads[0]
		for _, c := range []struct{ got, want float64 }{
			{find("bench_requests_total", "outcome", "good", "load", l.Name, "proxy", "haproxy 2.6.12", "scenario", "stall-reload"), float64(l.Completed)},
			{find("bench_requests_total", "outcome", "failed"), float64(l.Failed)},
			{find("bench_request_failures_total", "cause", result.CauseProxy5xx), float64(l.FailuresByCause[result.CauseProxy5xx])},
			{find("bench_response_seconds_count"), float64(l.Response.Count)},
			{find("bench_response_seconds_bucket", "le", "+Inf"), float64(l.Response.Count)},
			{find("bench_response_quantiles_seconds", "quantile", "0.99"), l.Response.P99 / 1e6},
			{find("bench_response_max_seconds"), l.Response.Max / 1e6},
			{find("bench_run_verdict", "verdict", run.Verdict), 1},
			{find("bench_run_exit_code"), float64(run.ExitCode)},
			{find("bench_objective_held", "objective", "response.p99 < 50ms"), 0},
			{find("bench_objective_seconds", "objective", "response.p99 < 50ms"), run.Cells[0].Objectives[0].Got / 1e6},
			{find("bench_run_started_timestamp_seconds"), 1795341600},
			{find("bench_cpu_ratio", "role", "proxy"), 0.44},
		} {
			if math.Abs(c.got-c.want) > 1e-9*math.Abs(c.want) {
				t.Errorf("%v, want %v", c.got, c.want)
			}
		}
		// The histogram's own mean is that of the requests, within its resolution.
		if mean := find("bench_response_seconds_sum") / find("bench_response_seconds_count") * 1e6; math.Abs(mean/l.Response.Mean-1) > 0.001 {
			t.Errorf("the mean is %v, want %v", mean, l.Response.Mean)
		}
		if r := find("bench_recovery_seconds", "event", "fault 1 stall web.1 web.2 web.3"); r < 0.5 || r > 1.5 {
			t.Errorf("recovery took %v s", r)
		}
	}
}

// A run with a label, and a histogram that cannot be read.
func TestMetricsLabelAndError(t *testing.T) {
	dir := rendered(t, "repeats")
	if text := read(t, dir, "metrics.om"); !strings.Contains(text, `label="v1.2.3 <rc>"`) {
		t.Error("the label is not there")
	}
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	r.Data.Run.Cells[0].Loads[0].Response.HDR = "no histogram"
	if err := writeMetrics(io.Discard, r); err == nil {
		t.Error("a histogram that cannot be read is passed over")
	}
}

// Repetitions are results of one benchmark, cells of a matrix are several, and no name
// is more than the format allows.
func TestBenchstatOfARun(t *testing.T) {
	line := regexp.MustCompile(`^Benchmark[A-Z0-9_][^\s/]*(/[^\s=/-]+=[^\s/-]+)* 1( [0-9.]+ [^\s]+)+$`)
	for name, want := range map[string]int{"repeats": 1, "matrix": 8, "stop": 1, "hostile": 1, "empty": 0} {
		dir := rendered(t, name)
		names := map[string]int{}
		for l := range strings.Lines(read(t, dir, "bench.txt")) {
			l = strings.TrimSuffix(l, "\n")
			if !strings.HasPrefix(l, "Benchmark") {
				continue
			}
			if !line.MatchString(l) {
				t.Errorf("%s: not of the form: %q", name, l)
			}
			first, _, _ := strings.Cut(l, " ")
			names[first]++
		}
		if len(names) != want {
			t.Errorf("%s: %d benchmarks, want %d: %v", name, len(names), want, names)
		}
		if name == "repeats" {
			golden(t, "repeats.bench.txt", read(t, dir, "bench.txt"))
			if names["BenchmarkStall_reload"] != 3 {
				t.Errorf("%v", names)
			}
		}
	}
}

// The badge says the verdict, and its text can be read.
func TestBadge(t *testing.T) {
	for _, name := range quick() {
		dir := rendered(t, name)
		text := read(t, dir, "badge.svg")
		if len(text) > 2000 || strings.Contains(text, "<img") || strings.Contains(text, "<script") {
			t.Errorf("%s: %d bytes: %s", name, len(text), text)
		}
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			if _, err := d.Token(); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("%s: %v", name, err)
				}
				break
			}
		}
		if run := completed(t, name); !strings.Contains(text, ">"+run.Verdict+"</text>") {
			t.Errorf("%s: no %s", name, run.Verdict)
		}
	}
	golden(t, "stop.badge.svg", read(t, rendered(t, "stop"), "badge.svg"))
	for _, verdict := range []string{result.Pass, result.Fail, result.Invalid} {
		for _, colour := range []string{badgeColour(verdict), badgeName} {
			if c := onWhite(t, colour); c < 4.5 {
				t.Errorf("%s: white on %s has a contrast of %.2f", verdict, colour, c)
			}
		}
	}
}

// onWhite is the contrast of a colour to white (WCAG 2).
func onWhite(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 24)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v := float64(n>>(16-8*i)&0xff) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return 1.05 / (sum + 0.05)
}

// Repetitions show how much their figures differ, on every surface alike.
func TestSpreadOfRepetitions(t *testing.T) {
	dir := rendered(t, "repeats")
	run := completed(t, "repeats")
	i := slices.IndexFunc(run.Spreads, func(s result.Spread) bool { return s.Measure == "p99" })
	if i < 0 {
		t.Fatalf("no p99 in %+v", run.Spreads)
	}
	s := &run.Spreads[i]
	if s.Runs != 3 || s.Known != 3 || s.Lowest > s.Median || s.Median > s.Highest || s.Low == nil || *s.Low > s.Median || *s.High < s.Median {
		t.Errorf("%+v", s)
	}
	var p99 []float64
	for _, c := range run.Cells {
		p99 = append(p99, c.Loads[0].Response.P99)
	}
	slices.Sort(p99)
	if s.Lowest != p99[0] || s.Median != p99[1] || s.Highest != p99[2] {
		t.Errorf("%v, %v and %v of %v", s.Lowest, s.Median, s.Highest, p99)
	}
	text := Summary(run, SummaryOptions{})
	page, comment := read(t, dir, "report.html"), read(t, dir, "report.md")
	for _, row := range [][]string{{"p99", "3"}, {"good/s", "200"}} {
		for _, cell := range row {
			if !strings.Contains(text, cell) || !strings.Contains(page, ">"+cell+"<") || !strings.Contains(comment, "| "+cell+" |") {
				t.Errorf("%s is not everywhere", cell)
			}
		}
	}
	for what, surface := range map[string]string{"console": text, "page": page, "Markdown": comment} {
		if !strings.Contains(surface, "99 % interval") || !strings.Contains(surface, "v1.2.3") {
			t.Errorf("%s has no interval, or no label", what)
		}
	}
	if run := completed(t, "matrix"); len(run.Spreads) != 0 {
		t.Error("a matrix without repetitions has a spread")
	}
}

// Combinations are kept apart, and runs without a figure are not hidden.
func TestSpreadsByCombination(t *testing.T) {
	cell := func(poller, n string, good uint64) *series.Analysis {
		c := &result.Cell{Vars: map[string]string{"poller": poller, result.RepeatAxis: n}}
		return &series.Analysis{Cell: &series.Cell{Cell: c}, Segments: []series.Segment{{LengthUs: 1e6, Good: good, OK: hdr.Dist{{Value: 100, Count: uint32(good)}}}}}
	}
	run := &result.Run{Axes: []result.Axis{{Name: "poller"}, {Name: result.RepeatAxis}}}
	all := series.Spreads(run, []*series.Analysis{cell("epoll", "1", 1000), cell("epoll", "2", 10), cell("poll", "1", 500), cell("poll", "2", 700)})
	got := map[string]result.Spread{}
	for _, s := range all {
		got[s.Combination+" "+s.Measure] = s
	}
	if s := got["poller=epoll p99"]; s.Known != 1 || s.Runs != 2 || s.Low != nil {
		t.Errorf("%+v", s)
	}
	if s := got["poller=poll good/s"]; s.Median != 600 || s.Lowest != 500 || s.Highest != 700 || s.Low == nil || *s.Low < 0 {
		t.Errorf("%+v", s)
	}
	if _, ok := got["poller=poll p99"]; ok {
		t.Error("a p99 of 500 requests")
	}
}

// A run of "bench run" is written in these formats without being asked for them.
func TestRenderWritesAllByDefault(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := fixture.Write("one-sample", dir); err != nil {
		t.Fatal(err)
	}
	names, err := Render(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"report.html", "report.md", "junit.xml", "hist.hlog", "seconds.csv", "metrics.om", "bench.txt", "badge.svg"} {
		if _, err := os.Stat(filepath.Join(dir, want)); err != nil || !slices.Contains(names, want) {
			t.Errorf("%s: %v, %q", want, err, names)
		}
	}
}
