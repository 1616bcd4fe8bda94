package scenarios

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bench/loadgen/codec"
	"bench/scenarios/document"
	"bench/scenarios/format"
)

// checkedScenario is a scenario with one load and one backend, and more text.
func checkedScenario(t *testing.T, backend, load, more string) *format.Scenario {
	t.Helper()
	text := `version: 1
name: checked
proxy:
  config: |
    listen web
        bind {{bind "web"}}
backends:
  - {name: web, ` + backend + `}
load:
  - name: clients
    target: proxy/web
    ` + load + `
    phases: [{name: steady, rate: 10/s, for: 1s}]
` + more
	doc, err := document.Parse("checked.yaml", []byte(text), document.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc.Cells[0].Scenario
}

// TestIntegrityIsOn looks at which loads are checked, and which scenarios are held to
// what that comes to.
func TestIntegrityIsOn(t *testing.T) {
	const held = "objectives: [\"failed == 0\"]\n"
	for _, c := range []struct {
		name, backend, load, more string
		want                      *codec.Integrity
		judged                    string
	}{
		{"by default", "kind: http", "path: /", held, &codec.Integrity{}, "failed == 0; integrity.mismatch == 0"},
		{"without objectives", "kind: http", "path: /", "", &codec.Integrity{}, "integrity.mismatch == 0"},
		{"off", "kind: http", "integrity: off", held, nil, "failed == 0"},
		{"excepted", "kind: http", "integrity: {except: [path, X-A]}", held, &codec.Integrity{Except: []string{"path", "X-A"}}, "failed == 0; integrity.mismatch == 0"},
		{"own objective", "kind: http", "path: /", "objectives: [\"integrity.mismatch < 5\"]\n", &codec.Integrity{}, "integrity.mismatch < 5"},
		{"origins that corrupt", "kind: http", "path: /", held + "events: [{at: 100ms, do: backend.corrupt, args: {name: web, for: 100ms}}]\n", &codec.Integrity{}, "failed == 0"},
		{"another protocol", "kind: redis", "protocol: redis", held, nil, "failed == 0"},
		{"http without an origin", "kind: redis", "path: /", held, nil, "failed == 0"},
		{"echo", "kind: tcp", "{protocol: tcp, tcp: {exchanges: [{echo: 1KiB}]}}", held, &codec.Integrity{}, "failed == 0; integrity.mismatch == 0"},
		{"source", "{kind: tcp, tcp: {mode: source, bytes: 1KiB}}", "{protocol: tcp, tcp: {exchanges: [{download: 1KiB}]}}", held, &codec.Integrity{Source: true}, "failed == 0; integrity.mismatch == 0"},
		{"unknown bytes", "kind: tcp", "{protocol: tcp, tcp: {exchanges: [{download: 1KiB}]}}", held, nil, "failed == 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			block := func(s string) string {
				if inner, ok := strings.CutPrefix(s, "{"); ok {
					return strings.Replace(strings.TrimSuffix(inner, "}"), ", tcp", ",\n    tcp", 1)
				}
				return s
			}
			s := checkedScenario(t, strings.ReplaceAll(block(c.backend), "\n    ", " "), strings.ReplaceAll(block(c.load), ",\n", "\n"), c.more)
			if diff := cmp.Diff(c.want, s.Spec(&s.Load[0]).Integrity); diff != "" {
				t.Error(diff)
			}
			var judged []string
			for _, o := range s.Judged() {
				judged = append(judged, o.Expr)
			}
			if got := strings.Join(judged, "; "); got != c.judged {
				t.Errorf("judged by %q, want %q", got, c.judged)
			}
		})
	}
}
