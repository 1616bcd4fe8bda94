package proc

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A directory is written down before it is there: a process that is killed in between leaves
// none that nobody knows.
func TestDirectoryIsKnownBeforeItIsMade(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	var noted string
	refuse := errors.New("no room in the journal")
	g, err := NewGroup(Options{TempDir: temp, Note: func(_, dir string) error {
		if dir == "" {
			return nil
		}
		if _, err := os.Lstat(dir); err == nil {
			t.Errorf("%s is there before it is noted", dir)
		}
		if noted = dir; filepath.Base(dir)[:2] == "b-" {
			return refuse
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := g.Dir("a-")
	if err != nil || dir != noted || filepath.Dir(dir) != temp {
		t.Errorf("%s, noted was %s, %v", dir, noted, err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := g.Dir("b-"); !errors.Is(err, refuse) {
		t.Errorf("a directory that could not be noted: %v", err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
