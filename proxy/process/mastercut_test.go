package process_test

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// masterCuts are what is said to a master, to be cut anywhere.
var masterCuts = []string{
	"show cli level; @1 get weight web/s1\n",
	"@1\nget weight web/s1; get weight raw/s1\n@\nshow cli level\n",
	"prompt\n@1 get weight web/s1\n@1\nget weight web/s1\nquit\n",
	"@1 get weight web/s1; @1 add acl #0 <<\nget weight raw/s1\n\n",
	"@1 get weight web/s1 <<\nget weight raw/s1\n\nshow cli level\n",
	"@1 get weight web/s1<<\nget weight raw/s1\n\n",
	"show cli level <<\nget weight raw/s1\n\n@1 get weight raw/s1\n",
	"@1 get\\ weight web/s1;@1 get weight web\\/s1\n",
	"@1 get weight web/s1 \\; show cli level\r\n",
	"user;@1 set weight web/s1 1;@1 get weight web/s1\n",
	"@1 operator;@1 show cli level;show cli level\n",
	"@1@1 get weight web/s1\n@ 1 get weight web/s1\n@1;@1;@2\n@!0 show cli level\n@-1 show cli level\n@01 show cli level\n@+1 show cli level\n",
}

// offered are the commands that are listed where one does not exist.
var offered = regexp.MustCompile(`(?m)^  .*\n`)

// A conversation with a master that ends at any byte has had the answers that it has there.
func TestMasterConversationsCutAnywhere(t *testing.T) {
	haproxy := reference(t)
	ours, theirs := newSite(t), newSite(t)
	ours.foreground(t, "-W", "-S", ours.masterAddr+",level,admin")
	testpeer.Start(t, exec.Command(haproxy, "-W", "-db", "-f", theirs.config, "-S", theirs.masterAddr+",level,admin"))
	for _, x := range []*site{ours, theirs} {
		waitFor(t, "the worker of "+filepath.Base(x.dir), func() bool { return strings.HasPrefix(x.ask("@1 show cli level"), "admin") })
	}
	for _, d := range masterCuts {
		for i := range len(d) + 1 {
			if want, got := still(offered.ReplaceAllString(theirs.say(d[:i]), "")), still(offered.ReplaceAllString(ours.say(d[:i]), "")); got != want {
				t.Errorf("%q\n got  %q\n want %q", d[:i], got, want)
				break
			}
		}
	}
}

// say sends text as it is and ends our side.
func (s *site) say(text string) string {
	c, err := net.DialTimeout("unix", s.masterAddr, time.Second)
	if err != nil {
		return "ERROR " + err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(c, text)
	_ = c.(*net.UnixConn).CloseWrite()
	out, err := io.ReadAll(c)
	if err != nil {
		return "ERROR " + err.Error()
	}
	return string(out)
}

// A payload belongs to the last command of its line: no other one gets its lines, and nothing
// takes them for commands.
func TestMasterPayloadsAreNoCommands(t *testing.T) {
	s := newSite(t)
	s.foreground(t, "-W", "-S", s.masterAddr+",level,admin")
	waitFor(t, "the worker", func() bool { return strings.HasPrefix(s.ask("@1 show cli level"), "admin") })
	for _, line := range []string{"@1 get weight web/s1; @1 show cli level <<", "@1 get weight web/s1<<", "@1 get weight web/s1; show cli level <<", "@1 get weight web/s1 <<; @1 show cli level <<"} {
		s.say(line + "\ndisable server raw/s1\nset weight raw/s1 7\n\n")
		if got := s.ask("@1 get weight raw/s1"); !strings.HasPrefix(got, "1 (initial 1)") {
			t.Errorf("%s: the payload was carried out: %q", line, got)
		}
	}
}

// What somebody may make the master keep is bounded, and nobody keeps it from others for good.
func TestMasterAgainstEnemies(t *testing.T) {
	s := newSite(t)
	s.foreground(t, "-W", "-S", s.masterAddr+",level,admin")
	waitFor(t, "the worker", func() bool { return strings.HasPrefix(s.ask("@1 show cli level"), "admin") })
	for text, want := range map[string]string{
		strings.Repeat("x", 40000) + "\n": "Line too long: at most 16384 bytes.", "show cli level <<\n" + strings.Repeat("x", 40000): "Line too long: at most 16384 bytes.",
		"show cli level <<\n" + strings.Repeat(strings.Repeat("x", 1000)+"\n", 1100): "Payload too long: at most 1048576 bytes.",
	} {
		if got := s.say(text); !strings.Contains(got, want) {
			t.Errorf("%.20q: %.100q, want %q", text, got, want)
		}
	}
	// Many who ask for a long wait and leave.
	for range 15 {
		c, err := net.Dial("unix", s.masterAddr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(c, "@1 wait 1h")
		time.Sleep(5 * time.Millisecond)
		_ = c.Close()
	}
	waitFor(t, "a place", func() bool { return strings.Contains(s.ask("show proc"), "# workers") })
	// Many who connect and say nothing: others wait until one leaves.
	var idle []net.Conn
	for range 300 {
		c, err := net.Dial("unix", s.masterAddr)
		if err != nil {
			break // the system's queue is full
		}
		defer c.Close()
		idle = append(idle, c)
	}
	for _, c := range idle {
		_ = c.Close()
	}
	waitFor(t, "a place again", func() bool { return strings.HasPrefix(s.ask("@1 show cli level"), "admin") })
}
