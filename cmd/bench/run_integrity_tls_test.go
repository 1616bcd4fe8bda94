package main

import (
	"testing"

	"bench/internal/testpeer"
)

// secretPieces is a scenario whose messages come in pieces, in TLS on both sides and in either
// version of HTTP, so that records, frames and heads end in the midst of one another. One
// server drips its answers.
const secretPieces = `version: 1
name: secret-pieces
proxy:
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin expose-fd listeners
    defaults
        mode http
        timeout connect 5s
        timeout client 10s
        timeout server 10s
    frontend web
        bind {{bind "web"}} ssl crt {{cert "site.test"}} alpn h2,http/1.1
        use_backend one if { path_beg /one }
        default_backend two
    backend one
        default-server ssl verify required ca-file {{ca}} verifyhost web.test
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    backend two
        default-server ssl verify required ca-file {{ca}} verifyhost web.test alpn h2
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}}
    {{- end}}
backends:
  - {name: web, replicas: 2, body: "uniform(0B, 40KiB)", http: {http2: true}, tls: {name: web.test}}
load:
  - name: first
    target: proxy/web
    tls: &tls {name: site.test, verify: true}
    connections: &few {pool: 4, requestsPerConnection: 10}
    pieces: &pieces {min: 3, max: 9, pause: 1ms}
    timeout: 20s
    requests: &requests
      - {name: read, path: "/one/{{random 1 99999}}", headers: {Cookie: "me={{hex 32}}"}}
      - {name: write, method: POST, path: "/two/{{seq}}", body: {text: "{{letters 2000}}", template: true}}
    phases: &phases [{name: steady, rate: 60/s, for: 1500ms}]
  - name: second
    protocol: http2
    http2: {streams: 10}
    target: proxy/web
    tls: *tls
    connections: *few
    pieces: *pieces
    timeout: 20s
    requests: *requests
    phases: *phases
events:
  - {at: steady+200ms, do: backend.trickle, args: {name: web.1, bytes: 3000, every: 1ms, for: 1s}}
`

// No message is altered or given to another client, with either proxy.
func TestSecretMessagesInPieces(t *testing.T) {
	for _, driver := range []string{"builtin", "haproxy"} {
		t.Run(driver, func(t *testing.T) {
			if driver == "haproxy" {
				testpeer.Need(t, "haproxy")
			}
			b := start(t, secretPieces, "", "--driver", driver)
			if code := b.wait(t); code != exitPass && code != exitFail && code != exitUnclear {
				t.Fatalf("exit code %d:\n%s%s", code, b.stdout.String(), b.stderr.String())
			}
			c := b.record(t).Cells[0]
			for i := range c.Loads {
				l := &c.Loads[i]
				if l.Failed > 0 || l.Handshakes == 0 || l.Integrity == nil || l.Integrity.Checked == 0 || l.Integrity.Mismatch() != 0 || l.Integrity.Unchecked > 0 {
					t.Errorf("%s: %d failed, %d handshakes, %+v", l.Name, l.Failed, l.Handshakes, l.Integrity)
				}
			}
			if c.AlteredUnreported != 0 {
				t.Errorf("%d altered requests that no load knows of", c.AlteredUnreported)
			}
		})
	}
}
