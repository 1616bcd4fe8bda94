package chaos

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRealUID: root of a user namespace is not root.
func TestRealUID(t *testing.T) {
	for _, c := range []struct {
		name, text string
		uid, want  int
	}{
		{"no namespace", "         0          0 4294967295\n", 0, 0},
		{"no namespace, a user", "         0          0 4294967295\n", 1000, 1000},
		{"root of a user's namespace", "         0       1000          1\n", 0, 1000},
		{"several ranges", "0 1000 1\n1 100000 65536\n", 7, 100006},
		{"not mapped", "0 1000 1\n", 65534, 65534},
	} {
		file := filepath.Join(t.TempDir(), "uid_map")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := realUID(c.uid, file); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
