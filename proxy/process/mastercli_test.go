package process_test

import (
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// masterDialogue are lines for the master's socket. The worker is @1 in all of them, as
// its number is another one each time.
var masterDialogue = []string{
	"show proc", "show proc extra", "show version extra", "show cli level", "show cli sockets",
	"@ show proc", "@master show proc", "@2 show cli level", "@foo show cli level", "@!1 show cli level", "@1 show cli level", "@1", "@1; show cli level", "@1; @master; show cli level",
	"user", "user; show cli level", "user; reload", "user; operator; show cli level", "operator; show cli level", "user; user; show cli level", "operator; operator; show cli level",
	"user; @1 show cli level", "@1 user; show cli level", "@1; user; @master; show cli level", "operator; @1 disable server web/s1", "@1; user; get weight web/s1", "@1 get weight web/s1",
	"expert-mode", "expert-mode on", "expert-mode on; @1 expert-mode", "experimental-mode on; @1 experimental-mode", "experimental-mode on; experimental-mode off; @1 experimental-mode", "expert-mode on; expert-mode; @1 expert-mode",
	"user; expert-mode", "operator; expert-mode on; show cli level", "user; @1 expert-mode",
	"experimental-mode on; @1 set var proc.x int(5)", "@1 get var proc.x", "@1 set var proc.x int(5)",
	"prompt", "prompt; show cli level", "prompt; @1; show cli level; @; show cli level", "prompt; quit; show cli level", "prompt; @1 show cli level", "@1; prompt; show cli level; prompt; show cli level",
	"@0 show cli level", "@1; @0; show cli level", "@00 show cli level", "@1\tshow cli level", "@1\t", "@\tshow cli level",
	"@1 show cli sockets", "@1 show env HAPROXY_CLI",
	"quit", "quit; show cli level", "@1; quit; show cli level", "", ";", ";;show cli level", "  show   cli   level  ",
}

// moving are parts of answers that differ from run to run: numbers of processes, times,
// versions.
var moving = []struct {
	part *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`(?m)^\d+ +(master|worker)`), "PID $1"},
	{regexp.MustCompile(`\d+d\d\dh\d\dm\d\ds +\S+ *`), "TIME VERSION"},
	{regexp.MustCompile(`2\.6\.12\S*`), "VERSION"},
	{regexp.MustCompile(`(?m)\d+> `), "PID> "},
	{regexp.MustCompile(`unix@\S+/stats\b`), "STATS"},
	{regexp.MustCompile(`sockpair@\d+`), "PAIR"},
}

func still(answer string) string {
	for _, m := range moving {
		answer = m.part.ReplaceAllString(answer, m.by)
	}
	return strings.TrimRight(answer, "\n") // the reference leaves the last empty line out after some answers
}

// newer are the lines of help about commands of later versions.
var newer = regexp.MustCompile(`(?m)^  (hard-reload|show startup-logs) .*\n`)

// TestMasterConversation: what the master says on its socket is what the reference says.
func TestMasterConversation(t *testing.T) {
	haproxy := reference(t)
	s := newSite(t)
	s.foreground(t, "-W", "-S", s.masterAddr)
	theirs := newSite(t)
	testpeer.Start(t, exec.Command(haproxy, "-W", "-db", "-f", theirs.config, "-S", theirs.masterAddr))
	for _, x := range []*site{s, theirs} {
		waitFor(t, "the worker of "+filepath.Base(x.dir), func() bool { return strings.HasPrefix(x.ask("@1 show cli level"), "admin") })
	}
	for _, line := range masterDialogue {
		want, got := still(theirs.ask(line)), still(newer.ReplaceAllString(s.ask(line), ""))
		if got != want {
			t.Errorf("%s\ngot  %q\nwant %q", line, got, want)
		}
	}
	// Commands that do not exist are told as such, and what is like them is offered.
	for line, want := range map[string]string{
		"show": "  show proc  ", "nosuch": "Unknown command, but maybe one of the following ones is a better match:\n", "help": "  hard-reload  ", "help show": "  show cli level  ", "show info": "  show proc  ",
		"mcli-debug-mode on": "not supported by this engine",
	} {
		if got := s.ask(line); !strings.Contains(got, want) {
			t.Errorf("%s: %q lacks %q", line, got, want)
		}
	}
}

// TestHardReload: the former worker does not wait for its clients.
func TestHardReload(t *testing.T) {
	s := newSite(t)
	s.foreground(t, "-W", "-S", s.masterAddr+",level,operator")
	var before []string
	waitFor(t, "a worker", func() bool {
		before = s.workers("# workers")
		return len(before) == 1 && s.ask("@1 show cli level") != ""
	})
	held, err := net.Dial("tcp", s.tcpAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	_ = held.SetDeadline(time.Now().Add(10 * time.Second))
	s.ask("user; hard-reload")
	if now := s.workers("# workers"); len(now) != 1 || now[0] != before[0] {
		t.Fatalf("a user has reloaded: %v, before %v", now, before)
	}
	s.ask("hard-reload")
	waitFor(t, "another worker", func() bool {
		now := s.workers("# workers")
		return len(now) == 1 && now[0] != before[0] && len(s.workers("# old workers")) == 0
	})
	if _, err := held.Read(make([]byte, 1)); err == nil {
		t.Error("the former worker has said something")
	}
}
