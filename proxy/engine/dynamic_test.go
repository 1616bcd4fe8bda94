package engine_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

const dynamicConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    stats socket %[1]s/operator mode 600 level operator
    nbthread 2
    maxconn 200
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    timeout queue 3s
frontend fe
    bind unix@%[1]s/fe
    default_backend be
backend be
    default-server weight 7 inter 3s pool-max-conn 4
    server s1 %[2]s
    server s2 %[2]s disabled
backend empty
backend st
    balance static-rr
    server t1 %[2]s weight 4
    server t2 %[2]s slowstart 20s
backend tb
    mode tcp
    balance leastconn
    server t1 %[2]s
    server t2 127.0.0.1:9 port 81 disabled
`

// pair is the same configuration in HAProxy and in the engine, each in a directory of
// its own.
type pair struct{ theirs, ours string }

func startPair(t *testing.T, text string, args ...any) *pair {
	t.Helper()
	return startPairOf(t, text, text, args...)
}

// startPairOf is startPair for configurations that are not quite the same.
func startPairOf(t *testing.T, theirs, ours string, args ...any) *pair {
	t.Helper()
	bin := testpeer.Need(t, "haproxy")
	p := &pair{t.TempDir(), t.TempDir()}
	with := func(text, dir string) string { return fmt.Sprintf(text, append([]any{dir}, args...)...) }
	file := filepath.Join(p.theirs, "cfg")
	if err := os.WriteFile(file, []byte(with(theirs, p.theirs)), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	testpeer.Listening(t, filepath.Join(p.theirs, "stats"))
	startConfig(t, with(ours, p.ours))
	return p
}

// both sends a command to both and returns the answers.
func (p *pair) both(t *testing.T, socket, command string) (theirs, ours string) {
	t.Helper()
	theirs = strings.ReplaceAll(ask(t, filepath.Join(p.theirs, socket), command), p.theirs+"/", "") // before names of files
	return theirs, ask(t, filepath.Join(p.ours, socket), command)
}

// dynamicDialogue are commands whose answers are compared. origin is a server that
// answers. What differs on purpose is in docs/DIFFERENCES.md: host names, and values that
// the reference takes for 0.
func dynamicDialogue(origin string) []string {
	const state = "show servers state be"
	return []string{
		"add server", "add server be", "add server be/", "add server /x", "add server none/x 127.0.0.1:1", "add server fe/x 127.0.0.1:1",
		"add server be/x", "add server be/s1", "add server be/s1 127.0.0.1:1", "add server be/a%b 127.0.0.1:1",
		"add server be/x 127.0.0.1 check", "add server be/x 127.0.0.1:+10 check",
		"add server be/x 127.0.0.1:1 wieght 3", "add server be/x 127.0.0.1:1 cookie c", "add server be/x 127.0.0.1:1 max-reuse 3",
		"add server be/x 127.0.0.1:1 tcp-ut 3s", "add server be/x 127.0.0.1:1 init-addr none", "add server be/x 127.0.0.1:1 no-check",
		state,
		"add server be/d1 " + origin + " maxconn 5 slowstart 2s backup",
		"add server be/d2 " + origin + " check rise 4 fall 5 weight 3",
		"add server be/d3 " + origin + " disabled id 44",
		"add server be/d4 " + origin + " check",
		"add server be/d5 " + origin + " id 1",
		"add server be/u unix@/none.sock",
		"add server be/six [::1]:80",
		"add server #3/n " + origin, "del server #3/#99", "del server #3/#8",
		"add server empty/x " + origin,
		"add server tb/x " + origin + " check",
		"show servers state",
		"set server be/d1 weight 9", "get weight be/d1", "get weight be/#3", "get weight #3/#44", "get weight #4/#1", "get weight #99/#1", "get weight #3/#99",
		"enable health be/d1", "enable health be/d2", "disable health be/d2", // before it is checked
		"enable server be/d1", "enable server be/d2", "enable server be/d3", "enable server be/none",
		"set server be/u state drain",
		state,
		"del server", "del server be", "del server none/x", "del server be/none", "del server be/d1", "del server be/u", "del server be/s1",
		"set server be/d1 state maint", "disable server be/d2", "set server be/d3 state maint", "set server be/u state maint",
		state,
		"set server be/d1 addr 127.0.0.9 port 81",
		"del server be/d1", "del server be/d1", "del server be/d2", "del server be/d3", "del server be/s2", "del server be/u",
		"add server be/again " + origin, // takes the lowest number that is free
		state,
		"set server tb/t1 addr 127.0.0.1", "set server tb/t1 addr 127.0.0.8 port", "set server tb/t1 addr 127.0.0.8 port x", "set server tb/t1 addr 127.0.0.8 port 9x", "set server tb/t1 addr 127.0.0.8 port 9",
		"set server tb/t1 addr 127.0.0.8 port +1", "show servers state tb", "set server tb/t1 addr 127.0.0.8 port +1", "set server tb/t1 addr 127.0.0.8 port -2", "set server tb/t1 addr 127.0.0.7 port 81", "set server tb/t1 addr 127.0.0.7 port 81",
		"set server tb/t1 addr 127.0.0.7 port +0", "set server tb/t1 addr 127.0.0.7 port 0", "set server tb/t1 addr 127.0.0.7 port 70000", "set server tb/t1 addr 127.0.0.7 port +70000", "set server tb/t1 addr 127.0.0.7 port 82", "show servers state tb",
		"set server tb/t2 addr 127.0.0.1 port +1", "show servers state tb", "set server tb/t2 addr 127.0.0.1 port +1", "set server tb/t2 addr 127.0.0.8 port -2", "set server tb/t2 addr 127.0.0.8 port -2", "show servers state tb",
		"set server tb/t2 addr 127.0.0.8 port +70000", "set server tb/t2 addr 127.0.0.8 port 4464", "set server tb/t2 addr 127.0.0.8 port 82", "set server tb/t2 addr 127.0.0.8 port -70000", "set server tb/t2 addr 127.0.0.8 port +0", "set server tb/t2 addr 127.0.0.8 port 0", "set server tb/t2 addr 127.0.0.8 port 9", "show servers state tb",
		"set weight be/s1", "set weight be/s1 x", "set weight be/s1 -1", "set weight be/s1 257", "set weight be/s1 5x", "set weight be/s1 -5%", "set weight none/x 1", "set weight be/none 1", "get weight be/none", "set maxconn server be/s1", "set maxconn server be/s1 x", "set maxconn server be/s1 1x",
		"set server be/s1 state", "set server be/s1 state x", "set server be/s1 health x", "set server be/s1 addr", "set server be/s1 addr x", "set server be/s1 x y", "set server be/u addr 127.0.0.1",
		"add server st/x 127.0.0.1:1", "set server st/t1 weight 3", "set server st/t1 weight 0", "get weight st/t1",
		"set server st/t1 weight 100%", "set server st/t1 weight 50%", "set weight st/t1 4", "get weight st/t1",
		"disable server st/t2", "enable server st/t2", "show servers state st", "del server st/t2", "disable server st/t2", "del server st/t2", "show servers state st",
		"del server empty/x", "add server empty/named localhost:81", "show servers state empty",
	}
}

// differsDynamic are columns that differ for servers that were added at run time, beside
// those that always may.
var differsDynamic = map[string]string{
	"src_ilim": "the reference keeps no idle connections to them: see docs/DIFFERENCES.md",
}

// compareRows compares the rows of "show stat".
func (p *pair) compareRows(t *testing.T) {
	t.Helper()
	want, got := cells(ask(t, filepath.Join(p.theirs, "stats"), "show stat")), cells(ask(t, filepath.Join(p.ours, "stats"), "show stat"))
	for name, w := range want {
		for column, v := range w {
			if column == "weight" && w["status"] == "MAINT" {
				continue // there it is 1 before a server that was added is enabled, whatever was said
			}
			if column == "status" && v == "MAINT" && got[name][column] == "MAINT (resolution)" {
				continue // which is there to stay: see docs/DIFFERENCES.md
			}
			if differs[column] == "" && differsDynamic[column] == "" && got[name][column] != strings.ReplaceAll(v, p.theirs, p.ours) {
				t.Errorf("%s of %s is %q, the reference has %q", column, name, got[name][column], v)
			}
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, the reference has %d", len(got), len(want))
	}
}

// sinceChange is the column of "show servers state" that counts seconds.
var sinceChange = regexp.MustCompile(`(?m)^((?:\S+ ){9})\d+ `)

// Each dialogue is given to both, one command after the other, and every answer must be
// the same.
func TestServersAtRunTimeAsTheReference(t *testing.T) {
	origin := upstream(t, "o")
	p := startPair(t, dynamicConfig, origin)
	for _, command := range dynamicDialogue(origin) {
		theirs, ours := p.both(t, "stats", command)
		if strings.HasPrefix(command, "show servers state") {
			theirs, ours = sinceChange.ReplaceAllString(theirs, "${1}N "), sinceChange.ReplaceAllString(ours, "${1}N ")
		}
		if ours != theirs {
			t.Errorf("%s\ngot  %q\nwant %q", command, ours, theirs)
		}
		if strings.HasPrefix(command, "show servers state") {
			p.compareRows(t)
		}
	}
	// A server by a name has the port it was given with whatever address it gets.
	ours := filepath.Join(p.ours, "stats")
	ask(t, ours, "set server empty/named addr 127.0.0.9")
	if got := ask(t, ours, "show servers state empty"); !strings.Contains(got, " named 127.0.0.9 ") || !strings.Contains(got, " localhost 81 ") {
		t.Errorf("a server by a name: %s", got)
	}
	want, got := p.both(t, "operator", "add server be/x 127.0.0.1:1; del server be/x")
	if got != want {
		t.Errorf("an operator\ngot  %q\nwant %q", got, want)
	}
}

// A server is deleted once nobody uses it: not while it has a request to answer, but
// in spite of connections that idle, which maintenance ends.
func TestDeletionWaitsForWhoUsesTheServer(t *testing.T) {
	answer := make(chan struct{})
	held := testserver.HTTP(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-answer
		}
	})
	p := startPair(t, dynamicConfig, upstream(t, "o"))
	each := func(command, want string) {
		t.Helper()
		for name, dir := range map[string]string{"the reference": p.theirs, "the engine": p.ours} {
			if got := ask(t, filepath.Join(dir, "stats"), command); got != want {
				t.Errorf("%s: %s answers %q, want %q", command, name, got, want)
			}
		}
	}
	get := func(dir, path string) {
		c, err := net.Dial("unix", filepath.Join(dir, "fe"))
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("%s: %v, %v", path, resp, err)
		}
	}
	each("disable server be/s1", "\n")
	each("add server be/d "+held+" pool-max-conn -1 pool-purge-delay 500ms", "New server registered.\n\n")
	each("del server be/none", "No such server.\n")
	each("enable server be/d", "\n")
	each("del server be/d", "Only servers in maintenance mode can be deleted.\n")
	get(p.theirs, "/")
	get(p.ours, "/") // leaves a connection that idles
	var slow sync.WaitGroup
	for _, dir := range []string{p.theirs, p.ours} {
		slow.Go(func() { get(dir, "/slow") })
		for !strings.Contains(ask(t, filepath.Join(dir, "stats"), "show sess"), "srv=d ") {
			time.Sleep(time.Millisecond)
		}
	}
	each("disable server be/d", "\n")
	each("del server be/d", "Server still has connections attached to it, cannot remove it.\n")
	each("set server be/d state ready", "\n") // which it may be again
	each("set server be/d state maint", "\n")
	close(answer)
	slow.Wait()
	for _, dir := range []string{p.theirs, p.ours} {
		for try := 0; ; try++ {
			if got := ask(t, filepath.Join(dir, "stats"), "del server be/d"); strings.HasPrefix(got, "Server deleted.") {
				break
			} else if try > 4000 {
				t.Fatalf("%s: %s", dir, got)
			}
			time.Sleep(time.Millisecond)
		}
	}
	each("del server be/d", "No such server.\n")
	// What it did is part of what its backend did.
	want, got := cells(ask(t, filepath.Join(p.theirs, "stats"), "show stat")), cells(ask(t, filepath.Join(p.ours, "stats"), "show stat"))
	for _, column := range []string{"stot", "lbtot", "req_tot", "hrsp_2xx", "connect", "status", "act", "bck"} {
		if w, g := want["be/BACKEND"][column], got["be/BACKEND"][column]; w != g || column == "stot" && g != "2" {
			t.Errorf("%s of the backend is %s, the reference has %s", column, g, w)
		}
	}
	for _, rows := range []map[string]map[string]string{want, got} {
		if rows["be/d"] != nil {
			t.Error("a row of a server that was deleted")
		}
	}
}
