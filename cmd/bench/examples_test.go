package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"bench/internal/testpeer"
	"bench/scenarios/document"
)

// commandLines finds the calls of bench in the text of a script, each split into words.
// Variables stay as they are.
func commandLines(t *testing.T, script string) (calls [][]string) {
	t.Helper()
	script = strings.ReplaceAll(script, "\\\n", " ")
	for line := range strings.Lines(script) {
		var words []string
		var word strings.Builder
		begun, quote := false, rune(0)
		flush := func() {
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		}
		end := func() {
			flush()
			if len(words) > 1 && (words[0] == "bench" || strings.HasSuffix(words[0], "/bench")) {
				calls = append(calls, words[1:])
			}
			words = nil
		}
		for _, r := range strings.TrimSpace(line) {
			switch {
			case quote != 0:
				if r == quote {
					quote = 0
				} else {
					word.WriteRune(r)
				}
			case r == '"' || r == '\'':
				quote, begun = r, true
			case r == ' ' || r == '\t':
				flush()
			case r == '#' && !begun:
				quote = '\n' // the rest is a comment
			case strings.ContainsRune("|&;><", r):
				end()
			default:
				word.WriteRune(r)
				begun = true
			}
		}
		end()
	}
	return calls
}

// texts are all strings of a YAML document.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		all = append(all, v)
	case []any:
		for _, x := range v {
			all = append(all, texts(x)...)
		}
	case map[string]any:
		for _, x := range v {
			all = append(all, texts(x)...)
		}
	}
	return all
}

// accepted checks that the real parser takes a command line. Folders that it names exist.
func accepted(t *testing.T, args []string) error {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, dir := range args {
		if !strings.HasPrefix(dir, "-") && !strings.ContainsAny(dir, "=$") && filepath.IsLocal(dir) {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	var c cli
	var out bytes.Buffer
	parser, err := newParser(&c, &out, &out, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return err
}

func TestCommandLinesAreFound(t *testing.T) {
	got := fmt.Sprint(commandLines(t, "echo bench run x\nbench run \"a b\" --label '$X' \\\n  -o out # bench list\ntest -e f || bin/bench list > file\nbench load | bench version; true && bench doctor"))
	if want := "[[run a b --label $X -o out] [list] [load] [version] [doctor]]"; got != want {
		t.Errorf("got %s", got)
	}
	if err := accepted(t, []string{"run", "x", "--no-such-flag"}); err == nil {
		t.Error("a flag that does not exist is accepted")
	}
	if err := accepted(t, []string{"report", "results/x", "--format", "pdf"}); err == nil {
		t.Error("a format that does not exist is accepted")
	}
}

// The examples for CI parse, and the command lines in them are ones of this program.
func TestExamplesForCI(t *testing.T) {
	for file, wants := range map[string][]string{
		"../../examples/ci/github-actions.yaml":    {"run", "compare"},
		"../../examples/ci/gitlab-ci.yml":          {"run", "compare"},
		"../../examples/prometheus/prometheus.yml": {"run", "report"},
		"../../docs/GATING.md":                     {"run", "compare", "report"},
	} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var scripts []string
		if strings.HasSuffix(file, ".md") {
			for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(raw, -1) {
				scripts = append(scripts, string(block[1]))
			}
		} else {
			var doc any
			if err := yaml.UnmarshalWithOptions(raw, &doc, yaml.Strict()); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			scripts = texts(doc)
			for l := range strings.Lines(string(raw)) { // and what the comments advise
				if text, ok := strings.CutPrefix(l, "#\t"); ok {
					scripts = append(scripts, text)
				}
			}
		}
		found := map[string]int{}
		for _, s := range scripts {
			for _, args := range commandLines(t, s) {
				t.Run(strings.Join(args, "_"), func(t *testing.T) {
					if err := accepted(t, args); err != nil {
						t.Errorf("%s: bench %s: %v", file, strings.Join(args, " "), err)
					}
				})
				if len(args) > 0 {
					found[args[0]]++
				}
			}
		}
		for _, want := range wants {
			if found[want] == 0 {
				t.Errorf("%s: no call of bench %s: %v", file, want, found)
			}
		}
	}
}

// The shape that the servers want: jobs with steps that run something or use an action,
// jobs with scripts, rules with expressions.
func TestExamplesHaveTheirShape(t *testing.T) {
	var github struct {
		Name string         `yaml:"name"`
		On   map[string]any `yaml:"on"`
		Jobs map[string]struct {
			RunsOn string `yaml:"runs-on"`
			Steps  []struct {
				Uses string         `yaml:"uses"`
				Run  string         `yaml:"run"`
				With map[string]any `yaml:"with"`
			} `yaml:"steps"`
		} `yaml:"jobs"`
	}
	var gitlab map[string]any
	var rules struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []struct {
				Alert string `yaml:"alert"`
				Expr  string `yaml:"expr"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	for file, into := range map[string]any{"ci/github-actions.yaml": &github, "ci/gitlab-ci.yml": &gitlab, "prometheus/alerts.yml": &rules} {
		raw, err := os.ReadFile("../../examples/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(raw, into); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	if len(github.Jobs) == 0 || github.Name == "" || github.On["pull_request"] == nil && len(github.On) < 2 {
		t.Errorf("%+v", github)
	}
	for name, job := range github.Jobs {
		if job.RunsOn == "" || len(job.Steps) == 0 {
			t.Errorf("job %s has no runner or no steps", name)
		}
		for i, s := range job.Steps {
			if (s.Uses == "") == (s.Run == "") || s.Uses != "" && !regexp.MustCompile(`^[\w-]+/[\w/-]+@v\d+$`).MatchString(s.Uses) {
				t.Errorf("step %d of %s: %+v", i, name, s)
			}
		}
	}
	jobs := 0
	for name, v := range gitlab {
		job, ok := v.(map[string]any)
		if !ok || strings.HasPrefix(name, ".") {
			continue
		}
		jobs++
		if script, ok := job["script"].([]any); !ok || len(script) == 0 || job["rules"] == nil {
			t.Errorf("job %s has no script or no rules", name)
		}
	}
	if jobs != 3 {
		t.Errorf("%d jobs", jobs)
	}
	// What a job that ends with 4 has recorded is kept: else it is made anew each time.
	hidden, _ := gitlab[".bench"].(map[string]any)
	if cache, ok := hidden["cache"].(map[string]any); !ok || cache["when"] != "always" {
		t.Errorf("the cache of GitLab is not kept where a job fails: %v", hidden["cache"])
	}
	// The alerts speak of metrics that exist.
	known := readAll(t, "../../reports/testdata/stop.om", "../../reports/compare/testdata/slower.om")
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			for _, metric := range regexp.MustCompile(`bench_\w+`).FindAllString(r.Expr, -1) {
				if !strings.Contains(known, "\n"+metric+"{") {
					t.Errorf("%s: no metric %s", r.Alert, metric)
				}
			}
		}
	}
}

func readAll(t *testing.T, files ...string) string {
	t.Helper()
	var b strings.Builder
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(raw)
	}
	return b.String()
}

// nginx takes the configuration that serves the metrics.
func TestExampleOfNginxIsAccepted(t *testing.T) {
	nginx := testpeer.Need(t, "nginx")
	conf, err := filepath.Abs("../../examples/prometheus/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(nginx, "-t", "-p", t.TempDir(), "-c", conf).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// The example of several machines is a scenario that asks for three of them.
func TestExampleOfMachines(t *testing.T) {
	doc, err := document.Open("../../examples/machines/three.yaml", document.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := doc.Cells[0].Scenario; !s.Elsewhere() || len(s.Hosts) != 3 {
		t.Errorf("%d hosts, all elsewhere: %v", len(s.Hosts), s.Elsewhere())
	}
}
