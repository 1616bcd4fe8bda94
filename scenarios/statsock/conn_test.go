package statsock

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serve answers every line as HAProxy does in interactive mode.
func serve(t *testing.T, answers map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					answer, ok := answers[lines.Text()]
					if !ok {
						return
					}
					// In two pieces, to be put together.
					text := answer + "\n> "
					if _, err := io.WriteString(c, text[:len(text)/2]); err != nil {
						return
					}
					time.Sleep(time.Millisecond)
					if _, err := io.WriteString(c, text[len(text)/2:]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return path
}

const stat = `# pxname,svname,scur,stot,status,last_chk,
web,FRONTEND,1,10,OPEN,,
web,a,0,7,UP 1/2,"said ""no, not yet""",
web,BACKEND,0,9,UP,,

`

func TestCommands(t *testing.T) {
	path := serve(t, map[string]string{
		"prompt": "", "show info": "Name: HAProxy\nPid: 42\nStopping: 0\n\n", "show stat": stat,
		"long": strings.Repeat("x", 300_000) + "\n",
	})
	c, err := Dial(path, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	info, err := c.Info()
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := info.Number("Pid"); n != 42 || !ok {
		t.Errorf("info %v", info)
	}
	if _, ok := info.Number("Name"); ok {
		t.Error("a name is a number")
	}
	rows, err := c.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || rows[1].Server != "a" || rows[1].Text("last_chk") != `said "no, not yet"` || rows[1].Text("nothing") != "" {
		t.Errorf("rows %+v", rows)
	}
	if n, ok := rows[0].Number("stot"); n != 10 || !ok {
		t.Errorf("stot %d %v", n, ok)
	}
	if _, ok := rows[0].Number("last_chk"); ok {
		t.Error("an empty column has a number")
	}
	if long, err := c.Do("long"); err != nil || len(long) != 300_000 {
		t.Errorf("long answer: %d bytes, %v", len(long), err)
	}
	if _, err := c.Do("two\nlines"); err == nil {
		t.Error("two lines are one command")
	}
	// The peer goes away at an unknown command, and then all others fail.
	if _, err := c.Do("bye"); err == nil {
		t.Error("no error from a closed connection")
	}
	if _, err := c.Info(); err == nil || !strings.Contains(err.Error(), "bye") {
		t.Errorf("later command: %v", err)
	}
}

func TestNobodyThere(t *testing.T) {
	if _, err := Dial(filepath.Join(t.TempDir(), "none"), time.Second); err == nil {
		t.Error("connected to nothing")
	}
}

func TestSilence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Dial(path, 20*time.Millisecond); err == nil {
		t.Error("a silent socket is taken for a proxy")
	}
}

func TestParseStatErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "stats socket: show stat does not begin with a header",
		"Unknown command\n":       "stats socket: show stat does not begin with a header",
		"# pxname,svname,scur,\n": "stats socket: show stat has no column status",
	} {
		if _, err := parseStat(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestSplitCSV(t *testing.T) {
	for line, want := range map[string][]string{
		"a,b,":          {"a", "b", ""},
		`a,"b,c",d`:     {"a", "b,c", "d"},
		`"a ""x"" b",c`: {`a "x" b`, "c"},
	} {
		if got := splitCSV(line); !cmp.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
