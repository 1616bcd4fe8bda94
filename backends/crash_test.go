package backends_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"bench/backends"
	"bench/backends/control"
	"bench/backends/httporigin"
)

// helperVariable makes TestHelperProcess an origin instead of a test.
const helperVariable = "BENCH_TEST_ORIGIN"

// TestHelperProcess is the process that TestCrash has end.
func TestHelperProcess(t *testing.T) {
	if os.Getenv(helperVariable) == "" {
		t.Skip("is the other process of TestCrash")
	}
	kind, err := httporigin.NewConfig(httporigin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := backends.Start(&backends.Options{Kind: kind, Listen: []string{"127.0.0.1:0"}, Control: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(p.ReadyLine()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.Ended():
		t.Fatal(err)
	case <-time.After(20 * time.Second):
		t.Fatal("was not crashed")
	}
}

func TestCrash(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperProcess$")
	cmd.Env = append(os.Environ(), helperVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var line backends.ReadyLine
	if err := json.Unmarshal(text, &line); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	c, err := net.Dial("tcp", line.Origins[0].Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client := control.NewClient(line.Control)
	defer client.Close()
	a, err := client.Apply(t.Context(), control.Fault{Kind: control.Crash})
	if err != nil {
		t.Fatalf("the order is not answered: %v", err)
	}
	if a.EndNs != a.BeginNs || len(a.Targets) != 1 {
		t.Errorf("answer %+v", a)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != control.CrashExitCode {
		t.Errorf("ended with %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives the crash")
	}
}
