package engine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

const conversationConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
    maxconn 200
    node here
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend fe
    bind unix@%[1]s/fe
    default_backend be
frontend tf
    mode tcp
    bind unix@%[1]s/tf
    default_backend tb
backend be
    server s1 127.0.0.1:1
    server s2 127.0.0.1:2 weight 10 maxconn 5
    server s3 127.0.0.1:3 disabled
backend tb
    mode tcp
    balance static-rr
    server t1 127.0.0.1:1 backup
listen off
    disabled
    bind unix@%[1]s/off
    server s1 127.0.0.1:1
`

// conversation are lines of commands: every command with good and bad arguments, as a
// user, an operator and an administrator.
func conversation() []string {
	servers := []string{"", "be", "be/", "/s1", "be/nobody", "nobody/s1", "be/s1", "#3/#1", "be/s1 extra", "off/s1"}
	proxies := []string{"", "nobody", "fe", "be", "#2", "-1", "0"}
	var list []string
	add := func(command string, args ...string) {
		for _, a := range args {
			list = append(list, strings.TrimSpace(command+" "+a))
		}
	}
	for _, c := range []string{"get weight", "enable server", "disable server", "enable health", "disable health", "enable agent", "disable agent", "shutdown sessions server"} {
		add(c, servers...)
	}
	for _, c := range []string{"set weight", "set maxconn server"} {
		add(c, servers...)
		add(c+" be/s2", "0", "1", "256", "257", "-1", "x", "5x", "50%", "0%", "100%", "-5%", "%", "10 extra")
	}
	add("set weight tb/t1", "0", "1", "5", "100%", "50%")
	add("set server", servers...)
	for what, values := range map[string][]string{
		"state": {"", "ready", "drain", "maint", "x", "READY"}, "health": {"", "up", "stopping", "down", "x"}, "weight": {"", "3", "x", "10%"}, "addr": {"", "x", "127.0.0.1", "127.0.0.9 port", "127.0.0.9 port x", "127.0.0.9 port 90", "127.0.0.9 what 90"},
		"agent": {"", "up", "x"}, "agent-addr": {"", "x", "127.0.0.1"}, "agent-port": {"", "x", "90"}, "agent-send": {"", "x"}, "check-addr": {"", "127.0.0.1", "x"}, "check-port": {"", "x", "90"}, "fqdn": {"", "x.example"}, "ssl": {"", "on", "off", "x"}, "nonsense": {"", "x"},
	} {
		add("set server be/s1 "+what, values...)
	}
	add("set server be/s1 state", "ready")
	add("set server be/s1 health", "up")
	add("set server be/s1 addr", "127.0.0.1 port 1")
	add("enable frontend", proxies...)
	add("disable frontend", proxies...)
	add("enable frontend", "fe", "tf", "fe")
	add("shutdown frontend", "", "nobody", "be")
	add("set maxconn frontend", "", "nobody", "fe", "fe x", "fe -1", "fe 10", "fe 10x", "be 10")
	add("set maxconn global", "", "x", "-1", "100", "0", "1000000")
	add("shutdown session", "", "x", "0x1", "nobody")
	add("show sess", "0x1", "nobody")
	add("show backend", "", "extra")
	add("show servers state", "", "be", "tb", "nobody", "3", "99")
	add("show servers conn", "", "be", "nobody")
	add("show stat", "-1 1 -1", "-1 2 -1", "-1 4 -1", "be 4 1", "be 4 99", "nobody 1 1", "99 1 1", "-1 8 -1", "-1 x -1", "domain proxy -1 1 -1", "domain what", "up", "no-maint", "up no-maint", "-1 4 -1 up", "-1 4 -1 typed", "-1 1 -1 json")
	add("show schema json", "", "extra")
	add("show errors", "nobody", "99")
	add("clear counters", "", "all", "what")
	add("set timeout", "", "cli", "cli x", "cli 0", "cli 10", "cli 10s", "cli 5m", "what 10")
	add("set severity-output", "", "none", "number", "string", "x")
	add("show cli level", "", "extra")
	add("show env", "NO_SUCH_VARIABLE", "PATH")
	add("show startup-logs", "")
	add("set rate-limit", "", "connections", "connections global", "sessions global -1", "sessions global 0", "ssl-sessions x")
	for _, c := range []string{"enable dynamic-cookie backend", "disable dynamic-cookie backend", "set dynamic-cookie-key backend"} {
		add(c, "", "nobody", "be", "#3", "fe", "be key", "nobody key")
	}
	add("set profiling", "", "x", "tasks", "tasks x", "memory on")
	add("show sess", "123")
	add("show table", "", "nobody")
	add("get var", "", "nobody")
	add("show resolvers", "", "nobody", "default")
	add("show stat domain", "resolvers", "resolvers typed", "resolvers up", "resolvers 1 2 3 typed", "dns")
	add("show peers", "", "nobody")
	add("show cache", "")
	add("show acl", "nobody", "@1 nobody", "#99")
	add("new ssl cert", "")
	add("set ssl ocsp-response", "nobody", "nobody x")
	add("set ssl tls-key", "", "nobody", "nobody x")
	for _, c := range []string{
		"add acl", "add map", "clear acl", "clear map", "commit acl", "commit map", "del acl", "del map", "get acl", "get map", "prepare acl", "prepare map", "set map", "show map",
		"abort ssl ca-file", "abort ssl cert", "abort ssl crl-file", "add ssl crt-list", "commit ssl ca-file", "commit ssl cert", "commit ssl crl-file",
		"del ssl ca-file", "del ssl cert", "del ssl crl-file", "del ssl crt-list",
		"set ssl ca-file", "set ssl cert", "set ssl crl-file", "show ssl crt-list", "show tls-keys",
		"show cli sockets", "set table", "clear table", "del server", "add server",
	} {
		add(c, "", "nobody", "nobody x", "@1 nobody")
	}
	add("operator", "")
	add("user", "")
	add("expert-mode", "", "on", "off", "x")
	add("experimental-mode", "", "on", "off", "x")
	all := list
	for _, l := range list {
		if !strings.HasPrefix(l, "show stat") && !strings.HasPrefix(l, "show servers") && !strings.HasPrefix(l, "show schema") {
			all = append(all, "operator; "+l, "user; "+l)
		}
	}
	return all
}

// conversationDiffers are the lines whose answers differ, whatever the level, and why.
var conversationDiffers = map[string]string{
	"set maxconn server be/s2 -1":            "a negative limit is refused; there it is taken",
	"set maxconn frontend fe x":              notNumber,
	"set maxconn frontend fe 10x":            notNumber,
	"set maxconn global x":                   notNumber,
	"set maxconn global -1":                  "a negative limit is refused; there it is the default",
	"set ssl ocsp-response nobody":           everyLevel,
	"set ssl ocsp-response nobody x":         everyLevel,
	"set ssl tls-key":                        everyLevel,
	"set ssl tls-key nobody":                 everyLevel,
	"set ssl tls-key nobody x":               everyLevel,
	"show sess nobody":                       "there, connections to the runtime API are sessions, too",
	"show servers state":                     forced,
	"show servers state be":                  forced,
	"show stat domain resolvers":             forgotten,
	"show stat domain resolvers typed":       forgotten,
	"show stat domain resolvers up":          forgotten,
	"show stat domain resolvers 1 2 3 typed": forgotten,
	"show servers conn":                      "there, servers of a disabled proxy have no numbers",
}

const (
	everyLevel = "there, even a user may"
	forgotten  = "there, to clear the counters clears the names of name servers, too"
	notNumber  = "what is no number is refused; there it counts as 0"
	forced     = "there, a server without checks whose health was forced has the counter of checks that it would have with them"
)

// freeThere are commands that the reference lets everybody use.
var freeThere = regexp.MustCompile(`^(show tls-keys|set table|clear table)\b`)

// Whatever is said to the runtime API, at whatever level, it answers as the reference does.
func TestConversationIsTheReferences(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	theirs, ours := t.TempDir(), t.TempDir()
	file := filepath.Join(theirs, "cfg")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(conversationConfig, theirs)), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	testpeer.Listening(t, filepath.Join(theirs, "stats"))
	startConfig(t, fmt.Sprintf(conversationConfig, ours))
	lines := conversation()
	differ := 0
	for _, l := range lines {
		want, got := said(t, theirs, l), said(t, ours, l)
		plain := strings.TrimPrefix(strings.TrimPrefix(l, "operator; "), "user; ")
		reason := conversationDiffers[plain]
		if plain != l && freeThere.MatchString(plain) {
			reason = everyLevel
		}
		if plain != l && want == got || plain == l && reason == everyLevel {
			reason = "" // it is not permitted at that level, which both say, or it is at this one
		}
		if (want == got) != (reason == "") {
			if differ++; differ <= 30 {
				t.Errorf("%s (%s)\n%s", l, reason, lineDiff(got, want))
			}
		}
	}
	t.Logf("%d lines, %d differ", len(lines), differ)
}

// moments are what depends on when it was asked.
var moments = []*regexp.Regexp{
	regexp.MustCompile(`(?m)^((?:\S+ ){9})\d+ (.*)$`), // "show servers state": seconds since the last change
	regexp.MustCompile(`(?m)^(\S+/\S+ \d+/\d+ .*)$`),  // "show servers conn"
}

// said is the answer to a line, without what depends on the moment.
func said(t *testing.T, dir, line string) string {
	t.Helper()
	a := strings.ReplaceAll(ask(t, filepath.Join(dir, "stats"), line), dir, "DIR")
	switch {
	case strings.Contains(line, "show servers state"):
		a = moments[0].ReplaceAllString(a, "${1}AGE $2")
	case strings.Contains(line, "show stat") && strings.Contains(a, "# pxname"):
		a = rowsOfPage(a)
	case strings.Contains(line, "show stat") && strings.Contains(a, "pxname"):
		a = fmt.Sprint(strings.Count(a, "pxname"))
	case strings.Contains(line, "show errors"):
		a = regexp.MustCompile(`\[.*?\]`).ReplaceAllString(a, "[DATE]")
	}
	return a
}
