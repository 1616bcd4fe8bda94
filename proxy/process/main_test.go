package process_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"bench/proxy/process"
)

// TestMain lets the test binary be the proxy when it is called "haproxy", which
// is also how the proxy runs itself again.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"haproxy": func() {
			os.Exit(process.Main(process.Program{
				Args: os.Args, Words: 1, Version: "2.6.12", Date: "2026/11/23", Stdout: os.Stdout, Stderr: os.Stderr,
			}))
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
