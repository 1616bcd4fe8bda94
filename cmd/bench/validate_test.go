package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// misspelt is a scenario whose proxy refuses line 14 and, by a template, line 17.
const misspelt = `version: 1
name: misspelt
proxy:
  driver: haproxy
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin
    defaults
        mode http
        timeout connect 1s
    frontend web
        bind {{bind "web"}}
        default_backend web
        bogus here
    backend web
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}} chek
    {{- end}}
backends:
  - {name: web, replicas: 2}
load:
  - name: clients
    target: proxy/web
    phases:
      - {name: steady, rate: 200/s, for: 5s}
`

// TestValidateAsksTheProxy: what the proxy says of its configuration is given by the
// lines of the user's own files.
func TestValidateAsksTheProxy(t *testing.T) {
	t.Setenv(mainVariable, "1") // for the engine
	dir := t.TempDir()
	inline, own, config := filepath.Join(dir, "inline.yaml"), filepath.Join(dir, "own.yaml"), filepath.Join(dir, "my.cfg")
	begin, end := strings.Index(misspelt, "  config: |\n"), strings.Index(misspelt, "backends:")
	text := strings.ReplaceAll(misspelt[begin+len("  config: |\n"):end], "\n    ", "\n")
	for path, content := range map[string]string{
		inline: misspelt, own: misspelt[:begin] + "  configFile: my.cfg\n" + misspelt[end:], config: strings.TrimPrefix(text, "    "),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, driver := range []string{"builtin", "haproxy"} {
		if driver == "haproxy" {
			testpeer.Need(t, driver)
		}
		for file, wanted := range map[string][]string{
			inline: {inline + ":14:9: " + driver + ": unknown keyword 'bogus'", inline + ":17:9: " + driver + ": "},
			own:    {config + ":9:5: " + driver + ": unknown keyword 'bogus'", config + ":12:5: " + driver + ": "},
		} {
			code, out, errs := command(t, "", "validate", file, "--set", "proxy.driver="+driver)
			if code != exitUsage || out != "" {
				t.Errorf("%s %s: exit code %d, %q", driver, file, code, out)
			}
			for _, want := range wanted {
				if !strings.Contains(errs, want) {
					t.Errorf("%s: no %q in\n%s", driver, want, errs)
				}
			}
		}
	}
	code, out, errs := command(t, "", "validate", "zero-downtime-reload", "--set", "proxy.driver=haproxy", "--set", "proxy.binary=/nonexistent/haproxy")
	if code != exitPass || !strings.Contains(errs, "the configuration was not checked: driver haproxy needs the program /nonexistent/haproxy") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
