package testpeer

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Start starts a program that runs until the end of the test, which shows what it
// printed unless the test takes that itself. It does not outlive a test that is killed
// either. Only the goroutine of the test may wait for it.
func Start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	if cmd.Stdout == nil && cmd.Stderr == nil {
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.WaitDelay = 2 * time.Second // its children may hold the output open
	}
	if err := Launch(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended,
		_ = cmd.Wait()         // and been waited for
		if out.Len() > 0 {
			t.Logf("%s printed:\n%s", filepath.Base(cmd.Path), out.Bytes())
		}
	})
}

// Launch starts a command that the kernel kills as soon as this process ends, even by
// SIGKILL. Everything else is up to the caller. The child inherits nothing that belongs
// to the calling thread, such as its processors, its priority or its namespaces.
func Launch(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	result := make(chan error, 1)
	launcher() <- func() { result <- cmd.Start() }
	return <-result
}

// launcher is a thread that never ends before the process: the kernel kills children
// with Pdeathsig when the thread ends that started them.
var launcher = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})
