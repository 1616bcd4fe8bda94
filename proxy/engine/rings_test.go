package engine_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

const ringConfig = `global
    stats socket %[1]s/stats level admin
defaults
    mode http
    timeout client 5s
    timeout connect 1s
    timeout server 1s
frontend fe
    bind 127.0.0.1:%[2]s
    log ring@lines local7
    log ring@buf0 local3
    option httplog
    http-request return status 200
ring lines
    description "Some lines"
    format rfc5424
    maxlen 300
    size 20000
`

// The lines of rings are shown as the reference shows them.
func TestEventsAreTheReferences(t *testing.T) {
	var answers [2][]string
	for i, start := range []func(string){func(text string) { startReference(t, text) }, func(text string) { startConfig(t, text) }} {
		dir, port := t.TempDir(), testpeer.FreePort(t)
		start(fmt.Sprintf(ringConfig, dir, port))
		waitForSocket(t, filepath.Join(dir, "stats"))
		for _, path := range []string{"/a", "/" + strings.Repeat("long", 100)} {
			resp, err := http.Get("http://127.0.0.1:" + port + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		time.Sleep(100 * time.Millisecond) // for the lines, which come after the answers
		for _, command := range []string{"show events", "show events lines", "show events buf0", "show events none", "show events lines -n", "show events lines -z"} {
			text := ask(t, filepath.Join(dir, "stats"), command)
			text = regexp.MustCompile(`(?m)^    std.*\n`).ReplaceAllString(text, "") // descriptors are no rings here
			answers[i] = append(answers[i], numberless(text))
		}
	}
	for k := range answers[0] {
		if answers[0][k] != answers[1][k] {
			t.Errorf("got\n%s\nthe reference says\n%s", answers[1][k], answers[0][k])
		}
	}
}

var (
	number = regexp.MustCompile(`\d+`)
	cutOff = regexp.MustCompile(`(long)+l?o?n?$`)
)

// numberless is a text without its numbers. What is left of a line that was cut depends
// on how many digits its numbers have: its length is compared instead.
func numberless(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		kept, suffix := line, ""
		if end := cutOff.FindStringIndex(line); end != nil {
			kept, suffix = line[:end[0]], fmt.Sprintf("... cut after %d bytes", len(line))
		}
		lines[i] = number.ReplaceAllString(kept, "N") + suffix
	}
	return strings.Join(lines, "\n")
}

// With -w lines are shown as they come, until a key is pressed.
func TestEventsAreWaitedFor(t *testing.T) {
	dir, port := t.TempDir(), testpeer.FreePort(t)
	startConfig(t, fmt.Sprintf(ringConfig, dir, port))
	c, err := net.Dial("unix", filepath.Join(dir, "stats"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte("show events lines -nw\n")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // until the command waits
	for _, path := range []string{"/one", "/two"} {
		resp, err := http.Get("http://127.0.0.1:" + port + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	r := bufio.NewReader(c)
	for _, path := range []string{"/one", "/two"} {
		line, err := r.ReadString('\n')
		if err != nil || !strings.Contains(line, `"GET `+path+` HTTP/1.1"`) {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if _, err := c.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	if rest, err := r.ReadString(0); err == nil || strings.TrimSpace(rest) != "" {
		t.Errorf("after a key: %q, %v", rest, err)
	}
}
