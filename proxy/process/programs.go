package process

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"bench/proxy/log"
	"bench/proxy/spec"
)

// noVersion is what programs have in place of the version of a worker.
const noVersion = "-"

// kind names what a process of a master is, for messages.
func (w *worker) kind() string {
	if w.Program != "" {
		return "program '" + w.Program + "'"
	}
	return "worker"
}

// startPrograms runs what "program" sections name, now that a worker serves: a
// configuration that does not work costs the former programs nothing. After a reload
// those that are to run once are not run again.
func (m *master) startPrograms() {
	for _, p := range m.programs {
		if p.Once && m.reloads > 0 {
			continue
		}
		pid, err := m.startProgram(p)
		if err != nil {
			m.say(log.Alert, fmt.Sprintf("cannot run program '%s': %v", p.Name, err))
			m.count(&worker{workerState: workerState{Program: p.Name}}, 1)
			continue
		}
		m.say(log.Notice, fmt.Sprintf("New program '%s' (%d) forked", p.Name, pid))
		m.mu.Lock()
		m.workers = append(m.workers, &worker{workerState: workerState{PID: pid, Program: p.Name, Started: time.Now(), Version: noVersion}})
		m.mu.Unlock()
	}
}

// startProgram runs one program with the environment that the configuration has made, and
// no signal blocked.
func (m *master) startProgram(p *spec.Program) (pid int, err error) {
	path, err := exec.LookPath(p.Command[0])
	if err != nil {
		return 0, err
	}
	attr := &syscall.SysProcAttr{}
	if p.UID >= 0 || p.GID >= 0 {
		root := os.Geteuid() == 0
		attr.Credential = &syscall.Credential{Uid: number(p.UID, os.Getuid()), Gid: number(p.GID, os.Getgid()), NoSetGroups: !root}
	}
	restore, err := allowSignals()
	if err != nil {
		return 0, err
	}
	defer restore()
	return forkExec(path, p.Command, m.environ(), attr)
}

// number is the number of a user or a group, the present one if none was configured.
func number(configured, present int) uint32 {
	if configured < 0 {
		return uint32(present)
	}
	return uint32(configured)
}

// signalText is a signal in the words of the C library.
func signalText(s syscall.Signal) string {
	text := s.String()
	return string(text[0]-'a'+'A') + text[1:]
}
