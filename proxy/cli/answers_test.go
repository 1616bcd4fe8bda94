package cli

import (
	"flag"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

var update = flag.Bool("update", false, "rewrite testdata/answers.txt with what the reference answers")

const answersFile = "testdata/answers.txt"

// exchange is a line of commands and its answer.
type exchange struct{ line, answer string }

// readAnswers reads the golden file: "$ " and a command line, then the answer
// up to the next command.
func readAnswers(t *testing.T) []exchange {
	t.Helper()
	b, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	var list []exchange
	for _, block := range strings.Split("\n"+strings.TrimSuffix(string(b), "\n"), "\n$ ")[1:] {
		line, answer, _ := strings.Cut(block, "\n")
		list = append(list, exchange{line, answer})
	}
	return list
}

// ask sends one line, ends our side, and reads to the end.
func ask(t testing.TB, path, line string) string {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	text := line + "\n"
	if strings.HasSuffix(line, PayloadMark) {
		text += "payload\n\n"
	}
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return string(b)
}

// same compares an answer with the golden one, which stands without the last line end.
func same(got, golden string) bool { return strings.TrimSuffix(got, "\n") == golden }

func TestAnswersAreTheReferences(t *testing.T) {
	e := newFake()
	e.backends[0].Servers = e.backends[0].Servers[:3]
	_, path := start(t, e, Options{}, Access{Level: AdminLevel})
	for _, x := range readAnswers(t) {
		got := ask(t, path, x.line)
		if !same(got, x.answer) {
			t.Errorf("%s\ngot  %q\nwant %q", x.line, got, x.answer)
		}
	}
}

// The golden answers must be what the reference says.
func TestGoldenAnswers(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	dir := t.TempDir()
	cfg, err := os.ReadFile("testdata/reference.cfg")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "cfg")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(cfg), "@DIR@", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	path := filepath.Join(dir, "s")
	testpeer.Listening(t, path)
	var out strings.Builder
	for _, x := range readAnswers(t) {
		got := ask(t, path, x.line)
		out.WriteString("$ " + x.line + "\n" + strings.TrimSuffix(got, "\n") + "\n")
		if !*update && !same(got, x.answer) {
			t.Errorf("%s\nthe reference says %q\nthe golden file   %q", x.line, got, x.answer)
		}
	}
	if *update {
		if err := os.WriteFile(answersFile, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
