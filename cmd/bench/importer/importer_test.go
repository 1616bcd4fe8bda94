package importer

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bench/proxy/config"
	"bench/scenarios/document"
	"bench/scenarios/source"
)

var update = flag.Bool("update", false, "rewrite golden files")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got:\n%s\nwant:\n%s", path, got, want)
	}
}

func importText(t *testing.T, text string, o Options) (scenario string, notes []Note) {
	t.Helper()
	if o.Name == "" {
		o.Name = "test"
	}
	if o.Exists == nil {
		o.Exists = func(string) bool { return false }
	}
	out, notes, err := Import([]config.Source{{Name: "t.cfg", Text: []byte(text)}}, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := document.Parse("t.yaml", out, document.Options{}); err != nil {
		t.Fatalf("not a valid scenario: %s\n%s", source.Describe(err), out)
	}
	return string(out), notes
}

// TestImport compares whole scenarios, and what is said about them.
func TestImport(t *testing.T) {
	files, err := filepath.Glob("testdata/*.cfg")
	if err != nil || len(files) == 0 {
		t.Fatal("no configurations", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			sources, err := config.ReadSources([]string{path})
			if err != nil {
				t.Fatal(err)
			}
			base := strings.TrimSuffix(path, ".cfg")
			text, notes, err := Import(sources, Options{Name: filepath.Base(base), Exists: func(string) bool { return false }})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := document.Parse(base+".yaml", text, document.Options{}); err != nil {
				t.Errorf("not a valid scenario: %s", source.Describe(err))
			}
			golden(t, base+".yaml", string(text))
			lines := make([]string, len(notes))
			for i, n := range notes {
				lines[i] = n.String()
			}
			golden(t, base+".txt", strings.Join(lines, "\n")+"\n")
		})
	}
}

// front is a configuration around lines of a frontend and of a backend.
func front(lines, server string) string {
	return "defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nfrontend f\n bind :80\n" + lines + "\n default_backend b\nbackend b\n" + server + "\n"
}

// Lines that go by the address of the client are named: in a scenario all have the same.
func TestClientsOfOneAddress(t *testing.T) {
	lines := []struct {
		text  string
		about bool
	}{
		{" acl src path /a", false},
		{" acl inside src 10.0.0.0/8", true},
		{" acl many src_conn_rate gt 10", true},
		{" http-request deny if { src,ipmask(24) 10.0.0.0 }", true},
		{" http-request set-header X-Client %[src]", true},
		{" http-request set-header X-Where src", true}, // which may as well be text
		{" http-request set-path /source", false},
		{" option forwardfor", false},
	}
	var all []string
	for _, l := range lines {
		all = append(all, l.text)
	}
	_, notes := importText(t, front(strings.Join(all, "\n"), " balance source\n server a 192.0.2.1:80"), Options{})
	about := map[int]bool{}
	for _, n := range notes {
		if strings.Contains(n.Text, "goes by the address of the client") {
			about[n.Line] = true
		}
	}
	for i, l := range lines {
		if about[8+i] != l.about {
			t.Errorf("%s: named %v, want %v", l.text, about[8+i], l.about)
		}
	}
	if backend := 8 + len(lines) + 2; !about[backend] {
		t.Errorf("'balance source' is not named: %v", notes)
	}
}

func TestDriver(t *testing.T) {
	text, notes := importText(t, front("", " server a 192.0.2.1:80"), Options{})
	if !strings.Contains(text, "\n  driver: builtin\n") || slices.ContainsFunc(notes, func(n Note) bool { return n.Action == Refused }) {
		t.Errorf("what the engine knows: %v\n%s", notes, text)
	}
	text, notes = importText(t, front(" http-request set-var(txn.x) 51d.all(t)", " server a 192.0.2.1:80"), Options{})
	i := slices.IndexFunc(notes, func(n Note) bool { return n.Action == Refused })
	if !strings.Contains(text, "\n  driver: haproxy\n") || i < 0 || notes[i].Line != 8 || notes[i].File != "t.cfg" || !strings.Contains(notes[i].Text, "'51d.all' is not supported") {
		t.Errorf("what it does not know: %v\n%s", notes, text)
	}
	// What HAProxy does not know either is not what the engine lacks.
	_, notes = importText(t, front(" nosuch x\n http-request nosuch\n maxconn many", " server a 192.0.2.1:80 nosuch"), Options{})
	var mistakes []int
	for _, n := range notes {
		switch n.Action {
		case Refused:
			t.Errorf("%s", n)
		case Mistake:
			mistakes = append(mistakes, n.Line)
		}
	}
	if !slices.Equal(mistakes, []int{8, 9, 10, 13}) {
		t.Errorf("mistakes on the lines %v: %v", mistakes, notes)
	}
	text, _ = importText(t, front(" http-request set-var(txn.x) 51d.all(t)", " server a 192.0.2.1:80"), Options{Driver: "builtin"})
	if !strings.Contains(text, "\n  driver: builtin\n") {
		t.Error("the driver that was asked for is not taken")
	}
}

// TestFilesThatExist holds that lists, maps and error files which are there stay.
func TestFilesThatExist(t *testing.T) {
	lines := " errorfile 503 /e.http\n acl x src -f /list\n acl y hdr(host),map(/m.map) -m found"
	for _, exists := range []bool{true, false} {
		text, _ := importText(t, front(lines, " server a 192.0.2.1:80"), Options{Exists: func(string) bool { return exists }})
		for _, part := range []string{"errorfile 503 /e.http", "src -f /list", "map(/m.map)"} {
			if strings.Contains(text, part) != exists {
				t.Errorf("exists: %v, %q in\n%s", exists, part, text)
			}
		}
		if strings.Contains(text, "src -f /dev/null") == exists || strings.Contains(text, "map(/dev/null)") == exists {
			t.Errorf("exists: %v: an empty file in place of a missing one\n%s", exists, text)
		}
	}
}

func TestCannotImport(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"quotes":     {"global\n log \"x\n", "t.cfg:2: unmatched quote at position 6"},
		"no servers": {"frontend f\n bind :80\n", "there is no backend with servers"},
		"no load":    {"frontend f\n bind :80\nbackend b\n server a 192.0.2.1:80\n", "no frontend leads to a server"},
	} {
		_, _, err := Import([]config.Source{{Name: "/etc/t.cfg", Text: []byte(c.text)}}, Options{Name: "x", Exists: func(string) bool { return false }})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// TestManyServers holds that a large farm does not become a large number of processes.
func TestManyServers(t *testing.T) {
	text, notes := importText(t, front("", " server-template a 1-200 192.0.2.1:80"), Options{})
	if n := strings.Count(text, "    server a"); n != 200 {
		t.Errorf("%d servers", n)
	}
	if !strings.Contains(text, "replicas: 3,") {
		t.Errorf("replicas:\n%s", text[strings.Index(text, "\nbackends:"):])
	}
	if !slices.ContainsFunc(notes, func(n Note) bool { return strings.Contains(n.Text, "the 200 servers of 'b' are 3 mock origin(s)") }) {
		t.Errorf("nothing is said of it: %v", notes)
	}
}

// FuzzImport holds that whatever can be read becomes a scenario that is valid.
func FuzzImport(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.cfg")
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 || strings.ContainsFunc(text, func(r rune) bool { return r == '\ufffd' || r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) {
			return
		}
		out, _, err := Import([]config.Source{{Name: "t.cfg", Text: []byte(text)}}, Options{Name: "x", Exists: func(string) bool { return false }})
		if err != nil {
			return
		}
		if _, err := document.Parse("t.yaml", out, document.Options{}); err != nil {
			t.Errorf("not a valid scenario: %s\n%s", source.Describe(err), out)
		}
	})
}
