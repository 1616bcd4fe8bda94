package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/chaos"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/testpeer"
)

// worker is a shell that keeps a processor busy and six files open, and a child of it
// that sleeps. What files it inherits depends on who runs the tests; these it has anyhow.
func worker(t *testing.T) int {
	t.Helper()
	c := exec.Command("sh", "-c", "exec 3</dev/null 4</dev/null 5</dev/null; sleep 60 & while :; do :; done")
	c.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := testpeer.Launch(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Kill(-c.Process.Pid, unix.SIGKILL); _ = c.Wait() })
	for end := time.Now().Add(5 * time.Second); len(proc.Children(c.Process.Pid)) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the shell has no child")
		}
	}
	return c.Process.Pid
}

// act runs a fault for a while and returns its certificate; nothing may be left in
// the journal.
func act(t *testing.T, f chaos.Fault, during func()) *result.Certificate {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	j, err := chaos.OpenJournal()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Begin(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	during()
	c, err := f.End()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	return c
}

func TestStop(t *testing.T) {
	pid := worker(t)
	c := act(t, &Stop{PIDs: []int{pid}}, func() {
		for _, p := range append(proc.Children(pid), pid) {
			if !proc.Stopped(p) {
				t.Errorf("process %d runs", p)
			}
		}
	})
	if c.Verdict != result.Confirmed || len(c.Findings) != 2 || c.Findings[0].Achieved != "100 % (2 of 2)" {
		t.Errorf("%+v", c)
	}
	if proc.Stopped(pid) {
		t.Error("still stopped")
	}
}

func TestLimit(t *testing.T) {
	pid := worker(t)
	limit := func() uint64 {
		var l unix.Rlimit
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &l); err != nil {
			t.Fatal(err)
		}
		return l.Cur
	}
	before := limit()
	c := act(t, &Limit{PIDs: []int{pid}, Resource: Files, Value: 12}, func() {
		if got := limit(); got != 12 {
			t.Errorf("limit %d", got)
		}
	})
	if c.Verdict != result.NoEffect || limit() != before {
		t.Errorf("limit %d, was %d, and the process needs fewer files: %+v", limit(), before, c)
	}
	if c := act(t, &Limit{PIDs: []int{pid}, Resource: Files, Value: 5}, func() {}); c.Verdict != result.Confirmed {
		t.Errorf("a limit that is reached: %+v", c)
	}
	if err := (&Limit{PIDs: []int{pid}, Resource: Files, Value: before + 1}).Begin(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "change nothing") {
		t.Errorf("a limit beyond the present one: %v", err)
	}
}

func TestStarve(t *testing.T) {
	pid := worker(t)
	// On a busy machine the process may not get as far as its share.
	var s *Starve
	var c *result.Certificate
	for range 3 {
		s = &Starve{PIDs: []int{pid}, Share: 0.2}
		if c = act(t, s, func() { time.Sleep(300 * time.Millisecond) }); c.Verdict != result.Inconclusive {
			break
		}
	}
	if c.Verdict != result.Confirmed {
		t.Errorf("%+v", c)
	}
	if s.group != "" {
		if _, err := os.Stat(s.group); !os.IsNotExist(err) {
			t.Errorf("control group: %v", err)
		}
	}
	before := used(s.targets)
	for end := time.Now().Add(5 * time.Second); used(s.targets).since(before) < 0.05; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the process used only %.3f s after the fault", used(s.targets).since(before))
		}
	}
}

// TestStarveInTurn is the way without control groups.
func TestStarveInTurn(t *testing.T) {
	pid := worker(t)
	s := &Starve{PIDs: []int{pid}, Share: 0.3}
	var err error
	if s.targets, err = families(s.PIDs); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	j, err := chaos.OpenJournal()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.alternate(j); err != nil {
		t.Fatal(err)
	}
	s.began, s.before = time.Now(), used(s.targets)
	time.Sleep(500 * time.Millisecond)
	c, err := s.End()
	if err != nil || c.Verdict != result.Confirmed {
		t.Errorf("%+v, %v", c, err)
	}
	if proc.Stopped(pid) {
		t.Error("still stopped")
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// TestNothingIsHalfDone: of several processes one that is not there leaves the
// others as they are.
func TestNothingIsHalfDone(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	pid := worker(t)
	j, err := chaos.OpenJournal()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []chaos.Fault{
		&Stop{PIDs: []int{pid, 1 << 22}}, &Limit{PIDs: []int{pid, 1 << 22}, Resource: Files, Value: 12}, &Starve{PIDs: []int{pid, 1 << 22}, Share: 0.5},
		&Starve{PIDs: []int{pid}, Share: 1.5},
	} {
		if err := f.Begin(t.Context(), j); err == nil {
			t.Errorf("%T began", f)
		}
		if proc.Stopped(pid) {
			t.Errorf("%T left the other process stopped", f)
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if found, _ := filepath.Glob(filepath.Join(chaos.Dir(), "*")); len(found) != 0 {
		t.Errorf("left: %v", found)
	}
}

func TestBudget(t *testing.T) {
	for share, want := range map[float64][2]string{
		0.5: {"5000", "10000"}, 0.1: {"1000", "10000"}, 0.01: {"1000", "100000"}, 0.0001: {"1000", "1000000"},
	} {
		if q, p := budget(share); q != want[0] || p != want[1] {
			t.Errorf("%v: %s of %s, want %v", share, q, p, want)
		}
	}
}

// TestStopLeavesStopped: who was stopped by somebody else stays so.
func TestStopLeavesStopped(t *testing.T) {
	pid := worker(t)
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for !proc.Stopped(pid) {
		time.Sleep(time.Millisecond)
	}
	c := act(t, &Stop{PIDs: []int{pid}}, func() {})
	if !proc.Stopped(pid) {
		t.Error("the process was continued, which was stopped before")
	}
	if c.Verdict != result.Confirmed || c.Findings[0].Achieved != "100 % (2 of 2)" {
		t.Errorf("its child was stopped: %+v", c)
	}
	child := proc.Children(pid)[0]
	if err := unix.Kill(child, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for !proc.Stopped(child) {
		time.Sleep(time.Millisecond)
	}
	if c := act(t, &Stop{PIDs: []int{pid}}, func() {}); c.Verdict != result.NoEffect {
		t.Errorf("all were stopped before: %+v", c)
	}
}

// TestStopOfTheDead: no time is counted of a process that has ended.
func TestStopOfTheDead(t *testing.T) {
	pid := worker(t)
	time.Sleep(100 * time.Millisecond) // so that it has used some
	c := act(t, &Stop{PIDs: []int{pid}}, func() {
		_ = unix.Kill(-pid, unix.SIGKILL)
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if f, err := Family(pid); err != nil || len(f) == 0 {
				break
			}
			var status unix.WaitStatus
			_, _ = unix.Wait4(pid, &status, unix.WNOHANG, nil)
		}
	})
	if c.Verdict != result.Mismatch || !strings.Contains(c.Findings[0].Note, "ended meanwhile") {
		t.Errorf("%+v", c)
	}
	for _, f := range c.Findings {
		if strings.Contains(f.Achieved, "-") || strings.Contains(f.Achieved, "−") {
			t.Errorf("negative: %+v", f)
		}
	}
}
