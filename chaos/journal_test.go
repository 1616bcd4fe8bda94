package chaos_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/chaos"
	"bench/internal/proc"
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
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
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
// carried out.
func TestForeignDirectory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	if err := os.Mkdir(chaos.Dir(), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(chaos.Dir(), 0o777); err != nil {
		t.Fatal(err)
	}
	victim := t.TempDir()
	text := fmt.Sprintf("{\"entry\":{\"n\":1,\"undo\":{\"dir\":%q}}}\n", victim)
	if err := os.WriteFile(filepath.Join(chaos.Dir(), "x.journal"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := chaos.Reap(); err == nil || !strings.Contains(err.Error(), "only this user") {
		t.Errorf("reaped: %v", err)
	}
	if _, err := os.Stat(victim); err != nil {
		t.Error("a foreign journal was carried out")
	}
}
