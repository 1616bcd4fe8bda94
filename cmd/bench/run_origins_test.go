package main

import (
	"slices"
	"strings"
	"testing"

	"bench/backends/fault"
	"bench/internal/result"
	"bench/scenarios/format"
)

// everyOrigin is a scenario with origins of every kind. EVENTS are all faults
// that each of them knows.
const everyOrigin = `version: 1
name: every-origin
proxy:
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin expose-fd listeners
    defaults
        timeout connect 1s
        timeout client 10s
        timeout server 10s
    frontend web
        mode http
        bind {{bind "web"}}
        default_backend web
    backend web
        mode http
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    backend others
        mode tcp
    {{- range .Backends.echo}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    {{- range .Backends.db}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    {{- range .Backends.cache}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    {{- range .Backends.names}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    {{- range .Backends.safe}}
        server {{.Name}} {{.Addr}}
    {{- end}}
backends:
  - {name: web}
  - {name: echo, kind: tcp, tcp: {mode: script, steps: [expect PING, "send PONG", loop]}}
  - name: db
    kind: mysql
    mysql:
      role: replica
      lag: 3s
      user: bench
      password: "a secret"
      plugin: caching_sha2
      answers:
        - {query: SELECT name FROM item*, columns: [id int, name], rows: [["1", hat], ["2", null]]}
  - {name: cache, kind: redis, latency: 1ms, redis: {password: secret, keys: {greeting: "hello, world"}, maxMemory: 1MiB}}
  - {name: safe, tls: {name: safe.test}}
  - {name: names, kind: dns, dns: {records: a.test. A 192.0.2.2}}
load:
  - name: clients
    target: proxy/web
    phases:
      - {name: steady, rate: 50/s, for: 4s} # a busy machine takes more than a second for all
events:
`

// Every fault can be ordered of every kind of origin that knows it, in a run.
func TestRunOrdersEveryFaultOfEveryOrigin(t *testing.T) {
	args := map[string]string{
		"latency": "latency: 1ms", "bandwidth": "bandwidth: 1MiB", "role": "role: primary", "lag": "lag: 5s",
		"rate": "rate: 0.5", "scope": "scope: new", "bytes": "bytes: 3", "every": "every: 1ms", "connections": "connections: 9",
		"records": "records: a.test. A 192.0.2.1", "certificate": "certificate: safe.test", "flaws": "flaws: [expired]",
	}
	var events strings.Builder
	want := 0
	for _, a := range format.Actions() {
		if a.Fault == "" {
			continue
		}
		known := fault.Protocols(a.Fault)
		for _, o := range [][2]string{{"web", "http"}, {"safe", "http"}, {"echo", "tcp"}, {"db", "mysql"}, {"cache", "redis"}, {"names", "dns"}} {
			origin, protocol := o[0], o[1]
			if known != nil && !slices.Contains(known, protocol) || fault.InTLS(a.Fault) && origin != "safe" {
				continue
			}
			text := "name: " + origin + ".1, for: 20ms"
			for _, key := range append(a.Needs, a.Allows...) {
				if arg, ok := args[key]; ok {
					text += ", " + arg
				}
			}
			if a.Name == "backend.state" {
				text += map[string]string{"db": ", state: read-only", "cache": ", state: loading"}[origin]
			}
			events.WriteString("  - {at: 1s, do: " + a.Name + ", args: {" + text + "}}\n")
			want++
		}
	}
	b := start(t, everyOrigin+events.String(), "")
	b.wait(t)
	run := b.record(t)
	if got := run.Cells[0].Events; len(got) != want {
		t.Errorf("%d events, want %d", len(got), want)
	}
	for _, e := range run.Cells[0].Events {
		if !e.Applied || e.EndUs-e.BeginUs != 20_000 {
			t.Errorf("event %+v", e)
		}
		// Only origin web has clients. What happens to the others concerns nobody.
		if e.Certificate == nil || e.Target != "web.1" && e.Certificate.Verdict != result.NoEffect {
			t.Errorf("event %s on %s, which has no clients, has the certificate %+v", e.Kind, e.Target, e.Certificate)
		}
	}
	if run.Verdict == result.Pass || run.Verdict == result.Unclear && !strings.Contains(run.Reason, "had no effect") {
		t.Errorf("verdict %s (%s), want UNCLEAR for what had no effect", run.Verdict, run.Reason)
	}
}
