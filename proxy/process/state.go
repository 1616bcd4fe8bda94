package process

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bench/proxy/config"
	"bench/proxy/process/successor"
)

// role of a process that was started by this program itself.
type role string

// Roles; a process started by somebody else has none.
const (
	roleDaemon role = "daemon" // in the background, once ready
	roleFirst  role = "first"  // a master to be, in the foreground
	roleMaster role = "master" // a master that has replaced its image
	roleWorker role = "worker"
)

// state is what is handed on. Descriptors keep their numbers; 0 is none, as the
// standard files never appear here.
type state struct {
	Role    role `json:"role"`
	Sources int  `json:"sources,omitempty"` // text of the configuration
	Ready   int  `json:"ready,omitempty"`   // daemon: where to report readiness
	Control int  `json:"control,omitempty"` // worker: connection to the master
	Old     int  `json:"old,omitempty"`     // worker: connection to the one it replaces
	Reload  bool `json:"reload,omitempty"`  // worker: not the first; -x has been used up
	// Former are the workers there are when a new one is started.
	Former []int `json:"former,omitempty"`
	Detach bool  `json:"detach,omitempty"` // leave the terminal once ready
	// Introduced: what program this is has been said in this start.
	Introduced bool `json:"introduced,omitempty"`
	// Signals that have been received and not yet handled.
	Signals []unix.Signal `json:"signals,omitempty"`

	// Of a master; a worker knows Reloads too.
	Workers []workerState `json:"workers,omitempty"`
	CLI     []int         `json:"cli,omitempty"` // listening sockets of -S
	Reloads int           `json:"reloads,omitempty"`
	Failed  int           `json:"failed,omitempty"`
	Hard    bool          `json:"hard,omitempty"` // the former workers end at once
	Started time.Time     `json:"started"`
}

// workerState is one worker of a master, or a program beside it.
type workerState struct {
	PID int `json:"pid"`
	// Program is the section that it runs for, "" for a worker.
	Program string    `json:"program,omitempty"`
	Control int       `json:"control"`
	Reloads int       `json:"reloads"`
	Started time.Time `json:"started"`
	Leaving bool      `json:"leaving,omitempty"`
	Version string    `json:"version"`
}

// loadState takes the state from the environment, so that nothing started later
// inherits it, and closes the descriptors in it to further children.
func loadState() (*state, error) {
	st := &state{}
	text, ok := os.LookupEnv(successor.Variable)
	if !ok {
		return st, nil
	}
	if err := os.Unsetenv(successor.Variable); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), st); err != nil {
		return nil, fmt.Errorf("$%s is for internal use: %w", successor.Variable, err)
	}
	for _, fd := range st.descriptors() {
		unix.CloseOnExec(fd)
	}
	return st, nil
}

// descriptors are those the receiver inherits.
func (st *state) descriptors() []int {
	all := append([]int{st.Sources, st.Ready, st.Control, st.Old}, st.CLI...)
	for _, w := range st.Workers {
		all = append(all, w.Control)
	}
	n := 0
	for _, fd := range all {
		if fd > 2 {
			all[n] = fd
			n++
		}
	}
	return all[:n]
}

// environ is the environment for the receiver.
func (st *state) environ() ([]string, error) {
	text, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, successor.Variable+"=") {
			env = append(env, kv)
		}
	}
	return append(env, successor.Variable+"="+string(text)), nil
}

// inheritable lets the receiver have the descriptors, under their own numbers:
// any other may belong to somebody, like the listener behind an "fd@" address.
func (st *state) inheritable(on bool) error {
	flag := unix.FD_CLOEXEC
	if on {
		flag = 0
	}
	for _, fd := range st.descriptors() {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, flag); err != nil {
			return fmt.Errorf("descriptor %d: %w", fd, err)
		}
	}
	return nil
}

// executable is the file to run again. After an upgrade it is the new one, as
// the link of the running process then names a deleted file.
func executable() (string, error) {
	path, err := os.Executable()
	return strings.TrimSuffix(path, " (deleted)"), err
}

// spawn starts this program again with a state. Nothing of the parent but the
// standard files and the descriptors of the state, and what it has itself
// inherited, reaches the child.
func (p *process) spawn(st *state, attr *unix.SysProcAttr) (int, error) {
	path, err := executable()
	if err != nil {
		return 0, err
	}
	env, err := st.environ()
	if err != nil {
		return 0, err
	}
	if err := st.inheritable(true); err != nil {
		return 0, err
	}
	// A signal to the child waits until it can be handled: most would end it.
	restore, err := blockSignals()
	if err != nil {
		return 0, err
	}
	pid, err := forkExec(path, p.Args, env, attr)
	restore()
	if cerr := st.inheritable(false); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, fmt.Errorf("cannot run %s: %w", path, err)
	}
	return pid, nil
}

// storeSources puts the text of the configuration into an anonymous file.
func storeSources(sources []config.Source) (int, error) {
	text, err := json.Marshal(sources)
	if err != nil {
		return 0, err
	}
	fd, err := unix.MemfdCreate("configuration", unix.MFD_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("memfd_create: %w", err)
	}
	for len(text) > 0 {
		n, err := unix.Write(fd, text)
		if err != nil {
			unix.Close(fd)
			return 0, fmt.Errorf("cannot keep the configuration: %w", err)
		}
		text = text[n:]
	}
	return fd, nil
}

// readSources reads back what storeSources wrote. The file stays open and may be
// read again.
func readSources(fd int) ([]config.Source, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("inherited configuration: %w", err)
	}
	text := make([]byte, st.Size)
	for done := 0; done < len(text); {
		n, err := unix.Pread(fd, text[done:], int64(done))
		if err != nil || n == 0 {
			return nil, fmt.Errorf("inherited configuration: short read: %w", err)
		}
		done += n
	}
	var sources []config.Source
	if err := json.Unmarshal(text, &sources); err != nil {
		return nil, fmt.Errorf("inherited configuration: %w", err)
	}
	return sources, nil
}
