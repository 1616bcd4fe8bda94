package testpeer

import (
	"os"
	"syscall"
	"testing"
)

// nobody is the user, and the group, of programs that refuse to run as root.
const nobody = 65534

// Unprivileged returns a directory for a program that refuses to run as root, and what makes
// it run as somebody else who owns that directory, if the test is root's.
func Unprivileged(t testing.TB) (dir string, as *syscall.SysProcAttr) {
	t.Helper()
	if os.Geteuid() != 0 {
		return t.TempDir(), &syscall.SysProcAttr{}
	}
	// The directories of tests lie in one that only root may enter.
	dir, err := os.MkdirTemp("", "bench-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
