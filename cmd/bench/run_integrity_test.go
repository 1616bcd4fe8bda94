package main

import (
	"strings"
	"testing"

	"bench/internal/testpeer"
	"bench/scenarios"
)

// TestHeadsInPieces runs the scenario with the engine and with HAProxy, shortened:
// whatever the machine makes of the times, no client may get another's bytes.
func TestHeadsInPieces(t *testing.T) {
	pieces, err := scenarios.BuiltIn("heads-in-pieces")
	if err != nil {
		t.Fatal(err)
	}
	for _, driver := range []string{"builtin", "haproxy"} {
		t.Run(driver, func(t *testing.T) {
			if driver == "haproxy" {
				testpeer.Need(t, "haproxy")
			}
			r := start(t, string(pieces.Text), "", "--shorten", "3", "--set", "proxy.driver="+driver)
			if code := r.wait(t); code != exitPass && code != exitFail && code != exitUnclear {
				t.Fatalf("exit code %d:\n%s%s", code, r.stdout.String(), r.stderr.String())
			}
			c := r.record(t).Cells[0]
			for i := range c.Loads {
				l := &c.Loads[i]
				if l.Integrity == nil || l.Integrity.Checked == 0 || l.Integrity.Mismatch() != 0 {
					t.Errorf("%s: %+v", l.Name, l.Integrity)
				}
			}
			if c.AlteredUnreported != 0 {
				t.Errorf("%d altered requests that no load knows of", c.AlteredUnreported)
			}
		})
	}
}

// piercing is a scenario whose proxy adds a field to every answer.
const piercing = `version: 1
name: piercing
proxy:
  driver: haproxy
  config: |
    defaults
        mode http
        timeout connect 1s
        timeout client 10s
        timeout server 10s
    listen web
        bind {{bind "web"}}
        http-response set-header X-New yes
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}}
    {{- end}}
backends: [{name: web}]
load:
  - name: clients
    target: proxy/web
    phases: [{name: steady, rate: 100/s, for: 500ms}]
`

// TestIntegrityIsAnObjective runs a proxy that adds a field, with and without leave.
func TestIntegrityIsAnObjective(t *testing.T) {
	testpeer.Need(t, "haproxy")
	for _, c := range []struct {
		set, verdict string
	}{{"", "FAIL"}, {"load.clients.integrity.except=[X-New]", "PASS"}, {"load.clients.integrity=off", ""}} {
		var args []string
		if c.set != "" {
			args = []string{"--set", c.set}
		}
		r := start(t, piercing, "", args...)
		code := r.wait(t)
		objectives := r.record(t).Cells[0].Objectives
		if c.verdict == "" {
			if len(objectives) != 0 {
				t.Errorf("%s: %+v, want no objective", c.set, objectives)
			}
			continue
		}
		if len(objectives) != 1 || objectives[0].Expr != "integrity.mismatch == 0" || objectives[0].Verdict != c.verdict {
			t.Errorf("%q: exit code %d, %+v, want %s", c.set, code, objectives, c.verdict)
		}
		if out := r.stdout.String(); c.verdict == "FAIL" && !strings.Contains(out, "x-new") {
			t.Errorf("the summary does not say what differs:\n%s", out)
		}
	}
}
