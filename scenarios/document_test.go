package scenarios

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"bench/scenarios/document"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

// example is the scenario of the documentation, as users will write it.
func example(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t *testing.T, text []byte, settings ...string) *document.Document {
	t.Helper()
	var o document.Options
	for _, s := range settings {
		setting, err := document.ParseSetting(s)
		if err != nil {
			t.Fatal(err)
		}
		o.Set = append(o.Set, setting)
	}
	doc, err := document.Parse("example.yaml", text, o)
	if err != nil {
		t.Fatal(source.Describe(err))
	}
	return doc
}

func TestExample(t *testing.T) {
	doc := parse(t, example(t))
	if len(doc.Cells) != 3 || doc.Cells[1].Name != "poller=poll" || doc.Cells[1].Scenario.Proxy.Poller != "poll" {
		t.Fatalf("cells %+v", doc.Cells)
	}
	s := doc.Cells[0].Scenario
	if b := s.Backends[0]; b.Latency != "lognormal(2ms, 0.5)" || b.Body != "1KiB" || b.Status != 200 || b.Replicas != 2 {
		t.Errorf("backend %+v", b)
	}
	l := s.Load[0]
	if *l.Phases[0].Rate != (format.Rate{From: 0, To: 2000}) || l.Phases[0].Measure || !l.Phases[1].Measure || l.Connections.Pool != 64 || l.Timeout.D() != 5*time.Second {
		t.Errorf("load %+v", l)
	}
	if s.Objectives[0].Expr != "failed == 0" || s.Objectives[2].Window != "proxy.reload -1s..+2s" {
		t.Errorf("objectives %+v", s.Objectives)
	}
	var at []time.Duration
	for _, o := range s.Occurrences() {
		at = append(at, o.At)
	}
	// Every 5 s within a phase from 2 s to 22 s, and the stall at 14 s.
	if want := []time.Duration{7 * time.Second, 12 * time.Second, 14 * time.Second, 17 * time.Second}; !cmp.Equal(at, want) {
		t.Errorf("events at %v, want %v", at, want)
	}
	if s.Length() != 22*time.Second {
		t.Errorf("length %v", s.Length())
	}
	if c := s.Compare; c.Pairs != 0 || c.MinEffect != 0.02 || c.Alpha != 0.01 {
		t.Errorf("compare %+v", c)
	}
	if len(doc.Warnings) != 0 {
		t.Errorf("warnings %q", doc.Warnings)
	}
}

// The resolved text means the same scenario and resolves to itself.
func TestResolvedIsStable(t *testing.T) {
	texts := map[string][]byte{"example": example(t)}
	for _, b := range BuiltIns() {
		texts[b.Name] = b.Text
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			first := parse(t, text, "seed=7")
			second := parse(t, first.Resolved)
			if diff := cmp.Diff(first.Cells, second.Cells, cmp.AllowUnexported(format.Rate{}), cmpopts.IgnoreFields(document.Cell{}, "Config", "Companions")); diff != "" {
				t.Errorf("cells differ: %s", diff)
			}
			if diff := cmp.Diff(string(first.Resolved), string(second.Resolved)); diff != "" {
				t.Errorf("resolved text differs: %s", diff)
			}
		})
	}
}

func TestSet(t *testing.T) {
	text := []byte(strings.Replace(string(example(t)), "seed: 42", "seed: 42\nvars: {rate: 100/s}", 1))
	doc := parse(t, text, "rate=5/s", "proxy.driver=haproxy", "load.clients.timeout=1s", "load.0.path=/x",
		"matrix.poller=[select]", "backends.web.replicas=3", "proxy.args=[-d]", "proxy.stats.every=1s")
	if len(doc.Cells) != 1 {
		t.Fatalf("%d cells", len(doc.Cells))
	}
	s := doc.Cells[0].Scenario
	if s.Proxy.Driver != "haproxy" || s.Load[0].Timeout.D() != time.Second || s.Load[0].Path != "/x" ||
		s.Proxy.Poller != "select" || s.Backends[0].Replicas != 3 || s.Proxy.Args[0] != "-d" || s.Proxy.Stats.Every.D() != time.Second {
		t.Errorf("%+v", s)
	}
}

// An axis of the matrix takes one value, which leaves the others to combine, or a list.
func TestSetAxis(t *testing.T) {
	two := strings.Replace(string(example(t)), "matrix: {poller: [epoll, poll, select]}", "matrix: {poller: [epoll, poll], threads: [1, 2]}", 1)
	two = strings.Replace(two, "seed: 42", "seed: 42\ndescription: \"${threads}\"", 1)
	for _, tt := range []struct {
		text  string
		set   []string
		cells []string
	}{
		{string(example(t)), []string{"poller=select"}, []string{"run"}},
		{two, []string{"poller=select"}, []string{"threads=1", "threads=2"}},
		{two, []string{"poller=select", "threads=2"}, []string{"run"}},
		{two, []string{"poller=[select]"}, []string{"poller=select,threads=1", "poller=select,threads=2"}},
	} {
		doc := parse(t, []byte(tt.text), tt.set...)
		var names []string
		for _, c := range doc.Cells {
			names = append(names, c.Name)
			if c.Scenario.Proxy.Poller != "select" {
				t.Errorf("%v: poller %q", tt.set, c.Scenario.Proxy.Poller)
			}
		}
		if !slices.Equal(names, tt.cells) {
			t.Errorf("%v: cells %q, want %q", tt.set, names, tt.cells)
		}
		again := parse(t, doc.Resolved)
		if len(again.Cells) != len(doc.Cells) || again.Cells[0].Scenario.Proxy.Poller != "select" {
			t.Errorf("%v: the resolved text has another meaning:\n%s", tt.set, doc.Resolved)
		}
	}
}

// A variable that the scenario refers to may be given by --set alone.
func TestSetDeclaresAVariable(t *testing.T) {
	text := strings.Replace(string(example(t)), "rate: 2000/s,", `rate: "${rate}",`, 1)
	if doc := parse(t, []byte(text), "vars.rate=3100/s"); !strings.Contains(string(doc.Resolved), "3100/s") {
		t.Errorf("%s", doc.Resolved)
	}
}

func TestSetErrors(t *testing.T) {
	for setting, want := range map[string]string{
		"proxxy.driver=haproxy": `example.yaml: --set proxxy.driver: nothing is called "proxxy" here; did you mean "proxy"?`,
		"poler=poll":            `example.yaml: --set poler: no variable, axis of the matrix or key of this name; did you mean "poller"?`,
		"poller=3":              `example.yaml:`,
		"load.nobody.path=/":    `example.yaml: --set load.nobody.path: nothing is called "nobody" here; known are clients`,
		"proxy.drivr=haproxy":   `example.yaml: unknown key "drivr" in proxy; did you mean "driver"?`,
		"proxy.driver=hoproxy":  `example.yaml:6:11: driver cannot be "hoproxy"; did you mean "haproxy"?`,
		"vars.rate=3/s":         `example.yaml: --set vars.rate: no variable of this name, and nothing refers to one`,
		"proxy.args=[1":         `example.yaml: --set proxy.args: sequence end token ']' not found`,
	} {
		s, err := document.ParseSetting(setting)
		if err != nil {
			t.Fatal(err)
		}
		_, err = document.Parse("example.yaml", example(t), document.Options{Set: []document.Setting{s}})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("--set %s: %v, want %s", setting, err, want)
		}
	}
	if _, err := document.ParseSetting("novalue"); err == nil {
		t.Error("--set without = is accepted")
	}
}

func TestMatrixOrder(t *testing.T) {
	text := strings.Replace(string(example(t)), "matrix: {poller: [epoll, poll, select]}", "matrix: {poller: [epoll, poll], rate: [1000/s, 2000/s]}", 1)
	text = strings.Replace(text, "rate: 2000/s,", `rate: "${rate}",`, 1)
	var names []string
	for _, c := range parse(t, []byte(text)).Cells {
		names = append(names, c.Name)
	}
	want := []string{"poller=epoll,rate=1000/s", "poller=epoll,rate=2000/s", "poller=poll,rate=1000/s", "poller=poll,rate=2000/s"}
	if !cmp.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

func TestSubstitution(t *testing.T) {
	text := strings.Replace(string(example(t)), "seed: 42", "seed: 42\nvars: {a: \"x\"}\ndescription: \"$${a} ${a}\"", 1)
	if got := parse(t, []byte(text)).Cells[0].Scenario.Description; got != "${a} x" {
		t.Errorf("description %q", got)
	}
}

func TestFind(t *testing.T) {
	for _, name := range []string{"zero-downtime-reload", "scenarios/zero-downtime-reload.yaml", "zero-downtime-reload.yaml"} {
		if _, err := Find(name, document.Options{}); err != nil {
			t.Errorf("Find(%q): %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"zero-downtime-relaod":  `there is no built-in scenario "zero-downtime-relaod"; did you mean "zero-downtime-reload"?`,
		"elsewhere/nothing.yml": `elsewhere/nothing.yml: there is no such file`,
	} {
		if _, err := Find(name, document.Options{}); err == nil || err.Error() != want {
			t.Errorf("Find(%q): %v, want %s", name, err, want)
		}
	}
}

// Every built-in scenario says in a leading comment which question it answers,
// and again in its description.
func TestBuiltIns(t *testing.T) {
	for _, name := range []string{"zero-downtime-reload", "server-crash-and-return", "connection-flood", "proxy-overhead"} {
		if _, err := BuiltIn(name); err != nil {
			t.Error(err)
		}
	}
	for _, b := range BuiltIns() {
		doc := parse(t, b.Text)
		if !strings.HasPrefix(string(b.Text), "# ") || !strings.Contains(strings.SplitN(string(b.Text), "version:", 2)[0], "?") {
			t.Errorf("%s does not begin with its question", b.Name)
		}
		if s := doc.Cells[0].Scenario; s.Name != b.Name || !strings.HasSuffix(s.Description, "?") {
			t.Errorf("%s: name %q, description %q", b.Name, s.Name, s.Description)
		}
	}
}

// A combination that cannot be is left out of a matrix; alone it is an error.
func TestImpossibleCombination(t *testing.T) {
	b, err := BuiltIn("zero-downtime-reload")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := document.Parse("x.yaml", b.Text, document.Options{Set: []document.Setting{{Key: "proxy.driver", Value: "haproxy"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range doc.Cells {
		if got, want := c.Obstacle != "", c.Name == "poller=io_uring"; got != want {
			t.Errorf("%s: obstacle %q", c.Name, c.Obstacle)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("BENCH_TEST_RATE", "3000/s")
	t.Setenv("BENCH_TEST_EMPTY", "")
	text := strings.Replace(string(example(t)), "seed: 42", "seed: ${env.BENCH_TEST_SEED:-7}\nvars: {host: \"${env.BENCH_TEST_HOST:-x.test}\"}\ndescription: \"${env.BENCH_TEST_RATE} ${env.BENCH_TEST_EMPTY}${env.BENCH_TEST_EMPTY:-none} $${env.BENCH_TEST_RATE}\"", 1)
	doc := parse(t, []byte(text))
	if s := doc.Cells[0].Scenario; s.Seed != 7 || s.Description != "3000/s none ${env.BENCH_TEST_RATE}" {
		t.Errorf("seed %d, description %q", s.Seed, s.Description)
	}
	if got := string(doc.Resolved); !strings.Contains(got, "x.test") {
		t.Errorf("the variable has no value of the environment:\n%s", got)
	}
	t.Setenv("BENCH_TEST_RATE", "1/s")
	if again := parse(t, doc.Resolved).Cells[0].Scenario; !strings.HasPrefix(again.Description, "3000/s") {
		t.Errorf("the record depends on the environment: %q", again.Description)
	}
}
