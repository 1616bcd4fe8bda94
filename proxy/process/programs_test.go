package process_test

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// withPrograms adds sections to the configuration of a site: a program that writes down
// its environment and one that is to run once.
func (s *site) withPrograms(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, strings.Replace(string(text), "global\n", "global\n  setenv OF_CONFIG yes\n", 1)+fmt.Sprintf(`program one
  command /bin/sh -c "env > %[1]s/env.tmp; mv %[1]s/env.tmp %[1]s/env; exec sleep 300"
program two
  command sleep 300
  no option start-on-reload
`, s.dir))
}

// programs are the numbers of those that "show proc" lists, by name.
func (s *site) programs() map[string]string {
	list, in := map[string]string{}, false
	for line := range strings.Lines(s.ask("show proc")) {
		if strings.HasPrefix(line, "#") {
			in = strings.TrimSpace(line) == "# programs"
		} else if f := strings.Fields(line); in && len(f) == 5 && f[4] == "-" {
			list[f[1]] = f[0]
		}
	}
	return list
}

// both starts a master of this program and one of the reference, on sites of their own.
func both(t *testing.T, prepare func(*site)) (masters map[*exec.Cmd]*site) {
	t.Helper()
	haproxy := reference(t)
	ours, theirs := newSite(t), newSite(t)
	masters = map[*exec.Cmd]*site{}
	prepare(ours)
	prepare(theirs)
	masters[ours.foreground(t, "-W", "-S", ours.masterAddr+",level,admin")] = ours
	reference := exec.Command(haproxy, "-W", "-db", "-f", theirs.config, "-S", theirs.masterAddr+",level,admin")
	reference.Env = append(os.Environ(), "PROXY_TEST_SITE="+theirs.dir)
	if err := testpeer.Launch(reference); err != nil {
		t.Fatal(err)
	}
	theirs.started = append(theirs.started, reference)
	theirs.serving(t)
	masters[reference] = theirs
	return masters
}

// TestPrograms: what "program" sections name runs beside the workers, is ended and run
// again by a reload, lives on where that fails, and ends with the master.
func TestPrograms(t *testing.T) {
	var environments [][]string
	for cmd, s := range both(t, func(s *site) { s.withPrograms(t) }) {
		var first, second map[string]string
		waitFor(t, "the programs", func() bool { first = s.programs(); return len(first) == 2 })
		waitFor(t, "the environment", func() bool { _, err := os.Stat(filepath.Join(s.dir, "env")); return err == nil })
		environments = append(environments, s.environment(t))
		s.ask("reload")
		waitFor(t, "another program", func() bool {
			second = s.programs()
			return len(second) == 1 && second["one"] != "" && second["one"] != first["one"] && !strings.Contains(s.ask("show proc"), "# old")
		})
		good, err := os.ReadFile(s.config)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, string(good)+"nonsense\n")
		s.ask("reload")
		waitFor(t, "a failure", func() bool { return strings.Contains(s.ask("show proc"), "[failed: 1]") })
		if now := s.programs(); !maps.Equal(now, second) {
			t.Errorf("a reload that has failed has left the programs %v of %v", now, second)
		}
		s.write(t, string(good))
		s.ask("reload")
		waitFor(t, "a success", func() bool {
			now := s.programs()
			return strings.Contains(s.ask("show proc"), "[failed: 0]") && now["one"] != "" && now["one"] != second["one"]
		})
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		s.started = nil
		s.nothingLeft(t)
	}
	if !slices.Equal(environments[0], environments[1]) {
		t.Errorf("the environments of the programs differ:\n%q\n%q", environments[0], environments[1])
	}
}

// environment is what a program of the site has found, without what differs from run to run.
func (s *site) environment(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(text), s.dir, "DIR")) {
		if strings.HasPrefix(line, "HAPROXY_") || strings.HasPrefix(line, "OF_CONFIG=") {
			line = regexp.MustCompile(`;sockpair@\d+`).ReplaceAllString(line, "")
			list = append(list, regexp.MustCompile(`2\.6\.12\S*`).ReplaceAllString(strings.TrimSpace(line), "VERSION"))
		}
	}
	slices.Sort(list)
	return list
}

// TestProgramThatFails: by default the failure of a program ends all, with its status; also
// that of one that is not to be found.
func TestProgramThatFails(t *testing.T) {
	for name, command := range map[string]string{"status 3": `/bin/sh -c "exit 3"`, "status 1": "/nonexistent"} {
		t.Run(name, func(t *testing.T) {
			want := int(name[len(name)-1] - '0')
			haproxy := reference(t)
			for _, bin := range []string{os.Args[0], haproxy} {
				s := newSite(t)
				text, err := os.ReadFile(s.config)
				if err != nil {
					t.Fatal(err)
				}
				s.write(t, string(text)+"program p\n  command "+command+"\n")
				cmd := s.command(t, "-W")
				if bin == haproxy {
					cmd.Path, cmd.Args = bin, append([]string{"haproxy"}, cmd.Args[1:]...)
				}
				if err := testpeer.Launch(cmd); err != nil {
					t.Fatal(err)
				}
				s.started = append(s.started, cmd)
				_ = cmd.Wait()
				if got := cmd.ProcessState.ExitCode(); got != want {
					t.Errorf("%s ended with %d, want %d", bin, got, want)
				}
				s.started = nil
				s.nothingLeft(t)
			}
		})
	}
}

// TestReloadsThatAWorkerSurvives: none with a limit of 0, whoever is connected.
func TestReloadsThatAWorkerSurvives(t *testing.T) {
	for _, s := range both(t, func(s *site) {
		text, err := os.ReadFile(s.config)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, strings.Replace(string(text), "global\n", "global\n  mworker-max-reloads 0\n", 1))
	}) {
		held := s.hold(t)
		before := s.workers("# workers")
		s.ask("reload")
		waitFor(t, "another worker alone", func() bool {
			now := s.workers("# workers")
			return len(now) == 1 && now[0] != before[0] && len(s.workers("# old workers")) == 0
		})
		if _, err := held.Read(make([]byte, 1)); err == nil {
			t.Error("the former worker has said something")
		}
	}
}

// hold opens a connection that the worker has accepted.
func (s *site) hold(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.tcpAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	waitFor(t, "the connection", func() bool { return strings.Contains(s.ask("@1 show sess"), "fe=raw") })
	return c
}
