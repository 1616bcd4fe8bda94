package compare

import (
	"encoding/json"
	"encoding/xml"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/internal/fixture"
	"bench/reports/internal/junit"
	"bench/reports/internal/omcheck"
	"bench/reports/internal/tty"
	"bench/reports/series"
	"bench/reports/words"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", name, got, want)
	}
}

// written is a fixture with everything that Write makes of it.
func written(t *testing.T, name string) (dir string, c *result.Comparison) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), name)
	c, err := fixture.WriteComparison(name, dir)
	if err != nil {
		t.Fatal(err)
	}
	names, err := Write(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files() {
		if !slices.Contains(names, f.name) {
			t.Errorf("%s: %s is not among %q", name, f.name, names)
		}
	}
	return dir, c
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestGoldenComparisons(t *testing.T) {
	for _, name := range fixture.Comparisons() {
		dir, _ := written(t, name)
		golden(t, name+".md", read(t, dir, "compare.md"))
		golden(t, name+".junit.xml", read(t, dir, "junit.xml"))
		golden(t, name+".om", read(t, dir, "metrics.om"))
		if name == "slower" || name == "hostile" {
			golden(t, name+".new.txt", read(t, dir, "new.txt"))
			golden(t, name+".svg", read(t, dir, "compare.svg"))
		}
	}
}

// The verdict comes first, with its reason where nothing else can be believed; every
// line fits; nothing from outside moves the cursor.
func TestConsole(t *testing.T) {
	for _, name := range fixture.Comparisons() {
		c, err := fixture.Comparison(name)
		if err != nil {
			t.Fatal(err)
		}
		text := Text(c, Options{Width: 80, Dir: "out/", Files: []string{"comparison.json", "compare.html"}})
		golden(t, name+".txt", text)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if !strings.HasPrefix(lines[0], words.CompareHead(c)+"  ") {
			t.Errorf("%s: the first line is %q", name, lines[0])
		}
		if name == "invalid" || name == "not-comparable" {
			if !strings.Contains(lines[0]+lines[1], c.Reason[:30]) {
				t.Errorf("%s: the first lines do not say why: %q", name, lines[:2])
			}
		}
		if name != "hostile" && lines[len(lines)-1] != "files  out/  compare.html  comparison.json" {
			t.Errorf("%s: the last line is %q", name, lines[len(lines)-1])
		}
		for _, width := range []int{60, 80, 200} {
			for _, ascii := range []bool{false, true} {
				text := Text(c, Options{Width: width, Style: tty.Style{ASCII: ascii}})
				for l := range strings.Lines(text) {
					l = strings.TrimSuffix(l, "\n")
					if tty.Width(l) > width || strings.ContainsAny(l, "\x1b\x07\u202e\u2066") || strings.Contains(l, "NaN") {
						t.Errorf("%s at %d: %d cells: %q", name, width, tty.Width(l), l)
					}
					if ascii && strings.IndexFunc(l, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
						t.Errorf("%s: not ASCII: %q", name, l)
					}
				}
			}
		}
	}
}

// Measures of the same stand together, whatever lies between them in the record; a head
// speaks of what they are, and none stands above those of everything.
func TestMeasuresOfTheSameStandTogether(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	c := &result.Comparison{Version: 1, Verdict: result.Same, MinEffect: 0.02, Alpha: 0.01, Pairs: 12}
	for _, of := range [][2]string{{"response.p50", ""}, {"a.response.p50", "a"}, {"b.response.p99", "b"}, {"cpu/request", ""}, {"a.failed", "a"}} {
		c.Measures = append(c.Measures, result.ComparedMeasure{
			Name: of[0], Load: of[1], Unit: "us", Known: true, Base: 100, New: 101, ChangePercent: 1, Low: p(0), High: p(2), Verdict: result.Shown,
		})
	}
	var got []string
	for _, l := range strings.Split(Text(c, Options{}), "\n")[3:] {
		if first, _, _ := strings.Cut(l, "  "); first != "" {
			got = append(got, first)
		}
	}
	if want := "measure p50 cpu/request load a p50 failed load b p99"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", strings.Join(got, " "), want)
	}
	comment, err := (&report{record: c}).markdown()
	if err != nil || strings.Index(string(comment), "| cpu/request |") > strings.Index(string(comment), "(load a)") {
		t.Errorf("%v %s", err, comment)
	}
}

// Colours go with the words, and add nothing but colours.
func TestConsoleColours(t *testing.T) {
	c, err := fixture.Comparison("slower")
	if err != nil {
		t.Fatal(err)
	}
	text := Text(c, Options{Width: 80, Style: tty.Style{Color: true}})
	if !strings.HasPrefix(text, tty.Fail+"SLOWER"+tty.Reset+"  ") {
		t.Errorf("the verdict begins %q", text[:30])
	}
	for _, want := range []string{tty.Fail + "SLOWER" + tty.Reset + "\n", tty.Pass + "BETTER" + tty.Reset + "\n", tty.Pass + "same" + tty.Reset + "\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	plain := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(text, "")
	if want := Text(c, Options{Width: 80}); plain != want {
		t.Errorf("without its colours it is\n%s\nnot\n%s", plain, want)
	}
	same, err := fixture.Comparison("same")
	if err != nil {
		t.Fatal(err)
	}
	if text := Text(same, Options{Style: tty.Style{Color: true}}); !strings.HasPrefix(text, tty.Pass+"SAME"+tty.Reset+"  ") {
		t.Errorf("the verdict begins %q", text[:30])
	}
}

func TestBars(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		m    result.ComparedMeasure
		want string
	}{
		{result.ComparedMeasure{Known: true, ChangePercent: 30, Low: p(18), High: p(46), Verdict: result.Slower}, "      | [-*-]"},
		{result.ComparedMeasure{Known: true, ChangePercent: 0, Low: p(-4), High: p(4), Verdict: result.Same}, "      *      "},
		{result.ComparedMeasure{Known: true, ChangePercent: -10, Low: p(-300), High: p(300), Verdict: result.Undecided}, "<----o|----->"},
		{result.ComparedMeasure{Known: true, ChangePercent: -50, Low: p(-50), High: p(-20), Verdict: result.Better}, "*---] |      "},
		{result.ComparedMeasure{Known: true, ChangePercent: 10, Verdict: result.Undecided}, "      |o     "},
		{result.ComparedMeasure{Known: true, ChangePercent: 10, Low: p(0), Verdict: result.Undecided}, "      [o---->"},
		{result.ComparedMeasure{Known: true, Unit: "1", ChangePercent: 0, Verdict: result.Same}, "      *      "},
		{result.ComparedMeasure{Known: true, Unit: "1", ChangePercent: 3, Verdict: result.Worse}, "      |      "},
		{result.ComparedMeasure{}, "      |      "},
	} {
		if got := bar(&c.m, 50); got != c.want {
			t.Errorf("%+v: %q, want %q", c.m, got, c.want)
		}
	}
	if got := axis(50); got != "-50   0   +50" {
		t.Errorf("the axis is %q", got)
	}
}

// The files hold no clock, locale, zone or map order, and are the same after a round
// trip through the record.
func TestSameRecordSameBytes(t *testing.T) {
	for _, name := range []string{"slower", "many"} {
		dir, _ := written(t, name)
		before := map[string]string{}
		for _, f := range files() {
			before[f.name] = read(t, dir, f.name)
		}
		for _, zone := range []string{"Asia/Kathmandu", "America/St_Johns"} {
			t.Setenv("TZ", zone)
			t.Setenv("LC_ALL", "de_DE.UTF-8")
			names, err := Render(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range names {
				if read(t, dir, n) != before[n] {
					t.Errorf("%s: %s differs in %s", name, n, zone)
				}
			}
		}
	}
}

// One file that cannot be written does not cost the others, least of all those that a
// pipeline reads, and nothing unfinished is left.
func TestRenderWritesTheOthers(t *testing.T) {
	dir, _ := written(t, "same")
	page := filepath.Join(dir, "compare.html")
	if err := os.Remove(page); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(page, "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	names, err := Render(dir, nil)
	if err == nil || !strings.Contains(err.Error(), "compare.html") || slices.Contains(names, "compare.html") || !slices.Contains(names, "junit.xml") || !slices.Contains(names, "compare.md") {
		t.Errorf("%q, %v", names, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.new")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

func TestRenderSaysWhatIsWrong(t *testing.T) {
	if _, err := Render(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "not the folder of a comparison") {
		t.Errorf("an empty folder: %v", err)
	}
	dir, _ := written(t, "same")
	if _, err := Render(dir, []string{"hlog"}); err == nil || !strings.Contains(err.Error(), `"hlog": its formats are html, md, svg, junit, benchstat, openmetrics`) {
		t.Errorf("a wrong format: %v", err)
	}
	if names, err := Render(dir, []string{"benchstat"}); err != nil || !slices.Equal(names, []string{"base.txt", "new.txt"}) {
		t.Errorf("benchstat alone: %q, %v", names, err)
	}
	for _, c := range [][2]string{{"{", "unexpected end"}, {`{"version":2}`, "a record of version 2; this bench reads version 1"}} {
		if err := os.WriteFile(filepath.Join(dir, result.ComparisonFile), []byte(c[0]), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Render(dir, nil); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
	if Is(t.TempDir()) || !Is(dir) {
		t.Error("a folder is taken for what it is not")
	}
	c := &result.Comparison{Version: 1, Verdict: result.Same, MinEffect: math.NaN()}
	if _, err := Write(t.TempDir(), c); err == nil {
		t.Error("a record that JSON cannot hold is written")
	}
	if text := Text(c, Options{}); !strings.HasPrefix(text, "INVALID  the record cannot be read") {
		t.Errorf("and printed as %q", text)
	}
}

// A comparison that was killed has no verdict: what its record says would only hold if it
// had ended by itself.
func TestCutOff(t *testing.T) {
	dir, c := written(t, "slower")
	c.EndedAt = ""
	if _, err := Write(dir, c); err != nil {
		t.Fatal(err)
	}
	got, err := Read(filepath.Join(dir, result.ComparisonFile))
	if err != nil || got.Verdict != result.Partial || got.ExitCode != exitUnclear || !strings.HasPrefix(got.Reason, "it was cut off after "+words.ComparePairs(c.Pairs)+", when it stood at SLOWER") {
		t.Errorf("%s, exit code %d, %q, %v", got.Verdict, got.ExitCode, got.Reason, err)
	}
	if md := read(t, dir, "compare.md"); !strings.HasPrefix(md, "## PARTIAL ") {
		t.Errorf("%.200s", md)
	}
	if om := read(t, dir, "metrics.om"); !strings.Contains(om, "bench_compare_exit_code{") || strings.Contains(om, "} 3\n") {
		t.Errorf("%s", om)
	}
}

// The page reaches nothing outside, runs nothing, and takes no text for markup.
func TestPageKeepsItsBounds(t *testing.T) {
	outside := regexp.MustCompile(`(?i)<[a-z][^<>]*\ssrc=|@import|url\(|<(script|iframe|object|embed|img|base|form)\b`)
	values := regexp.MustCompile(`="[^"]*"`)
	hrefs := regexp.MustCompile(`href="([^"]*)"`)
	for _, name := range fixture.Comparisons() {
		dir, _ := written(t, name)
		page := read(t, dir, "compare.html")
		if len(page) > 400_000 {
			t.Errorf("%s: %d bytes", name, len(page))
		}
		if found := outside.FindString(values.ReplaceAllString(page, `=""`)); found != "" {
			t.Errorf("%s: reaches outside: %q", name, found)
		}
		for _, bad := range []string{"NaN", "Inf", "ZgotmplZ", "<img", "onerror=alert(1)>", "\x1b", "\u202e", "%!"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: holds %q", name, bad)
			}
		}
		for _, h := range hrefs.FindAllStringSubmatch(page, -1) {
			if !regexp.MustCompile(`^(#[a-z]+|data:,|\./[^:]*/report\.html|[a-z]+\.[a-z]+)$`).MatchString(h[1]) {
				t.Errorf("%s: links to %q", name, h[1])
			}
		}
		picture := read(t, dir, "compare.svg")
		if err := wellFormed(picture); err != nil || strings.Contains(picture, "<img") || strings.Contains(picture, "<script") || strings.Contains(picture, "NaN") {
			t.Errorf("%s: the picture: %v", name, err)
		}
	}
}

func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err != nil {
			if err.Error() == "EOF" {
				return nil
			}
			return err
		}
	}
}

// Every figure of the record is on every surface, by the one formatter.
func TestNumbersAreThoseOfTheRecord(t *testing.T) {
	dir, c := written(t, "slower")
	page, comment, text := read(t, dir, "compare.html"), read(t, dir, "compare.md"), Text(c, Options{})
	for i := range c.Measures {
		m := &c.Measures[i]
		for what, want := range map[string]string{
			"base": words.ComparedValue(m, m.Base), "new": words.ComparedValue(m, m.New), "change": words.Change(m), "interval": words.ChangeInterval(m),
		} {
			if !strings.Contains(page, ">"+strings.ReplaceAll(want, "+", "&#43;")+"<") {
				t.Errorf("%s: %s %s is not on the page", m.Name, what, want)
			}
			if !strings.Contains(comment, "| "+want+" |") {
				t.Errorf("%s: %s %s is not in the comment", m.Name, what, want)
			}
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s %s is not on the console", m.Name, what, want)
			}
		}
	}
	for name, want := range map[string]string{"p99 base": units.Latency(805), "p99 new": units.Latency(1050), "memory": units.Bytes(14.2e6)} {
		if !strings.Contains(page, ">"+want+"<") {
			t.Errorf("%s: no %s", name, want)
		}
	}
	var back result.Comparison
	if err := json.Unmarshal([]byte(read(t, dir, result.ComparisonFile)), &back); err != nil || back.Measures[1].ChangePercent != c.Measures[1].ChangePercent {
		t.Errorf("the record: %v", err)
	}
	for _, key := range []string{`"verdict"`, `"measures"`, `"name"`, `"unit"`, `"base"`, `"new"`, `"changePercent"`, `"low"`, `"high"`, `"pairsNeeded"`} {
		if !strings.Contains(read(t, dir, result.ComparisonFile), key) {
			t.Errorf("the record has no %s", key)
		}
	}
}

// A bar stands where its figures say, on an axis that holds every change.
func TestBarsOfThePageStandRight(t *testing.T) {
	dir, c := written(t, "slower")
	top := series.ChangeScale(c)
	if top != 50 {
		t.Fatalf("the axis ends at %v %%", top)
	}
	dots := regexp.MustCompile(`class="dot" style="left:([0-9.]+)%"`).FindAllStringSubmatch(read(t, dir, "compare.html"), -1)
	if len(dots) != len(c.Measures) {
		t.Fatalf("%d dots of %d measures", len(dots), len(c.Measures))
	}
	for i, d := range dots {
		got, err := strconv.ParseFloat(d[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if want := 50 + 50*c.Measures[i].ChangePercent/top; math.Abs(got-want) > 0.01 {
			t.Errorf("%s stands at %v, want %v", c.Measures[i].Name, got, want)
		}
	}
}

// A server of CI shows what the exit code says: failures for worse, errors for what
// could not be judged, neither for what is well.
func TestJUnit(t *testing.T) {
	for name, want := range map[string][2]int{ // failures, errors
		"same": {0, 0}, "slower": {1, 0}, "unclear": {0, 1}, "invalid": {0, 5}, "not-comparable": {0, 1}, "failures": {1, 3},
	} {
		dir, c := written(t, name)
		var all junit.Suites
		if err := xml.Unmarshal([]byte(read(t, dir, "junit.xml")), &all); err != nil {
			t.Fatal(err)
		}
		if got := [2]int{all.Failures, all.Errors}; got != want {
			t.Errorf("%s: %d failures and %d errors, want %d and %d", name, got[0], got[1], want[0], want[1])
		}
		if (all.Failures+all.Errors > 0) != (c.ExitCode != 0) {
			t.Errorf("%s: exit code %d with %d failures and %d errors", name, c.ExitCode, all.Failures, all.Errors)
		}
		if n := len(words.Gated(c)) + 1; all.Tests != n {
			t.Errorf("%s: %d cases of %d", name, all.Tests, n)
		}
	}
	// A verdict that no measure tells shows all the same.
	c := &result.Comparison{Version: 1, Scenario: "x", Verdict: result.Unclear, ExitCode: 4, Reason: "noise"}
	raw, err := (&report{record: c}).junit()
	if err != nil || !strings.Contains(string(raw), `errors="1"`) || !strings.Contains(string(raw), "UNCLEAR: noise") {
		t.Errorf("%s %v", raw, err)
	}
}

func TestMetricsAreValid(t *testing.T) {
	for _, name := range fixture.Comparisons() {
		dir, c := written(t, name)
		all, err := omcheck.Parse(read(t, dir, "metrics.om"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		find := func(name string, labels map[string]string) (v float64, ok bool) {
			for _, s := range all {
				match := s.Name == name
				for k, want := range labels {
					match = match && s.Labels[k] == want
				}
				if match {
					return s.Value, true
				}
			}
			return 0, false
		}
		if _, ok := find("bench_compare_verdict", map[string]string{"verdict": words.CompareHead(c)}); !ok {
			t.Errorf("%s: no verdict", name)
		}
		if name != "slower" {
			continue
		}
		if v, ok := find("bench_compare_median_seconds", map[string]string{"measure": "p99", "side": "new"}); !ok || v != 0.00105 {
			t.Errorf("p99 of new is %v", v)
		}
		if v, ok := find("bench_compare_change_ratio", map[string]string{"measure": "p99"}); !ok || math.Abs(v-0.304348) > 1e-6 {
			t.Errorf("p99 changed by %v", v)
		}
		if v, ok := find("bench_compare_share_difference_ratio", map[string]string{"measure": "failed"}); !ok || v != 0 {
			t.Errorf("failed changed by %v", v)
		}
	}
}

// Without the folders of the runs the page says so, and everything else is there.
func TestRunsThatAreGone(t *testing.T) {
	dir, c := written(t, "slower")
	if err := os.RemoveAll(filepath.Join(dir, "runs")); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, c); err != nil {
		t.Fatal(err)
	}
	page := read(t, dir, "compare.html")
	if !strings.Contains(page, "The results of base are not at hand") || strings.Contains(page, `class="plot latency"`) {
		t.Error("the page does not say that the runs are gone")
	}
}

// The typical run is the one with the median p99, and the page says which it is.
func TestTypicalRun(t *testing.T) {
	dir, c := written(t, "slower")
	run, by := series.TypicalRun(c, series.SideBase)
	values := slices.Clone(c.Measures[1].BaseValues)
	slices.Sort(values)
	if by != "response.p99" || c.Measures[1].BaseValues[run.Pair-1] != values[(len(values)-1)/2] {
		t.Errorf("pair %d by %q", run.Pair, by)
	}
	if want := "base: the run of pair " + strconv.Itoa(run.Pair) + ", whose p99 is the median of 14."; !strings.Contains(read(t, dir, "compare.html"), want) {
		t.Errorf("the page does not say %q", want)
	}
	invalid, err := fixture.WriteComparison("invalid", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if run, _ := series.TypicalRun(invalid, series.SideNew); run.LeftOut {
		t.Error("a run that does not count is typical")
	}
	if run, _ := series.TypicalRun(&result.Comparison{}, series.SideNew); run != nil {
		t.Error("without runs there is one")
	}
}

// What lies beyond the axis is an arrow at its end.
func TestBarBeyondTheAxis(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		m    result.ComparedMeasure
		want string
	}{
		{result.ComparedMeasure{ChangePercent: 152, Low: p(150), High: p(154)}, strings.Repeat(" ", barCells/2) + "|" + strings.Repeat(" ", barCells/2-1) + ">"},
		{result.ComparedMeasure{ChangePercent: -152}, "<" + strings.Repeat(" ", barCells/2-1) + "|" + strings.Repeat(" ", barCells/2)},
		{result.ComparedMeasure{ChangePercent: 20}, strings.Repeat(" ", barCells/2) + "|" + strings.Repeat(" ", barCells/2-1) + "o"},
	} {
		c.m.Known, c.m.Unit, c.m.Verdict = true, "B", result.Shown
		if got := bar(&c.m, 20); got != c.want {
			t.Errorf("%v %%: %q, want %q", c.m.ChangePercent, got, c.want)
		}
	}
}
