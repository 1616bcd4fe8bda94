package compare

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"bench/internal/result"
	"bench/scenarios/document"
	"bench/scenarios/measures/testfolder"
)

// shelf is a place for recorded runs.
type shelf struct {
	t    *testing.T
	dir  string
	text string // of the scenario, as resolved
	at   time.Time
	n    int
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	doc, err := document.Parse("s.yaml", []byte(text), document.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &shelf{t: t, dir: t.TempDir(), text: string(doc.Resolved), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// put records a run on a side; its times are so many times 200 µs.
func (s *shelf) put(side string, factor float64, change func(*testfolder.Run)) {
	s.t.Helper()
	s.n++
	s.at = s.at.Add(time.Minute)
	var us []uint32
	for i := range 100 {
		us = append(us, uint32(factor*float64(100_000+1000*i+7*(s.n%5))/1000))
	}
	r := &testfolder.Run{
		Record:  result.Run{Scenario: "fake", Text: s.text, StartedAt: s.at.Format(time.RFC3339Nano)},
		Loads:   []testfolder.Load{{Name: "clients", Us: us, Times: 20}},
		Seconds: 2, CPU: 0.2 * factor, System: 0.1,
		Env: map[string]any{"hostname": "h", "kernel": "6.1", "cpuModel": "x", "cpus": 2, "limits": map[string]any{"nofile": 1024}},
	}
	if change != nil {
		change(r)
	}
	testfolder.Write(s.t, filepath.Join(s.dir, side, fmt.Sprintf("run-%03d", s.n)), r)
}

func (s *shelf) compare(force bool) *result.Comparison {
	s.t.Helper()
	c, err := Recorded(RecordedOptions{Base: filepath.Join(s.dir, Base), New: filepath.Join(s.dir, New), Force: force, Now: time.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func TestRecordedApart(t *testing.T) {
	s := newShelf(t)
	for range 3 {
		s.put(Base, 1, nil)
	}
	for range 3 {
		s.put(New, 1.3, nil)
	}
	c := s.compare(false)
	if c.Interleaved || c.Verdict != result.Unclear || c.ExitCode != exitUnclear || !strings.Contains(c.Reason, "were not interleaved") || !strings.Contains(c.Reason, "5 sessions") {
		t.Errorf("%s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
	}
	if m := find(t, c, result.MeasureP50); m.ChangePercent < 28 || m.ChangePercent > 32 || m.Low != nil || m.Verdict != result.Undecided || len(m.NewValues) != 3 {
		t.Errorf("p50 %+v", m)
	}
	if len(c.Differs) != 0 || len(c.Runs) != 6 {
		t.Errorf("differs %+v, %d runs", c.Differs, len(c.Runs))
	}
}

func TestRecordedInterleaved(t *testing.T) {
	for _, tt := range []struct {
		factor  float64
		code    int
		verdict string
	}{{1.2, exitWorse, result.Slower}, {1, 0, ""}} {
		s := newShelf(t)
		for i := range 16 {
			sides := []string{Base, New}
			if i%3 == 0 {
				sides[0], sides[1] = New, Base
			}
			for _, side := range sides {
				factor := 1 + 0.004*float64((i*7+len(side))%5)
				if side == New {
					factor *= tt.factor
				}
				s.put(side, factor, nil)
			}
		}
		c := s.compare(false)
		if !c.Interleaved || c.ExitCode != tt.code || tt.verdict != "" && c.Verdict != tt.verdict || c.Method != "fixed" || c.Pairs != 16 {
			t.Errorf("factor %v: %s, exit code %d: %s", tt.factor, c.Verdict, c.ExitCode, c.Reason)
		}
	}
}

// Sessions of other days tell how much they differ, and what is beyond that.
func TestRecordedSessions(t *testing.T) {
	record := func(factor, noise float64) *result.Comparison {
		s := newShelf(t)
		for i := range 8 {
			s.at = s.at.Add(24 * time.Hour)
			s.put(Base, 1+noise*float64(i%3), nil)
			s.put(Base, 1+noise*float64(i%3), nil)
		}
		s.at = s.at.Add(24 * time.Hour)
		s.put(New, factor, nil)
		return s.compare(false)
	}
	for _, tt := range []struct {
		factor, noise float64
		code          int
		verdicts      string
	}{
		{1.3, 0.004, exitWorse, result.Slower},
		{1.03, 0.004, exitWorse, result.Slower},
		{1.0, 0.004, 0, result.Same + result.Under5},
		{0.7, 0.004, 0, result.Better},
		// A change that is certain, and too small to matter.
		{1.012, 0.0002, 0, result.Same + result.Under5},
		// Where sessions differ more, so small a change cannot be told.
		{1.03, 0.012, exitUnclear, result.Unclear},
	} {
		c := record(tt.factor, tt.noise)
		if c.ExitCode != tt.code || !strings.Contains(tt.verdicts, c.Verdict) {
			t.Errorf("%+v: %s, exit code %d: %s", tt, c.Verdict, c.ExitCode, c.Reason)
		}
		if m := find(t, c, result.MeasureP50); m.Low == nil || *m.Low > m.ChangePercent || *m.High < m.ChangePercent {
			t.Errorf("%+v: %+v", tt, m)
		}
	}
}

// As many failures as the base once had in a session are none more; more than it ever had
// are not decided, and never pass.
func TestRecordedFailures(t *testing.T) {
	for failed, code := range map[uint64]int{0: 0, 5: 0, 6: exitUnclear} {
		s := newShelf(t)
		for i := range 8 {
			s.at = s.at.Add(24 * time.Hour)
			s.put(Base, 1+0.004*float64(i%3), func(r *testfolder.Run) { r.Loads[0].Failed = uint64(i % 6) })
		}
		s.at = s.at.Add(24 * time.Hour)
		s.put(New, 1, func(r *testfolder.Run) { r.Loads[0].Failed = failed })
		if c := s.compare(false); c.ExitCode != code || code != 0 && !strings.Contains(c.Reason, "more than in any session of the base") {
			t.Errorf("%d failed: %s, exit code %d: %s", failed, c.Verdict, c.ExitCode, c.Reason)
		}
	}
}

// On another machine, sessions say nothing.
func TestRecordedOtherMachine(t *testing.T) {
	s := newShelf(t)
	for range 6 {
		s.at = s.at.Add(24 * time.Hour)
		s.put(Base, 1, nil)
	}
	s.put(New, 1.3, func(r *testfolder.Run) { r.Env["kernel"] = "6.2"; r.Env["limits"] = map[string]any{"nofile": 4096} })
	c := s.compare(false)
	if c.ExitCode != exitUnclear || !strings.Contains(c.Reason, "another kernel") {
		t.Errorf("exit code %d: %s", c.ExitCode, c.Reason)
	}
	want := []result.ComparisonFact{{Name: "kernel", Base: "6.1", New: "6.2"}, {Name: "limit nofile", Base: "1024", New: "4096"}}
	if len(c.Differs) != 2 || c.Differs[0] != want[0] || c.Differs[1] != want[1] {
		t.Errorf("differs %+v", c.Differs)
	}
}

func TestRecordedOtherWork(t *testing.T) {
	for name, change := range map[string]func(*testfolder.Run){
		"scenario, load": func(r *testfolder.Run) { r.Record.Text = strings.Replace(r.Record.Text, "1000/s", "900/s", 1) },
		"scenario":       func(r *testfolder.Run) { r.Record.Scenario = "another" },
		"loop of load clients": func(r *testfolder.Run) {
			r.Loads[0].Arrival = "closed"
		},
		"length": func(r *testfolder.Run) { r.Seconds = 4 },
	} {
		s := newShelf(t)
		s.put(Base, 1, nil)
		s.put(New, 1, change)
		c := s.compare(false)
		if c.Verdict != result.NotComparable || c.ExitCode != exitUnclear || len(c.Measures) != 0 {
			t.Errorf("%s: %s, exit code %d, %d measures", name, c.Verdict, c.ExitCode, len(c.Measures))
		}
		if len(c.Differs) == 0 || c.Differs[0].Name != name || !c.Differs[0].Decisive || !strings.Contains(c.Reason, name) {
			t.Errorf("%s: differs %+v: %s", name, c.Differs, c.Reason)
		}
		if c = s.compare(true); c.Verdict == result.NotComparable || len(c.Measures) == 0 {
			t.Errorf("%s, forced: %s", name, c.Verdict)
		}
	}
	// What one side does not have at all is called so, and of a whole part of the other the
	// first line is enough.
	s := newShelf(t)
	s.put(Base, 1, nil)
	s.put(New, 1, func(r *testfolder.Run) {
		r.Loads[0].Name = "others"
		r.Record.Text += "events:\n  - {at: 1s, do: \"proxy/pause\"}\n  - {at: 2s, do: \"proxy/resume\"}\n"
	})
	for _, want := range []string{"loop of load clients (open / none)", "loop of load others (none / open)", "scenario, events (none / events:)"} {
		if c := s.compare(false); !strings.Contains(c.Reason, want) {
			t.Errorf("want %s in: %s", want, c.Reason)
		}
	}
	// Another proxy is what is compared, and limits change nothing of the work.
	s = newShelf(t)
	s.put(Base, 1, nil)
	s.put(New, 1, func(r *testfolder.Run) {
		r.Record.Text = strings.Replace(strings.Replace(r.Record.Text, "failed == 0", "failed < 5", 1), "proxy:\n", "proxy:\n  driver: haproxy\n", 1)
		r.Record.Cells = []*result.Cell{{Name: "run", Verdict: result.Pass, Proxy: result.Proxy{Driver: "haproxy", Version: "2.6", ProgramHash: strings.Repeat("a", 64)}}}
	})
	c := s.compare(false)
	if c.Verdict == result.NotComparable || c.New.Label != "haproxy 2.6" || c.Base.Label != "builtin 1.0" {
		t.Errorf("%s: %s; %s and %s", c.Verdict, c.Reason, c.Base.Label, c.New.Label)
	}
	names := map[string]bool{}
	for _, f := range c.Differs {
		names[f.Name] = true
	}
	if !names["proxy"] || names["proxy build"] || !names["scenario, objectives"] || !names["settings of the proxy"] {
		t.Errorf("differs %+v", c.Differs)
	}
}

func TestRecordedLeftOut(t *testing.T) {
	s := newShelf(t)
	s.put(Base, 1, func(r *testfolder.Run) {
		r.Record.Cells = []*result.Cell{{Name: "run", Verdict: result.Pass, Trust: result.Trust{ForeignCPU: 0.4}}}
	})
	s.put(New, 1, nil)
	c := s.compare(false)
	if c.Verdict != result.Invalid || !strings.Contains(c.Reason, "other programs") || !c.Runs[0].LeftOut || c.Runs[1].LeftOut {
		t.Errorf("%s: %s; %+v", c.Verdict, c.Reason, c.Runs)
	}
}

func TestRecordedFolders(t *testing.T) {
	s := newShelf(t)
	s.put(Base, 1, nil)
	s.put(New, 1, nil)
	one := filepath.Join(s.dir, New, "run-002")
	if c, err := Recorded(RecordedOptions{Base: filepath.Join(s.dir, Base), New: one, Now: time.Now}); err != nil || len(c.Runs) != 2 {
		t.Errorf("a result folder itself: %v", err)
	}
	if _, err := Recorded(RecordedOptions{Base: s.dir, New: one, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "neither a result folder nor a folder of them") {
		t.Errorf("error %v", err)
	}
	if err := Save(filepath.Join(s.dir, Base, result.ComparisonFile), &result.Comparison{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Recorded(RecordedOptions{Base: filepath.Join(s.dir, Base), New: one, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "the folder of a comparison") {
		t.Errorf("error %v", err)
	}
}

// One record among others that cannot be read is left out, and said to be; alone it is an
// error.
func TestRecordedUnreadable(t *testing.T) {
	s := newShelf(t)
	s.put(Base, 1, nil)
	s.put(New, 1, nil)
	torn := filepath.Join(s.dir, New, "run-torn")
	if err := os.Mkdir(torn, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(torn, "run.json"), []byte(`{"version": 1,`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := s.compare(false)
	if len(c.Runs) != 2 || len(c.Warnings) == 0 || !strings.Contains(c.Warnings[0], "left out, it cannot be read: ") || !strings.Contains(c.Warnings[0], torn) {
		t.Errorf("%d runs, warnings %q", len(c.Runs), c.Warnings)
	}
	if _, err := Recorded(RecordedOptions{Base: filepath.Join(s.dir, Base), New: torn, Now: time.Now}); err == nil || !strings.Contains(err.Error(), torn) {
		t.Errorf("error %v", err)
	}
}

// Two builds of one version are told apart by the first line in which they differ, or by
// their sums.
func TestBuildsDiffer(t *testing.T) {
	s := newShelf(t)
	put := func(side, build, hash string) {
		s.put(side, 1, func(r *testfolder.Run) {
			r.Record.Cells = []*result.Cell{{Name: "run", Verdict: result.Pass, Proxy: result.Proxy{Driver: "haproxy", Version: "2.6", Build: build, ProgramHash: hash}}}
		})
	}
	put(Base, "Running on Linux\nBuilt with OpenSSL 3.0.17\nmore", strings.Repeat("a", 64))
	put(New, "Running on Linux\nBuilt with OpenSSL 3.0.18\nmore", strings.Repeat("b", 64))
	c := s.compare(false)
	want := result.ComparisonFact{Name: "proxy build", Base: "Built with OpenSSL 3.0.17", New: "Built with OpenSSL 3.0.18"}
	if len(c.Differs) != 1 || c.Differs[0] != want {
		t.Errorf("differs %+v", c.Differs)
	}
}

// The folder of a baseline has its noise floor beside the runs.
func TestRecordedBesideFiles(t *testing.T) {
	s := newShelf(t)
	s.put(Base, 1, nil)
	s.put(New, 1, nil)
	for _, at := range []string{filepath.Join(s.dir, Base, FloorFile), filepath.Join(s.dir, "file")} {
		if err := os.WriteFile(at, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c := s.compare(false); len(c.Runs) != 2 {
		t.Errorf("%d runs", len(c.Runs))
	}
	if _, err := Recorded(RecordedOptions{Base: filepath.Join(s.dir, "file"), New: filepath.Join(s.dir, New), Now: time.Now}); err == nil {
		t.Error("a file is taken for a folder")
	}
}

// Runs that others disturbed count only if the user says so; those that were not carried
// out as written never do.
func TestRecordedDisturbed(t *testing.T) {
	for _, c := range []struct {
		change func(*testfolder.Run)
		counts bool
	}{
		{func(r *testfolder.Run) {
			r.Record.Cells = []*result.Cell{{Name: "run", Verdict: result.Pass, Trust: result.Trust{ForeignCPU: 0.5}}}
		}, true},
		{func(r *testfolder.Run) { r.Record.Verdict = result.Partial }, false},
	} {
		s := newShelf(t)
		for range 7 {
			s.put(Base, 1, c.change)
			s.put(New, 1, c.change)
		}
		if got := s.compare(false); got.Verdict != result.Invalid || got.ExitCode != exitUnclear || strings.Contains(got.Reason, "--keep-disturbed") != c.counts {
			t.Errorf("%s: %s", got.Verdict, got.Reason)
		}
		got, err := Recorded(RecordedOptions{Base: filepath.Join(s.dir, Base), New: filepath.Join(s.dir, New), KeepDisturbed: true, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if c.counts != (got.Pairs == 7) || c.counts != strings.Contains(strings.Join(got.Warnings, " "), "14 of 14 runs were disturbed and count all the same") {
			t.Errorf("%s, %d pairs: %s; %v", got.Verdict, got.Pairs, got.Reason, got.Warnings)
		}
	}
}

// All measures that decide share the chance of a false alarm: the interval of each is that
// of its part.
func TestRecordedSessionsShareAlpha(t *testing.T) {
	s := newShelf(t)
	for i := range 8 {
		s.at = s.at.Add(24 * time.Hour)
		s.put(Base, 1+0.01*float64(i%3), nil)
	}
	s.at = s.at.Add(24 * time.Hour)
	s.put(New, 1, nil)
	c := s.compare(false)
	m := find(t, c, result.MeasureP50)
	gates := 0
	for i := range c.Measures {
		if k := &c.Measures[i]; k.Gated && k.Unit == "us" {
			gates++
		}
	}
	var logs []float64
	for _, v := range m.BaseValues {
		logs = append(logs, math.Log(v))
	}
	n := float64(len(logs))
	tail := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(1 - c.Alpha/2/float64(gates))
	want := 2 * tail * stat.StdDev(logs, nil) * math.Sqrt(1+1/n)
	if m.Low == nil || m.High == nil {
		t.Fatalf("%+v", m)
	}
	if got := math.Log1p(*m.High/100) - math.Log1p(*m.Low/100); gates < 2 || math.Abs(got-want) > 1e-9 {
		t.Errorf("width %v, want %v with %d measures that decide", got, want, gates)
	}
}

// What the new side cannot state may be what has changed: it decides nothing, and passes
// nothing.
func TestRecordedUnknownNeverPasses(t *testing.T) {
	for name, tt := range map[string]struct {
		newer  func(*testfolder.Run)
		reason string
	}{
		"no response at all": {func(r *testfolder.Run) { r.Loads[0].Us = nil }, result.MeasureP50},
		"no load at all":     {func(r *testfolder.Run) { r.Loads = nil }, ""},
		"a proxy unseen":     {func(r *testfolder.Run) { r.CPU = 0 }, result.MeasureCPU},
	} {
		s := newShelf(t)
		for i := range 8 {
			s.at = s.at.Add(24 * time.Hour)
			s.put(Base, 1+0.004*float64(i%3), nil)
		}
		s.at = s.at.Add(24 * time.Hour)
		s.put(New, 1, tt.newer)
		c := s.compare(true)
		if c.Verdict != result.Unclear || c.ExitCode != exitUnclear || !strings.Contains(c.Reason, tt.reason) {
			t.Errorf("%s: %s, exit code %d: %s", name, c.Verdict, c.ExitCode, c.Reason)
		}
	}
	// Known on neither side it does not decide, and that is said; where nothing decides,
	// nothing passes.
	s := newShelf(t)
	for range 8 {
		s.at = s.at.Add(24 * time.Hour)
		s.put(Base, 1, func(r *testfolder.Run) { r.CPU = 0 })
	}
	s.at = s.at.Add(24 * time.Hour)
	s.put(New, 1, func(r *testfolder.Run) { r.CPU = 0 })
	c := s.compare(false)
	if m := find(t, c, result.MeasureCPU); c.ExitCode != 0 || m.Gated || !strings.Contains(strings.Join(c.Warnings, "\n"), "cpu/request does not decide, because no run has it") {
		t.Errorf("%s, exit code %d: %s; %q", c.Verdict, c.ExitCode, c.Reason, c.Warnings)
	}
	bare := &recorded{record: &result.Comparison{Measures: []result.ComparedMeasure{}}}
	if bare.conclude("", 8); bare.record.Verdict != result.Unclear || bare.record.ExitCode != exitUnclear {
		t.Errorf("nothing decides, and it is %s, exit code %d", bare.record.Verdict, bare.record.ExitCode)
	}
}

// A new side that states a measure in few of its runs only does not pass by these.
func TestRecordedSeldomKnown(t *testing.T) {
	s := newShelf(t)
	for i := range 8 {
		s.at = s.at.Add(24 * time.Hour)
		s.put(Base, 1+0.004*float64(i%3), nil)
	}
	s.at = s.at.Add(24 * time.Hour)
	for i := range 5 {
		s.put(New, 1, func(r *testfolder.Run) {
			if i > 0 {
				r.Loads[0].Us = r.Loads[0].Us[:1] // too few responses for a percentile
				r.Loads[0].Times = 1
			}
		})
	}
	c := s.compare(false)
	if m := find(t, c, result.MeasureP99); m.Known || m.Verdict != result.Undecided || !strings.Contains(m.Reason, "known in 8 of 8 runs of the base and 1 of 5 of the new side") || c.ExitCode != exitUnclear {
		t.Errorf("%+v, exit code %d", m, c.ExitCode)
	}
}

// A run is never held against itself, and what makes no sense as a side is named.
func TestRecordedSides(t *testing.T) {
	s := newShelf(t)
	s.put(Base, 1, nil)
	s.put(Base, 1, nil)
	base := filepath.Join(s.dir, Base)
	one := filepath.Join(base, "run-001")
	c, err := Recorded(RecordedOptions{Base: base, New: one, Now: time.Now})
	if err != nil || len(c.Runs) != 2 || !strings.Contains(strings.Join(c.Warnings, "\n"), "run-001 is not one of the base's runs") {
		t.Errorf("a new run within the base: %v, %+v", err, c)
	}
	file := filepath.Join(s.dir, "s.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ base, other, want string }{
		{one, one, "nothing is left to compare with"},
		{base, base, "nothing is left to compare with"},
		{base, file, "is a file"},
		{filepath.Join(s.dir, "gone"), one, "there is no such folder"},
	} {
		if _, err := Recorded(RecordedOptions{Base: tt.base, New: tt.other, Now: time.Now}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s against %s: %v", tt.base, tt.other, err)
		}
	}
}

// Without the time of its start a run belongs to no session.
func TestRecordedWithoutTime(t *testing.T) {
	s := newShelf(t)
	s.put(Base, 1, nil)
	s.put(Base, 1, func(r *testfolder.Run) { r.Record.StartedAt = "yesterday" })
	s.put(New, 1, nil)
	if c := s.compare(false); len(c.Runs) != 2 || !strings.Contains(c.Warnings[0], "does not say when it started") {
		t.Errorf("%d runs, warnings %q", len(c.Runs), c.Warnings)
	}
}
