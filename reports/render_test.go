package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/internal/fixture"
	"bench/reports/internal/junit"
	"bench/reports/series"
)

// rendered writes a fixture and renders every format of it.
func rendered(t *testing.T, name string) string {
	t.Helper()
	dir := folder(t, name)
	if _, err := Render(dir, []string{"html", "md", "json", "junit", "hlog", "csv", "openmetrics", "benchstat", "badge"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// hourOnce makes the hour fixture once: it takes seconds.
var hourOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bench-hour-")
	if err != nil {
		return "", err
	}
	return dir, fixture.Write("hour", dir)
})

var hourMade atomic.Bool

func hour(t *testing.T) string {
	t.Helper()
	hourMade.Store(true)
	dir, err := hourOnce()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if hourMade.Load() {
		if dir, err := hourOnce(); err == nil {
			os.RemoveAll(dir)
		}
	}
	os.Exit(code)
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// quick are the fixtures that are made in no time.
func quick() []string {
	return []string{"stop", "reloads", "empty", "all-errors", "one-sample", "partial", "hostile", "invalid", "matrix", "repeats"}
}

func TestGoldenReports(t *testing.T) {
	for _, name := range quick() {
		dir := rendered(t, name)
		golden(t, name+".md", read(t, dir, "report.md"))
		golden(t, name+".junit.xml", read(t, dir, "junit.xml"))
	}
}

// The page holds no clock, locale, zone or map order.
func TestSameFolderSameBytes(t *testing.T) {
	dir := folder(t, "stop")
	formats := []string{"html", "md", "json", "junit", "hlog", "csv", "openmetrics", "benchstat", "badge"}
	var before map[string]string
	for _, zone := range []string{"UTC", "Asia/Kathmandu", "America/St_Johns"} {
		t.Setenv("TZ", zone)
		t.Setenv("LC_ALL", "de_DE.UTF-8")
		files, err := Render(dir, formats)
		if err != nil {
			t.Fatal(err)
		}
		now := make(map[string]string)
		for _, f := range files {
			now[f] = read(t, dir, f)
			if before != nil && before[f] != now[f] {
				t.Errorf("%s differs in %s", f, zone)
			}
		}
		before = now
	}
}

func TestPageKeepsItsBounds(t *testing.T) {
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	outside := regexp.MustCompile(`(?i)<[a-z][^<>]*\ssrc=|@import|url\(|<(iframe|object|embed|img|base|form)\b`)
	values := regexp.MustCompile(`="[^"]*"`)
	links := regexp.MustCompile(`<link [^>]*href="[^"]*"`)
	packed := regexp.MustCompile(`data-(raw|z)="[^"]*"`)
	limits := map[string]int{"stop": 150_000, "matrix": 4_000_000, "hour": 1_000_000}
	for _, name := range fixture.Names() {
		dir := ""
		switch {
		case name != "hour":
			dir = folder(t, name)
		case testing.Short():
			continue
		default:
			dir = hour(t)
		}
		if _, err := Render(dir, []string{"html"}); err != nil {
			t.Fatal(err)
		}
		page := read(t, dir, "report.html")
		if most := limits[name]; most > 0 && len(page) > most {
			t.Errorf("%s: %d bytes, at most %d", name, len(page), most)
		}
		code := script.FindAllStringSubmatch(page, -1)
		if len(code) != 1 || len(code[0][1]) > 40_000 {
			t.Fatalf("%s: %d scripts", name, len(code))
		}
		markup := packed.ReplaceAllString(strings.Replace(page, code[0][0], "", 1), "")
		if l := links.FindAllString(markup, -1); len(l) != 1 || !strings.HasSuffix(l[0], `href="data:,"`) {
			t.Errorf("%s: links %q", name, l)
		}
		if found := outside.FindString(values.ReplaceAllString(markup, `=""`)); found != "" {
			t.Errorf("%s: reaches outside: %q", name, found)
		}
		for _, bad := range []string{"NaN", "Inf", "ZgotmplZ", "<img", "onerror=alert(1)>", "\x1b", "\u202e", "%!"} {
			if strings.Contains(markup, bad) {
				t.Errorf("%s: holds %q", name, bad)
			}
		}
	}
}

// Every percentile of the table is that of run.json, by the one formatter, and
// that is within 1.5 % of an exact sort.
func TestNumbersOnThePageAreThoseOfTheResult(t *testing.T) {
	dir := rendered(t, "stop")
	var run result.Run
	if err := json.Unmarshal([]byte(read(t, dir, "run.json")), &run); err != nil {
		t.Fatal(err)
	}
	page := read(t, dir, "report.html")
	p := run.Cells[0].Loads[0].Phases[1]
	row := regexp.MustCompile(`(?s)<tr class="whole">(.*?)</tr>`).FindStringSubmatch(page)
	if row == nil {
		t.Fatal("no row of the phase")
	}
	for what, want := range map[string]string{
		"n": units.Count(p.Response.Count), "p50": units.Latency(p.Response.P50), "p90": units.Latency(p.Response.P90),
		"p99": units.Latency(p.Response.P99), "p99.9": units.Latency(p.Response.P999), "max": units.Latency(p.Response.Max),
		"service p99": units.Latency(p.Service.P99), "errors": units.Count(p.Failed),
	} {
		if !strings.Contains(row[1], ">"+want) {
			t.Errorf("%s: %s is not in %s", what, want, row[1])
		}
	}
	for _, o := range run.Cells[0].Objectives {
		if !o.Known {
			continue
		}
		want := units.Latency(o.Got)
		switch o.Unit {
		case "%":
			want = units.Percent(o.Got)
		case "1":
			want = units.Number(o.Got)
		}
		if !strings.Contains(page, `<div class="got">`+want+`</div>`) {
			t.Errorf("%s: %s is not on the page", o.Expr, want)
		}
	}
	exact := fixture.ExactQuantiles("stop", series.Quantiles[:])
	for i, got := range []float64{p.Response.P50, p.Response.P90, p.Response.P99, p.Response.P999} {
		if off := math.Abs(got-exact[i]) / exact[i]; off > 0.015 {
			t.Errorf("p%v is %v, exactly %v", series.Quantiles[i]*100, got, exact[i])
		}
	}
}

// The log is read by the library and by a strict reading of its format.
func TestHistogramLog(t *testing.T) {
	dir := rendered(t, "stop")
	text := read(t, dir, "hist.hlog")
	form := regexp.MustCompile(`^(#.*|"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"|(Tag=[^, ]+,)?\d+\.\d{6},\d+\.\d{6},\d+\.\d{3},HISTF[A-Za-z0-9+/]+=*)$`)
	for l := range strings.Lines(text) {
		if !form.MatchString(strings.TrimSuffix(l, "\n")) {
			t.Errorf("not of the form: %.100q", l)
		}
	}
	if !strings.Contains(text, "#[Histogram log format version 1.3]\n") {
		t.Error("no version")
	}
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var parts []hdr.Dist
	for i := range r.Cells[0].Slots {
		parts = append(parts, r.Cells[0].Slots[i].OK)
	}
	want := hdr.Merge(parts...)
	sum := hdrhistogram.New(1, hdr.LongestUs, hdr.LongDigits)
	reader := hdrhistogram.NewHistogramLogReader(strings.NewReader(text))
	n := 0
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		if dropped := sum.Merge(h); dropped != 0 {
			t.Errorf("interval %d: %d samples dropped", n, dropped)
		}
		n++
	}
	if uint64(sum.TotalCount()) != want.N() || n < 38 {
		t.Errorf("%d intervals hold %d samples, want %d", n, sum.TotalCount(), want.N())
	}
	for _, q := range series.Quantiles {
		if got := float64(sum.ValueAtQuantile(q * 100)); got != want.Quantile(q) {
			t.Errorf("q %v = %v, want %v", q, got, want.Quantile(q))
		}
	}
}

func TestMachineReadableFiles(t *testing.T) {
	for _, name := range quick() {
		dir := rendered(t, name)
		rows, err := csv.NewReader(strings.NewReader(read(t, dir, "seconds.csv"))).ReadAll()
		if err != nil || len(rows) == 0 {
			t.Errorf("%s: seconds.csv: %v", name, err)
		}
		var suites junit.Suites
		raw := read(t, dir, "junit.xml")
		if err := xml.Unmarshal([]byte(raw), &suites); err != nil {
			t.Errorf("%s: junit.xml: %v", name, err)
		}
		var run result.Run
		if err := json.Unmarshal([]byte(read(t, dir, "run.json")), &run); err != nil {
			t.Fatal(err)
		}
		if bad := suites.Failures + suites.Errors; (bad == 0) != (run.Verdict == result.Pass) {
			t.Errorf("%s: %d bad cases at verdict %s", name, bad, run.Verdict)
		}
		if !json.Valid([]byte(read(t, dir, "report.json"))) {
			t.Errorf("%s: report.json is not JSON", name)
		}
	}
}

// An hour is rendered within the bounds of the design.
func TestHourIsRenderedInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("makes an hour of data")
	}
	dir := hour(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	used := func() time.Duration {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	if _, err := Render(dir, nil); err != nil {
		t.Fatal(err)
	}
	took := used() - start // by the processors, which others may have meanwhile
	runtime.ReadMemStats(&after)
	t.Logf("took %v, heap grew to %s", took, units.Bytes(float64(after.HeapSys)))
	// The bound is 2 s of an idle machine.
	if took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	if _, err := Render(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "not a result folder") {
		t.Errorf("an empty folder: %v", err)
	}
	dir := folder(t, "empty")
	if _, err := Render(dir, []string{"pdf"}); err == nil || !strings.Contains(err.Error(), `unknown report format "pdf"`) {
		t.Errorf("a wrong format: %v", err)
	}
	for _, c := range []struct{ content, want string }{
		{"{", "unexpected end"}, {`{"version":2}`, "a record of version 2; this bench reads version 1"}, {`{"version":1,"cells":[null]}`, "a cell is null"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "run.json"), []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Render(dir, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.content, err)
		}
	}
	// Of files that are missing or cut short, the page tells.
	dir = folder(t, "stop")
	if err := errors.Join(os.Remove(filepath.Join(dir, "counters.jsonl")), os.Truncate(filepath.Join(dir, "timeline.jsonl"), 100_001)); err != nil {
		t.Fatal(err)
	}
	if _, err := Render(dir, []string{"html"}); err != nil {
		t.Fatal(err)
	}
	page := read(t, dir, "report.html")
	for _, want := range []string{"counters.jsonl is missing", "timeline.jsonl: line "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		n      int64
		digits int
		want   string
	}{{0, 3, "0.000"}, {5, 3, "0.005"}, {1_500_000, 6, "1.500000"}, {123_456, 3, "123.456"}} {
		if got := decimal(c.n, c.digits); got != c.want {
			t.Errorf("decimal(%d, %d) = %s", c.n, c.digits, got)
		}
		if _, err := strconv.ParseFloat(c.want, 64); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "stop")
	if err := fixture.Write("stop", dir); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := Load(dir)
		if err != nil {
			b.Fatal(err)
		}
		var out bytes.Buffer
		if err := r.render(&out, "html"); err != nil {
			b.Fatal(err)
		}
	}
}
