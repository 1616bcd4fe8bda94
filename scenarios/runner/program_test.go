package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bench/scenarios/format"
)

func TestFindProgram(t *testing.T) {
	self := []string{"/proc/self/exe", "x"}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		proxy         format.Proxy
		path, command string
	}{
		{format.Proxy{Driver: "builtin"}, self[0], "/proc/self/exe x"},
		{format.Proxy{Driver: "builtin", Binary: shell}, shell, shell},
		{format.Proxy{Driver: "haproxy", Binary: "sh"}, shell, "sh"},
		{format.Proxy{Driver: "nginx", Binary: "no-such-program"}, "", "no-such-program"},
		{format.Proxy{Driver: "exec", Command: []string{"sh"}}, "", ""},
		{format.Proxy{Driver: "external"}, "", ""},
	} {
		p, err := findProgram(&tt.proxy, self)
		if err != nil || p.path != tt.path || strings.Join(p.command, " ") != tt.command {
			t.Errorf("%+v: %+v, %v", tt.proxy, p, err)
		}
	}
	if self[0] != "/proc/self/exe" {
		t.Error("the command of this program was changed")
	}
}

// A copy is another file with the same bytes, and can be run.
func TestProgramIsCopied(t *testing.T) {
	echo, err := exec.LookPath("echo")
	if err != nil {
		t.Fatal(err)
	}
	p := &program{path: echo, command: []string{echo}}
	before, err := p.hash()
	if err != nil || len(before) != 64 {
		t.Fatalf("hash %q, %v", before, err)
	}
	dir := t.TempDir()
	if err := p.copyTo(dir); err != nil {
		t.Fatal(err)
	}
	if p.path != echo || filepath.Dir(p.command[0]) != dir {
		t.Errorf("%+v", p)
	}
	out, err := exec.Command(p.command[0], "works").Output()
	if err != nil || string(out) != "works\n" {
		t.Errorf("%q, %v", out, err)
	}
	var was, is syscall.Stat_t
	if syscall.Stat(echo, &was) != nil || syscall.Stat(p.command[0], &is) != nil || was.Ino == is.Ino {
		t.Error("the copy has no inode of its own")
	}
	copied := &program{path: p.command[0]}
	if after, err := copied.hash(); err != nil || after != before {
		t.Errorf("hash %q after %q, %v", after, before, err)
	}
	none := &program{}
	if hash, err := none.hash(); err != nil || hash != "" || none.copyTo(dir) != nil {
		t.Errorf("of no program: %q, %v", hash, err)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := p.copyTo(dir); err == nil {
		t.Error("one name was taken twice")
	}
	_ = os.Chmod(dir, 0o700)
}
