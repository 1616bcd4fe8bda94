package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
)

// command runs a command line and returns its exit code and what it printed.
func command(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	dir := t.TempDir()
	open := func(name, text string) *os.File {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	std := &streams{open("in", in), open("out", ""), open("err", "")}
	code = run(args, std)
	read := func(f *os.File) string {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return code, read(std.out), read(std.err)
}

func TestLoadWritesItsOutcome(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	url := "http://" + o.line.Origins[0].Addr + "/"
	file := filepath.Join(t.TempDir(), "out.json")
	code, out, errs := command(t, "", "load", url, "-D", "1200ms", "-c", "4", "--think", "5ms", "--warmup", "100ms", "-H", "Accept: */*", "--json", file)
	if code != exitPass || !strings.Contains(out, "closed loop, 4 connections") || !strings.Contains(errs, "0:01 phase=main offered=") {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"requests", "completed", "failed", "failuresByCause", "durationSeconds", "ratePerSecond", "bytesIn", "bytesOut", "response", "service", "lag"} {
		if _, ok := all[key]; !ok {
			t.Errorf("the outcome has no %q", key)
		}
	}
	var l result.Load
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatal(err)
	}
	if l.Requests == 0 || l.Requests != l.Completed || l.Response.Unit != "us" || l.Response.HDR == "" || l.DurationSeconds != 1.2 {
		t.Errorf("outcome %s", b)
	}
	code, out, errs = command(t, "", "load", url, "-D", "200ms", "-c", "1", "--json", "-", "-q")
	if code != exitPass || json.Unmarshal([]byte(out), &l) != nil || !strings.Contains(errs, "closed loop, 1 connection") {
		t.Errorf("exit code %d, standard output %q, standard error %q", code, out, errs)
	}
}

// What a target takes longer for than it is given is not its throughput.
func TestLoadOffersMoreThanIsCarried(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--latency", "20ms", "--exit-with-parent")
	file := filepath.Join(t.TempDir(), "out.json")
	code, out, errs := command(t, "", "load", "http://"+o.line.Origins[0].Addr+"/", "-r", "200/s", "-D", "1s", "-c", "1", "--timeout", "60s", "-q", "--json", file)
	if code != exitPass || !strings.HasPrefix(out, "BEHIND   the load offered 200/s, but only ") || !strings.Contains(out, "after the end") {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var l result.Load
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatal(err)
	}
	if l.RatePerSecond > 50 || l.RatePerSecond == 0 || l.Completed != 200 || l.GoodWithin+l.AfterEnd.Good != 200 || l.NotCarried == "" {
		t.Errorf("%v/s, %d completed, %d of them in time, %+v after the end, %q", l.RatePerSecond, l.Completed, l.GoodWithin, l.AfterEnd, l.NotCarried)
	}
}

func TestLoadExitCodes(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	url := "http://" + o.line.Origins[0].Addr + "/"
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no URL", nil, exitUsage, "expected \"<url>\""},
		{"scheme", []string{"ftp://x/"}, exitUsage, "the scheme ftp is not supported"},
		{"rate", []string{url, "--rate", "2000"}, exitUsage, "--rate: \"2000\" has no unit of time"},
		{"duration", []string{url, "-D", "soon"}, exitUsage, "--duration: "},
		{"header", []string{url, "-H", "X"}, exitUsage, "--header \"X\": want NAME: VALUE"},
		{"connections", []string{url, "-c", "0"}, exitUsage, "a closed loop needs a number of connections"},
		{"body", []string{url, "-d", "@/does/not/exist"}, exitUsage, "body: open /does/not/exist"},
		{"request", []string{url, "--request", "browse"}, exitUsage, `--request: "browse": want NAME[*WEIGHT]=[METHOD ]PATH`},
		{"weight", []string{url, "--request", "a*0=/"}, exitUsage, "want NAME[*WEIGHT]"},
		{"template", []string{url, "-H", "X: {{sec}}"}, exitUsage, `there is no variable "sec"; did you mean seq?`},
		{"chunk", []string{url, "--chunked", "x"}, exitUsage, "--chunked: "},
		{"checksum", []string{url, "--expect-sha256", "abc"}, exitUsage, `expected checksum "abc"`},
		{"trace", []string{url, "--trace", "/does/not/exist"}, exitUsage, "--trace: open /does/not/exist"},
		{"trace and rate", []string{url, "--trace", "/dev/null", "--rate", "1/s"}, exitUsage, "--rate: a trace has its own times"},
		{"flag of another protocol", []string{"redis://127.0.0.1", "-m", "POST", "--prepared"}, exitUsage, "--method is not for this protocol\n--prepared is not for this protocol"},
		{"redis command", []string{"redis://127.0.0.1", "--request", "SUBSCRIBE a"}, exitUsage, "command SUBSCRIBE: it does not have exactly one reply"},
		{"redis database", []string{"redis://127.0.0.1/x"}, exitUsage, "want redis://[[USER:]PASSWORD@]HOST[:PORT][/DATABASE]"},
		{"size of values", []string{"redis://127.0.0.1", "--value", "lots"}, exitUsage, "--value: "},
		{"tcp port", []string{"tcp://127.0.0.1", "--step", "expect a"}, exitUsage, "want tcp://HOST:PORT"},
		{"tcp step", []string{"tcp://127.0.0.1:1", "--step", "wait 1s"}, exitUsage, `unknown step "wait"`},
		{"tcp exchange", []string{"tcp://127.0.0.1:1", "--request", "swap 1KiB"}, exitUsage, "want echo SIZE, upload SIZE or download SIZE"},
		{"no tcp exchange", []string{"tcp://127.0.0.1:1"}, exitUsage, "no exchange: want at least one"},
		{"mysql transaction", []string{"mysql://127.0.0.1", "--transaction", "A", "--request", "B"}, exitUsage, "--transaction: a transaction is the only request"},
		{"mysql error", []string{"mysql://127.0.0.1", "--expect-error", "deadlock"}, exitUsage, `--expect-error: "deadlock": want the number`},
		{"streams of http1", []string{"http://127.0.0.1", "--streams", "2"}, exitUsage, "--streams: this, and --window, is only for --http2"},
		{"streams of redis", []string{"redis://127.0.0.1", "--http2"}, exitUsage, "--http2: only with http and https"},
		{"no streams", []string{"http://127.0.0.1", "--http2", "--streams", "20000", "--pipeline", "3"}, exitUsage, "http2: 20000 streams: want 1 to 10000"},
		{"mysql pipeline", []string{"mysql://127.0.0.1", "--pipeline", "2"}, exitUsage, "want pipeline 1"},
		{"nobody speaks redis there", []string{"redis://127.0.0.1:1", "-D", "50ms", "-q"}, exitFail, "no request was answered successfully"},
		{"spin", []string{url, "--spin", "soon"}, exitUsage, "--spin: "},
		{"only the flag that is wrong", []string{url, "-D", "10"}, exitUsage, "bench: --duration: \"10\" has no unit: write 10s, or use another unit: us, ms, m, h or d\n"},
		{"no time", []string{url, "-D", "0s"}, exitUsage, "--duration: want more than 0"},
		{"no speed", []string{url, "--trace", "/does/not/exist", "--speed", "0"}, exitUsage, "--speed: want more than 0"},
		{
			"ramps of a closed loop",
			[]string{url, "--arrival", "poisson", "--steps", "3", "--burst", "2"},
			exitUsage,
			"--arrival: only with --rate\n--steps: only with --rate\n--burst: only with --rate\n",
		},
		{"thinking by a schedule", []string{url, "-r", "1/s", "--think", "1s"}, exitUsage, "--think: only without --rate and --trace"},
		{"speed of no trace", []string{url, "--speed", "2"}, exitUsage, "--speed: only with --trace"},
		{"form of no body", []string{url, "--template", "--chunked", "4KiB"}, exitUsage, "--template: only with --data\n--chunked: only with --data\n"},
		{"skew of even keys", []string{"redis://127.0.0.1", "--skew", "0.5"}, exitUsage, "--skew: only with --key-law zipfian"},
		{"name that is empty", []string{url, "--request", "=/"}, exitUsage, "want NAME[*WEIGHT]="},
		{"processor", []string{url, "--cpu", "0,4000"}, exitUsage, "--cpu: there is no processor 4000 to run on\n"},
		{"nothing due", []string{url, "-r", "1/s", "-D", "10ms", "-q"}, exitFail, "not one request was due in this time"},
		{"threads", []string{url, "--threads", "1000"}, exitUsage, "1000 threads: want 1 to 64"},
		{"poller", []string{url, "--poller", "kqueue"}, exitUsage, "unknown poller \"kqueue\""},
		{"no such folder", []string{url, "--json", "/does/not/exist"}, exitUsage, "open /does/not/exist"},
		{"disk full", []string{url, "-D", "50ms", "-q", "--json", "/dev/full"}, exitLost, "no space left on device"},
		{"nobody there", []string{"http://127.0.0.1:1/", "-D", "50ms", "-q"}, exitFail, "no request was answered successfully"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := command(t, "", append([]string{"load"}, c.args...)...)
			if code != c.code || !strings.Contains(errs, c.want) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, c.code, out, errs)
			}
		})
	}
}

func TestLoadParameters(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT 1":                                 "SELECT 1 []",
		"SELECT a FROM b WHERE c={{random 1 9}}":   "SELECT a FROM b WHERE c=? [{{random 1 9}}]",
		"INSERT INTO a VALUES ({{seq}},{{hex 4}})": "INSERT INTO a VALUES (?,?) [{{seq}} {{hex 4}}]",
		"SELECT {{seq":                             "SELECT {{seq []",
	} {
		if text, params := parameters(in); fmt.Sprint(text, " ", params) != want {
			t.Errorf("%s: %s %v, want %s", in, text, params, want)
		}
	}
}

func TestAgentLoad(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	order := `{"name":"a","targets":["` + o.line.Origins[0].Addr + `"],"phases":[{"name":"p","from":100,"to":100,"lengthUs":100000,"measure":true}]}`
	code, out, errs := command(t, order, "agent", "load")
	lines := bytes.Split(bytes.TrimSpace([]byte(out)), []byte("\n"))
	var last result.AgentLine
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
		t.Fatal(err)
	}
	if code != exitPass || !strings.HasPrefix(out, `{"ready":{"pid":`) || last.Load == nil || last.Load.Completed != 10 {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}

// outcome runs a load and returns its JSON.
func outcome(t *testing.T, args ...string) *result.Load {
	t.Helper()
	code, out, errs := command(t, "", append([]string{"load", "-q", "--json", "-"}, args...)...)
	var l result.Load
	if err := json.Unmarshal([]byte(out), &l); err != nil || code != exitPass && code != exitUnclear {
		t.Fatalf("exit code %d, %v\n%s\n%s", code, err, out, errs)
	}
	return &l
}

func TestLoadMix(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent", "--body", "10")
	l := outcome(t, "http://"+o.line.Origins[0].Addr+"/", "-r", "500/s", "-D", "400ms", "--steps", "2", "--burst", "5", "--cookies",
		"--request", "browse*3=/a/{{seq}}", "--request", "buy=POST /status/201", "-d", `{"n":{{seq}}}`, "--template", "--chunked", "4",
		"--expect", "200", "--expect-bytes", "10")
	if len(l.Classes) != 2 || l.Requests != 200 || l.Classes[0].Completed < 110 || l.Classes[1].Failed < 20 || l.Failed != l.Classes[1].Failed {
		t.Errorf("%d requests, failures %v, classes %+v", l.Requests, l.FailuresByCause, l.Classes)
	}
}

func TestLoadInProcesses(t *testing.T) {
	t.Setenv(mainVariable, "1")
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	l := outcome(t, "http://"+o.line.Origins[0].Addr+"/", "-r", "1001/s", "-D", "1s", "-c", "10", "--processes", "3", "--threads", "2")
	if l.Requests != 1001 || l.Completed != 1001 || l.Response.Count != 1001 || l.Sent != 1001 || l.ConnsOpened > 10 || l.DurationSeconds != 1 {
		t.Errorf("%d requests, %d completed, %d connections, failures %v", l.Requests, l.Completed, l.ConnsOpened, l.FailuresByCause)
	}
	code, _, errs := command(t, "", "load", "http://127.0.0.1:1/", "-q", "-d", "@/does/not/exist", "--processes", "2")
	if code != exitUsage || !strings.Contains(errs, "no such file or directory") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// A log of HAProxy is replayed as it is, in its own time.
func TestLoadReplaysALog(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	log := filepath.Join(t.TempDir(), "haproxy.log")
	var lines strings.Builder
	for i := range 50 {
		fmt.Fprintf(&lines, "127.0.0.1:40000 [23/Nov/2026:14:48:21.%03d] fe be/s1 0/0/0/1/1 200 100 - - ---- 1/1/0/0/0 0/0 \"GET /bytes/%d HTTP/1.1\"\n", 10*i, i)
	}
	if err := os.WriteFile(log, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	l := outcome(t, "http://"+o.line.Origins[0].Addr+"/", "--trace", log, "--speed", "2")
	if l.Arrival != "trace" || l.Completed != 50 || l.Trace.Requests != 50 || l.Trace.Beyond != 0 || l.DurationSeconds < 0.24 || l.DurationSeconds > 0.26 {
		t.Errorf("%d completed in %g s, trace %+v", l.Completed, l.DurationSeconds, l.Trace)
	} // The warm-up is the beginning of the log, and the rest is measured.
	if l = outcome(t, "http://"+o.line.Origins[0].Addr+"/", "--trace", log, "--warmup", "200ms"); l.Requests != 30 || l.Sent != 50 || l.DurationSeconds > 0.3 {
		t.Errorf("%d requests and %d sent in %g s", l.Requests, l.Sent, l.DurationSeconds)
	}
	code, _, errs := command(t, "", "load", "127.0.0.1:1", "--trace", log, "--warmup", "1s")
	if code != exitUsage || !strings.Contains(errs, "--warmup: the trace is shorter") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
