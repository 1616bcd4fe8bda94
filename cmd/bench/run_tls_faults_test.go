package main

import (
	"testing"

	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
)

// tlsFaults is a scenario in which one of three servers does wrong in TLS what there is, one
// after the other. The proxy verifies certificates, and sends a request to another server
// that has not been answered.
const tlsFaults = `version: 1
name: tls-faults
proxy:
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin expose-fd listeners
    defaults
        mode http
        timeout connect 1500ms
        timeout client 10s
        timeout server 10s
        option http-server-close
        option redispatch 1
        retries 3
        retry-on conn-failure empty-response
    frontend web
        bind {{bind "web"}}
        default_backend web
    backend web
        default-server ssl verify required ca-file {{ca}} verifyhost web.test
    {{- range .Backends.good}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    {{- range .Backends.bad}}
        server {{.Name}} {{.Addr}}
    {{- end}}
backends:
  - {name: good, replicas: 2, body: 16KiB, tls: {name: web.test}}
  - {name: bad, body: 16KiB, tls: {name: web.test}}
load:
  - name: web
    target: proxy/web
    connections: {pool: 32}
    timeout: 20s
    phases:
      - {name: stall, rate: 10/s, for: 2500ms}
      - {name: name, rate: 30/s, for: 700ms}
      - {name: expired, rate: 30/s, for: 700ms}
      - {name: renegotiation, rate: 30/s, for: 700ms}
      - {name: truncated, rate: 30/s, for: 900ms}
events:
  - {at: stall, do: backend.tlsStall, args: {name: bad, for: 2400ms}}
  - {at: name, do: backend.certificate, args: {name: bad, for: 600ms, certificate: other.test}}
  - {at: expired, do: backend.certificate, args: {name: bad, for: 600ms, certificate: web.test, flaws: [expired]}}
  - {at: renegotiation, do: backend.renegotiation, args: {name: bad, for: 600ms}}
  - {at: truncated, do: backend.tlsTruncate, args: {name: bad, for: 800ms}}
`

// What origins do wrong in TLS costs no request as long as nothing has been answered, and
// what was cut off is not taken for the whole, with both proxies.
func TestRunMeetsFaultsOfTLS(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	for _, driver := range []string{"builtin", "haproxy"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			if driver == "haproxy" {
				testpeer.Need(t, "haproxy")
			}
			b := start(t, tlsFaults, "", "--driver", driver)
			b.wait(t)
			cell := b.record(t).Cells[0]
			load := &cell.Loads[0]
			for cause, n := range load.FailuresByCause {
				if cause != result.CauseTruncated && n > 0 {
					t.Errorf("%d failures %s", n, cause)
				}
			}
			if load.Completed == 0 || load.Failed == 0 {
				t.Errorf("%d completed, %d failed", load.Completed, load.Failed)
			}
			for i := range load.Phases { // what was under way when the last fault began may have been cut
				if p := &load.Phases[i]; p.Failed > 0 && p.Name != "truncated" && p.Name != "renegotiation" {
					t.Errorf("phase %s: %d completed, %d failed", p.Name, p.Completed, p.Failed)
				}
			}
			for _, e := range cell.Events {
				if e.Certificate == nil || e.Certificate.Verdict != result.Confirmed {
					t.Errorf("event %s: %+v", e.Kind, e.Certificate)
				}
			}
		})
	}
}
