package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bench/internal/dist"
	"bench/loadgen/draw"
	"bench/loadgen/http1"
	"bench/loadgen/redis"
	"bench/loadgen/trace"
	"bench/loadgen/workload"
	"bench/scenarios/document"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

const loadExample = `version: 1
name: mix
proxy: {config: 'frontend fe
  bind {{bind "web"}}'}
load:
  - name: clients
    target: proxy/web
    arrival: closed
    think: 10ms
    connections: {pool: 20, maxAge: 30s, pipeline: 4}
    path: /all
    headers: {Accept: "*/*", X-A: all}
    body: 1KiB
    expect: {status: [200]}
    requests:
      - {name: browse, weight: 9}
      - {name: buy, method: POST, path: "/buy/{{seq}}", headers: {x-a: own}, body: {file: body.txt, template: true, chunk: 4KiB}, expect: {bytes: 2KiB, sha256: "", headers: {etag: "*"}}}
    phases:
      - {name: a, for: 1s, connections: 5, measure: false}
      - {name: b, for: 2s}
  - name: replay
    target: proxy/web
    arrival: trace
    trace: {file: body.txt, speed: 2}
    phases: [{name: a, for: 1s, measure: false}, {name: b, for: 2s}]
  - name: cache
    protocol: redis
    target: proxy/web
    redis:
      password: secret
      database: 1
      version: 3
      keys: {count: 10, law: zipfian, skew: 1.2, prefix: "k:"}
      value: 1KiB
      commands:
        - {name: get, weight: 9, command: "GET {{key}}", expect: {null: false, bytes: 1KiB}}
        - {name: set, command: "SET {{key}} {{value}}", value: "uniform(1B, 9B)", expect: {text: OK}}
    phases: [{name: a, rate: 10/s, for: 1s, measure: false}, {name: b, rate: 10/s, for: 2s}]
  - name: open
    target: proxy/web
    phases: [{name: a, rate: 0..10/s, steps: 3, burst: 2, for: 1s, measure: false}, {name: b, rate: 10/s, for: 2s}]
`

// What a request does not say is as its load says it.
func TestLoadSpec(t *testing.T) {
	dir := t.TempDir()
	body := filepath.Join(dir, "body.txt")
	if err := os.WriteFile(body, []byte("0 GET /\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	doc, err := document.Parse(filepath.Join(dir, "mix.yaml"), []byte(loadExample), document.Options{})
	if err != nil {
		t.Fatal(source.Describe(err))
	}
	loads := doc.Cells[0].Scenario.Load
	few, length := 5, int64(2048)
	sameSize := cmp.Comparer(func(a, b dist.Size) bool { return a == b })
	want := workload.Spec{
		Name: "clients", Protocol: "http1", Title: "proxy/web", Arrival: workload.Closed, ThinkUs: 10_000, TimeoutUs: 5_000_000,
		Connections: workload.Connections{Pool: 20, MaxAgeUs: 30_000_000, Pipeline: 4},
		HTTP: http1.Spec{Requests: []http1.Request{
			{
				Name: "browse", Weight: 9, Method: "GET", Path: "/all", Headers: []http1.Header{{Name: "Accept", Value: "*/*"}, {Name: "X-A", Value: "all"}},
				Body: http1.Body{Size: 1024}, Expect: http1.Expect{Status: []int{200}},
			},
			{
				Name: "buy", Weight: 1, Method: "POST", Path: "/buy/{{seq}}", Headers: []http1.Header{{Name: "Accept", Value: "*/*"}, {Name: "x-a", Value: "own"}},
				Body:   http1.Body{File: body, Template: true, ChunkBytes: 4096},
				Expect: http1.Expect{Bytes: &length, Headers: []http1.Header{{Name: "etag", Value: "*"}}},
			},
		}},
		Phases: []workload.Phase{
			{Name: "a", LengthUs: 1_000_000, Connections: &few, Steps: 1, Burst: 1},
			{Name: "b", LengthUs: 2_000_000, Measure: true, Steps: 1, Burst: 1},
		},
	}
	if diff := cmp.Diff(want, new(format.Scenario).Spec(&loads[0]), sameSize); diff != "" {
		t.Errorf("spec differs (-want +got):\n%s", diff)
	}
	if replay := new(format.Scenario).Spec(&loads[1]); replay.Trace == nil || *replay.Trace != (trace.Spec{File: body, Speed: 2}) {
		t.Errorf("trace %+v", replay.Trace)
	}
	small, err := dist.ParseSize("uniform(1B, 9B)")
	if err != nil {
		t.Fatal(err)
	}
	size, err := dist.ParseSize("1KiB")
	if err != nil {
		t.Fatal(err)
	}
	cache := redis.Spec{
		Client: loads[2].Name, Password: "secret", Database: 1, Version: 3, Value: size,
		Keys: draw.Keys{Prefix: "k:", Count: 10, Law: draw.KeysZipfian, Skew: 1.2},
		Commands: []redis.Command{
			{Name: "get", Weight: 9, Line: "GET {{key}}", Expect: redis.ExpectReply{Bytes: new(int64(1024)), Null: new(false)}},
			{Name: "set", Weight: 1, Line: "SET {{key}} {{value}}", Value: &small, Expect: redis.ExpectReply{Text: new("OK")}},
		},
	}
	if diff := cmp.Diff(cache, new(format.Scenario).Spec(&loads[2]).Redis, sameSize); diff != "" {
		t.Errorf("spec of redis differs (-want +got):\n%s", diff)
	}
	if p := new(format.Scenario).Spec(&loads[3]).Phases[0]; p.Steps != 3 || p.Burst != 2 || p.To != 10 {
		t.Errorf("phase %+v", p)
	}
	for i := range loads {
		spec := new(format.Scenario).Spec(&loads[i])
		spec.Targets = []string{"127.0.0.1:1"}
		if err := spec.Validate(); err != nil {
			t.Error(err)
		}
	}
	// The resolved text may be read elsewhere.
	if n := strings.Count(string(doc.Resolved), "file: "+body); n != 2 {
		t.Errorf("%d of 2 files are absolute in\n%s", n, doc.Resolved)
	}
}
