package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
)

// command runs a command line and returns its exit code and what it printed.
func command(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	dir := t.TempDir()
	open := func(name, text string) *os.File {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	std := &streams{open("in", in), open("out", ""), open("err", "")}
	code = run(args, std)
	read := func(f *os.File) string {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return code, read(std.out), read(std.err)
}

func TestLoadWritesItsOutcome(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	url := "http://" + o.line.Origins[0].Addr + "/"
	file := filepath.Join(t.TempDir(), "out.json")
	code, out, errs := command(t, "", "load", url, "-D", "1200ms", "-c", "4", "--think", "5ms", "--warmup", "100ms", "-H", "Accept: */*", "--json", file)
	if code != exitPass || !strings.Contains(out, "closed loop, 4 connections") || !strings.Contains(errs, "0:01 phase=main offered=") {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"requests", "completed", "failed", "durationSeconds", "ratePerSecond", "bytesIn", "bytesOut", "response", "service", "lag"} {
		if _, ok := all[key]; !ok {
			t.Errorf("the outcome has no %q", key)
		}
	}
	var l result.Load
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatal(err)
	}
	if l.Requests == 0 || l.Requests != l.Completed || l.Response.Unit != "us" || l.Response.HDR == "" || l.DurationSeconds != 1.2 {
		t.Errorf("outcome %s", b)
	}
	code, out, errs = command(t, "", "load", url, "-D", "200ms", "-c", "1", "--json", "-", "-q")
	if code != exitPass || json.Unmarshal([]byte(out), &l) != nil || !strings.Contains(errs, "closed loop, 1 connection") {
		t.Errorf("exit code %d, standard output %q, standard error %q", code, out, errs)
	}
}

func TestLoadExitCodes(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	url := "http://" + o.line.Origins[0].Addr + "/"
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no URL", nil, exitUsage, "expected \"<url>\""},
		{"scheme", []string{"ftp://x/"}, exitUsage, "ftp is not spoken here"},
		{"rate", []string{url, "--rate", "2000"}, exitUsage, "--rate: \"2000\" has no unit of time"},
		{"duration", []string{url, "-D", "soon"}, exitUsage, "--duration: "},
		{"header", []string{url, "-H", "X"}, exitUsage, "--header \"X\": want NAME: VALUE"},
		{"connections", []string{url, "-c", "0"}, exitUsage, "a closed loop needs a number of connections"},
		{"body", []string{url, "-d", "@/does/not/exist"}, exitUsage, "--data: open /does/not/exist"},
		{"poller", []string{url, "--poller", "kqueue"}, exitUsage, "unknown poller \"kqueue\""},
		{"no such folder", []string{url, "--json", "/does/not/exist"}, exitUsage, "open /does/not/exist"},
		{"disk full", []string{url, "-D", "50ms", "-q", "--json", "/dev/full"}, exitLost, "no space left on device"},
		{"nobody there", []string{"http://127.0.0.1:1/", "-D", "50ms", "-q"}, exitFail, "not one request was answered well"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := command(t, "", append([]string{"load"}, c.args...)...)
			if code != c.code || !strings.Contains(errs, c.want) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, c.code, out, errs)
			}
		})
	}
}

func TestAgentLoad(t *testing.T) {
	o := startOrigin(t, "--listen", "127.0.0.1:0", "--exit-with-parent")
	order := `{"name":"a","targets":["` + o.line.Origins[0].Addr + `"],"phases":[{"name":"p","from":100,"to":100,"lengthUs":100000,"measure":true}]}`
	code, out, errs := command(t, order, "agent", "load")
	lines := bytes.Split(bytes.TrimSpace([]byte(out)), []byte("\n"))
	var last result.AgentLine
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
		t.Fatal(err)
	}
	if code != exitPass || !strings.HasPrefix(out, `{"ready":{"pid":`) || last.Load == nil || last.Load.Completed != 10 {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}
