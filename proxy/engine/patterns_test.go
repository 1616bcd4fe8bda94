package engine

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answerTo is the content of the answer to a request.
func answerTo(t *testing.T, addr, path string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path)
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	_, content, _ := strings.Cut(string(b), "\r\n\r\n")
	return content
}

// What is changed in lists of patterns is what the next request meets.
func TestPatternsChangeAtRunTime(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"paths": "/a\n", "names": "/b one\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e, addrs := serve(t, fmt.Sprintf(`
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend f
  bind 127.0.0.1:0
  acl listed path -f %[1]s/paths
  acl own path /c
  http-request return status 200 content-type text/plain string listed if listed
  http-request return status 200 content-type text/plain string own if own
  http-request return status 200 content-type text/plain lf-string "%%[path,map(%[1]s/names,none)]"
`, dir))
	expect := func(path, want string) {
		t.Helper()
		if got := answerTo(t, addrs[0], path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{"/a": "listed", "/b": "one", "/c": "own", "/d": "none"} {
		expect(path, want)
	}
	paths, names := e.Patterns().Find(filepath.Join(dir, "paths")), e.Patterns().Find(filepath.Join(dir, "names"))
	if _, err := paths.Add("/d", ""); err != nil {
		t.Fatal(err)
	}
	if err := names.Put("/b", "two"); err != nil {
		t.Fatal(err)
	}
	if err := names.Put("/e", "new"); err != nil {
		t.Fatal(err)
	}
	paths.Delete("/a")
	for _, l := range e.Patterns().All() {
		if l.File == "" && len(l.Entries(0)) > 0 {
			l.Delete("/c")
		}
	}
	for path, want := range map[string]string{"/a": "none", "/b": "two", "/c": "none", "/d": "listed", "/e": "new"} {
		expect(path, want)
	}
}
