package log

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/proxy/logformat"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

const referenceConfig = `
global
    log %[1]s local3
    nbthread 1
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    log global
frontend http
    bind unix@%[2]s/http
    option httplog
    capture request header X-Cap len 40
    capture response header Server len 10
    default_backend be
frontend clf
    bind unix@%[2]s/clf
    option httplog clf
    default_backend be
frontend tcp
    mode tcp
    bind unix@%[2]s/tcp
    option tcplog
    default_backend tb
frontend plain
    mode tcp
    bind unix@%[2]s/plain
    default_backend tb
backend be
    cookie SRV insert
    server s1 %[3]s cookie c1
backend tb
    mode tcp
    server s1 %[3]s
`

// httpLine reads the fields of a line of "option httplog" back.
var httpLine = regexp.MustCompile(`^unix:(\d+) \[(.+?)\] (\S+) (\S+?)/(\S+) (-?\d+)/(-?\d+)/(-?\d+)/(-?\d+)/(\d+) (-?\d+) (\d+) - - (..)(..) (\d+)/(\d+)/(\d+)/(\d+)/(\d+) (\d+)/(\d+) (?:\{(.*?)\} \{(.*?)\} )?"(.*)"$`)

func atoi(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }

func recordOf(t *testing.T, m []string) *txn.Record {
	t.Helper()
	when, err := time.ParseInLocation("02/Jan/2006:15:04:05.000", m[2], time.Local)
	if err != nil {
		t.Fatal(err)
	}
	r := &txn.Record{
		Client: mustAddr(t, "/x"), ListenerID: int(atoi(m[1])), AcceptDate: when, RequestDate: when,
		Frontend: m[3], Backend: m[4], Server: m[5],
		Request: atoi(m[6]), Queue: atoi(m[7]), Connect: atoi(m[8]), Response: atoi(m[9]), Active: atoi(m[10]),
		Status: int(atoi(m[11])), BytesOut: uint64(atoi(m[12])), Flags: [2]byte([]byte(m[13])), HTTPFlags: [2]byte([]byte(m[14])),
		ActConn: atoi(m[15]), FeConn: atoi(m[16]), BeConn: atoi(m[17]), SrvConn: atoi(m[18]), Retries: int(atoi(m[19])),
		SrvQueue: atoi(m[20]), BeQueue: atoi(m[21]),
	}
	if r.Server == "<NOSRV>" {
		r.Server = ""
	}
	if line := unescape(m[24]); line != "<BADREQ>" {
		method, rest, _ := strings.Cut(line, " ")
		i := strings.LastIndexByte(rest, ' ')
		r.Method, r.URI, r.Version = []byte(method), []byte(rest[:i]), []byte(rest[i+1:])
		r.RequestCaptures, r.ResponseCaptures = [][]byte{[]byte(unescape(m[22]))}, [][]byte{[]byte(unescape(m[23]))}
	}
	return r
}

var escaped = regexp.MustCompile(`#[0-9A-F]{2}`)

// unescape gives back the bytes that "#XX" stands for.
func unescape(s string) string {
	return escaped.ReplaceAllStringFunc(s, func(x string) string {
		n, _ := strconv.ParseUint(x[1:], 16, 8)
		return string([]byte{byte(n)})
	})
}

// Every line the reference logs, taken apart and written again, must come out
// the same.
func TestLinesAreTheReferences(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	dir := t.TempDir()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "test|1")
		if r.URL.Path == "/500" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer origin.Close()
	pc := listen(t, "udp", "127.0.0.1:0")
	file := filepath.Join(dir, "cfg")
	text := fmt.Sprintf(referenceConfig, pc.LocalAddr(), dir, strings.TrimPrefix(origin.URL, "http://"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))

	exchange := func(frontend, request string) string {
		t.Helper()
		var c net.Conn
		var err error
		for range 200 {
			if c, err = net.Dial("unix", filepath.Join(dir, frontend)); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(c)
		_ = c.Close() // a line is logged when both sides have ended
		line := receive(t, pc)
		_, body, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "]: ")
		if !ok || !strings.HasPrefix(line, "<158>") {
			t.Fatalf("unexpected line %q", line)
		}
		return body
	}
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET /500?a=b HTTP/1.0\r\nX-Cap: a{b|c}d\"e#f\\\r\n\r\n",
		"GET /q{}|%~^` HTTP/1.0\r\nCookie: SRV=c1\r\n\r\n",
		"HEAD http://h/abs?x HTTP/1.0\r\n\r\n",
		"BAD\r\n\r\n",
	} {
		want := exchange("http", request)
		m := httpLine.FindStringSubmatch(want)
		if m == nil {
			t.Fatalf("the reference logs %q", want)
		}
		r := recordOf(t, m)
		if got := render(t, logformat.HTTPFormat, r); got != want {
			t.Errorf("http\ngot  %s\nwant %s", got, want)
		}
		// The same request's line in the common log format differs in its
		// figures only.
		clf := exchange("clf", request)
		r.Frontend, r.RequestCaptures, r.ResponseCaptures = "clf", nil, nil
		if r.Server == "" {
			r.Backend = "clf"
		}
		if got := shape(render(t, logformat.CLFFormat, r)); got != shape(clf) {
			t.Errorf("clf\ngot  %s\nwant %s", got, shape(clf))
		}
		r.Frontend, r.Backend, r.Server, r.Mode, r.Total = "tcp", "tb", "s1", "TCP", 3
		r.Queue, r.Connect, r.Local, r.Flags = 0, 0, mustAddr(t, "/y"), [2]byte{'-', '-'}
		want = exchange("tcp", strings.Replace(request, "1.1", "1.0", 1))
		if got := render(t, logformat.TCPFormat, r); shape(got) != shape(want) {
			t.Errorf("tcp\ngot  %s\nwant %s", shape(got), shape(want))
		}
		r.Frontend = "plain"
		want = exchange("plain", strings.Replace(request, "1.1", "1.0", 1))
		if got := render(t, logformat.ConnectFormat, r); shape(got) != shape(want) {
			t.Errorf("plain\ngot  %s\nwant %s", shape(got), shape(want))
		}
	}
}

var digits = regexp.MustCompile(`-?\d+`)

// shape replaces numbers, dates and cookie flags, which differ between two
// connections.
func shape(s string) string {
	s = regexp.MustCompile(`\[[^\]]*\]`).ReplaceAllString(s, "[date]")
	s = regexp.MustCompile(` --(NI|VN|--) `).ReplaceAllString(s, " ---- ")
	return digits.ReplaceAllString(s, "0")
}

// fileOfLines are ten lines of requests as a syslog daemon writes them to its file: without
// their priority, after a host name. The last three have another status.
func fileOfLines(t *testing.T) string {
	t.Helper()
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{LogSendHost: "vm"}, spec.LogTarget{Addr: pc.LocalAddr().String()})
	l := newSender(t, time.Now()).Logger(p)
	var lines strings.Builder
	for i := range 10 {
		r := record(t)
		r.Server = "s" + strconv.Itoa(i%2+1)
		if i >= 7 {
			r.Status = 503
		}
		l.Log(r, nil)
		_, line, _ := strings.Cut(receive(t, pc), ">")
		lines.WriteString(line)
	}
	return lines.String()
}

// The log analyser of Debian (haproxy-log-analysis) understands our lines.
func TestLogAnalysisReadsOurLines(t *testing.T) {
	bin := testpeer.Need(t, "haproxy_log_analysis")
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte(fileOfLines(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	wants := map[string]string{
		"counter": "10", "counter_invalid": "0", "http_methods": "'GET': 10", "status_codes_counter": "'200': 7, '503': 3", "server_load": "'s1': 5, 's2': 5",
	}
	out, err := exec.Command(bin, "-l", file, "-c", strings.Join(slices.Sorted(maps.Keys(wants)), ",")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	for part := range strings.SplitSeq(string(out), "command: ") {
		command, answer, _ := strings.Cut(part, "\n")
		if !strings.Contains(answer, wants[command]) {
			t.Errorf("%s: %q lacks %q", command, answer, wants[command])
		}
		delete(wants, command)
	}
	if len(wants) > 0 {
		t.Errorf("no answer to %v in %s", wants, out)
	}
}

// halog, the reference's log analyser, must understand our lines.
func TestHalogReadsOurLines(t *testing.T) {
	bin := testpeer.Need(t, "halog")
	lines := fileOfLines(t)
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(bin, args...)
		cmd.Stdin = strings.NewReader(lines)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("halog %v: %v, %s", args, err, stderr.String())
		}
		return string(out)
	}
	if got := strings.Join(strings.Fields(run("-st", "-q")), " "); got != "200 7 503 3" {
		t.Errorf("halog -st: %q", got)
	}
	srv := run("-srv", "-q")
	for _, want := range []string{"be/s1", "be/s2"} {
		if !strings.Contains(srv, want) {
			t.Errorf("halog -srv does not know %s: %q", want, srv)
		}
	}
	if got := strings.TrimSpace(run("-tc", "-q")); !strings.HasPrefix(got, "-- 10") {
		t.Errorf("halog -tc: %q", got)
	}
	if got := run("-c", "-hs", "503", "-q"); strings.TrimSpace(got) != "3" {
		t.Errorf("halog -c -hs 503: %q", got)
	}
}
