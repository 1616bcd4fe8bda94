package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"bench/internal/proc"
	"bench/proxy/process"
)

// daemons are the processes that go to the background. They end with the tests, even
// with tests that are killed: a guard sees to it.
var daemons = sync.OnceValue(func() *proc.Group {
	g, err := proc.NewGroup(proc.Options{Guard: []string{"guard-of-daemons"}})
	if err != nil {
		panic(err)
	}
	return g
})

// referencePath is looked up before the tests begin: from then on "haproxy" is this program,
// for the scripts of TestScripts. Tests in a process of their own are told of it.
var referencePath = func() string {
	const name = "BENCH_TEST_REFERENCE"
	if path, ok := os.LookupEnv(name); ok {
		return path
	}
	path, _ := exec.LookPath("haproxy")
	if err := os.Setenv(name, path); err != nil {
		panic(err)
	}
	return path
}()

// reference is the path of HAProxy.
func reference(t testing.TB) string {
	t.Helper()
	switch {
	case referencePath != "":
	case os.Getenv("CI") == "true":
		t.Fatal("haproxy is not installed")
	default:
		t.Skip("haproxy is not installed")
	}
	return referencePath
}

// TestMain lets the test binary be the proxy when it is called "haproxy", which
// is also how the proxy runs itself again, and the guard of daemons.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"haproxy": func() {
			os.Exit(process.Main(process.Program{
				Args: os.Args, Words: 1, Version: "2.6.12", Date: "2026/11/23", Stdout: os.Stdout, Stderr: os.Stderr,
			}))
		},
		"guard-of-daemons": func() {
			if err := proc.Guard(os.Stdin, nil); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
