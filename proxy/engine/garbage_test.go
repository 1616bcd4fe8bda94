package engine_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const garbageConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 2
    maxconn 200
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    default-server inter 1h
frontend fe
    bind unix@%[1]s/fe
    http-request set-header x %%[path,map(%[2]s,none)]
    default_backend be
backend be
    server plain 127.0.0.1:1 weight 10
    server full 127.0.0.1:2 check agent-check agent-port 9 agent-inter 1h
    server un unix@/none.sock
    server named 127.0.0.1:4 check
    server tracked 127.0.0.1:5 check
    server follows 127.0.0.1:6 track tracked
    server used 127.0.0.1:7
    use-server used if { path /used }
    http-request set-header y %%[srv_conn(be/named)]
`

// emptyMap is the file of a map.
func emptyMap(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "map")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// garbage are values that make no sense somewhere, or nowhere.
var garbage = []string{
	"", "0", "-0", "-1", "+1", "00012", "1x", "x1", "0x10", "65535", "65536", "2147483648", "4294967297", "-4294967295", "%", "1%%", "100%x", "50%", "+50%", "1e3", "1.5", ",", "\\ ", "a\\;b", "\\\\",
	"::", "::1", "::ffff:1.2.3.4", "[::1]", "1.2.3", "1.2.3.4", "1.2.3.4.5", "01.2.3.4", "1.2.3.4:80", "fe80::1%lo", "255.255.255.255", "0.0.0.0", "unix@/x", "ipv4@1.2.3.4", "a..b", "-", "*", "%s%n", "ready maint", "\xff\xfe", "\u0663",
	strings.Repeat("9", 30), strings.Repeat("n", 300),
}

// setForms are what is set of a server; VALUE stands for something.
var setForms = []string{
	"weight VALUE", "state VALUE", "health VALUE", "addr VALUE", "addr VALUE port 5", "addr 127.0.0.1 port VALUE", "addr 127.0.0.1 VALUE 80", "agent VALUE", "agent-addr VALUE",
	"agent-addr VALUE port 5", "agent-addr 127.0.0.1 port VALUE", "agent-port VALUE", "check-addr VALUE", "check-addr VALUE port 5", "check-addr 127.0.0.1 port VALUE", "check-port VALUE",
	"fqdn VALUE", "ssl VALUE", "VALUE", "VALUE VALUE",
}

// garbageReset are commands that make both alike again.
var garbageReset = []string{
	"set server be/plain addr 127.0.0.1 port 1;set server be/full addr 127.0.0.1 port 2;set server be/full check-addr 127.0.0.1 port 2;set server be/full agent-addr 127.0.0.1 port 9",
	"set weight be/plain 100%;set weight be/full 100%;set weight be/un 100%;set maxconn server be/plain 5;set maxconn server be/full 5;set maxconn server be/un 5",
}

// differsForGarbage are the lines whose answers, or what they leave behind, differ, and why.
var differsForGarbage = []struct {
	line *regexp.Regexp
	why  string
}{
	{regexp.MustCompile(`addr ([0-9x]+|1\.5|1\.2\.3|01\.2\.3\.4|\*)( |$)`), "an address is written in full; there a number is one, too, and a star is any"},
	{regexp.MustCompile(`^set maxconn server \S+ -`), "a negative limit is refused; there it is taken"},
	{regexp.MustCompile(`port ([^1-9]|[0-9]+[^0-9]|65536|[0-9]{6})`), "a port is a number from 1 to 65535; the reference takes what a text begins with, modulo 65536, and after a sign for the map of another"},
}

// Whatever is set of a server, to whatever value, the answer and what comes of it are the
// reference's.
func TestGarbageAsTheReference(t *testing.T) {
	p := startPair(t, garbageConfig, emptyMap(t))
	var lines []string
	for _, s := range []string{"plain", "full", "un"} {
		for _, form := range setForms {
			for _, v := range garbage {
				lines = append(lines, "set server be/"+s+" "+strings.ReplaceAll(form, "VALUE", v))
			}
		}
		for _, v := range garbage {
			lines = append(lines, "set weight be/"+s+" "+v, "set maxconn server be/"+s+" "+v, "get weight be/"+v, "get weight "+v+"/"+s, "enable server be/"+v, "shutdown sessions server be/"+v)
		}
	}
	differ := 0
	for _, l := range lines {
		theirs, ours := p.both(t, "stats", l)
		wants, has := p.both(t, "stats", "show servers state be")
		wants, has = sinceChange.ReplaceAllString(wants, "${1}N "), sinceChange.ReplaceAllString(has, "${1}N ")
		why := ""
		for _, d := range differsForGarbage {
			if d.line.MatchString(l) {
				why = d.why
			}
		}
		if theirs != ours || wants != has {
			for _, again := range garbageReset {
				p.both(t, "stats", again)
			}
		}
		if (theirs != ours || wants != has) && why == "" {
			if differ++; differ <= 40 {
				t.Errorf("%s\n got  %q\n want %q\n%s", l, ours, theirs, lineDiff(has, wants))
			}
		}
	}
	t.Logf("%d lines, %d differ", len(lines), differ)
}

// What the configuration names cannot be deleted, whatever its state.
func TestNamedServersStay(t *testing.T) {
	p := startPair(t, garbageConfig, emptyMap(t))
	for _, l := range []string{
		"del server be/tracked", "del server be/used", "del server be/named", "del server be/follows",
		"disable server be/tracked", "disable server be/used", "disable server be/named", "disable server be/follows", "disable server be/un",
		"del server be/tracked", "del server be/used", "del server be/named", "del server be/follows", "del server be/tracked", "del server be/un", "show servers state be",
	} {
		theirs, ours := p.both(t, "stats", l)
		if theirs, ours = sinceChange.ReplaceAllString(theirs, "${1}N "), sinceChange.ReplaceAllString(ours, "${1}N "); ours != theirs {
			t.Errorf("%s\n got  %q\n want %q", l, ours, theirs)
		}
	}
	if got := ask(t, filepath.Join(p.ours, "stats"), "wait 1h srv-removable be/used"); !strings.HasPrefix(got, "This server cannot be removed at runtime") {
		t.Errorf("waiting for what never comes: %q", got)
	}
}

// cutDialogues are what is said to the runtime API, to be cut anywhere.
var cutDialogues = []string{
	"get weight be/plain; get weight be/full\n",
	"get weight be/plain;;get weight be/full;\n",
	"get weight be/plain\nget weight be/full\r\n\nget weight be/un\n",
	"prompt\nget weight be/plain\n\nquit\nget weight be/full\n",
	"set server be/plain weight 10;get weight be/plain\n",
	"get\\ weight be/plain;get weight be\\/plain\n",
	"get weight be/plain \\; get weight be/full\n",
	"add map MAP <<\na 1\nb 2\n\nget map MAP a;get weight be/full\n",
	"add map MAP<<\na 1\n\nget map MAP a\n",
	"get weight be/plain <<;get weight be/full\nget weight be/un\n\n",
	"get weight be/plain << get weight be/full\nget weight be/un\n\n",
	"get weight be/plain <<\n\nget weight be/full <<\nx\n\n",
	"get weight be/plain; add map MAP <<\nget weight be/full; x\n\n",
	"prompt\nadd map MAP <<\na 1\n\nquit\n",
	"add map MAP \\<<\nc 3\n\n",
	"get weight \"be/plain\"\nget weight 'be/full'\n",
	" \t get \t weight\tbe/plain \t\n",
	"operator;set weight be/plain 10;user;show env\n",
}

// cutsDiffer are the dialogues that go on otherwise when they are cut, and why.
var cutsDiffer = map[string]string{}

// A conversation that ends at any byte has had the effects, and the answers, that it has there.
func TestConversationsCutAnywhere(t *testing.T) {
	file := emptyMap(t)
	p := startPair(t, garbageConfig, file)
	said := func(dir, text string) string {
		c, err := net.Dial("unix", filepath.Join(dir, "stats"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(c, strings.ReplaceAll(text, "MAP", file))
		_ = c.(*net.UnixConn).CloseWrite()
		b, err := io.ReadAll(c)
		if err != nil {
			return "ERROR " + err.Error()
		}
		ask(t, filepath.Join(dir, "stats"), "clear map "+file)
		return strings.TrimRight(regexp.MustCompile(`(?m)^  .*\n`).ReplaceAllString(string(b), ""), "\n") // the commands that are offered
	}
	for _, d := range cutDialogues {
		for i := range len(d) + 1 {
			if want, got := said(p.theirs, d[:i]), said(p.ours, d[:i]); got != want && cutsDiffer[d] == "" {
				t.Errorf("%q\n got  %q\n want %q", d[:i], got, want)
				break
			}
		}
	}
}
