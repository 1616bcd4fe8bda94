package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
)

// httpAnswers is a scenario whose origin says all that origins of HTTP can, to a load
// with a mix of requests and to one that replays a trace.
const httpAnswers = `version: 1
name: http-answers
proxy:
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin expose-fd listeners
    defaults
        mode http
        timeout connect 1s
        timeout client 10s
        timeout server 10s
    listen web
        bind {{bind "web"}}
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}}
    {{- end}}
backends:
  - name: web
    http:
      framing: chunked
      headers: {Cache-Control: max-age=60}
      trailers: {X-Sum: abc}
      etag: true
      gzip: true
      answers: ['/odd=HTTP/1.1 201 Odd\r\nContent-Length: 2\r\n\r\nok']
load:
  - name: mix
    target: proxy/web
    requests:
      - {name: page, path: /, expect: {headers: {ETag: "*", Cache-Control: max-age=60}, bytes: 1KiB}}
      - {name: known, path: /, headers: {If-None-Match: '"400"'}, expect: {status: [304]}}
      - {name: zipped, path: /, headers: {Accept-Encoding: gzip}, expect: {headers: {Content-Encoding: gzip}}}
      - {name: odd, path: /odd, expect: {status: [201], contains: ok}}
    phases: [{name: steady, rate: 200/s, for: 1s}]
  - name: replay
    target: proxy/web
    arrival: trace
    trace: {file: TRACE}
    phases: [{name: steady, for: 1s}]
objectives:
  - "failed == 0"
  - "mix.completed == 200"
  - "replay.completed == 3"
  - "conservation.delta == 0"
`

func TestRunHearsEveryAnswer(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace.txt")
	if err := os.WriteFile(trace, []byte("0 GET /\n0.3 GET /odd\n0.6 POST /echo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, strings.Replace(httpAnswers, "TRACE", trace, 1), "")
	b.wait(t)
	cell := b.record(t).Cells[0]
	for _, o := range cell.Objectives {
		if o.Verdict != result.Pass {
			t.Errorf("%+v", o)
		}
	}
	if got := cell.Loads[0].StatusCounts; got["200"] == 0 || got["201"] == 0 || got["304"] == 0 {
		t.Errorf("statuses %v", got)
	}
}
