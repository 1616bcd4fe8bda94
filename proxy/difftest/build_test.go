package difftest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"bench/internal/testquiet"
)

// builtVariable tells the processes of tries where the program is.
const builtVariable = "BENCH_DIFFTEST_PROGRAM"

// builtIn is the directory of the program, "" if another process has built it, or none.
var builtIn string

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	os.Exit(code)
}

// built builds the program under test once for all tests: to link it takes longer than
// most of them.
var built = sync.OnceValues(func() (path string, err error) {
	if path = os.Getenv(builtVariable); path != "" {
		return path, nil
	}
	if builtIn, err = os.MkdirTemp("", "bench-difftest-"); err != nil {
		return "", err
	}
	path = filepath.Join(builtIn, "bench")
	if out, err := exec.Command("go", "build", "-tags", "poison", "-o", path, "bench/cmd/bench").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, os.Setenv(builtVariable, path)
})

// build is the program under test, which overwrites what it has let go of.
func build(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// tried is testquiet.Tried for tests of the program, which no try builds for itself.
func tried(t *testing.T) bool {
	t.Helper()
	build(t)
	return testquiet.Tried(t)
}
