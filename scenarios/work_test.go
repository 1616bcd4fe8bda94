package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is asked of a proxy is the same for another proxy, however it is written.
func TestWorkHash(t *testing.T) {
	hash := func(text string, set ...Setting) string {
		t.Helper()
		doc, err := Parse("s.yaml", []byte(text), Options{Set: set})
		if err != nil {
			t.Fatal(err)
		}
		h, err := WorkHash(doc.Resolved)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	text := string(example(t))
	want := hash(text)
	for _, s := range []Setting{
		{"proxy.driver", "haproxy"},
		{"proxy.cpus", "[1]"},
		{"seed", "9"},
		{"description", "another"},
		{"compare.alpha", "0.05"},
		{"steadyState", "errors < 1%"},
		{"proxy.config", `"bind {{bind \"web\"}} {{.Stats}} twice"`},
	} {
		if hash(text, s) != want {
			t.Errorf("%s changes what is asked of the proxy", s.Key)
		}
	}
	for _, s := range []Setting{
		{"backends.web.replicas", "3"}, {"load.clients.connections.pool", "65"}, {"events.0.every", "6s"}, {"matrix.poller", "[epoll]"},
	} {
		if hash(text, s) == want {
			t.Errorf("%s does not change what is asked of the proxy", s.Key)
		}
	}
	if hash(strings.Replace(text, "{pool: 64, requestsPerConnection: 50}", "{requestsPerConnection: 50, pool: 64}", 1)) == want {
		t.Log("keys in another order are the same work, too") // not promised
	}
	if _, err := WorkHash([]byte("a: [")); err == nil {
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
		set      Setting
		want     string
	}{
		{scenario, Setting{"proxy.configFile", "beside.cfg"}, "beside"},
		{scenario, Setting{"proxy.configFile", "both.cfg"}, "here"},
		{scenario, Setting{"proxy.configFile", absolute}, "absolute"},
		{file, Setting{"proxy.configFile", "both.cfg"}, "here"},
		{file, Setting{"proxy.config", `"text {{bind \"web\"}}"`}, "text"},
	} {
		doc, err := Open(tt.scenario, Options{Set: []Setting{tt.set}})
		if err != nil {
			t.Errorf("%+v: %v", tt, Describe(err))
			continue
		}
		if got := doc.Cells[0].Scenario.Proxy.Config; !strings.HasPrefix(got, tt.want+" ") {
			t.Errorf("%+v: configuration %q", tt, got)
		}
	}
	// The file itself can still not have both.
	if _, err := Parse("s.yaml", []byte(rest+"proxy: {config: a, configFile: b}\n"), Options{}); err == nil || !strings.Contains(err.Error(), "give config or configFile, not both") {
		t.Errorf("error %v", err)
	}
}
