package process

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"bench/proxy/config"
	"bench/proxy/log"
)

// forkExec runs a program with the standard files of this process. Descriptors
// that are not close-on-exec keep their numbers in the child.
func forkExec(path string, args, env []string, attr *unix.SysProcAttr) (int, error) {
	return syscall.ForkExec(path, args, &syscall.ProcAttr{
		Env: env, Files: []uintptr{0, 1, 2}, Sys: attr,
	})
}

// readyMark is what a child writes once it serves.
const readyMark = "ready"

// daemonize starts the background process and waits until it serves or has
// given up, in which case it has said why on the shared standard error.
func (p *process) daemonize(signals *inbox, sources []config.Source) int {
	pid, ready, err := p.startDaemon(sources)
	if err != nil {
		p.say(log.Alert, "cannot go to the background: "+err.Error())
		return 1
	}
	defer ready.Close()
	go forwardStops(signals, pid)
	if waitReady(ready) {
		return 0
	}
	var ws unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &ws, 0, nil)
		if err == unix.EINTR {
			continue
		}
		break
	}
	if ws.Exited() && ws.ExitStatus() != 0 {
		return ws.ExitStatus()
	}
	if ws.Signaled() {
		p.say(log.Alert, fmt.Sprintf("the background process was killed by signal %d", ws.Signal()))
	}
	return 1
}

// forwardStops passes on to a process what would stop it.
func forwardStops(signals *inbox, pid int) {
	for range signals.ready {
		if s, _ := signals.take(); s == unix.SIGTERM || s == unix.SIGINT || s == unix.SIGUSR1 {
			_ = unix.Kill(pid, s)
		}
	}
}

func (p *process) startDaemon(sources []config.Source) (pid int, ready *os.File, err error) {
	text, err := storeSources(sources)
	if err != nil {
		return 0, nil, err
	}
	defer unix.Close(text)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return 0, nil, err
	}
	defer unix.Close(pipe[1])
	pid, err = p.spawn(&state{Role: roleDaemon, Sources: text, Ready: pipe[1], Detach: true, Introduced: p.introduced.Load()}, &unix.SysProcAttr{Setsid: true})
	if err != nil {
		unix.Close(pipe[0])
		return 0, nil, err
	}
	return pid, os.NewFile(uintptr(pipe[0]), "ready"), nil
}

// waitReady waits for the mark; the end of the pipe is the end of the child.
func waitReady(f *os.File) bool {
	buf := make([]byte, len(readyMark))
	for n := 0; n < len(buf); {
		m, err := f.Read(buf[n:])
		if n += m; err != nil {
			return false
		}
	}
	return string(buf) == readyMark
}

// detach lets go of the terminal or whatever the standard files were, so that
// nobody waits for their end.
func (p *process) detach() error {
	if p.null == 0 {
		return nil
	}
	for fd := range 3 {
		if err := unix.Dup3(p.null, fd, 0); err != nil {
			return fmt.Errorf("leaving the terminal: %w", err)
		}
	}
	unix.Close(p.null)
	p.null = 0
	return nil
}

// prepareDetach opens what detach needs, as there may be no such file once the
// process is in its jail.
func (p *process) prepareDetach() (err error) {
	if p.state.Detach {
		p.null, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	}
	return err
}

// reportReady tells the parent of a daemon that it may leave. A parent that has
// left before does not matter.
func reportReady(fd int) {
	_, _ = unix.Write(fd, []byte(readyMark))
	unix.Close(fd)
}
