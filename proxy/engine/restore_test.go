package engine_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/proxy/config"
	"bench/proxy/engine"
	"bench/proxy/log"
)

// restoreConfig reads the states of servers from %[1]s/states and %[1]s/own; checks
// come once an hour, so that what was read stays.
const restoreConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    server-state-base %[1]s
    server-state-file states
    nbthread 1
    maxconn 100
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    load-server-state-from-file global
    default-server inter 1h
frontend fe
    bind unix@%[1]s/fe
    default_backend be
backend be
    server up 127.0.0.1:18090 check
    server weighed 127.0.0.1:18091 weight 10
    server off 127.0.0.1:18092 disabled
    server stopping 127.0.0.1:18093 check fall 4 rise 3
    server offcheck 127.0.0.1:18094 disabled check
    server maint 127.0.0.1:18095
    server zero 127.0.0.1:18096 weight 0
    server plain 127.0.0.1:18097
    server named localhost:18098
    server unchecked 127.0.0.1:18099 check
    server elsewhere 127.0.0.1:18089 check port 81
    server unknown 127.0.0.1:1
    server backup 127.0.0.1:18099 backup
    server agent 127.0.0.1:18099 agent-check agent-port 18098 agent-inter 1h
    server mute 127.0.0.1:18099 agent-check agent-port 18098 agent-inter 1h
backend own
    load-server-state-from-file local
    server a 127.0.0.1:1
    server b 127.0.0.1:1
backend named
    load-server-state-from-file local
    server-state-file-name other.state
    server a 127.0.0.1:1
backend none
    load-server-state-from-file none
    server a 127.0.0.1:1
`

// restorePairs starts both with files of server states, by name.
func restorePair(t *testing.T, files map[string]string) *pair {
	t.Helper()
	return pairOf(t, restoreConfig, files)
}

// pairOf is restorePair with another configuration.
func pairOf(t *testing.T, conf string, files map[string]string) *pair {
	t.Helper()
	bin := testpeer.Need(t, "haproxy")
	p := &pair{t.TempDir(), t.TempDir()}
	for name, text := range files {
		for _, dir := range []string{p.theirs, p.ours} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	file := filepath.Join(p.theirs, "cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, conf, p.theirs), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	for range 500 {
		if c, err := net.Dial("unix", filepath.Join(p.theirs, "stats")); err == nil {
			_ = c.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	startConfig(t, fmt.Sprintf(conf, p.ours))
	return p
}

// states are the lines of "show servers state" without the column of seconds.
func states(text string) []string {
	var list []string
	for l := range strings.Lines(text) {
		if w := strings.Fields(l); len(w) > 20 && w[0] != "#" {
			list = append(list, strings.Join(slices.Delete(w, 9, 10), " "))
		}
	}
	return list
}

// compareStates compares what both say of their servers.
func (p *pair) compareStates(t *testing.T, when string) {
	t.Helper()
	theirs, ours := p.both(t, "stats", "show servers state")
	want, got := states(theirs), states(ours)
	if len(want) != 19 || len(want) != len(got) {
		t.Fatalf("%s: %d servers, the reference has %d", when, len(got), len(want))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Errorf("%s:\n got %s\nwant %s", when, got[i], want[i])
		}
	}
}

const stateHeader = "1\n# what a former process has left\n"

// TestRestoredStates compares what both make of the same file.
func TestRestoredStates(t *testing.T) {
	p := restorePair(t, map[string]string{
		"states": stateHeader + `4 be 1 up 127.0.0.1 0 0 1 1 15 8 2 0 6 0 0 0 - 18090 - 0 0 - - 0
3 be 2 weighed 127.0.0.9 2 0 5 10 100 1 0 2 0 0 0 0 - 18999 - 0 0 - - 0
3 be 3 off 127.0.0.1 2 4 1 1 33 1 0 0 8 0 0 0 - 18092 - 0 0 - - 0
3 be 4 stopping 127.0.0.1 3 0 1 1 44 16 4 4 6 0 0 0 - 18093 - 0 0 - - 0
3 be 5 offcheck 127.0.0.1 0 5 1 1 55 1 0 0 14 0 0 0 - 18094 - 0 0 - - 0
3 be 6 maint 127.0.0.1 0 1 1 1 66 1 0 2 0 0 0 0 - 18095 - 0 0 - - 0
3 be 7 zero 127.0.0.1 2 8 1 1 77 1 0 2 0 0 0 0 - 18096 - 0 0 - - 0
3 be 8 plain 127.0.0.1 2 99 1 x 88 1 0 2 0 0 0 0 - 18097 - 0 0 - - 0
3 be 9 named 127.0.0.77 0 0 1 1 99 1 0 2 0 0 0 0 localhost 18998 - 0 0 - - 0
3 be 10 unchecked 127.0.0.1 2 0 1 1 100 15 3 4 2 0 0 0 - 18099 - 0 77 127.0.0.3 - 0
3 be 11 elsewhere 127.0.0.1 2 0 7 7 120 6 3 4 6 0 0 0 - 18089 - 0
3 be 99 stranger 127.0.0.1 2 0 7 7 120 6 3 4 6 0 0 0 - 18089 - 0
`,
		"own":         stateHeader + "9 own 1 a 127.0.0.1 2 1 9 1 7 1 0 2 0 0 0 0 - 12 - 0 0 - - 0\n3 be 1 b 127.0.0.1 2 1 9 1 7 1 0 2 0 0 0 0 - 12 - 0 0 - - 0\n",
		"other.state": stateHeader + "5 named 1 a 127.0.0.1 2 1 9 1 7 1 0 2 0 0 0 0 - 12 - 0 0 - - 0\n5 named 1 cut",
		"none":        stateHeader + "6 none 1 a 127.0.0.1 2 1 9 1 7 1 0 2 0 0 0 0 - 12 - 0 0 - - 0\n",
	})
	p.compareStates(t, "at the start")
	for _, name := range []string{"up", "maint", "named", "offcheck", "off"} {
		p.both(t, "stats", "enable server be/"+name)
	}
	for _, c := range []string{"set server be/zero state ready", "set server be/stopping health down", "enable health be/unchecked", "set weight be/weighed 100%", "set server own/a state drain"} {
		if theirs, ours := p.both(t, "stats", c); theirs != ours {
			t.Errorf("%s: %q, the reference says %q", c, ours, theirs)
		}
	}
}

// TestStatesGoFromOneToTheOther has each read what the other has written, after changes
// at run time.
func TestStatesGoFromOneToTheOther(t *testing.T) {
	p := restorePair(t, nil)
	for _, c := range []string{
		"disable health be/up", "set server be/up health down", "set weight be/weighed 30%", "enable server be/off", "enable server be/offcheck", "disable health be/offcheck",
		"set server be/maint state maint", "set server be/plain state drain", "set server be/weighed addr 127.0.0.5 port 99", "set server be/plain addr 127.0.0.6",
		"disable server own/a", "set server own/b weight 77", "disable server none/a", "disable health be/elsewhere", "set server be/named addr 127.0.0.8 port 98",
		"set server be/unchecked check-port 71", "set server be/unchecked health up", "disable health be/unchecked", "disable health be/stopping", "set server be/stopping health stopping",
		"set server be/mute agent-addr 127.0.0.3", "set server be/agent agent-addr 127.0.0.4", "disable agent be/mute", "set server be/mute agent-addr 127.0.0.5", "set server be/mute agent-port 5",
		"set server be/mute agent up", "set server be/mute agent-send x", "set server be/unchecked check-port 72", "set server be/unchecked check-addr 127.0.0.7",
	} {
		if theirs, ours := p.both(t, "stats", c); theirs != ours {
			t.Errorf("%s: %q, the reference says %q", c, ours, theirs)
		}
	}
	theirs, ours := p.both(t, "stats", "show servers state")
	ofOwn, _ := p.both(t, "stats", "show servers state own")
	for _, from := range []struct{ whose, text string }{{"the reference", theirs}, {"the engine", ours}} {
		t.Run("written by "+from.whose, func(t *testing.T) {
			next := restorePair(t, map[string]string{"states": from.text + "\n", "own": ofOwn + "\n"})
			next.compareStates(t, "after it was read")
		})
	}
}

// unfound is a configuration of servers whose names are not found.
const unfound = `
global
    stats socket %[1]s/stats mode 600 level admin
    server-state-file %[1]s/states
resolvers r
    nameserver a 127.0.0.1:1
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    load-server-state-from-file global
    default-server inter 1h resolvers r init-addr none
backend be
    server plain nowhere.test:80
    server off nowhere.test:80 disabled
    server checked nowhere.test:80 check
    server maint nowhere.test:80 check
    server drain nowhere.test:80
    server follows nowhere.test:80 track be/checked
    server follower 127.0.0.1:80 track be/maint
`

// What is decided of servers whose names are not found is kept, in files of states and at
// run time, and holds once they have an address.
func TestStatesOfServersNotFound(t *testing.T) {
	p := pairOf(t, unfound, nil)
	// From when on they have addresses only what was decided of them is compared: checks begin,
	// and the reference does not show an address that it was given.
	same := func(p *pair, when string, addressed bool) (text string) {
		t.Helper()
		theirs, ours := p.both(t, "stats", "show servers state")
		want, got := states(theirs), states(ours)
		if addressed {
			want, got = decided(want), decided(got)
		}
		if len(want) != 7 || !slices.Equal(want, got) {
			t.Errorf("%s:\n got %s\nwant %s", when, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
		return theirs
	}
	run := func(p *pair, commands ...string) {
		t.Helper()
		for _, c := range commands {
			if theirs, ours := p.both(t, "stats", c); theirs != ours {
				t.Errorf("%s: %q, the reference says %q", c, ours, theirs)
			}
		}
	}
	same(p, "at the start", false)
	run(p, "set server be/maint state maint", "set server be/drain state drain", "set server be/checked state maint", "disable server be/follows")
	text := same(p, "after changes", false)
	next := pairOf(t, unfound, map[string]string{"states": text + "\n"})
	same(next, "after a reload", false)
	for _, p := range []*pair{p, next} {
		run(p, "set server be/checked state ready", "enable server be/off", "enable server be/follows")
		same(p, "after they were let go", false)
		for _, name := range []string{"plain", "off", "checked", "maint", "drain", "follows"} {
			p.both(t, "stats", "set server be/"+name+" addr 127.0.0.9")
		}
		same(p, "with addresses", true)
		run(p, "set server be/maint state ready", "set server be/drain state ready")
		same(p, "at the end", true)
	}
}

// decided are lines of states without all but names and the administrative state.
func decided(lines []string) []string {
	var list []string
	for _, l := range lines {
		w := strings.Fields(l)
		list = append(list, w[3]+" "+w[6])
	}
	return list
}

// TestLastAddress holds that a server whose name is not found has the address that it had.
func TestLastAddress(t *testing.T) {
	dir := t.TempDir()
	text := "global\nstats socket " + dir + "/stats level admin\nserver-state-file " + dir + "/states\ndefaults\ntimeout client 1s\ntimeout server 1s\ntimeout connect 1s\nload-server-state-from-file global\nbackend be\nserver s nowhere.invalid:80\n"
	load := func() (*engine.Engine, []string, error) {
		cfg, diags := config.Load([]config.Source{{Name: "cfg", Text: []byte(text)}}, config.SystemEnv("2.6.12"))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		var said []string
		e, err := engine.New(cfg, engine.Options{Alert: func(_ log.Level, msg string) { said = append(said, msg) }})
		return e, said, err
	}
	if _, said, err := load(); err == nil || len(said) != 1 || !strings.Contains(said[0], "Can't open global server state file") {
		t.Errorf("without a file: %v, %q", err, said)
	}
	if err := os.WriteFile(dir+"/states", []byte(stateHeader+"2 be 1 s 127.0.0.66 2 0 1 1 15 1 0 2 0 0 0 0 nowhere.invalid 81 - 0 0 - - 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, _, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Bind(), e.Publish(), e.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.HardStop(); <-e.Done() })
	if got := states(ask(t, dir+"/stats", "show servers state")); len(got) != 1 || !strings.HasPrefix(got[0], "2 be 1 s 127.0.0.66 2 0 1 1 ") || !strings.Contains(got[0], " nowhere.invalid 81 ") {
		t.Errorf("%q", got)
	}
}
