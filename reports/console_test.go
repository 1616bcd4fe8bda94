package reports

import (
	"bufio"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"bench/internal/result"
	"bench/reports/internal/fixture"
	"bench/reports/internal/tty"
	"bench/reports/series"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a committed file.
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

// folder writes a fixture and gives its path.
func folder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := fixture.Write(name, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// replay feeds a folder to a live view up to a time.
func replay(t *testing.T, dir string, untilUs int64, live Live) *result.Run {
	t.Helper()
	d, err := series.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := d.Cells[0]
	plan := Plan{
		Scenario: d.Run.Scenario, Cell: c.Name, Proxy: c.Proxy.Driver + " " + c.Proxy.Version, Seed: d.Run.Seed, Load: "open loop 300/s",
		LengthUs: c.LengthUs, Phases: c.Phases, Events: c.Events, CellCount: 1,
	}
	for _, o := range c.Objectives {
		plan.Objectives = append(plan.Objectives, result.Objective{Expr: o.Expr, Metric: o.Metric, Op: o.Op, Wanted: o.Wanted, Unit: o.Unit})
	}
	live.Begin(plan)
	for _, p := range c.Phases {
		if p.StartUs <= untilUs {
			live.Phase(p)
		}
	}
	f, err := os.Open(filepath.Join(dir, "timeline.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	events, samples := c.Events, c.Samples
	for in.Scan() {
		var i result.Interval
		if err := json.Unmarshal(in.Bytes(), &i); err != nil {
			t.Fatal(err)
		}
		end := i.StartUs + i.LengthUs
		if end > untilUs {
			break
		}
		for len(events) > 0 && events[0].BeginUs < end {
			live.Event(events[0], false)
			if e := events[0]; e.EndUs > e.BeginUs && e.EndUs <= untilUs {
				live.Event(e, true)
			}
			events = events[1:]
		}
		for len(samples) > 0 && samples[0].AtUs < end {
			live.Sample(samples[0])
			samples = samples[1:]
		}
		live.Interval(i)
	}
	return d.Run
}

// stateAt is the state of a view after a replay, and the moment it shows.
func stateAt(t *testing.T, dir string, untilUs int64) (*liveState, time.Time) {
	t.Helper()
	c := &Console{done: make(chan struct{}), more: make(chan struct{}, 1)}
	replay(t, dir, untilUs, c)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c.state.begun = start
	return &c.state, start.Add(time.Duration(untilUs) * time.Microsecond)
}

func TestLiveFrames(t *testing.T) {
	dir := folder(t, "stop")
	s, now := stateAt(t, dir, 25_300_000)
	for _, c := range []struct {
		file          string
		width, height int
		style         tty.Style
		pane          rune
	}{
		{"live-80.txt", 80, 24, tty.Style{}, paneMessages},
		{"live-60.txt", 60, 24, tty.Style{}, paneMessages},
		{"live-200.txt", 200, 50, tty.Style{}, paneMessages},
		{"live-ascii.txt", 80, 24, tty.Style{ASCII: true}, paneMessages},
		{"live-events.txt", 80, 24, tty.Style{}, paneEvents},
		{"live-resources.txt", 80, 24, tty.Style{}, paneResources},
		{"live-upstreams.txt", 80, 24, tty.Style{}, paneUpstreams},
		{"live-help.txt", 80, 24, tty.Style{}, paneHelp},
	} {
		lines := s.frame(c.style, c.width, c.height, now, c.pane)
		if len(lines) > c.height {
			t.Errorf("%s: %d lines of %d", c.file, len(lines), c.height)
		}
		for _, l := range lines {
			if tty.Width(l) > c.width {
				t.Errorf("%s: %d columns: %q", c.file, tty.Width(l), l)
			}
			if c.style.ASCII && strings.IndexFunc(l, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
				t.Errorf("%s: not ASCII: %q", c.file, l)
			}
			if strings.ContainsRune(l, 0x1b) {
				t.Errorf("%s: an escape without colour: %q", c.file, l)
			}
		}
		golden(t, c.file, strings.Join(lines, "\n")+"\n")
	}
	// Any size is drawn without a panic, within its bounds.
	for width := 1; width < 100; width += 7 {
		for height := 1; height < 30; height += 3 {
			for _, l := range s.frame(tty.Style{}, width, height, now, paneMessages) {
				if tty.Width(l) > max(width, 20) {
					t.Fatalf("%dx%d: %q", width, height, l)
				}
			}
		}
	}
}

func TestLiveBeforeAnything(t *testing.T) {
	s := &liveState{}
	s.begin(Plan{Scenario: "x"})
	lines := s.frame(tty.Style{}, 80, 24, time.Now(), paneMessages)
	if !strings.Contains(strings.Join(lines, "\n"), "setting up") {
		t.Errorf("frame: %q", lines)
	}
}

// A run tells its counts twice, by readings and by intervals; the first interval may
// come before the first reading.
func TestLiveCountsOnce(t *testing.T) {
	s := &liveState{}
	s.begin(Plan{Scenario: "x"})
	for at := int64(0); at < 2*second; at += second / 5 {
		s.interval(result.Interval{StartUs: at, LengthUs: second / 5, Offered: 10, Completed: 9, Good: 8, Errors: map[string]uint64{"timeout": 1}})
		if at%(2*second/5) != 0 {
			s.progress(result.Progress{AtUs: at + second/5, LengthUs: 2 * second / 5, Offered: 20, Completed: 18, Good: 16, Errors: map[string]uint64{"timeout": 2}})
		}
	}
	var offered, completed, good, failed uint64
	for i := range s.seconds {
		t := &s.seconds[i]
		offered, completed, good, failed = offered+t.offered, completed+t.completed, good+t.good, failed+t.errors.Total()
	}
	if offered != 100 || completed != 90 || good != 80 || failed != 10 {
		t.Errorf("offered %d, completed %d, good %d, failed %d, want 100, 90, 80 and 10", offered, completed, good, failed)
	}
}

func TestHostileNamesStayInPlace(t *testing.T) {
	s, now := stateAt(t, folder(t, "hostile"), 25_300_000)
	for _, pane := range []rune{paneMessages, paneEvents, paneUpstreams} {
		for _, l := range s.frame(tty.Style{}, 80, 24, now, pane) {
			if tty.Width(l) > 80 || strings.ContainsAny(l, "\x1b\x07\u202e\u2066\u200f") {
				t.Errorf("%q", l)
			}
		}
	}
}

func TestLineMode(t *testing.T) {
	dir := folder(t, "stop")
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	c := NewConsole(out, nil, ConsoleOptions{Getenv: func(k string) string { return map[string]string{"TERM": "xterm", "LANG": "C.UTF-8"}[k] }})
	run := replay(t, dir, 26_300_000, c)
	c.End(run.Cells[0])
	c.Close()
	c.Close() // twice does no harm
	raw, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "lines.txt", string(raw))
	form := regexp.MustCompile(`^(BEGIN( \w+=\S+)+|END cell=\S+ verdict=\S+( reason=\S+)?|-?\d+:\d\d phase=\S+ offered=\d+ good=\d+ err=\d+ p50ok=\S+ maxok=\S+ lag=\S+|` +
		`-?\d+:\d\d\.\d EVENT \w+=\d+ (begin|end|not-applied) kind=\S+ target=\S+)$`)
	for l := range strings.Lines(string(raw)) {
		if l = strings.TrimSuffix(l, "\n"); !form.MatchString(l) {
			t.Errorf("not of the form: %q", l)
		}
	}
}

// blocked never takes a byte.
type blocked struct{}

func (blocked) Write([]byte) (int, error) { select {} }

func TestCallersNeverWaitForTheReader(t *testing.T) {
	c := &Console{lines: true, out: io.Writer(blocked{}), done: make(chan struct{}), more: make(chan struct{}, 1)}
	go c.writeLines()
	finished := make(chan struct{})
	go func() {
		for range 100_000 {
			c.Message("a line that nobody reads")
		}
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(20 * time.Second):
		t.Fatal("a caller waits for the output")
	}
}
