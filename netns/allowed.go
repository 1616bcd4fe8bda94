package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Allowed says what keeps this process from making networks; nil if nothing does.
func Allowed() error {
	ns, err := New()
	if errors.Is(err, unix.EPERM) {
		return errors.New("this user may not make network namespaces")
	}
	if err != nil {
		return err
	}
	return ns.Close()
}

// rerunVariable is set in a process that Rerun started.
const rerunVariable = "BENCH_USER_NAMESPACE"

// CanRerun reports whether Rerun may help: this process is not one already.
func CanRerun() bool { return os.Getenv(rerunVariable) == "" }

// Settle takes up the loopback of a process that Rerun started, which has a
// network namespace of its own.
func Settle() error {
	if CanRerun() {
		return nil
	}
	return up("lo")
}

// Rerun runs this program again with the same arguments in a user namespace of its
// own, in which it may make networks without being root, and returns its exit
// code. An error means that the program was not started.
func Rerun() (code int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	c := exec.Command(self, os.Args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), rerunVariable+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		// A thread can only come back to a namespace that is its own, too.
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Pdeathsig:   syscall.SIGTERM,
	}
	if err := c.Start(); err != nil {
		return 0, fmt.Errorf("a user namespace cannot be made: %w", err)
	}
	// The terminal's interrupt reaches both; this process waits for the other.
	ended := make(chan struct{})
	defer close(ended)
	go passSignals(c.Process, ended)
	var exit *exec.ExitError
	if err := c.Wait(); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return c.ProcessState.ExitCode(), nil
}
