package trace

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bench/loadgen/httpfield"
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
		{"time", "0.5 GET /\nsoon GET /\n", 0, nil, 0, `:2: "soon" is not a number of seconds`},
		{"not a number", "NaN GET /\n", 0, nil, 0, `"NaN" is not a number of seconds`},
		{"method", "1 G@T /\n", 0, nil, 0, `"G@T" is not a method to replay`},
		{"path", "1 GET a\n", 0, nil, 0, `"a" is not a path`},
		{"nothing", "# nothing\n", 0, nil, 0, "no request in it"},
		{"no log", "[x] hello\n", 0, nil, 0, "none of the 1 lines is a request"},
		{"long line", strings.Repeat("x", 70<<10), 0, nil, 0, ":1: the line is longer than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr, err := Read(&Spec{File: writeTrace(t, c.text), Speed: c.speed})
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
			for _, e := range tr.Entries {
				r := tr.Requests[e.Request]
				got = append(got, strings.Join([]string{strconv.FormatInt(e.At, 10), r.Method, r.Path, r.Name}, " "))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") || tr.skipped != c.skipped {
				t.Errorf("entries %q, want %q; %d lines skipped, want %d", got, c.want, tr.skipped, c.skipped)
			}
		})
	}
	if _, err := Read(&Spec{File: "/does/not/exist"}); err == nil {
		t.Error("a trace that is not there was read")
	}
}

func FuzzTraceLine(f *testing.F) {
	for line := range strings.SplitSeq(httpLog+"0.5 GET /a b\n", "\n") {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, parse := range []func([]byte) (int64, Request, error){parseHTTPLog, parseLine} {
			_, r, err := parse(line)
			if err == nil && (r.Method == "" || r.Path == "" || strings.ContainsFunc(r.Path+r.Method, httpfield.NotVisible)) {
				t.Fatalf("%q gives %+v", line, r)
			}
		}
	})
}
