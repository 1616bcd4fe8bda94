package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	d, err := newFolder(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.line(fileEvents, map[string]int{"x": 1}); err != nil {
		t.Fatal(err)
	}
	if err := d.json("run.json", map[string]int{"y": 2}); err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{fileEvents: "{\"x\":1}\n", "run.json": "{\n  \"y\": 2\n}\n"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 { // four tables and run.json
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := newFolder(dir, false); err == nil || !strings.Contains(err.Error(), "is not empty; choose another with -o") {
		t.Errorf("a full folder: %v", err)
	}
}

func TestFolderRemove(t *testing.T) {
	top := t.TempDir()
	d, err := newFolder(filepath.Join(top, "a", "b"), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.write(fileEnv, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := d.remove(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(top); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// Runs that begin in the same second have folders of their own, and one that takes its
// own back leaves the others'.
func TestFreshFolders(t *testing.T) {
	top := t.TempDir()
	name := filepath.Join(top, "results", "x-20060102-150405")
	var all []*folder
	for range 3 {
		d, err := newFolder(name, true)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	for i, want := range []string{"", "-2", "-3"} {
		if all[i].dir != name+want {
			t.Errorf("run %d writes to %s", i, all[i].dir)
		}
	}
	for i, d := range all {
		if err := d.remove(); err != nil {
			t.Error(err)
		}
		if entries, _ := os.ReadDir(filepath.Dir(name)); len(entries) != len(all)-1-i {
			t.Errorf("%d are taken back, and there are %v", i+1, entries)
		}
	}
	// Those that come later did not make the directory above and leave it.
	if entries, err := os.ReadDir(top); err != nil || len(entries) > 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestKept(t *testing.T) {
	d, err := newFolder(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.line(fileTimeline, "text"), d.write(fileScenario, []byte("0123456789")), d.flush()); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(d.kept(), "\u202f", " ")
	want := "kept in " + d.dir + ": timeline.jsonl (7.00 B), scenario.resolved.yaml (10.0 B); not written: run.json, env.json"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
}

func TestFolderNotAllowed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newFolder(filepath.Join(file, "x"), false); err == nil || !strings.HasPrefix(err.Error(), "result folder: ") {
		t.Errorf("%v", err)
	}
}

// tiny mounts a file system of one page, which takes root.
func tiny(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,nr_inodes=64"); err != nil {
		t.Skipf("mounting a file system is not allowed: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	d, err := newFolder(filepath.Join(tiny(t), "r"), false)
	if err != nil {
		t.Fatal(err)
	}
	record := strings.Repeat("x", 10_000)
	for range 10 {
		// The first writes go to a buffer; the error comes at the latest here.
		err = errors.Join(d.line(fileTimeline, record), d.flush())
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk of the result folder is full") {
		t.Errorf("%v", err)
	}
	if err := d.json(fileRun, record); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if entries, _ := filepath.Glob(filepath.Join(d.dir, ".*")); len(entries) > 0 {
		t.Errorf("half-written files are left: %v", entries)
	}
	if err := d.close(); err == nil {
		t.Error("closing says nothing of lost lines")
	}
}
