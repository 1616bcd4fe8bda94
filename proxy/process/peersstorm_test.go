package process_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testquiet"
)

// descriptors is how many a process has open.
func (s *scholar) descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(s.cmd.Process.Pid), "fd"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// A peer that comes and goes again and again while it is taught, whichever it is, costs the
// teacher nothing that stays, and knows all in the end.
func TestStorms(t *testing.T) {
	t.Parallel()
	programs := map[string]string{"haproxy": reference(t), "builtin": os.Args[0]}
	for _, pair := range [][2]string{{"haproxy", "builtin"}, {"builtin", "haproxy"}, {"builtin", "builtin"}} {
		t.Run(pair[0]+" teaches "+pair[1], func(t *testing.T) {
			t.Parallel()
			teacher, learner, at := scholars(t, programs[pair[0]], programs[pair[1]])
			teacher.start(t)
			tellMany(t, at, teacher.stats)
			descriptors := teacher.descriptors(t)
			for round := range 10 {
				learner.start(t)
				if out := strings.TrimSpace(ask(teacher.stats, fmt.Sprintf("set table int key %d data.gpc0 1000%d", round, round))); out != "" {
					t.Fatal(out)
				}
				time.Sleep(rand.N(300 * time.Millisecond))
				_ = learner.cmd.Process.Kill()
				_ = learner.cmd.Wait()
			}
			learner.start(t)
			waitLong(t, "the learner to know all", func() bool { return used(learner.stats) == *manyEntries })
			for round := range 10 {
				waitLong(t, "what has changed meanwhile", func() bool {
					return strings.Contains(ask(learner.stats, fmt.Sprintf("show table int key %d", round)), fmt.Sprintf("gpc0=1000%d\n", round))
				})
			}
			waitLong(t, "the teacher to let go of connections", func() bool { return teacher.descriptors(t) <= descriptors+2 })
		})
	}
}

// silence is a peer by hand that says little: what, and after what time.
type silence struct {
	name string
	says []remark
	ends time.Duration // when the connection ends, by the reference and by us
}

type remark struct {
	after time.Duration
	text  string
}

var silences = []silence{
	{name: "nothing", ends: 5 * time.Second},
	{name: "beats", says: []remark{{2 * time.Second, "\x00\x04"}}, ends: 7 * time.Second},
	{name: "pieces", says: []remark{{time.Second, "\x0a\x80\x50"}, {time.Second, "x"}, {time.Second, "x"}, {time.Second, "x"}, {500 * time.Millisecond, "x"}}, ends: 5 * time.Second},
}

// keepsSilent answers the connection of a process, and returns how it ends: after how long,
// and after how long the first sign of life came.
func keepsSilent(c net.Conn, says []remark) (ends, beat time.Duration) {
	defer c.Close()
	_, _ = c.Read(make([]byte, 1024))
	_, _ = io.WriteString(c, "200\n")
	began := time.Now()
	var saying sync.WaitGroup
	saying.Go(func() {
		for _, r := range says {
			time.Sleep(r.after)
			_, _ = io.WriteString(c, r.text)
		}
	})
	defer saying.Wait()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	for b := make([]byte, 1024); ; {
		n, err := c.Read(b)
		if beat == 0 && strings.Contains(string(b[:n]), "\x00\x04") {
			beat = time.Since(began)
		}
		if err != nil {
			return time.Since(began), beat
		}
	}
}

// A peer that falls silent is given up when the reference gives it up, and hears signs of
// life until then; one that does not even greet is tried again when the reference tries it.
func TestSilentPeers(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	dir := t.TempDir()
	outcome := [2]map[string]string{{}, {}}
	var mu sync.Mutex
	var all sync.WaitGroup
	near := func(d time.Duration) string { return d.Round(500 * time.Millisecond).String() }
	for i, program := range []string{reference(t), os.Args[0]} {
		s := &scholar{name: []string{"haproxy", "builtin"}[i], program: program}
		s.stats = filepath.Join(dir, s.name)
		text := fmt.Sprintf("global\n  stats socket %s level admin\n  localpeer me\ndefaults\n  mode http\n  timeout client 10s\n  timeout server 10s\n  timeout connect 5s\npeers all\n  peer me %s\n", s.stats, testpeer.FreeAddr(t))
		listen := func(name string) net.Listener {
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			text += "  peer " + name + " " + l.Addr().String() + "\n"
			return l
		}
		note := func(name, what string) {
			mu.Lock()
			defer mu.Unlock()
			outcome[i][name] = what
		}
		for _, x := range silences {
			l := listen(x.name)
			all.Go(func() {
				c, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				ends, beat := keepsSilent(c, x.says)
				if note(x.name, "a sign of life after "+near(beat)+", the end after "+near(ends)); near(ends) != near(x.ends) {
					t.Errorf("%s: %s: the end came after %v, want %v", s.name, x.name, ends, x.ends)
				}
			})
		}
		l := listen("mute")
		all.Go(func() {
			var times []time.Time
			for range 3 {
				c, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				times = append(times, time.Now())
			}
			note("mute", "again after "+near(times[1].Sub(times[0]))+" and "+near(times[2].Sub(times[1])))
		})
		text += "backend int\n  stick-table type integer size 10 peers all\nfrontend f\n  bind " + testpeer.FreeAddr(t) + "\n"
		if err := os.WriteFile(s.stats+".cfg", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start(t)
	}
	all.Wait()
	for name, want := range outcome[0] {
		if got := outcome[1][name]; got != want {
			t.Errorf("%s:\nhaproxy %s\nbuiltin %s", name, want, got)
		}
	}
	t.Log(outcome[0])
}
