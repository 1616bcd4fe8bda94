package main

import (
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/testpeer"
)

// chained is a proxy whose servers are another proxy, and a load on each of them.
const chained = `version: 1
name: chained
proxy:
  driver: DRIVER
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin
    defaults
        mode http
        timeout connect 1s
        timeout client 10s
        timeout server 10s
    frontend web
        bind {{bind "web"}}
        default_backend web
    backend web
        server behind {{listener "behind" "web"}}
companions:
  - name: behind
    driver: COMPANION
    config: |
      global
          stats socket {{.Stats}} mode 600 level admin
      defaults
          mode http
          timeout connect 1s
          timeout client 10s
          timeout server 10s
      frontend web
          bind {{bind "web"}}
          http-request BEHIND if { path /behind }
          default_backend web
      backend web
      {{- range .Backends.web}}
          server {{.Name}} {{.Addr}}
      {{- end}}
backends:
  - {name: web, replicas: 2, latency: 1ms}
load:
  - name: through
    target: proxy/web
    phases:
      - {name: steady, rate: 50/s, for: 1s}
  - name: straight
    target: behind/web
    phases:
      - {name: steady, rate: 50/s, for: 1s}
objectives:
  - "failed == 0"
  - "conservation.delta == 0"
`

// A run starts the proxies beside the one under test, and loads and templates find their
// listeners.
func TestRunWithCompanions(t *testing.T) {
	for _, drivers := range [][2]string{{"builtin", ""}, {"builtin", "haproxy"}, {"haproxy", "builtin"}} {
		t.Run(drivers[0]+" before "+drivers[1], func(t *testing.T) {
			t.Parallel()
			if strings.Contains(drivers[0]+drivers[1], "haproxy") {
				testpeer.Need(t, "haproxy")
			}
			b := start(t, chain(drivers[0], drivers[1], "deny"), "")
			b.wait(t)
			run := b.record(t)
			certain(t, run, result.Pass)
			for _, l := range run.Cells[0].Loads {
				if l.Sent == 0 {
					t.Errorf("load %s has sent nothing", l.Name)
				}
			}
		})
	}
}

// What is wrong with the configuration of a companion is said by both commands, by its
// lines.
func TestConfigurationsOfCompanions(t *testing.T) {
	b := start(t, chain("builtin", "", "no-such-rule"), "")
	if code, said := b.wait(t), b.stderr.String(); code != exitUsage || !strings.Contains(said, "companion behind") || !strings.Contains(said, "no-such-rule") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	t.Setenv(mainVariable, "1") // for the engine
	code, _, said := command(t, "", "validate", b.scenario)
	if want := b.scenario + ":31:11: builtin: "; code != exitUsage || !strings.Contains(said, want) {
		t.Errorf("exit code %d, no %q in\n%s", code, want, said)
	}
}

// chain fills in the scenario; rule is one of the proxy behind.
func chain(driver, companion, rule string) string {
	return strings.NewReplacer("DRIVER", driver, "COMPANION", `"`+companion+`"`, "BEHIND", rule).Replace(chained)
}
