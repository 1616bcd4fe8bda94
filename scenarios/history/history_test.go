package history

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

// latency has n responses of which half take p50 and a few p99 (both in µs).
func latency(t *testing.T, n int, p50 float64) result.Latency {
	t.Helper()
	h := hdrhistogram.New(1, 3_600_000_000, 3)
	for i := range n {
		v := p50
		if i%50 == 0 {
			v *= 4
		}
		if err := h.RecordValue(int64(v)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	return result.Latency{Unit: "us", Count: uint64(n), P50: p50, HDR: string(text)}
}

// spec is what a recorded run has.
type spec struct {
	day     int
	hash    string
	host    string
	kernel  string
	label   string
	commit  string
	axes    []result.Axis
	cells   []cellSpec
	verdict string
	change  func(*result.Run)
}

// cellSpec is what a cell has.
type cellSpec struct {
	vars    map[string]string
	driver  string
	p50     float64
	samples int // 0: enough for p99
	failed  uint64
	good    uint64
	verdict string
}

func (s *spec) write(t *testing.T, dir string) {
	t.Helper()
	or := func(a, b string) string {
		if a == "" {
			return b
		}
		return a
	}
	run := &result.Run{
		Version: 1, Scenario: "web", Hash: or(s.hash, "abcdef0123"), Verdict: or(s.verdict, result.Pass), Label: s.label, Tool: result.Tool{Version: "1.0", Commit: s.commit},
		StartedAt: time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC).AddDate(0, 0, s.day).Format(time.RFC3339), Axes: s.axes,
	}
	for _, c := range s.cells {
		n := c.samples
		if n == 0 {
			n = 2000
		}
		var names []string
		for _, a := range s.axes {
			names = append(names, a.Name+"="+c.vars[a.Name])
		}
		l := result.Load{Name: "clients", Target: "proxy/web", DurationSeconds: 10}
		l.Requests, l.Failed, l.GoodWithin = uint64(n)+c.failed, c.failed, uint64(n)
		if c.good > 0 {
			l.GoodWithin = c.good
		}
		l.Completed, l.Response, l.Service = uint64(n), latency(t, n, c.p50), latency(t, n, c.p50/2)
		run.Cells = append(run.Cells, &result.Cell{
			Name: or(strings.Join(names, ","), "run"), Vars: c.vars, Verdict: or(c.verdict, result.Pass), LengthUs: 10e6,
			Proxy: result.Proxy{Driver: or(c.driver, "builtin"), Version: "2.6.12"}, Loads: []result.Load{l},
			Phases: []result.Phase{{Name: "steady", LengthUs: 10e6, Measured: true}},
		})
	}
	if s.change != nil {
		s.change(run)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	env := map[string]any{"hostname": or(s.host, "ci-3"), "cpuModel": "Example CPU", "cpus": 2, "kernel": or(s.kernel, "6.1.0")}
	for name, v := range map[string]any{"run.json": run, "env.json": env} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// record writes runs into folders of one directory.
func record(t *testing.T, runs ...spec) string {
	t.Helper()
	dir := t.TempDir()
	for i := range runs {
		runs[i].write(t, filepath.Join(dir, fmt.Sprintf("r%02d", i)))
	}
	return dir
}

func mustRead(t *testing.T, o Options, dirs ...string) *result.History {
	t.Helper()
	h, err := Read(dirs, o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func measure(t *testing.T, h *result.History, group int, cell, name string) *result.HistoryMeasure {
	t.Helper()
	for i := range h.Groups[group].Measures {
		if m := &h.Groups[group].Measures[i]; m.Cell == cell && m.Name == name {
			return m
		}
	}
	t.Fatalf("no measure %s of cell %q", name, cell)
	return nil
}

// show is values for comparison; "-" where there is none.
func show(m *result.HistoryMeasure) string {
	var parts []string
	for _, v := range m.Values {
		if v == nil {
			parts = append(parts, "-")
		} else {
			parts = append(parts, fmt.Sprintf("%.3g", *v))
		}
	}
	return strings.Join(parts, " ")
}

func single(p50 float64) []cellSpec { return []cellSpec{{p50: p50}} }

// Runs come in the order of their start, whatever their folders are called, and have the
// label they were given, else the commit, else their folder's name.
func TestOrderAndLabels(t *testing.T) {
	dir := record(t,
		spec{day: 5, cells: single(500), commit: "0123456789abcdef"},
		spec{day: 1, cells: single(100), label: "v1"},
		spec{day: 3, cells: single(300)},
		spec{day: 2, cells: single(200), change: func(r *result.Run) { r.StartedAt = "2026-01-03T03:30:00+05:00" }}, // in UTC still the 2nd
	)
	h := mustRead(t, Options{}, dir)
	var labels []string
	for _, r := range h.Groups[0].Runs {
		labels = append(labels, r.Label)
	}
	if want := []string{"v1", "r03", "r02", "0123456789ab"}; !slices.Equal(labels, want) {
		t.Errorf("runs %q, want %q", labels, want)
	}
	if got := show(measure(t, h, 0, "", "response.p50")); got != "100 200 300 500" {
		t.Errorf("p50 %s", got)
	}
	if m := measure(t, h, 0, "", "response.p50"); !strings.Contains(m.Refused, "4 values; a change needs 10") || len(m.Changes) != 0 {
		t.Errorf("changes of four runs: %q", m.Refused)
	}
	if len(h.Warnings) != 1 || !strings.Contains(h.Warnings[0], "without a reference") {
		t.Errorf("warnings %q", h.Warnings)
	}
}

// What cannot be held against each other is told apart.
func TestGroups(t *testing.T) {
	dir := record(t,
		spec{day: 1, cells: single(100)},
		spec{day: 2, cells: single(100), hash: "fedcba"},
		spec{day: 3, cells: single(100), host: "ci-4"},
		spec{day: 4, cells: single(100), change: func(r *result.Run) { r.Scenario = "other" }},
		spec{day: 5, cells: single(100), kernel: "6.8.0"},
	)
	h := mustRead(t, Options{}, dir)
	var got []string
	for i := range h.Groups {
		g := &h.Groups[i]
		got = append(got, fmt.Sprintf("%s %s %s %d", g.Scenario, g.Work, g.Host, len(g.Runs)))
	}
	// The latest last: that of days 1 and 5.
	if want := []string{"web fedcba ci-3 1", "web abcdef0123 ci-4 1", "other abcdef0123 ci-3 1", "web abcdef0123 ci-3 2"}; !slices.Equal(got, want) {
		t.Errorf("groups %q, want %q", got, want)
	}
	if !slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.HasPrefix(w, "4 groups of runs differ") }) {
		t.Errorf("warnings %q", h.Warnings)
	}
	// Another processor, or another number of them.
	for name, env := range map[string]string{"model": `{"hostname":"ci-3","cpuModel":"Other","cpus":2}`, "number": `{"hostname":"ci-3","cpuModel":"Example CPU","cpus":4}`} {
		if err := os.WriteFile(filepath.Join(dir, "r00", "env.json"), []byte(env), 0o600); err != nil {
			t.Fatal(err)
		}
		if h := mustRead(t, Options{}, dir); len(h.Groups) != 5 {
			t.Errorf("another %s of processors: %d groups", name, len(h.Groups))
		}
	}
}

// Where each run has a host of its own, those with the same processors can be taken for
// one, and a change says that the host changed with it.
func TestAnyHost(t *testing.T) {
	var specs []spec
	for i := range 12 {
		s := spec{day: i + 1, cells: single(100), host: fmt.Sprintf("runner-%d", i)}
		if i >= 6 {
			s.cells, s.host = single(130), fmt.Sprintf("pod-%d", i)
		}
		specs = append(specs, s)
	}
	dir := record(t, specs...)
	if h := mustRead(t, Options{}, dir); len(h.Groups) != 12 || !slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.Contains(w, "--any-host") }) {
		t.Errorf("%d groups, warnings %q", len(h.Groups), h.Warnings)
	}
	h := mustRead(t, Options{AnyHost: true}, dir)
	if len(h.Groups) != 1 || h.Groups[0].Host != "" || !slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.HasPrefix(w, "the runs are of 12 hosts") }) {
		t.Fatalf("%d groups, warnings %q", len(h.Groups), h.Warnings)
	}
	m := measure(t, h, 0, "", "response.p50")
	if len(m.Changes) != 1 || m.Changes[0].Run != 6 || !slices.Contains(m.Changes[0].With, "host runner-5 → pod-6") {
		t.Errorf("changes %+v", m.Changes)
	}
	// Other processors stay apart.
	if err := os.WriteFile(filepath.Join(dir, "r00", "env.json"), []byte(`{"hostname":"runner-0","cpuModel":"Other","cpus":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if h := mustRead(t, Options{AnyHost: true}, dir); len(h.Groups) != 2 {
		t.Errorf("another model of processors: %d groups", len(h.Groups))
	}
}

// INVALID and PARTIAL runs, and what cannot be read, do not count, and are listed; a
// cell of that kind, and a measure with too few samples, leaves a gap.
func TestWhatDoesNotCount(t *testing.T) {
	axes := []result.Axis{{Name: "poller", Values: []string{"epoll", "poll"}}}
	cells := func(change func(c []cellSpec)) []cellSpec {
		all := []cellSpec{{vars: map[string]string{"poller": "epoll"}, p50: 100}, {vars: map[string]string{"poller": "poll"}, p50: 200}}
		if change != nil {
			change(all)
		}
		return all
	}
	dir := record(t,
		spec{day: 1, axes: axes, cells: cells(nil)},
		spec{day: 2, axes: axes, verdict: result.Invalid, cells: cells(func(c []cellSpec) { c[0].verdict, c[1].verdict = result.Invalid, result.Partial })},
		spec{day: 3, axes: axes, verdict: result.Invalid, cells: cells(func(c []cellSpec) { c[1].verdict = result.Invalid })},
		spec{day: 4, axes: axes, verdict: result.Fail, cells: cells(func(c []cellSpec) { c[0].samples, c[0].verdict = 300, result.Fail })},
	)
	if err := os.WriteFile(filepath.Join(dir, "r00", "run.json.bak"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken")
	if err := os.Mkdir(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "run.json"), []byte(`{"version":`), 0o600); err != nil {
		t.Fatal(err)
	}
	h := mustRead(t, Options{}, dir)
	if n := len(h.Groups[0].Runs); n != 3 {
		t.Fatalf("%d runs count, want 3", n)
	}
	for _, c := range []struct{ cell, name, want string }{
		{"poller=epoll", "response.p50", "100 100 100"},
		{"poller=epoll", "response.p99", "400 400 -"},
		{"poller=poll", "response.p50", "200 - 200"},
	} {
		if got := show(measure(t, h, 0, c.cell, c.name)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.cell, c.name, got, c.want)
		}
	}
	if m := measure(t, h, 0, "poller=epoll", "response.p99"); !strings.Contains(m.Unknown, "it takes") {
		t.Errorf("why it is not known: %q", m.Unknown)
	}
	var left []string
	for _, l := range h.LeftOut {
		left = append(left, filepath.Base(l.Dir)+" "+l.Verdict)
	}
	if want := []string{"broken ", "r01 " + result.Invalid}; !slices.Equal(left, want) {
		t.Errorf("left out %q, want %q", left, want)
	}
	if !strings.HasPrefix(h.LeftOut[0].Reason, "it cannot be read: ") {
		t.Errorf("the reason is %q", h.LeftOut[0].Reason)
	}
}

// Of repeats it is the median of those that know the measure, if most of them do.
func TestRepeatsArePooled(t *testing.T) {
	axes := []result.Axis{{Name: "repeat", Values: []string{"1", "2", "3"}}}
	repeat := func(samples [3]int) []cellSpec {
		var all []cellSpec
		for i, n := range samples {
			all = append(all, cellSpec{vars: map[string]string{"repeat": fmt.Sprint(i + 1)}, p50: []float64{300, 100, 200}[i], samples: n})
		}
		return all
	}
	dir := record(t,
		spec{day: 1, axes: axes, cells: repeat([3]int{2000, 2000, 2000})},
		spec{day: 2, axes: axes, cells: repeat([3]int{2000, 2000, 300})},
		spec{day: 3, axes: axes, cells: repeat([3]int{300, 2000, 300})},
	)
	h := mustRead(t, Options{}, dir)
	if got := show(measure(t, h, 0, "", "response.p99")); got != "800 800 -" {
		t.Errorf("p99 %s", got)
	}
	if got := show(measure(t, h, 0, "", "response.p50")); got != "200 200 200" {
		t.Errorf("p50 %s", got)
	}
}

// Half of the repeats is not most of them.
func TestHalfOfTheRepeats(t *testing.T) {
	s := spec{day: 1, axes: []result.Axis{{Name: "repeat", Values: []string{"1", "2"}}}}
	for i, samples := range []int{2000, 300} {
		s.cells = append(s.cells, cellSpec{vars: map[string]string{"repeat": fmt.Sprint(i + 1)}, p50: 100, samples: samples})
	}
	h := mustRead(t, Options{}, record(t, s))
	if got := show(measure(t, h, 0, "", "response.p99")); got != "-" {
		t.Errorf("p99 %s", got)
	}
}

// drivers is a run with an axis of drivers, and one of pollers.
func drivers(day int, machine, engine float64) spec {
	s := spec{day: day, axes: []result.Axis{{Name: "who", Values: []string{"builtin", "haproxy"}}, {Name: "poller", Values: []string{"epoll", "poll"}}}}
	for _, who := range s.axes[0].Values {
		for _, poller := range s.axes[1].Values {
			c := cellSpec{vars: map[string]string{"who": who, "poller": poller}, driver: who, p50: 1e5 * machine, failed: 3}
			if poller == "poll" {
				c.p50 *= 2
			}
			if who == "builtin" {
				c.p50 *= engine
			}
			s.cells = append(s.cells, c)
		}
	}
	return s
}

// With a reference, what the machine does cancels out, and what the proxy does is found.
func TestReference(t *testing.T) {
	noise := rand.New(rand.NewPCG(1, 2))
	var runs []spec
	for i := range 24 {
		engine := 0.8
		if i >= 14 {
			engine = 0.9
		}
		machine := 1.0
		if i >= 7 {
			machine = 1.4 // another day
		}
		runs = append(runs, drivers(i, machine+0.01*noise.NormFloat64(), engine+0.001*noise.NormFloat64()))
	}
	dir := record(t, runs...)
	at := func(m *result.HistoryMeasure) (runs []int) {
		for _, c := range m.Changes {
			runs = append(runs, c.Run)
		}
		return runs
	}
	const cell = "who=builtin,poller=poll"
	if m := measure(t, mustRead(t, Options{}, dir), 0, cell, "response.p50"); !slices.Equal(at(m), []int{7, 14}) {
		t.Errorf("as measured: changes at %v", at(m))
	}
	for _, ref := range []string{"who=haproxy", "proxy.driver=haproxy"} {
		settings, err := ParseSettings(ref)
		if err != nil {
			t.Fatal(err)
		}
		h := mustRead(t, Options{Reference: settings}, dir)
		m := measure(t, h, 0, cell, "response.p50")
		if !slices.Equal(at(m), []int{14}) || m.Unit != "ratio" || math.Abs(m.Changes[0].Before-0.8) > 0.002 || math.Abs(*m.Changes[0].ChangePercent-12.5) > 0.3 || !m.Changes[0].Worse {
			t.Errorf("%s: %+v in %s", ref, m.Changes, m.Unit)
		}
		if m := measure(t, h, 0, cell, "failed"); m.Unit != "1" || *m.Values[0] != 3 {
			t.Errorf("%s: failed %v in %s", ref, *m.Values[0], m.Unit)
		}
		for _, m := range h.Groups[0].Measures {
			if strings.Contains(m.Cell, "haproxy") {
				t.Errorf("%s: the reference is followed, too: %s", ref, m.Cell)
			}
		}
		if h.Reference != ref || h.Groups[0].Runs[0].Facts["reference"] != "haproxy 2.6.12" || h.Groups[0].Runs[0].Facts["proxy"] != "builtin 2.6.12" || len(h.Warnings) != 0 {
			t.Errorf("%s: %q, facts %v, warnings %q", ref, h.Reference, h.Groups[0].Runs[0].Facts, h.Warnings)
		}
	}
	// One poller of the reference for all.
	settings, err := ParseSettings("who=haproxy,poller=epoll")
	if err != nil {
		t.Fatal(err)
	}
	if m := measure(t, mustRead(t, Options{Reference: settings}, dir), 0, cell, "response.p50"); math.Abs(*m.Values[0]-1.6) > 0.01 {
		t.Errorf("in proportion to one poller: %v, want 1.6", *m.Values[0])
	}
	for ref, want := range map[string]string{
		"driver=haproxy":      "driver is not an axis of its matrix; its axes are who, poller",
		"who=nginx":           "no cell of it that counts is the reference",
		"proxy.driver=nginx":  "no cell of it that counts is the reference",
		"repeat=1":            "repeat is not an axis",
		"proxy.version=2.6.1": "proxy.version is not an axis",
	} {
		settings, err := ParseSettings(ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read([]string{dir}, Options{Reference: settings}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", ref, err, want)
		}
	}
	for _, bad := range []string{"haproxy", "=haproxy", "driver=", "driver=haproxy,"} {
		if _, err := ParseSettings(bad); err == nil || !strings.Contains(err.Error(), "KEY=VALUE") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	plain := record(t, spec{cells: single(100)})
	if settings, err = ParseSettings("proxy.driver=haproxy"); err != nil {
		t.Fatal(err)
	}
	if _, err := Read([]string{plain}, Options{Reference: settings}); err == nil || !strings.Contains(err.Error(), "it runs one driver only") {
		t.Errorf("a run of one driver: %v", err)
	}
}

// A run without its reference leaves a gap, and says why.
func TestRunWithoutReference(t *testing.T) {
	whole, without, few := drivers(1, 1, 0.8), drivers(2, 1, 0.8), drivers(3, 1, 0.8)
	without.cells = slices.DeleteFunc(without.cells, func(c cellSpec) bool { return c.vars["who"] == "haproxy" && c.vars["poller"] == "poll" })
	for i := range few.cells {
		if few.cells[i].vars["who"] == "haproxy" {
			few.cells[i].samples = 15
		}
	}
	gone := drivers(4, 1, 0.8)
	for i := range gone.cells {
		if gone.cells[i].vars["who"] == "haproxy" {
			gone.cells[i].verdict = result.Invalid
		}
	}
	settings, err := ParseSettings("who=haproxy")
	if err != nil {
		t.Fatal(err)
	}
	h := mustRead(t, Options{Reference: settings}, record(t, whole, without, few, gone))
	if got := show(measure(t, h, 0, "who=builtin,poller=poll", "response.p50")); got != "0.8 - - -" {
		t.Errorf("p50 %s", got)
	}
	if m := measure(t, h, 0, "who=builtin,poller=poll", "response.p50"); m.Unknown != "the run has no reference" {
		t.Errorf("why: %q", m.Unknown)
	}
	if got := show(measure(t, h, 0, "who=builtin,poller=epoll", "response.p50")); got != "0.8 0.8 - -" {
		t.Errorf("p50 with epoll %s", got)
	}
}

// A change says with which run, from what to what, and what else changed with it.
func TestChange(t *testing.T) {
	var runs []spec
	for i := range 20 {
		s := spec{day: i, label: fmt.Sprintf("v%d", i), kernel: "6.1.0", cells: []cellSpec{{p50: 1e5 + 100*float64(i%3), good: 2000}}}
		if i >= 12 {
			s.kernel = "6.8.0"
			s.cells[0].p50 *= 1.2
			s.cells[0].good = 1500
		}
		if i == 11 {
			s.verdict, s.cells[0].verdict = result.Invalid, result.Invalid
		}
		runs = append(runs, s)
	}
	h := mustRead(t, Options{}, record(t, runs...))
	m := measure(t, h, 0, "", "response.p50")
	if len(m.Changes) != 1 {
		t.Fatalf("%d changes", len(m.Changes))
	}
	c := m.Changes[0]
	if c.Run != 11 || c.Label != "v12" || h.Groups[0].Runs[c.Run].Label != "v12" || math.Abs(*c.ChangePercent-20) > 1 || !c.Worse || c.P > 0.01 || !slices.Equal(c.With, []string{"kernel 6.1.0 → 6.8.0"}) {
		t.Errorf("%+v, %v %%", c, *c.ChangePercent)
	}
	if m := measure(t, h, 0, "", "throughput"); len(m.Changes) != 1 || !m.Changes[0].Worse || !m.MoreIsBetter {
		t.Errorf("less throughput is not worse: %+v", m.Changes)
	}
	if m := measure(t, h, 0, "", "failed"); len(m.Changes) != 0 || m.Refused != "" {
		t.Errorf("failed: %+v %q", m.Changes, m.Refused)
	}
}

// What changed with a level is told from the last run in which the measure is known: what
// came in between may have brought it.
func TestChangeAfterUnknown(t *testing.T) {
	var runs []spec
	for i := range 16 {
		s := spec{day: i, label: fmt.Sprintf("v%d", i), kernel: "6.1.0", cells: []cellSpec{{p50: 1e5 + 100*float64(i%3)}}}
		if i == 8 {
			s.cells[0].samples = 3 // too few for a median
		}
		if i >= 8 {
			s.kernel = "6.8.0"
			s.cells[0].p50 *= 1.2
		}
		runs = append(runs, s)
	}
	m := measure(t, mustRead(t, Options{}, record(t, runs...)), 0, "", "response.p50")
	if len(m.Changes) != 1 || m.Values[8] != nil {
		t.Fatalf("%+v of %s", m.Changes, show(m))
	}
	if c := m.Changes[0]; c.Label != "v9" || !slices.Equal(c.With, []string{"kernel 6.1.0 → 6.8.0"}) {
		t.Errorf("%+v", c)
	}
}

// The warning names each run with which the settings changed, the second one, too.
func TestSettingsChanged(t *testing.T) {
	g := &result.HistoryGroup{}
	for i, settings := range []string{"a", "b", "b", "c"} {
		g.Runs = append(g.Runs, result.HistoryRun{Label: fmt.Sprintf("v%d", i), Facts: map[string]string{"settings": settings}})
	}
	if text := settings(g); !strings.HasSuffix(text, "changed with v1, v3") {
		t.Errorf("%q", text)
	}
	if g.Runs = g.Runs[1:3]; settings(g) != "" {
		t.Errorf("%q", settings(g))
	}
}

func TestMeasures(t *testing.T) {
	two := func(day int) spec {
		return spec{day: day, cells: single(100), change: func(r *result.Run) {
			l := r.Cells[0].Loads[0]
			l.Name = "admin"
			r.Cells[0].Loads = append(r.Cells[0].Loads, l)
		}}
	}
	dir := record(t, two(1), two(2))
	names := func(wanted ...string) (all []string) {
		for _, m := range mustRead(t, Options{Measures: wanted}, dir).Groups[0].Measures {
			all = append(all, m.Name)
		}
		return all
	}
	if got := names(); slices.Contains(got, "clients.response.p50") || !slices.Contains(got, "response.p50") || !slices.Contains(got, "memory") {
		t.Errorf("by default %q", got)
	}
	if got := names("response.p50", "admin.*"); !slices.Contains(got, "admin.response.p99") || slices.Contains(got, "response.p99") || slices.Contains(got, "clients.response.p50") {
		t.Errorf("asked for a name and a pattern: %q", got)
	}
	if got := names("cpu*"); !slices.Equal(got, []string{"cpu/request", "cpu.user/request", "cpu.system/request"}) {
		t.Errorf("a pattern over a slash: %q", got)
	}
	if got := names("service.p99"); !slices.Equal(got, []string{"service.p99"}) {
		t.Errorf("a metric of objectives: %q", got)
	}
	if got := show(measure(t, mustRead(t, Options{Measures: []string{"service.p50"}}, dir), 0, "", "service.p50")); got != "50 50" {
		t.Errorf("service p50 %s", got)
	}
	for wanted, want := range map[string]string{
		"respons.p99": `did you mean "response.p99"`,
		"latency*":    "no run has such a measure; there are response.p50",
		"p99 < 1ms":   "a measure has no limit",
	} {
		if _, err := Read([]string{dir}, Options{Measures: []string{wanted}}); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--measure "+wanted) {
			t.Errorf("%s: %v, want %q", wanted, err, want)
		}
	}
}

// Folders are found at any depth, each once, and none is an error.
func TestFind(t *testing.T) {
	root := t.TempDir()
	one := spec{day: 1, cells: single(100)}
	one.write(t, filepath.Join(root, "a"))
	one.write(t, filepath.Join(root, "deep", "er", "b"))
	one.write(t, filepath.Join(root, "a", "within")) // belongs to a
	if err := os.Symlink(filepath.Join(root, "a"), filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	for _, dirs := range [][]string{{root}, {root, root}, {root, filepath.Join(root, "a")}, {filepath.Join(root, "link"), root}, {filepath.Join(root, "deep"), filepath.Join(root, "a")}} {
		if h := mustRead(t, Options{}, dirs...); len(h.Groups[0].Runs) != 2 {
			t.Errorf("%q: %d runs, want 2", dirs, len(h.Groups[0].Runs))
		}
	}
	// The runs of a comparison, and of a search for a capacity, belong to these.
	for _, file := range []string{result.ComparisonFile, result.CapacityFile} {
		dir := filepath.Join(root, file+".d")
		one.write(t, filepath.Join(dir, "trials"))
		if err := os.WriteFile(filepath.Join(dir, file), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if h := mustRead(t, Options{}, root); len(h.Groups[0].Runs) != 2 {
			t.Errorf("beside %s: %d runs, want 2", file, len(h.Groups[0].Runs))
		}
		if _, err := Read([]string{dir}, Options{}); err == nil || !strings.Contains(err.Error(), dir+" is the folder of a ") {
			t.Errorf("%s: %v", file, err)
		}
	}
	empty := t.TempDir()
	if _, err := Read([]string{root, empty}, Options{}); err == nil || !strings.Contains(err.Error(), empty+": no result folder") {
		t.Errorf("a folder without results: %v", err)
	}
	if _, err := Read([]string{filepath.Join(root, "none")}, Options{}); err == nil {
		t.Error("a folder that is not there")
	}
}
