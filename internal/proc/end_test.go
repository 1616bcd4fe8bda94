package proc

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tracer holds a process the way a debugger does: killed, it does not end for its parent
// until the tracer is gone.
func tracer() {
	runtime.LockOSThread()
	pid, err := strconv.Atoi(os.Getenv("PROC_TRACED"))
	if err == nil {
		err = unix.PtraceSeize(pid)
	}
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("held\n")
	time.Sleep(time.Minute)
	os.Exit(0)
}

// hold starts a tracer of the process. What it returns lets the process go.
func hold(t *testing.T, p *Process) (release func()) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "PROC_TEST=tracer", "PROC_TRACED="+strconv.Itoa(p.PID()))
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	release = func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		release()
		t.Skipf("no process can be traced here: %s", strings.TrimSpace(line))
	}
	return release
}

// Whatever keeps a process from ending, the run ends, and says what is left.
func TestKilledProcessThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	g, err := NewGroup(Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p, err := g.Start(Spec{Name: "sleep", Args: []string{"sleep", "60"}})
	if err != nil {
		t.Fatal(err)
	}
	release := hold(t, p)
	defer release()
	closed := make(chan error, 1)
	go func() { closed <- g.Close() }()
	select {
	case err := <-closed:
		if err == nil || !strings.Contains(err.Error(), "sleep (process "+strconv.Itoa(p.PID())+") was killed and has not ended") {
			t.Errorf("error %v", err)
		}
	case <-time.After(3 * latestEnd):
		t.Fatal("Close waits for a process that does not end")
	}
	again := time.Now()
	p.Kill()
	if err := g.Close(); err != nil {
		t.Errorf("reported again: %v", err)
	}
	if took := time.Since(again); took > latestEnd/2 {
		t.Errorf("the second wait took %v", took)
	}
	release()
	if !p.endsWithin(latestEnd) {
		t.Error("the process has not ended although nothing holds it")
	}
}

// The start of a process can wait for a processor for ever, too.
func TestStartThatDoesNotComeBack(t *testing.T) {
	g, err := NewGroup(Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	g.start.limit = 50 * time.Millisecond
	wait := make(chan struct{})
	entered := func() (func() error, error) {
		<-wait
		return func() error { return nil }, nil
	}
	for _, enter := range []func() (func() error, error){entered, nil} {
		if _, err := g.Start(Spec{Name: "late", Args: []string{"sleep", "60"}, Enter: enter}); err == nil || !strings.HasPrefix(err.Error(), "late: not started after") {
			t.Errorf("error %v", err)
		}
	}
	started := time.Now()
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(started); took > startLimit/2 {
		t.Errorf("Close took %v", took)
	}
	close(wait) // what is started now is killed
	<-g.start.ended
	for deadline := time.Now().Add(latestEnd); len(marked(g.mark)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %v", marked(g.mark))
		}
	}
}

// A thread that was pinned and raised runs anywhere again, like an ordinary one.
func TestUnpin(t *testing.T) {
	g := group(t)
	p, err := g.Start(Spec{Name: "sleep", Args: []string{"sleep", "60"}, CPUs: []int{0}, RealTime: true})
	if err != nil {
		t.Fatal(err)
	}
	unpin(p.PID())
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(p.PID(), &set); err != nil || runtime.NumCPU() > 1 && set.Count() < 2 {
		t.Errorf("%d processors, %v", set.Count(), err)
	}
	if attr, err := unix.SchedGetAttr(p.PID(), 0); err != nil || attr.Policy != unix.SCHED_NORMAL {
		t.Errorf("policy %+v, %v", attr, err)
	}
}
