package chaos

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/proc"
)

// Undo is the way back from one change of the machine, as plain data, so that any
// process can go it. Exactly one of the pointers is set.
type Undo struct {
	// Continue wakes a process that was stopped.
	Continue *Target `json:"continue,omitempty"`
	// Limit gives a process back the limit it had.
	Limit *Limit `json:"limit,omitempty"`
	// Cgroup moves the processes of a control group to its parent and removes it.
	Cgroup string `json:"cgroup,omitempty"`
	// Mark kills the processes of a group (package proc).
	Mark string `json:"mark,omitempty"`
	// Dir removes a directory with what is in it.
	Dir string `json:"dir,omitempty"`
}

// Target is a process that cannot be taken for a later one of the same number.
type Target struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // since the boot, in ticks, as /proc/PID/stat has it
}

// Find makes a target of a living process.
func Find(pid int) (Target, error) {
	start, err := proc.StartTime(pid)
	return Target{pid, start}, err
}

// Alive reports whether the process is still there.
func (t Target) Alive() bool {
	start, err := proc.StartTime(t.PID)
	return err == nil && start == t.Start
}

// Limit is a resource limit as it was (getrlimit(2)).
type Limit struct {
	Target
	Resource int    `json:"resource"`
	Soft     uint64 `json:"soft"`
	Hard     uint64 `json:"hard"`
}

// Do goes the way back and reads back that it was gone. It may be repeated: what
// is undone already, or gone, is no error.
func (u *Undo) Do() error {
	switch {
	case u.Continue != nil:
		return u.Continue.wake()
	case u.Limit != nil:
		return u.Limit.restore()
	case u.Cgroup != "":
		return removeCgroup(u.Cgroup)
	case u.Mark != "":
		return proc.KillMarked(u.Mark)
	case u.Dir != "":
		return os.RemoveAll(u.Dir)
	}
	return errors.New("a record of the journal says nothing to undo")
}

// String says what the way back is from.
func (u *Undo) String() string {
	switch {
	case u.Continue != nil:
		return fmt.Sprintf("process %d is stopped", u.Continue.PID)
	case u.Limit != nil:
		return fmt.Sprintf("process %d has another limit", u.Limit.PID)
	case u.Cgroup != "":
		return "control group " + u.Cgroup
	case u.Mark != "":
		return "processes of group " + u.Mark
	case u.Dir != "":
		return "directory " + u.Dir
	}
	return "nothing"
}

// wakeTime bounds the wait for a process to run again.
const wakeTime = time.Second

func (t Target) wake() error {
	if !t.Alive() {
		return nil
	}
	err := syscall.Kill(t.PID, syscall.SIGCONT)
	if errors.Is(err, syscall.EPERM) && !proc.Stopped(t.PID) {
		return nil // whoever may not continue it could not stop it either: it was only noted
	}
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("process %d cannot be continued: %w", t.PID, err)
	}
	deadline := time.Now().Add(wakeTime)
	for t.Alive() && proc.Stopped(t.PID) {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d stays stopped", t.PID)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func (l *Limit) restore() error {
	if !l.Alive() {
		return nil
	}
	err := unix.Prlimit(l.PID, l.Resource, &unix.Rlimit{Cur: l.Soft, Max: l.Hard}, nil)
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("cannot restore the limit of process %d: %w", l.PID, err)
	}
	var now unix.Rlimit
	if err := unix.Prlimit(l.PID, l.Resource, nil, &now); err == nil && (now.Cur != l.Soft || now.Max != l.Hard) {
		return fmt.Errorf("process %d has limit %d after %d was restored", l.PID, now.Cur, l.Soft)
	}
	return nil
}

// removeCgroup empties a control group and removes it. A process that forks while
// it is moved is found in the next round.
func removeCgroup(path string) error {
	parent := filepath.Join(filepath.Dir(path), "cgroup.procs")
	deadline := time.Now().Add(5 * time.Second)
	for {
		members, err := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		for pid := range strings.FieldsSeq(string(members)) {
			if err := os.WriteFile(parent, []byte(pid), 0); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("cannot move process %s out of control group %s: %w", pid, path, err)
			}
		}
		err = os.Remove(path)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("control group %s cannot be removed: %w", path, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
