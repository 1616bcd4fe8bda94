package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/proxy/config"
	"bench/proxy/engine"
)

const statsConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
    maxconn 200
    log %[3]s local0
defaults
    mode http
    log global
    option httplog
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    retries 0
frontend fe
    bind unix@%[1]s/fe
    option socket-stats
    default_backend be
frontend tf
    mode tcp
    bind unix@%[1]s/tf
    option tcplog
    maxconn 50
    default_backend tb
frontend df
    bind unix@%[1]s/df
    default_backend dead
backend be
    server s1 %[2]s
    server s2 %[2]s disabled
backend tb
    mode tcp
    balance leastconn
    server t1 %[2]s maxconn 9
backend dead
    server d1 127.0.0.1:1
`

// startConfig runs the engine on a configuration.
func startConfig(t *testing.T, text string) *engine.Engine {
	t.Helper()
	cfg, diags := config.Load([]config.Source{{Name: "cfg", Text: []byte(text)}}, config.SystemEnv("2.6.12"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	e, err := engine.New(cfg, engine.Options{Version: "test", ReleaseDate: "2026/01/01"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Bind(), e.Publish()); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.HardStop(); <-e.Done() })
	return e
}

// hangUp closes a connection and waits until the proxy has seen it, so that no
// two connections overlap.
func hangUp(t *testing.T, c net.Conn, dir string) {
	t.Helper()
	_ = c.Close()
	for range 500 {
		busy := false
		for name, row := range cells(ask(t, filepath.Join(dir, "stats"), "show stat")) {
			busy = busy || strings.HasSuffix(name, "/FRONTEND") && row["scur"] != "0"
		}
		if !busy {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("a closed connection is still counted")
}

// traffic sends the same mix to whoever serves the sockets of dir.
func traffic(t *testing.T, dir string) {
	t.Helper()
	on := func(frontend string, requests ...string) {
		c, err := net.Dial("unix", filepath.Join(dir, frontend))
		if err != nil {
			t.Fatal(err)
		}
		defer hangUp(t, c, dir)
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		r := bufio.NewReader(c)
		for _, q := range requests {
			if _, err := io.WriteString(c, q); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("%s: %q: %v", frontend, q, err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
		}
	}
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	on("fe", get("/"), get("/404"), get("/"), get("/301"))
	on("fe", get("/500"), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	on("fe", "GARBAGE\r\n\r\n")
	on("fe", "GET / HTTP/1.1\r\nHo st: a\r\n\r\n")
	for _, part := range []string{"", "GET / HT"} {
		c, err := net.Dial("unix", filepath.Join(dir, "fe"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, part)
		time.Sleep(20 * time.Millisecond)
		hangUp(t, c, dir)
	}
	on("df", get("/"))
	for range 3 {
		on("tf", get("/"))
	}
}

// cells reads "show stat": "proxy/name" to column to value.
func cells(csv string) map[string]map[string]string {
	lines := strings.Split(strings.TrimSpace(csv), "\n")
	head := strings.Split(strings.TrimPrefix(lines[0], "# "), ",")
	rows := map[string]map[string]string{}
	for _, l := range lines[1:] {
		f := strings.Split(l, ",")
		row := map[string]string{}
		for i, h := range head {
			row[h] = f[i]
		}
		rows[f[0]+"/"+f[1]] = row
	}
	return rows
}

func ask(t *testing.T, path, cmd string) string {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintln(c, cmd)
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// differs are the columns that may differ, and why.
var differs = map[string]string{
	"smax": "timing", "rate": "timing", "rate_max": "timing", "req_rate": "timing", "req_rate_max": "timing",
	"conn_rate": "timing", "conn_rate_max": "timing", "qtime_max": "timing", "lastchg": "timing", "lastsess": "timing", "downtime": "timing",
	"qtime": "timing", "ctime": "timing", "rtime": "timing", "ttime": "timing",
	"ctime_max": "timing", "rtime_max": "timing", "ttime_max": "timing",
	"bin": "the reference counts after parsing", "bout": "the reference counts before sending",
	"h1_bytes_in": "as bin", "h1_bytes_out": "as bout", "h1_open_connections": "idle connections", "h1_open_streams": "idle connections",
	"h1_total_connections": "derived", "h1_total_streams": "derived",
	"need_conn_est": "an estimate", "srv_icur": "how many idle connections are kept is", "safe_conn_cur": "as srv_icur",
}

// The same configuration and traffic must give the same statistics.
func TestStatisticsAreTheReferences(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var code int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &code); err == nil {
			w.WriteHeader(code)
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer origin.Close()
	addr := strings.TrimPrefix(origin.URL, "http://")
	theirLog, ourLog := logSocket(t), logSocket(t)

	theirs := t.TempDir()
	file := filepath.Join(theirs, "cfg")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(statsConfig, theirs, addr, theirLog.LocalAddr())), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	testpeer.Listening(t, filepath.Join(theirs, "df"))
	_ = ask(t, filepath.Join(theirs, "stats"), "clear counters all")

	ours := t.TempDir()
	startConfig(t, fmt.Sprintf(statsConfig, ours, addr, ourLog.LocalAddr()))

	theirLines := shapes(t, theirLog, false) // of the first connections
	if len(theirLines) == 0 {
		t.Error("the reference logged nothing of the connection that found it ready")
	}
	traffic(t, theirs)
	traffic(t, ours)
	time.Sleep(50 * time.Millisecond) // closes are counted when they are seen
	want, got := cells(ask(t, filepath.Join(theirs, "stats"), "show stat")), cells(ask(t, filepath.Join(ours, "stats"), "show stat"))
	for name, w := range want {
		g, ok := got[name]
		if !ok {
			t.Errorf("no row %s", name)
			continue
		}
		for col, v := range w {
			if differs[col] != "" {
				v, g[col] = presence(v), presence(g[col])
			}
			if strings.ReplaceAll(v, theirs, ours) != g[col] {
				t.Errorf("%s %s is %q, the reference has %q", name, col, g[col], v)
			}
		}
	}
	compareLogs(t, shapes(t, ourLog, true), shapes(t, theirLog, true))
	for name := range got {
		if want[name] == nil {
			t.Errorf("row %s, which the reference has not", name)
		}
	}
}

func logSocket(t *testing.T) net.PacketConn {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	return pc
}

// logLine takes client, names, timers, status, and all after the size but the
// number of connections, which includes those to the stats socket, from a line
// of "option httplog" or of "option tcplog", which has no status.
var logLine = regexp.MustCompile(`^(unix:1) \[[^]]*\] (\S+ \S+) ([-0-9/]+)((?: -?\d{1,3})?) \d+ (.*?)\d+(/(?s).*)$`)

// shapes are the log lines that have come, without what differs between two
// runs: dates, durations and sizes.
func shapes(t *testing.T, pc net.PacketConn, sorted bool) []string {
	t.Helper()
	var lines []string
	b := make([]byte, 4096)
	for {
		_ = pc.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, _, err := pc.ReadFrom(b)
		if err != nil {
			break
		}
		_, text, ok := strings.Cut(string(b[:n]), "]: ")
		if !ok {
			t.Fatalf("no header in %q", b[:n])
		}
		m := logLine.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("unexpected line %q", text)
		}
		timers := regexp.MustCompile(`(^|/)\d+`).ReplaceAllString(m[3], "${1}N")
		text = strings.Join([]string{m[1], m[2], timers, m[4], m[5], m[6]}, " ")
		lines = append(lines, text)
	}
	if sorted {
		slices.Sort(lines)
	}
	return lines
}

func compareLogs(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "no line\n", "no line\n"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("log\ngot  %swant %s", g, w)
		}
	}
}

// presence keeps of a value only that there is one.
func presence(v string) string {
	if v == "" {
		return ""
	}
	return "some"
}

// The runtime API on the engine must answer as the reference does, for the
// corpus kept beside it.
func TestAnswersOfTheEngine(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("..", "cli", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	dir := t.TempDir()
	startConfig(t, strings.ReplaceAll(read("reference.cfg"), "@DIR@", dir))
	trim := func(s string) string { return strings.TrimRight(s, "\n") }
	for _, block := range strings.Split("\n"+read("answers.txt"), "\n$ ")[1:] {
		line, want, _ := strings.Cut(block, "\n")
		text := line
		if strings.HasSuffix(line, "<<") {
			text += "\npayload\n"
		}
		c, err := net.Dial("unix", filepath.Join(dir, "s"))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintln(c, text)
		_ = c.(*net.UnixConn).CloseWrite()
		got, err := io.ReadAll(c)
		_ = c.Close()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if trim(string(got)) != trim(want) {
			t.Errorf("%s\ngot  %q\nwant %q", line, got, want)
		}
	}
}
