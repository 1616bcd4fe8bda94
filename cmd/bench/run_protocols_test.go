package main

import (
	"slices"
	"testing"

	"bench/internal/result"
)

// everyProtocol is a scenario whose loads speak to origins of their protocol,
// through the proxy.
const everyProtocol = `version: 1
name: every-protocol
proxy:
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin expose-fd listeners
    defaults
        mode tcp
        timeout connect 1s
        timeout client 10s
        timeout server 10s
    listen cache
        bind {{bind "cache"}}
    {{- range .Backends.cache}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    listen echo
        bind {{bind "echo"}}
    {{- range .Backends.echo}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    listen db
        bind {{bind "db"}}
    {{- range .Backends.db}}
        server {{.Name}} {{.Addr}}
    {{- end}}
backends:
  - name: db
    kind: mysql
    tls: {name: db.test}
    mysql:
      user: app
      password: secret
      plugin: caching_sha2
      answers:
        - {query: SELECT name FROM item*, columns: [name], rows: [[hat]]}
  - {name: echo, kind: tcp}
  - {name: cache, kind: redis, redis: {password: secret}}
load:
  - name: cache
    protocol: redis
    target: proxy/cache
    connections: {pool: 4, requestsPerConnection: 20, pipeline: 2}
    redis:
      password: secret
      keys: {count: 100, law: zipfian}
      commands:
        - {name: set, command: "SET {{key}} {{value}}", expect: {text: OK}}
        - {name: get, weight: 3, command: "GET {{key}}"}
    phases: [{name: steady, rate: 300/s, for: 1s}]
  - name: echo
    protocol: tcp
    target: proxy/echo
    connections: {pool: 4, requestsPerConnection: 20}
    tcp:
      exchanges:
        - {name: small, weight: 3, echo: "uniform(1B, 100B)"}
        - {name: large, echo: 100KiB}
        - {name: script, steps: ["send a{{seq}}b", "expect a", "send c", "expect bc"]}
    phases: [{name: steady, rate: 300/s, for: 1s}]
  - name: db
    protocol: mysql
    target: proxy/db
    tls: {name: db.test, verify: true}
    connections: {pool: 4, requestsPerConnection: 20}
    mysql:
      user: app
      password: secret
      connect: [SET NAMES utf8mb4, "SELECT name FROM item"]
      statements:
        - {name: ping}
        - {name: item, weight: 3, query: "SELECT name FROM item WHERE id={{random 1 9}}", expect: {rows: 1}}
        - {name: prepared, query: SELECT name FROM item WHERE id=?, prepared: true, params: ["{{seq}}"], expect: {rows: 1}}
        - {name: buy, transaction: [UPDATE item SET n=n-1, SELECT name FROM item], expect: {affected: 1, rows: 1}}
    phases: [{name: steady, rate: 300/s, for: 1s}]
objectives:
  - "failed == 0"
  - "cache.completed == 300"
  - "echo.completed == 300"
  - "db.completed == 300"
  - "conservation.delta == 0"
`

func TestRunSpeaksEveryProtocol(t *testing.T) {
	b := start(t, everyProtocol, "")
	b.wait(t)
	cell := b.record(t).Cells[0]
	for _, o := range cell.Objectives {
		if o.Verdict != result.Pass {
			t.Errorf("%+v", o)
		}
	}
	for i := range cell.Loads {
		if l := &cell.Loads[i]; len(l.Classes) < 2 {
			t.Errorf("load %s has %d kinds of requests", l.Name, len(l.Classes))
		}
	}
	// Requests to databases are counted under the name of their load; what sets
	// connections up, and the inside of transactions, is not.
	rows := cell.Conservation.Rows
	for _, name := range []string{"cache", "db"} {
		i := slices.IndexFunc(rows, func(r result.ConservationRow) bool { return r.Class == name })
		if i < 0 || rows[i].Sent != 300 || rows[i].Received != 300 || rows[i].Answered != 300 {
			t.Errorf("conservation of %s: %+v", name, rows)
		}
	}
}
