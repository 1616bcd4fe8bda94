package backends_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"bench/backends"
	"bench/backends/control"
	"bench/backends/httporigin"
	"bench/backends/mysqlorigin"
	"bench/backends/origin"
	"bench/backends/redisorigin"
	"bench/backends/tcporigin"
	"bench/internal/testpeer"
)

// helperVariable makes TestHelperProcess an origin instead of a test.
const helperVariable = "BENCH_TEST_ORIGIN"

// TestHelperProcess is the process that TestCrash has end.
func TestHelperProcess(t *testing.T) {
	if os.Getenv(helperVariable) == "" {
		t.Skip("is the other process of TestCrash")
	}
	var kind origin.Kind
	var err error
	switch os.Getenv(helperVariable) {
	case "http":
		kind, err = httporigin.NewConfig(httporigin.Options{})
	case "tcp":
		kind, err = tcporigin.NewConfig(tcporigin.Options{})
	case "mysql":
		kind, err = mysqlorigin.NewConfig(mysqlorigin.Options{})
	case "redis":
		kind, err = redisorigin.NewConfig(redisorigin.Options{})
	}
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
	for _, kind := range []string{"http", "tcp", "mysql", "redis"} {
		t.Run(kind, func(t *testing.T) { testCrash(t, kind) })
	}
}

func testCrash(t *testing.T, kind string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperProcess$")
	cmd.Env = append(os.Environ(), helperVariable+"="+kind)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := testpeer.Launch(cmd); err != nil {
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
	// What was said before is still there; then comes the end.
	if err := c.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a connection outlives the crash")
	}
}
