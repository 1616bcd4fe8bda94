package process_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bench/internal/testpeer"
)

// TestWarningsOfTheStart: what a start would warn of is warned of by a check, too, which says that
// there was something, and is not allowed with -dW, neither there nor at the start.
func TestWarningsOfTheStart(t *testing.T) {
	haproxy := reference(t)
	s := newSite(t)
	good, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	states := filepath.Join(s.dir, "states")
	if err := os.WriteFile(states, []byte("1\n2 none 1 s 127.0.0.1 0 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	global := func(line string) string {
		return strings.Replace(string(good), "global\n", "global\n  "+line+"\n", 1) + "backend stated\n  load-server-state-from-file global\n  server s 127.0.0.1:1\n"
	}
	configs := map[string]string{
		"good":    string(good),
		"order":   string(good) + "backend order\n  mode http\n  use-server s if FALSE\n  http-request deny if FALSE\n  server s 127.0.0.1:1\n",
		"absent":  global("server-state-file " + filepath.Join(s.dir, "nowhere")),
		"corrupt": global("server-state-file " + states),
		"own":     string(good) + "backend stated\n  load-server-state-from-file local\n  server-state-file-name " + filepath.Join(s.dir, "nowhere") + "\n  server s 127.0.0.1:1\n",
	}
	for name, text := range configs {
		file := filepath.Join(s.dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range []string{"-c", "-c -q", "-c -dW", "-c -V", "-db -dW"} {
			if name == "good" && args == "-db -dW" {
				continue // it would serve
			}
			var said, shown [2]string
			var status [2]int
			for i, bin := range []string{os.Args[0], haproxy} {
				cmd := exec.Command(bin, append([]string{"-f", file}, strings.Fields(args)...)...)
				cmd.Args[0] = argv0(bin)
				cmd.Env = append(os.Environ(), "PROXY_TEST_SITE="+s.dir)
				var out, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errs
				err := cmd.Run()
				if ended, ok := errors.AsType[*exec.ExitError](err); ok {
					status[i] = ended.ExitCode()
				} else if err != nil {
					t.Fatal(err)
				}
				said[i], shown[i] = out.String(), errs.String()
			}
			if said[0] != said[1] || status[0] != status[1] {
				t.Errorf("%s %s: status %d, %q, the reference %d, %q\n%s\n%s", name, args, status[0], said[0], status[1], said[1], shown[0], shown[1])
			}
		}
	}
}

// TestStartupLogsOfTheWorker: what a worker warns of at its start is among its startup logs, as
// well as what was said of the configuration.
func TestStartupLogsOfTheWorker(t *testing.T) {
	haproxy := reference(t)
	for _, mode := range []string{"-db", "-W -db"} {
		var said [2]string
		for i, bin := range []string{os.Args[0], haproxy} {
			s := newSite(t)
			text, err := os.ReadFile(s.config)
			if err != nil {
				t.Fatal(err)
			}
			s.write(t, strings.Replace(string(text), "global\n", "global\n  server-state-file "+filepath.Join(s.dir, "nowhere")+"\n", 1)+
				"backend stated\n  load-server-state-from-file global\n  server s 127.0.0.1:1\n")
			cmd := s.command(t, strings.Fields(mode)...)
			cmd.Path = bin
			cmd.Args[0] = argv0(bin)
			if err := testpeer.Launch(cmd); err != nil {
				t.Fatal(err)
			}
			s.started = append(s.started, cmd)
			s.serving(t)
			logs := ""
			waitFor(t, "the runtime API", func() bool {
				logs = askSocket(s.stats, "show startup-logs")
				return strings.Contains(logs, "[WARNING]")
			})
			for line := range strings.Lines(strings.ReplaceAll(logs, s.dir, "DIR")) {
				if level, text, ok := strings.Cut(line, " : "); ok && strings.HasPrefix(level, "[WARNING]") {
					said[i] += text
				}
			}
		}
		if said[0] != said[1] {
			t.Errorf("%s: %q, the reference %q", mode, said[0], said[1])
		}
	}
}

// TestReloadWithWarnings: with -dW a reload with warnings fails in the master, which starts
// nothing of the new configuration.
func TestReloadWithWarnings(t *testing.T) {
	s := newSite(t)
	good, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	cmd := s.foreground(t, "-W", "-dW", "-S", s.masterAddr)
	waitFor(t, "a worker", func() bool { return len(s.workers("# workers")) == 1 })
	before := s.workers("# workers")
	s.write(t, string(good)+"backend order\n  mode http\n  use-server s if FALSE\n  http-request deny if FALSE\n  server s 127.0.0.1:1\n")
	if err := cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a failure", func() bool { return strings.Contains(s.ask("show proc"), "[failed: 1]") })
	if now := s.workers("# workers"); !slices.Equal(now, before) {
		t.Errorf("workers %v, before %v", now, before)
	}
	said, err := os.ReadFile(s.output)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(said), "New worker"); n != 1 {
		t.Errorf("%d workers were started:\n%s", n, said)
	}
}
