package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/backends"
)

// backendProcess is a `bench backend` running within the test.
type backendProcess struct {
	line   backends.ReadyLine
	parent *os.File // its standard input
	exit   chan int
}

func startOrigin(t *testing.T, args ...string) *backendProcess {
	t.Helper()
	in, parent, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	o := &backendProcess{parent: parent, exit: make(chan int, 1)}
	args = append([]string{"backend", "http", "--json"}, args...)
	go func() {
		o.exit <- run(args, &streams{in, stdout, os.Stderr})
		stdout.Close()
		in.Close()
	}()
	t.Cleanup(func() { parent.Close(); out.Close() })
	text, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &o.line); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

func TestBackendServesUntilItsParentIsGone(t *testing.T) {
	control := filepath.Join(t.TempDir(), "control.sock")
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--replicas", "2", "--name", "web", "--control", control,
		"--body", "10", "--status", "404", "--exit-with-parent")
	if !o.line.Ready || len(o.line.Origins) != 2 || o.line.Origins[1].Name != "web.2" || o.line.Control != "unix@"+control {
		t.Errorf("announced %+v", o.line)
	}
	res, err := http.Get("http://" + o.line.Origins[1].Addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != 404 || len(body) != 10 {
		t.Errorf("status %d, %d bytes, %v", res.StatusCode, len(body), err)
	}
	o.parent.Close()
	select {
	case code := <-o.exit:
		if code != exitPass {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(3 * time.Second):
		t.Fatal("goes on without its parent")
	}
	if _, err := os.Stat(control); !os.IsNotExist(err) {
		t.Errorf("control socket left behind: %v", err)
	}
}

func TestBackendRefusesBadFlags(t *testing.T) {
	busy := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", exitUsage, "--listen"},
		{"--listen nowhere", exitUsage, "want IP:PORT"},
		{"--listen 127.0.0.1:99999", exitUsage, "want 0 to 65535"},
		{"--listen 127.0.0.1:65535 --replicas 2", exitUsage, "beyond port 65535"},
		{"--listen 127.0.0.1:0 --listen 127.0.0.1:0 --replicas 3", exitUsage, "one for each replica"},
		{"--listen 127.0.0.1:0 --latency 5", exitUsage, "--latency"},
		{"--listen 127.0.0.1:0 --body gamma(1)", exitUsage, "--body"},
		{"--listen 127.0.0.1:0 --status 99", exitUsage, "--status"},
		{"--listen 127.0.0.1:0 --header nocolon", exitUsage, "NAME:VALUE"},
		{"--listen 127.0.0.1:0 --trailer X:1", exitUsage, "chunked bodies"},
		{"--listen 127.0.0.1:0 --answer /a", exitUsage, "PATH=TEXT"},
		{"--listen 127.0.0.1:0 --threads=-1", exitUsage, "--threads: want 1 or more"},
		{"--listen 127.0.0.1:0 --idle-timeout=-1s", exitUsage, "--idle-timeout: want 0"},
		{"--listen 127.0.0.1:0 --max-requests=-1", exitUsage, "--max-requests"},
		{"--listen 127.0.0.1:0 --cpu 4000", exitUsage, "there is no processor 4000"},
		{"--listen 127.0.0.1:0 --header Connection:close", exitUsage, "by the origin itself"},
		{"--listen 127.0.0.1:0 --poller kqueue", exitUsage, "want one of"},
		{"--listen 127.0.0.1:0 --control 127.0.0.1:1x", exitUsage, "control endpoint"},
		{"--listen " + busy.line.Origins[0].Addr, exitLost, "address already in use"},
	} {
		errFile, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		empty, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		// With its standard input at the end, a process that does start ends.
		code := run(append([]string{"backend", "http", "--exit-with-parent"}, strings.Fields(c.args)...), &streams{empty, empty, errFile})
		text, err := os.ReadFile(errFile.Name())
		if err != nil {
			t.Fatal(err)
		}
		errFile.Close()
		empty.Close()
		if code != c.code || !strings.Contains(string(text), c.want) {
			t.Errorf("%s: exit code %d, want %d; said %q, want %q", c.args, code, c.code, text, c.want)
		}
	}
}

// What the help shows of files and commands is for copying: its lines are to stay
// as they are, also where they look like a list.
func TestHelpKeepsExamples(t *testing.T) {
	for command, want := range map[string]string{
		"mysql": "\n    - query: INSERT INTO item*\n      affected: 1\n      insertId: 3\n",
		"tcp":   "\n    bench backend tcp --listen 127.0.0.1:2525 --mode script \\\n      --step",
	} {
		out, err := os.Create(filepath.Join(t.TempDir(), "help"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		run([]string{"backend", command, "--help"}, &streams{os.Stdin, out, os.Stderr})
		if text, err := os.ReadFile(out.Name()); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: no %q in %s, %v", command, want, text, err)
		}
	}
}
