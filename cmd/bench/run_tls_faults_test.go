package main

import (
	"testing"

	"bench/internal/result"
	"bench/internal/testpeer"
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
        timeout connect 400ms
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
    connections: {pool: 16}
    phases:
      - {name: stall, rate: 30/s, for: 1s}
      - {name: name, rate: 30/s, for: 1s}
      - {name: expired, rate: 30/s, for: 1s}
      - {name: foreign, rate: 30/s, for: 1s}
      - {name: renegotiation, rate: 30/s, for: 1s}
      - {name: truncated, rate: 30/s, for: 1s}
events:
  - {at: stall, do: backend.tlsStall, args: {name: bad, for: 900ms}}
  - {at: name, do: backend.certificate, args: {name: bad, for: 900ms, certificate: other.test}}
  - {at: expired, do: backend.certificate, args: {name: bad, for: 900ms, certificate: web.test, flaws: [expired]}}
  - {at: foreign, do: backend.certificate, args: {name: bad, for: 900ms, certificate: web.test, flaws: [foreign]}}
  - {at: renegotiation, do: backend.renegotiation, args: {name: bad, for: 900ms}}
  - {at: truncated, do: backend.tlsTruncate, args: {name: bad, for: 900ms}}
`

// What origins do wrong in TLS costs no request as long as nothing has been answered, and
// what was cut off is not taken for the whole, with both proxies.
func TestRunMeetsFaultsOfTLS(t *testing.T) {
	for _, driver := range []string{"builtin", "haproxy"} {
		t.Run(driver, func(t *testing.T) {
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
			for i := range load.Phases {
				if p := &load.Phases[i]; (p.Failed > 0) != (p.Name == "truncated") || p.Completed == 0 {
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
