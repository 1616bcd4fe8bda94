package confine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Started again, the test tries what a program may do that is confined.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	switch {
	case len(args) > 2 && args[0] == "confined":
		fmt.Println(Exec(args[1], args[2:3], append([]string{os.Args[0]}, args[3:]...)))
		os.Exit(9)
	case len(args) == 2 && args[0] == "write":
		say(os.WriteFile(args[1], []byte("x"), 0o600))
	case len(args) == 2 && args[0] == "remove":
		say(os.Remove(args[1]))
	case len(args) == 3 && args[0] == "move":
		say(os.Rename(args[1], args[2]))
	case len(args) == 2 && args[0] == "read":
		_, err := os.ReadFile(args[1])
		say(err)
	case len(args) > 1 && args[0] == "start":
		out, err := exec.Command(args[1], args[2:]...).CombinedOutput()
		fmt.Print(string(out))
		say(err)
	}
	os.Exit(m.Run())
}

func say(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("done")
	os.Exit(0)
}

func TestConfined(t *testing.T) {
	if err := Possible(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, outside := t.TempDir(), t.TempDir()
	file := func(dir, name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other, own, script := file(outside, "other"), file(dir, "own"), file(dir, "script")
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "copied")
	if err := os.WriteFile(copied, text, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	program, err := filepath.EvalSymlinks("/bin/echo")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		may  bool
	}{
		{[]string{"write", filepath.Join(dir, "new")}, true},
		{[]string{"write", own}, true},
		{[]string{"write", os.DevNull}, true},
		{[]string{"move", own, filepath.Join(dir, "moved")}, true},
		{[]string{"read", other}, true},
		{[]string{"write", filepath.Join(outside, "new")}, false},
		{[]string{"write", other}, false},
		{[]string{"write", filepath.Join(dir, "link")}, false},
		{[]string{"write", filepath.Join(dir, "..", "new")}, false},
		{[]string{"remove", other}, false},
		{[]string{"move", script, filepath.Join(outside, "moved")}, false},
		{[]string{"start", program, "x"}, true},
		{[]string{"start", self, "write", filepath.Join(dir, "by-itself")}, true},
		{[]string{"start", self, "write", filepath.Join(outside, "by-itself")}, false},
		{[]string{"start", "/bin/sh", "-c", "true"}, false},
		{[]string{"start", script}, false},
		{[]string{"start", copied, "read", other}, false}, // nothing that was written
	} {
		cmd := exec.Command(self, append([]string{"confined", dir, program}, c.args...)...)
		out, err := cmd.CombinedOutput()
		if may := err == nil && strings.Contains(string(out), "done"); may != c.may {
			t.Errorf("%q: %v, %s", c.args, err, out)
		}
	}
	if _, err := os.Stat(filepath.Join(outside, "new")); err == nil {
		t.Error("a file was made outside")
	}
	out, err := exec.Command(self, "confined", dir, "/nowhere", "write", own).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "/nowhere: ") {
		t.Errorf("a program that is not there: %v, %s", err, out)
	}
}
