package loadgen

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func writeTrace(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const httpLog = `Nov 23 14:48:20 lb haproxy[1207]: Proxy web started.
Nov 23 14:48:21 lb haproxy[1207]: 127.0.0.1:40000 [23/Nov/2026:14:48:21.250] fe be/s1 0/0/0/1/1 200 100 - - ---- 1/1/0/0/0 0/0 "GET /b?x=1 HTTP/1.1"
<134>1 2026-11-23T14:48:21Z lb haproxy 1207 - - ::1:40001 [23/Nov/2026:14:48:21.000] fe~ be/s2 0/0/0/1/1 200 100 - - ---- 1/1/0/0/0 0/0 {a#22b|c} {} "POST /a HTTP/1.1"
127.0.0.1:40002 [23/Nov/2026:14:48:22.999] fe be/s1 0/0/0/1/1 200 100 - - ---- 1/1/0/0/0 0/0 "GET https://example.org/h2 HTTP/2.0"
127.0.0.1:40003 [23/Nov/2026:14:48:21.500] fe be/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"
127.0.0.1:40004 [23/Nov/2026:14:48:21.250] fe be/s1 0/0/0/1/1 200 100 - - ---- 1/1/0/0/0 0/0 "HEAD /c HTTP/1.1"
127.0.0.1:40005 [23/Nov/2026:14:48:21.250] fe be/s1 0/0/0/1/1 200 100 - - ---- 1/1/0/0/0 0/0 "GET /cut-off-
`

func TestReadTrace(t *testing.T) {
	for _, c := range []struct {
		name, text string
		speed      float64
		want       []string // "NS METHOD PATH NAME"
		skipped    int
		err        string
	}{
		{"plain", "# a comment\n\n0.5 GET /a\n0.25 POST /b buy\n 1e0 GET /a\n", 0, []string{"0 POST /b buy", "250000000 GET /a ", "750000000 GET /a "}, 0, ""},
		{"speed", "10 GET /a\n11 GET /b\n", 4, []string{"0 GET /a ", "250000000 GET /b "}, 0, ""},
		{"httplog", httpLog, 1, []string{"0 POST /a ", "250000000 GET /b?x=1 ", "250000000 HEAD /c ", "1999000000 GET /h2 "}, 3, ""},
		{"words", "0.5 GET\n", 0, nil, 0, ":1: want SECONDS METHOD PATH [NAME]"},
		{"time", "0.5 GET /\nsoon GET /\n", 0, nil, 0, `:2: "soon" is no number of seconds`},
		{"not a number", "NaN GET /\n", 0, nil, 0, `"NaN" is no number of seconds`},
		{"method", "1 G@T /\n", 0, nil, 0, `"G@T" is no method to replay`},
		{"path", "1 GET a\n", 0, nil, 0, `"a" is no path`},
		{"nothing", "# nothing\n", 0, nil, 0, "no request in it"},
		{"no log", "[x] hello\n", 0, nil, 0, "none of the 1 lines is a request"},
		{"long line", strings.Repeat("x", 70<<10), 0, nil, 0, ":1: the line is longer than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr, err := readTrace(&Trace{File: writeTrace(t, c.text), Speed: c.speed})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range tr.entries {
				r := tr.requests[e.request]
				got = append(got, strings.Join([]string{itoa(e.at), r.method, r.path, r.name}, " "))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") || tr.skipped != c.skipped {
				t.Errorf("entries %q, want %q; %d lines skipped, want %d", got, c.want, tr.skipped, c.skipped)
			}
		})
	}
	if _, err := readTrace(&Trace{File: "/does/not/exist"}); err == nil {
		t.Error("a trace that is not there was read")
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Every request of a trace is sent once, as it was, at its time.
func TestReplayIsExact(t *testing.T) {
	var mu sync.Mutex
	var heads []string
	o := startOrigin(t, &testOrigin{respond: func(head []byte, _, _ int) ([]byte, action) {
		line, _, _ := bytes.Cut(head, []byte("\r\n"))
		mu.Lock()
		heads = append(heads, string(line))
		mu.Unlock()
		if bytes.HasPrefix(head, []byte("HEAD")) {
			return []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), keep
		}
		return []byte(okAnswer), keep
	}}, "")
	var b strings.Builder
	var want []string
	for i := range 200 {
		method := []string{"GET", "HEAD", "DELETE"}[i%3]
		b.WriteString(itoa(int64(i/4)) + "e-1 " + method + " /" + itoa(int64(i)) + "\n")
		want = append(want, method+" /"+itoa(int64(i))+" HTTP/1.1")
	}
	spec := steady(o.addr, 0, 400_000) // the trace is 4.9 s long, 490 ms at this speed
	spec.Arrival, spec.Connections.Pool = Replay, 1
	spec.Trace = &Trace{File: writeTrace(t, b.String()), Speed: 10}
	got, l := load(t, spec)
	if got.Failed != 0 || got.Requests != 160 || got.Trace == nil || got.Trace.Requests != 200 || got.Trace.Beyond != 40 {
		t.Fatalf("%d requests, failures %v, trace %+v", got.Requests, got.FailuresByCause, got.Trace)
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Join(heads, "\n") != strings.Join(want[:160], "\n") {
		t.Errorf("sent %q", heads)
	}
	for _, i := range l.intervals {
		if i.Phase == "steady" && i.Offered != 40 { // 4 each 10 ms
			t.Errorf("%d requests due from %d µs on, want 40", i.Offered, i.StartUs)
		}
	}
}

func TestReplayNamesItsClasses(t *testing.T) {
	o := startOrigin(t, &testOrigin{}, "")
	spec := steady(o.addr, 0, 100_000)
	spec.Arrival = Replay
	spec.HTTP.Requests = []Request{{Name: "a"}, {Name: "b", Headers: []Header{{"X", "{{seq}}"}}}}
	spec.Trace = &Trace{File: writeTrace(t, "0 GET /\n0.01 GET / b\n0.02 GET / b\n")}
	got, _ := load(t, spec)
	if got.Classes[0].Completed != 1 || got.Classes[1].Completed != 2 {
		t.Errorf("classes %+v", got.Classes)
	}
	spec.Trace = &Trace{File: writeTrace(t, "0 GET / c\n")}
	if _, err := New(spec, nil); err == nil || !strings.Contains(err.Error(), `has a request "c", which the load does not describe`) {
		t.Errorf("error %v", err)
	}
}

func FuzzTraceLine(f *testing.F) {
	for line := range strings.SplitSeq(httpLog+"0.5 GET /a b\n", "\n") {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, parse := range []func([]byte) (int64, traceRequest, error){parseHTTPLog, parseTraceLine} {
			_, r, err := parse(line)
			if err == nil && (r.method == "" || r.path == "" || strings.ContainsFunc(r.path+r.method, notVisible)) {
				t.Fatalf("%q gives %+v", line, r)
			}
		}
	})
}
