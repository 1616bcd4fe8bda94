package reload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWritePID(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pid")
	for _, pid := range []int{123456, 7} {
		if err := WritePID(path, pid); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "7\n" {
		t.Errorf("%q, %v", b, err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := WritePID(link, 8); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "8\n" {
		t.Errorf("through a link: %q, %v", b, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	err := WritePID(filepath.Join(dir, "none", "pid"), 1)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write pid file "+dir) {
		t.Errorf("error %v", err)
	}
}
