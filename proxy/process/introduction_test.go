package process_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// trouble reduces what a start has said to what there is up to the first thing that is wrong.
func trouble(out []byte) string {
	var words []string
	for l := range strings.Lines(string(out)) {
		level, text, ok := strings.Cut(l, " : ")
		level, _, _ = strings.Cut(level, " ")
		switch {
		case !ok || level != "[NOTICE]" && level != "[WARNING]" && level != "[ALERT]":
			continue
		case strings.HasPrefix(text, "haproxy version is 2.6.12"):
			level = "version"
		case strings.HasPrefix(text, "path to executable is /"):
			level = "path"
		case level == "[NOTICE]":
			continue
		}
		if words = append(words, level); level[0] == '[' {
			break
		}
	}
	return strings.Join(words, " ")
}

// idle is a frontend that both proxies warn of, in place of "defaults".
const idle = "frontend idle\n  mode http\n  default_backend web\ndefaults\n"

// TestIntroduction: whoever reports a start that went wrong has the version and the file of the
// program in it, as with the reference, and whoever has nothing to report is not bothered.
func TestIntroduction(t *testing.T) {
	haproxy := reference(t)
	s := newSite(t)
	good, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	configs := map[string]string{
		"good": string(good), "wrong": "nonsense\n",
		"warning": strings.Replace(string(good), "defaults\n", idle, 1),
		"quiet":   strings.Replace(string(good), "global\n", "global\n  quiet\n", 1) + "nonsense\n",
		"taken":   string(good) + "listen taken\n  mode tcp\n  bind " + taken.Addr().String() + "\n",
	}
	for _, name := range []string{"good", "warning", "wrong", "taken", "absent"} {
		for _, args := range []string{"-c", "-c -q", "-c -V", "-db", "-db -q", "-W", "-D", "-W -D"} {
			if !strings.HasPrefix(args, "-c") && (name == "good" || name == "warning") {
				continue // they would serve
			}
			file := filepath.Join(s.dir, name)
			if text, ok := configs[name]; ok {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var said [2]string
			for i, bin := range []string{os.Args[0], haproxy} {
				cmd := exec.Command(bin, append([]string{"-f", file}, strings.Fields(args)...)...)
				cmd.Args[0] = argv0(bin)
				cmd.Env = append(os.Environ(), "PROXY_TEST_SITE="+s.dir)
				out, err := cmd.CombinedOutput()
				said[i] = trouble(out)
				if i == 0 && strings.Contains(string(out), "path to executable") && !strings.Contains(string(out), "path to executable is "+os.Args[0]+"\n") {
					t.Errorf("%s %s (%v): another path:\n%s", name, args, err, out)
				}
			}
			if said[0] != said[1] {
				t.Errorf("%s %s: %q, the reference %q", name, args, said[0], said[1])
			}
		}
	}
}

// TestIntroductionInStartupLogs: it is kept with the messages that it introduces.
func TestIntroductionInStartupLogs(t *testing.T) {
	haproxy := reference(t)
	var said [2]string
	for i, bin := range []string{os.Args[0], haproxy} {
		s := newSite(t)
		text, err := os.ReadFile(s.config)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, strings.Replace(string(text), "defaults\n", idle, 1))
		cmd := s.command(t, "-db")
		cmd.Path = bin
		cmd.Args[0] = argv0(bin)
		if err := testpeer.Launch(cmd); err != nil {
			t.Fatal(err)
		}
		s.started = append(s.started, cmd)
		s.serving(t)
		waitFor(t, "the runtime API", func() bool { said[i] = trouble([]byte(askSocket(s.stats, "show startup-logs"))); return said[i] != "" })
	}
	if said[0] != said[1] {
		t.Errorf("%q, the reference %q", said[0], said[1])
	}
}
