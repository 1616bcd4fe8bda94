package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/testpeer"
)

func TestAbuseCommand(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	file := filepath.Join(t.TempDir(), "out.json")
	out, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	code := run([]string{"abuse", "malformed", "http://" + o.line.Origins[0].Addr + "/x", "-D", "300ms", "--only", "no-host,two-hosts", "--ascii", "--json", file},
		&streams{nil, out, os.Stderr})
	text, err := os.ReadFile(out.Name())
	if err != nil || code != exitPass || !strings.Contains(string(text), "two-hosts") || !strings.Contains(string(text), "400 x") {
		t.Errorf("exit code %d, %v, printed\n%s", code, err, text)
	}
	var a result.Abuse
	if text, err = os.ReadFile(file); err != nil || json.Unmarshal(text, &a) != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if a.Kind != "malformed" || len(a.Variants) != 2 || a.Statuses["400"] == 0 || a.Statuses["400"] < a.Opened-1 {
		t.Errorf("counted %+v", a)
	}
}

func TestAbuseCommandRefuses(t *testing.T) {
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"idle http://127.0.0.1:1/ --every 1s", "takes no every", exitUsage},
		{"idles http://127.0.0.1:1/", "unknown kind", exitUsage},
		{"idle http://192.0.2.1/", "public address", exitUsage},
		{"idle ftp://127.0.0.1/", "use http", exitUsage},
		{"idle http://127.0.0.1:1/ --source 192.0.2.1", "source 192.0.2.1 is not an address of this host", exitUsage},
		{"idle http://127.0.0.1:1/ --cpu 4000", "--cpu: there is no processor 4000", exitUsage},
		{"idle http://127.0.0.1:1/ -r 5 -D x --size 1x --hold 1", "--rate", exitUsage},
		{"churn http://" + testpeer.Refusing(t) + "/ -D 50ms -q", "no connection could be opened", exitFail},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		code := run(append([]string{"abuse"}, strings.Fields(c.args)...), &streams{null, null, w})
		w.Close()
		null.Close()
		said, err := io.ReadAll(r)
		if err != nil || code != c.code || !bytes.Contains(said, []byte(c.want)) {
			t.Errorf("%s: exit code %d, want %d; said %q, want %q (%v)", c.args, code, c.code, said, c.want, err)
		}
		r.Close()
	}
}

// abusedRun is a run of two and a half seconds in which clients misbehave.
const abusedRun = `
abuse:
  - {name: drip, kind: slowloris, target: proxy/web, at: steady+500ms, for: 1500ms, connections: 40, rate: 200/s, every: 50ms}
  - {name: bad, kind: malformed, target: proxy/web, at: steady+1s, for: 1s, rate: 50/s}
steadyState: "errors == 0"
objectives:
  - "failed == 0"
  - {expr: "failed == 0", window: abuse.malformed}
  - "drip.opened >= 40"
  - "drip.held.p50 < 900ms"
  - "bad.status.2xx == 0"
  - "conservation.delta == 0"
`

func TestRunWithAbuse(t *testing.T) {
	scenario := strings.ReplaceAll(shortRun, "driver: haproxy", "driver: builtin")
	scenario = strings.ReplaceAll(scenario, "timeout client 10s", "timeout client 10s\n        timeout http-request 500ms")
	b := start(t, scenario+abusedRun, "")
	code := b.wait(t)
	run := b.record(t)
	certain(t, run, result.Pass)
	if code != run.ExitCode {
		t.Errorf("exit code %d, record says %d", code, run.ExitCode)
	}
	c := run.Cells[0]
	if len(c.Abuse) != 2 || c.Abuse[0].Closed == 0 || c.Abuse[0].BeginUs != 1_000_000 || c.Abuse[0].EndUs != 2_500_000 || c.Abuse[1].Statuses["400"] == 0 {
		t.Errorf("abuse %+v", c.Abuse)
	}
	for _, e := range c.Events {
		if strings.HasPrefix(e.Kind, "abuse.") && (!e.Applied || e.EndUs <= e.BeginUs || e.PlannedUs != e.BeginUs) {
			t.Errorf("event %+v", e)
		}
	}
	if c.Conservation == nil || !c.Conservation.Exact || c.Conservation.Delta != 0 {
		t.Errorf("conservation %+v", c.Conservation)
	}
}
