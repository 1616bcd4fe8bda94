package engine_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// relayed are messages of other programs.
var relayed = []string{
	"<13>Oct 11 22:14:15 host tag[12]: text here",
	"<13>Oct  1 22:14:15 host tag: text here",
	"<13>Oct 11 22:14:15 host tag[]: x",
	"<13>Oct 11 22:14:15 host []: x",
	"<13>Oct 11 22:14:15 host : x",
	"<13>Oct 11 22:14:15 host tag[1: x",
	"<13>Oct 11 22:14:15 host tag]1[: x",
	"<13>Oct 11 22:14:15 host tag:x: x",
	"<13>Oct 11 22:14:15  host tag: x",
	"<13>Oct 1x 2x:14:15 host tag: x",
	"<13>oct 11 22:14:15 host tag: x",
	"<13>Oct 11 22:14:15 host tag: ",
	"<13>Oct 11 22:14:15 host tag:",
	"<13>Oct 11 22:14:15 host ",
	"<13>Oct 11 22:14:15 host",
	"<13>Oct 11 22:14:15 ",
	"<34>Oct 11 22:14:15 host text without colon",
	"<34>Oct 11 22:14:15 host tag[1] t",
	"<0>Oct 11 22:14:15 host tag[1]:t",
	"<34>Oct 11 22:14:15 host a b: c",
	"<34>Oct 32 22:14:15 host tag[1]: t",
	"<34>Xxx 11 22:14:15 host tag[1]: t",
	"<13>Oct 11 22:14:15 - t[1]: x",
	`<165>1 2003-10-11T22:14:15.003Z host app 123 ID47 [ex@1 a="b" c="d\]"] hello`,
	"<165>1 - - - - - - hello",
	"<13>1 - - tag - - - x",
	"<13>1 - - - 12 id [a] x",
	"<13>1 - h - - - - x",
	"<13>1 2003-10-01T22:14:15Z - a p m - x",
	"<34>1 2003-10-11T22:14:15+02:00 h a - - - m",
	"<34>1 2003-10-11T22:14:15.1234567Z h a - - - m",
	"<34>1 2003-10-11 22:14:15.Z h a - - - m",
	`<34>1 2003-10-11T22:14:15Z h a p m [a b="c"][d e="f"] x y`,
	"<34>1 2003-10-11T22:14:15Z h a p m - \xef\xbb\xbfbom",
	"<13>1 2003-10-11T22:14:15Z h a p m - ",
	"<13>2 2003-10-11T22:14:15Z h a p m - x",
	"hello", "<13>hello world", "<13>", "<a>x", "<999>x", "<>x", "<00013>x", "",
	"<13>x\n\n", "<13>x\r\n", "<13>a\nb", "x\n", "<34>a\x00z",
	"<34>" + strings.Repeat("x", 2000),
}

// relayFormats are the targets of a section.
var relayFormats = []string{
	"", "format rfc3164", "format rfc5424", "format local", "format priority", "format short",
	"format timed", "format iso", "format raw", "len 80 format rfc5424",
}

const relayConfig = `global
    log-send-hostname this
    nbthread 1
    stats socket %[1]s/stats level admin
log-forward lines
    dgram-bind 127.0.0.1:%[2]s
    bind 127.0.0.1:%[2]s
    timeout client 20s
%[3]s`

var (
	present     = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d`)
	presentYear = regexp.MustCompile(`\d{4}(-\d\d-..T.{8}-00:00)`)
)

// presently hides the times that were not sent.
func presently(line string, from time.Time) string {
	for at := from.Add(-time.Second); at.Before(time.Now().Add(time.Second)); at = at.Add(time.Second) {
		line = strings.ReplaceAll(line, at.Format("Jan _2 15:04:05"), "NOW")
	}
	return presentYear.ReplaceAllString(present.ReplaceAllString(line, "NOW"), "YEAR$1")
}

// What other programs log arrives at every target as the reference passes it on.
func TestRelaysAreTheReferences(t *testing.T) {
	var lines [2][]string
	for i, start := range []func(string){func(text string) { startReference(t, text) }, func(text string) { startConfig(t, text) }} {
		r := startRelay(t, start)
		out, err := net.Dial("udp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		for k, m := range relayed {
			end := fmt.Sprintf("end of message %d.", k)
			for _, line := range []string{m, "<8>" + end} {
				if _, err := out.Write([]byte(line)); err != nil {
					t.Fatal(err)
				}
			}
			for at, line := range r.until(t, end) {
				lines[i] = append(lines[i], fmt.Sprintf("%.60q, target %d: %q", m, at, line))
			}
		}
	}
	same(t, lines)
}

// So they do over connections, whatever pieces they come in, until one of them sends what
// is no line.
func TestRelayedConnections(t *testing.T) {
	var lines [2][]string
	for i, start := range []func(string){func(text string) { startReference(t, text) }, func(text string) { startConfig(t, text) }} {
		r := startRelay(t, start)
		for k, pieces := range [][]string{
			{"<13>a\n<13>b\r\n"},
			{"<13", ">a", "\n<1", "3>b\r", "\n"},
			{"5 <13>a6 <13>bb"},
			{"5", " <13>", "a6 <13>b", "b<13>c\n5 ", "hello"},
			{"7 <13>a\n\n<13>b\x00c\n"},
			{"<13>" + strings.Repeat("y", 9000), strings.Repeat("y", 5000) + "\n"},
		} {
			end := fmt.Sprintf("end of stream %d.", k)
			c := r.dial(t)
			pieces = append(slices.Clone(pieces), "<8>"+end+"\n")
			if i == 0 { // which now and then waits for ever for the rest of a line
				pieces = []string{strings.Join(pieces, "")}
			}
			for _, p := range pieces {
				if _, err := io.WriteString(c, p); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond) // so that pieces are likely to stay apart
			}
			for at, line := range r.until(t, end) {
				lines[i] = append(lines[i], fmt.Sprintf("stream %d, target %d: %q", k, at, line))
			}
			c.Close()
		}
		for _, wrong := range []string{"0 x", "x", "5x <13>a", "\n", "99999999999999999999 x"} {
			c := r.dial(t)
			if _, err := io.WriteString(c, wrong); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%q: %v instead of the end of the connection", wrong, err)
			}
			c.Close()
		}
	}
	same(t, lines)
}

// Of a section's connections only so many are served at a time, silence is bounded, and
// the lines are counted and kept in rings.
func TestRelayBounds(t *testing.T) {
	dir, port := t.TempDir(), testpeer.FreePort(t)
	startConfig(t, fmt.Sprintf(`global
    stats socket %[1]s/stats level admin
log-forward lines
    bind 127.0.0.1:%[2]s
    bind %[1]s/lines
    dgram-bind %[1]s/datagrams
    maxconn 1
    timeout client 300ms
    log ring@kept local0
ring kept
    format rfc3164
    size 20000
`, dir, port))
	waitForSocket(t, filepath.Join(dir, "stats"))
	first, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := net.Dial("unix", filepath.Join(dir, "lines"))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	for _, c := range []net.Conn{first, second} {
		if _, err := io.WriteString(c, "<13>Oct 11 22:14:15 host tag: "+c.RemoteAddr().Network()+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	dgram, err := net.Dial("unixgram", filepath.Join(dir, "datagrams"))
	if err != nil {
		t.Fatal(err)
	}
	defer dgram.Close()
	if _, err := io.WriteString(dgram, "<13>Oct 11 22:14:15 host tag: unixgram"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{first, second} { // one after the other falls silent
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%v instead of the end of a silent connection", err)
		}
	}
	events := ask(t, filepath.Join(dir, "stats"), "show events kept")
	for _, want := range []string{"host tag: tcp", "host tag: unix\n", "host tag: unixgram"} {
		if !strings.Contains(events, want) {
			t.Errorf("the ring has no %q:\n%s", want, events)
		}
	}
	if info := ask(t, filepath.Join(dir, "stats"), "show info"); !strings.Contains(info, "CumRecvLogs: 3\n") {
		t.Errorf("three lines are not counted:\n%s", info)
	}
}

// relayRig is a section with its targets.
type relayRig struct {
	addr    string
	from    time.Time
	targets []net.PacketConn
}

func startRelay(t *testing.T, start func(string)) *relayRig {
	t.Helper()
	dir, port := t.TempDir(), testpeer.FreePort(t)
	r := &relayRig{addr: "127.0.0.1:" + port, from: time.Now()}
	var logs strings.Builder
	for _, format := range relayFormats {
		for _, levels := range []string{"", " notice warning"} {
			c, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			r.targets = append(r.targets, c)
			fmt.Fprintf(&logs, "    log %s %s local3%s\n", c.LocalAddr(), format, levels)
		}
	}
	start(fmt.Sprintf(relayConfig, dir, port, logs.String()))
	waitForSocket(t, filepath.Join(dir, "stats"))
	return r
}

func (r *relayRig) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// until is what the targets get before a line that all of them get; each piece is the
// lines of one.
func (r *relayRig) until(t *testing.T, end string) []string {
	t.Helper()
	got := make([]string, len(r.targets))
	buf := make([]byte, 32<<10)
	for i, c := range r.targets {
		for !strings.Contains(got[i], end) {
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				t.Fatalf("target %d did not get %q: %v", i, end, err)
			}
			got[i] += presently(string(buf[:n]), r.from) + "|"
		}
	}
	return got
}

// same compares what was seen of both programs.
func same(t *testing.T, lines [2][]string) {
	t.Helper()
	for k := range max(len(lines[0]), len(lines[1])) {
		if k >= len(lines[0]) || k >= len(lines[1]) {
			t.Fatalf("%d lines, and %d of the reference", len(lines[1]), len(lines[0]))
		}
		if lines[0][k] != lines[1][k] {
			t.Errorf("got\n%s\nthe reference says\n%s", lines[1][k], lines[0][k])
		}
	}
}
