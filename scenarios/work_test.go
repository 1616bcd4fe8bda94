package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/scenarios/document"
	"bench/scenarios/source"
)

// What is asked of a proxy is the same for another proxy, however it is written.
func TestWorkHash(t *testing.T) {
	hash := func(text string, set ...document.Setting) string {
		t.Helper()
		doc, err := document.Parse("s.yaml", []byte(text), document.Options{Set: set})
		if err != nil {
			t.Fatal(err)
		}
		h, err := document.WorkHash(doc.Resolved)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	text := string(example(t))
	want := hash(text)
	for _, s := range []document.Setting{
		{Key: "proxy.driver", Value: "haproxy"},
		{Key: "proxy.cpus", Value: "[1]"},
		{Key: "seed", Value: "9"},
		{Key: "description", Value: "another"},
		{Key: "compare.alpha", Value: "0.05"},
		{Key: "steadyState", Value: "errors < 1%"},
		{Key: "proxy.config", Value: `"bind {{bind \"web\"}} {{.Stats}} twice"`},
	} {
		if hash(text, s) != want {
			t.Errorf("%s changes what is asked of the proxy", s.Key)
		}
	}
	for _, s := range []document.Setting{
		{Key: "backends.web.replicas", Value: "3"}, {Key: "load.clients.connections.pool", Value: "65"}, {Key: "events.0.every", Value: "6s"}, {Key: "matrix.poller", Value: "[epoll]"},
	} {
		if hash(text, s) == want {
			t.Errorf("%s does not change what is asked of the proxy", s.Key)
		}
	}
	if hash(strings.Replace(text, "{pool: 64, requestsPerConnection: 50}", "{requestsPerConnection: 50, pool: 64}", 1)) == want {
		t.Log("keys in another order are the same work, too") // not promised
	}
	if _, err := document.WorkHash([]byte("a: [")); err == nil {
		t.Error("what is no scenario has a hash")
	}
}

// A configuration that is set takes the place of the scenario's, and its file is found
// from where the command was typed.
func TestSetConfig(t *testing.T) {
	dir, here := t.TempDir(), t.TempDir()
	write := func(dir, name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Chdir(here)
	const own = "proxy:\n  config: |\n    bind {{bind \"web\"}}\n"
	const rest = "version: 1\nname: x\nload: [{name: l, target: proxy/web, phases: [{name: p, rate: 1/s, for: 1s}]}]\n"
	scenario := write(dir, "s.yaml", rest+own)
	write(dir, "beside.cfg", "beside {{bind \"web\"}}")
	write(dir, "both.cfg", "beside {{bind \"web\"}}")
	write(here, "both.cfg", "here {{bind \"web\"}}")
	absolute := write(here, "absolute.cfg", "absolute {{bind \"web\"}}")
	file := write(dir, "file.yaml", rest+"proxy: {configFile: beside.cfg}\n")
	for _, tt := range []struct {
		scenario string
		set      document.Setting
		want     string
	}{
		{scenario, document.Setting{Key: "proxy.configFile", Value: "beside.cfg"}, "beside"},
		{scenario, document.Setting{Key: "proxy.configFile", Value: "both.cfg"}, "here"},
		{scenario, document.Setting{Key: "proxy.configFile", Value: absolute}, "absolute"},
		{file, document.Setting{Key: "proxy.configFile", Value: "both.cfg"}, "here"},
		{file, document.Setting{Key: "proxy.config", Value: `"text {{bind \"web\"}}"`}, "text"},
	} {
		doc, err := document.Open(tt.scenario, document.Options{Set: []document.Setting{tt.set}})
		if err != nil {
			t.Errorf("%+v: %v", tt, source.Describe(err))
			continue
		}
		if got := doc.Cells[0].Scenario.Proxy.Config; !strings.HasPrefix(got, tt.want+" ") {
			t.Errorf("%+v: configuration %q", tt, got)
		}
	}
	// The file itself can still not have both.
	if _, err := document.Parse("s.yaml", []byte(rest+"proxy: {config: a, configFile: b}\n"), document.Options{}); err == nil || !strings.Contains(err.Error(), "give config or configFile, not both") {
		t.Errorf("error %v", err)
	}
}
