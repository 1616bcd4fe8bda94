package engine_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/testserver"
)

// ordersConfig has servers with a check that comes too late, with one that has failed and is not
// repeated, with an agent, and such that follow others. That of the last one has agents asked
// at once: first checks are spread over the shortest interval from a second on.
const ordersConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    log %[1]s/log local0
    nbthread 1
    maxconn 200
defaults
    mode http
    log global
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend fe
    bind unix@%[1]s/fe
    stats uri /s
    stats admin if TRUE
    default_backend a
backend a
    server failing 127.0.0.1:1 check inter 1h
    server plain HOST:PORT check inter 1h
    server off 127.0.0.1:1 check inter 1h disabled
    server agent 127.0.0.1:1 agent-check agent-addr HOST agent-port PORT agent-inter 100ms
backend b
    server plain 127.0.0.1:1 track a/plain
    server failing 127.0.0.1:1 track a/failing
    server off 127.0.0.1:1 track b/plain
    server agent 127.0.0.1:1 track a/agent
backend c
    server pace %[2]s check inter 1s
`

// orders are commands, actions of the statistics page as "page BACKEND SERVER ACTION", and
// what the agent says from then on as "agent WORD", with the status that it leads to.
var orders = []string{
	// Maintenance and draining do not end each other, where only one of them is meant.
	"page a plain disable", "page a plain stop", "page a plain enable", "page a plain start",
	"page a plain stop", "page a plain disable", "page a plain start", "page a plain enable",
	"page a plain disable", "page a plain disable", "page a plain start", "page a plain enable", "page a plain enable",
	"page a off stop", "page a off enable", "page a off start", "page a off maint", "page a off ready",
	"page a plain stop", "disable server a/plain", "enable server a/plain",
	"page a plain stop", "page a plain disable", "set server a/plain state drain", "set server a/plain state maint", "set server a/plain state ready",
	// What is inherited holds beside what is decided of the server itself.
	"set server b/plain state maint", "set server a/plain state maint", "set server b/plain state ready", "set server a/plain state ready",
	"set server a/plain state maint", "set server b/plain state maint", "set server a/plain state ready", "set server b/plain state ready",
	"set server b/plain state drain", "set server a/plain state drain", "set server b/plain state ready", "set server a/plain state ready",
	"set server a/plain state drain", "set server b/plain state drain", "set server a/plain state ready", "set server b/plain state ready",
	"page a plain stop", "page a plain disable", "page a plain enable", "page a plain start",
	"set server b/plain state drain", "set server a/plain state maint", "set server b/plain state maint", "set server a/plain state drain", "set server b/plain state ready", "set server a/plain state ready",
	// Who leaves maintenance is up, unless somebody else keeps it down.
	"disable server a/failing", "enable server a/failing", "set server a/failing health down", "set server b/failing state maint", "set server b/failing state ready",
	"set server a/failing state maint", "set server a/failing state drain", "set server a/failing state ready",
	"set server b/failing state maint", "set server a/failing health down", "set server a/failing health stopping", "set server b/failing state ready", "set server a/failing health up",
	"set server a/plain health down", "disable server a/plain", "enable server a/plain",
	"disable health a/failing", "enable health a/failing", "disable health a/plain", "set server a/plain health down", "disable server a/plain", "enable server a/plain",
	"agent down", "disable server a/agent", "enable server a/agent", "agent up",
	"agent stopped", "set server b/agent state maint", "agent up", "set server b/agent state ready",
	"set server b/agent state maint", "agent fail", "set server b/agent state ready",
	"disable server a/agent", "agent up", "enable server a/agent",
	"agent maint", "agent ready", "agent drain", "agent maint", "agent drain", "agent ready",
}

// ordered is a proxy whose servers are ordered about.
type ordered struct {
	dir   string
	lines lines
	says  atomic.Pointer[string]
	asked atomic.Int64 // how often the agent was
}

// listen takes what the proxy logs.
func (o *ordered) listen(t *testing.T) {
	t.Helper()
	pc, err := net.ListenPacket("unixgram", filepath.Join(o.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	go o.lines.receive(pc)
}

// act carries out one of the orders and returns the answer.
func (o *ordered) act(t *testing.T, order string) string {
	t.Helper()
	words := strings.Fields(order)
	switch words[0] {
	case "page":
		c, err := net.Dial("unix", filepath.Join(o.dir, "fe"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		body := fmt.Sprintf("s=%s&action=%s&b=%s", words[2], words[3], words[1])
		fmt.Fprintf(c, "POST /s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", order, err)
		}
		return resp.Header.Get("Location")
	case "agent":
		said := words[1] + "\n"
		o.says.Store(&said)
		before := o.asked.Load()
		waitFor(t, order, func() bool { return o.asked.Load() >= before+2 }) // so the first answer has been dealt with
		return ""
	}
	return ask(t, filepath.Join(o.dir, "stats"), order)
}

// uncounted is the counter of checks in a line of "show servers state" about a server whose checks
// are not enabled. It decides nothing: there, it is what it happened to be.
var uncounted = regexp.MustCompile(`(?m)^((?:\S+ ){12})\d+ ([012389]|1[01]) `)

// found is all that is to be seen of the servers.
func (o *ordered) found(t *testing.T) string {
	t.Helper()
	text := sinceChange.ReplaceAllString(ask(t, filepath.Join(o.dir, "stats"), "show servers state"), "${1}N ")
	text = uncounted.ReplaceAllString(text, "${1}N $2 ")
	rows := cells(ask(t, filepath.Join(o.dir, "stats"), "show stat"))
	for _, b := range []string{"a/", "b/"} {
		for _, s := range []string{"plain", "failing", "off", "agent", "BACKEND"} {
			r := rows[b+s]
			text += fmt.Sprintf("%s%s: %s, weight %s, act %s, chkdown %s\n", b, s, r["status"], r["weight"], r["act"], r["chkdown"])
		}
	}
	return text
}

// Orders about servers add up as in the reference, whoever gives them and whoever inherits
// them, and what a server is after maintenance is what it is there.
func TestOrdersAsByTheReference(t *testing.T) {
	both := [2]ordered{}
	agents := [2]string{}
	up := "up\n"
	for i := range both {
		both[i].says.Store(&up)
		agents[i] = testserver.TCP(t, func(c net.Conn) {
			defer c.Close()
			both[i].asked.Add(1)
			_, _ = io.WriteString(c, *both[i].says.Load())
		})
	}
	// Each has an agent of its own, on a port of one address.
	text := func(i int) string {
		host, port, _ := net.SplitHostPort(agents[i])
		return strings.NewReplacer("HOST", host, "PORT", port).Replace(ordersConfig)
	}
	p := startPairOf(t, text(0), text(1), upstream(t, "o"))
	both[0].dir, both[1].dir = p.theirs, p.ours
	for i := range both {
		waitFor(t, "the first checks", func() bool {
			rows := cells(ask(t, filepath.Join(both[i].dir, "stats"), "show stat"))
			return rows["a/failing"]["status"] == "DOWN" && rows["c/pace"]["check_status"] == "L4OK" && rows["a/agent"]["agent_status"] == "L7OK"
		})
		both[i].listen(t)
	}
	ports := regexp.MustCompile(strings.Join([]string{portOf(agents[0]), portOf(agents[1])}, "|"))
	for _, order := range orders {
		theirs, ours := both[0].act(t, order), both[1].act(t, order)
		if strings.TrimSpace(theirs) != strings.TrimSpace(ours) {
			t.Errorf("%s\ngot  %q\nwant %q", order, ours, theirs)
		}
		var want, got string
		for deadline := time.Now().Add(settling); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			want, got = ports.ReplaceAllString(both[0].found(t), "PORT"), ports.ReplaceAllString(both[1].found(t), "PORT")
			if got == want {
				break
			}
		}
		if got != want {
			t.Errorf("after %s\n%s", order, lineDiff(got, want))
		}
	}
	var want, got string
	for deadline := time.Now().Add(settling); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if want, got = both[0].lines.text(), both[1].lines.text(); got == want {
			return
		}
	}
	t.Errorf("logs\n%s", lineDiff(got, want))
}

func portOf(addr string) string { _, port, _ := net.SplitHostPort(addr); return port }

// taken is how long a check has taken.
var taken = regexp.MustCompile(`check duration: \d+ms`)

// text is what was logged of servers.
func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	about := slices.DeleteFunc(slices.Clone(l.logged), func(line string) bool { return strings.Contains(line, "Connect to ") })
	return taken.ReplaceAllString(strings.Join(about, "\n"), "check duration: Nms")
}

// settling is how long both may take until they agree.
const settling = 5 * time.Second
