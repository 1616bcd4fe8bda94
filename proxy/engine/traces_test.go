package engine_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"bench/internal/testserver"
)

const tracesConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
ring mine
    format raw
    size 65536
defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 5s
frontend fe
    bind unix@%[1]s/fe
    default_backend be
frontend other
    bind unix@%[1]s/other
    default_backend be
frontend two
    bind unix@%[1]s/two proto h2
    default_backend be
backend be
    server s1 %[2]s check inter 100ms
`

// eventually waits until an answer satisfies a condition, and returns it.
func eventually(t *testing.T, dir, command string, ok func(string) bool) string {
	t.Helper()
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		got := ask(t, filepath.Join(dir, "stats"), command)
		if ok(got) {
			return got
		}
		if time.Since(start) > 20*time.Second {
			t.Fatalf("%s still answers:\n%s", command, got)
		}
	}
}

// events are the kinds of events in lines of traces, in their order.
func events(lines string) string {
	var list []string
	for _, m := range regexp.MustCompile(`\[\d\d\|(\w+)\|\d\|(\w+)\]`).FindAllStringSubmatch(lines, -1) {
		list = append(list, m[1]+"."+m[2])
	}
	return strings.Join(list, " ")
}

func tracedGet(t *testing.T, dir, frontend, path string) {
	t.Helper()
	c, err := net.Dial("unix", filepath.Join(dir, frontend))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\nX-Name: value\r\nConnection: close\r\n\r\n", path)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
}

// What is traced is what happens, of each source, and what it keeps to is kept.
func TestTraces(t *testing.T) {
	origin := testserver.HTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "yes") })
	dir := t.TempDir()
	startConfig(t, fmt.Sprintf(tracesConfig, dir, origin))
	do := func(commands ...string) {
		t.Helper()
		for _, c := range commands {
			if got := strings.TrimSpace(ask(t, filepath.Join(dir, "stats"), c)); got != "" && c != "trace 0" {
				t.Errorf("%s: %s", c, got)
			}
		}
	}
	has := func(what ...string) func(string) bool {
		return func(got string) bool {
			for _, w := range what {
				if !strings.Contains(got, w) {
					return false
				}
			}
			return true
		}
	}
	tracedGet(t, dir, "fe", "/before")
	if got := strings.TrimSpace(ask(t, filepath.Join(dir, "stats"), "show events buf0")); got != "" {
		t.Errorf("there is something in the ring already: %q", got)
	}

	do("trace h1 sink buf0", "trace h1 level developer", "trace h1 verbosity advanced", "trace h1 start now")
	tracedGet(t, dir, "fe", "/one")
	got := eventually(t, dir, "show events buf0", func(got string) bool {
		return strings.Contains(got, "h1c_end] ends") && strings.Contains(got, "h1c_end] to a server")
	})
	for _, want := range []string{"from the client: GET /one | ", "x-name: value", "to the server: GET /one", "from the server: 200", "to the client: 200", "fe=fe be=be srv=s1"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got, want := events(got), "h1.h1c_new h1.h1c_recv h1.h1s_new"; !strings.HasPrefix(strings.ReplaceAll(got, "h1.h1s_new h1.h1c_recv", "h1.h1c_recv h1.h1s_new"), want) {
		t.Errorf("the trace begins with %q, want %q", got, want)
	}
	do("trace 0")
	tracedGet(t, dir, "fe", "/two")
	if got := ask(t, filepath.Join(dir, "stats"), "show events buf0"); strings.Contains(got, "/two") {
		t.Error("a trace that was stopped goes on")
	}

	// From a request to another frontend to the end of its stream, into another ring.
	do("trace stream sink mine", "trace stream level state", "trace stream verbosity minimal", "trace stream lock frontend", "trace stream start strm_new", "trace stream event none", "trace stream event +strm_new", "trace stream event http_ana", "trace stream pause strm_free", "trace stream pause now")
	tracedGet(t, dir, "other", "/three")
	got = eventually(t, dir, "show events mine", has("strm_new"))
	if strings.Contains(got, "strm_free") || !strings.Contains(got, "http_ana") || strings.HasPrefix(got, "<") || strings.Contains(got, "fe=fe") {
		t.Errorf("the trace of a stream is\n%s", got)
	}
	eventually(t, dir, "show trace", has("[w] stream     -> mine [drp 0]"))
	do("trace stream stop now")

	do("trace h2 sink mine", "trace h2 level data", "trace h2 start now")
	tr := &http2.Transport{AllowHTTP: true, DialTLS: func(string, string, *tls.Config) (net.Conn, error) { //nolint:staticcheck // no context here
		return net.Dial("unix", filepath.Join(dir, "two"))
	}}
	client := &http.Client{Transport: tr, Timeout: 20 * time.Second}
	resp, err := client.Get("http://a/four")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	client.CloseIdleConnections()
	eventually(t, dir, "show events mine", has("h2c_new", "h2c_recv", "rx_frame] frame of type 4", "h2s_new", "h2c_send", "h2s_end", "h2c_end"))
	do("trace h2 stop now")

	do("trace check sink mine", "trace check start now")
	eventually(t, dir, "show events mine", has("hchck_succ] be/s1"))
	do("trace check stop now")
}

// The commands answer as the reference's, as far as both have the same events. Sources that
// only one has, and what explains words, are left out.
func TestTraceCommandsAreTheReferences(t *testing.T) {
	p := startPair(t, tracesConfig, "127.0.0.1:1")
	// known are the events that the engine has, by source.
	known := map[string]string{}
	for _, s := range []string{"h1", "h2", "stream", "check"} {
		known[s] = ask(t, filepath.Join(p.ours, "stats"), "trace "+s+" event")
	}
	listed := regexp.MustCompile(`^(  [-+*] |    |  | \[.\] )([\w]+) +(?::|->)(.*)$`)
	normal := func(source, answer string) string {
		var out []string
		for l := range strings.Lines(answer) {
			m := listed.FindStringSubmatch(strings.TrimRight(l, "\n"))
			switch {
			case m == nil:
				out = append(out, strings.TrimSpace(l))
			case strings.Contains("fcgi peers pt h2s", m[2]) || known[source] != "" && strings.Contains(m[2], "_") && !strings.Contains(known[source], " "+m[2]+" "):
			case strings.Contains(l, "->"):
				out = append(out, m[1]+m[2]+strings.Split(m[3], "[")[0])
			case strings.Trim(m[3], " +-") == "":
				out = append(out, m[2]+m[3])
			default:
				out = append(out, m[1]+m[2])
			}
		}
		return strings.TrimRight(strings.Join(out, "\n"), "\n ")
	}
	for _, l := range traceCommandLines() {
		for _, level := range []string{"", "operator; ", "user; "} {
			theirs, ours := p.both(t, "stats", level+l)
			source := ""
			for w := range strings.FieldsSeq(l) {
				if known[w] != "" {
					source = w
				}
			}
			if a, b := normal(source, theirs), normal(source, ours); a != b {
				t.Errorf("%s%s\n%s", level, l, lineDiff(b, a))
			}
		}
	}
}

// traceCommandLines are all forms of the commands, with good and bad arguments.
func traceCommandLines() []string {
	lines := []string{"trace", "trace nothing", "trace nothing level user", "show trace", "show trace nothing"}
	for _, s := range []string{"h1", "h2", "stream", "check"} {
		for _, w := range []string{
			"", "what", "sink", "sink nothing", "sink buf0", "sink", "level", "level what", "level state", "level", "verbosity", "verbosity what", "verbosity complete", "verbosity",
			"lock", "lock what", "lock thread", "lock", "lock nothing", "event", "event what", "event none", "event", "event any", "start what", "start none", "stop none", "stop what", "pause any", "pause none", "pause what", "sink none",
		} {
			lines = append(lines, strings.TrimSpace("trace "+s+" "+w))
		}
		lines = append(lines, "show trace "+s)
	}
	return append(lines, "trace h1 event none", "trace h1 event +rx_headers", "trace h1 event", "trace h1 event !rx_headers", "show trace h1", "trace h1 event h1s_new", "trace h1 event -h1s_new", "trace h1 event",
		"trace stream start strm_new", "trace stream stop strm_free", "trace stream pause -strm_err", "show trace stream",
		"trace h2 start now", "trace", "trace h2 pause now", "trace", "show trace", "trace h2 stop now", "trace", "trace 0", "trace 0 extra", "show events", "show events stdout", "show events nothing", "show events buf0 what")
}
