package chaos_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/chaos"
	"bench/internal/proc"
	"bench/internal/testpeer"
)

// TestMain lets the test binary be a process that dies with a journal open.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "die-with-journal" {
		dieWithJournal(os.Args[2])
	}
	os.Exit(m.Run())
}

// dieWithJournal stops a process, changes its limit, makes a directory and kills
// itself.
func dieWithJournal(pid string) {
	var n int
	must := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	_, err := fmt.Sscan(pid, &n)
	must(err)
	j, err := chaos.OpenJournal()
	must(err)
	target, err := chaos.Find(n)
	must(err)
	plan := func(u chaos.Undo) {
		_, err := j.Plan(u)
		must(err)
	}
	plan(chaos.Undo{Continue: &target})
	must(syscall.Kill(n, syscall.SIGSTOP))
	var old unix.Rlimit
	must(unix.Prlimit(n, unix.RLIMIT_NOFILE, nil, &old))
	plan(chaos.Undo{Limit: &chaos.Limit{Target: target, Resource: unix.RLIMIT_NOFILE, Soft: old.Cur, Hard: old.Max}})
	must(unix.Prlimit(n, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 17, Max: old.Max}, nil))
	dir := filepath.Join(os.TempDir(), "left")
	plan(chaos.Undo{Dir: dir})
	must(os.Mkdir(dir, 0o700))
	must(syscall.Kill(os.Getpid(), syscall.SIGKILL))
}

// sleeper is a process to do something to.
func sleeper(t *testing.T) int {
	t.Helper()
	c := exec.Command("sleep", "60")
	testpeer.Start(t, c)
	return c.Process.Pid
}

func files(t *testing.T) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(chaos.Dir(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func softLimit(t *testing.T, pid int) uint64 {
	t.Helper()
	var l unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &l); err != nil {
		t.Fatal(err)
	}
	return l.Cur
}

// TestReapUndoesWhatTheDeadLeft: only what a killed process leaves is undone, all
// of it, once.
func TestReapUndoesWhatTheDeadLeft(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	pid := sleeper(t)
	before := softLimit(t, pid)
	out, err := exec.Command(os.Args[0], "die-with-journal", fmt.Sprint(pid)).CombinedOutput()
	if err == nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	mine, err := chaos.OpenJournal()
	if err != nil {
		t.Fatal(err)
	}
	if !proc.Stopped(pid) || softLimit(t, pid) != 17 {
		t.Fatal("nothing was left to undo")
	}
	left, err := chaos.Leftovers()
	if err != nil || len(left) != 1 || len(left[0].Undo) != 3 {
		t.Fatalf("left behind: %+v, %v", left, err)
	}
	done, err := chaos.Reap()
	if err != nil || len(done) != 3 {
		t.Fatalf("undone: %v, %v", done, err)
	}
	if done[0].Dir == "" || done[2].Continue == nil {
		t.Errorf("not undone in reverse order: %v", done)
	}
	if proc.Stopped(pid) {
		t.Error("the process is still stopped")
	}
	if now := softLimit(t, pid); now != before {
		t.Errorf("the limit is %d, was %d", now, before)
	}
	if _, err := os.Stat(filepath.Join(os.TempDir(), "left")); !os.IsNotExist(err) {
		t.Errorf("the directory: %v", err)
	}
	if n := files(t); n != 1 {
		t.Errorf("%d journals, want only that of this process", n)
	}
	if err := mine.Close(); err != nil {
		t.Error(err)
	}
	if n := files(t); n != 0 {
		t.Errorf("%d journals after the last was closed", n)
	}
}

// TestJournalOfAnotherProcessNumber: a process that took the number of one that
// was stopped is left alone.
func TestJournalOfAnotherProcessNumber(t *testing.T) {
	pid := sleeper(t)
	target, err := chaos.Find(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Second); !proc.Stopped(pid) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	later := target
	later.Start++
	if err := (&chaos.Undo{Continue: &later}).Do(); err != nil {
		t.Error(err)
	}
	if !proc.Stopped(pid) {
		t.Error("another process was continued")
	}
	if err := (&chaos.Undo{Continue: &target}).Do(); err != nil || proc.Stopped(pid) {
		t.Errorf("the process stays stopped: %v", err)
	}
}

// TestCloseUndoesInReverse, and what was undone before is not undone again.
func TestCloseUndoesInReverse(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	j, err := chaos.OpenJournal()
	if err != nil {
		t.Fatal(err)
	}
	outer := filepath.Join(t.TempDir(), "outer")
	var undo [2]func() error
	for i, dir := range []string{outer, filepath.Join(outer, "inner")} {
		if undo[i], err = j.Plan(chaos.Undo{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := undo[1](); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(outer, "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := undo[1](); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(outer, "inner")); err != nil {
		t.Error("undone twice")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(outer); !os.IsNotExist(err) {
		t.Error("not undone by Close")
	}
	if _, err := j.Plan(chaos.Undo{Dir: outer}); err == nil {
		t.Error("a closed journal takes another change")
	}
}

// TestForeignDirectory: journals that somebody else could have put there are not
// carried out, and whoever is in the way, in whatever manner, keeps nobody from
// having a journal elsewhere.
func TestForeignDirectory(t *testing.T) {
	victim := t.TempDir()
	text := fmt.Appendf(nil, "{\"entry\":{\"n\":1,\"undo\":{\"dir\":%q}}}\n", victim)
	fill := func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "x.journal"), text, 0o600)
	}
	for name, block := range map[string]func(dir string) error{
		"writable by all": func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o777), os.Chmod(dir, 0o777), fill(dir))
		},
		"writable by a group": func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o770), os.Chmod(dir, 0o770), fill(dir))
		},
		"of another user": func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), fill(dir), os.Chown(dir, 12345, 12345))
		},
		"a link": func(dir string) error {
			elsewhere := dir + "-elsewhere"
			return errors.Join(os.Mkdir(elsewhere, 0o700), fill(elsewhere), os.Symlink(elsewhere, dir))
		},
		"a dangling link": func(dir string) error { return os.Symlink("/nonexistent", dir) },
		"a file":          func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"replaceable by all": func(dir string) error {
			return errors.Join(os.Chmod(filepath.Dir(dir), 0o777), os.Mkdir(dir, 0o700), fill(dir))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			private := t.TempDir()
			t.Setenv("XDG_RUNTIME_DIR", private)
			if err := block(chaos.Dir()); errors.Is(err, os.ErrPermission) {
				t.Skip("only root can give a directory away")
			} else if err != nil {
				t.Fatal(err)
			}
			if _, err := chaos.Reap(); err != nil {
				t.Errorf("reaping fails for somebody else's directory: %v", err)
			}
			if _, err := os.Stat(victim); err != nil {
				t.Fatal("a foreign journal was carried out")
			}
			j, err := chaos.OpenJournal()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(j.Path(), private) {
				t.Errorf("the journal is %s, want it below %s", j.Path(), private)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A process that could be noted but, as another user's, not be stopped leaves nothing
// to undo: its journal must not keep later runs from starting.
func TestUndoOfAnothersProcess(t *testing.T) {
	init, err := chaos.Find(1)
	if err != nil {
		t.Skip(err)
	}
	if proc.Stopped(1) {
		t.Skip("the first process is stopped")
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its rights
		const nobody = 65534
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); os.Geteuid() == 0 && errno != 0 {
			done <- errno
			return
		}
		if err := syscall.Kill(1, 0); !errors.Is(err, syscall.EPERM) {
			done <- fmt.Errorf("signalling the first process: %w", err)
			return
		}
		done <- (&chaos.Undo{Continue: &init}).Do()
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestReapLooksEverywhere: what was left is found in every directory that a journal may
// have been kept in, whichever is the first for the process that looks.
func TestReapLooksEverywhere(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	var victims []string
	for _, tmp := range []string{first, second} {
		victim := filepath.Join(t.TempDir(), "left")
		t.Setenv("TMPDIR", tmp)
		dir := chaos.Dir()
		if tmp == second {
			dir = filepath.Join(second, "bench-journals")
		}
		text := fmt.Appendf(nil, "{\"entry\":{\"n\":1,\"undo\":{\"dir\":%q}}}\n", victim)
		if err := errors.Join(os.Mkdir(victim, 0o700), os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "x.journal"), text, 0o600)); err != nil {
			t.Fatal(err)
		}
		victims = append(victims, victim)
	}
	t.Setenv("TMPDIR", first)
	t.Setenv("XDG_RUNTIME_DIR", second)
	if left, err := chaos.Leftovers(); err != nil || len(left) != 2 {
		t.Errorf("left behind: %+v, %v; want two journals", left, err)
	}
	if _, err := chaos.Reap(); err != nil {
		t.Fatal(err)
	}
	for _, v := range victims {
		if _, err := os.Stat(v); err == nil {
			t.Errorf("%s is still there", v)
		}
	}
}
