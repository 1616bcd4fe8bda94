package chaos_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"bench/chaos"
)

// Changes of the same thing, several of them open, leave it as it was: each is undone to
// what was there before it, the last one first, whoever does it.
func TestChangesOfOneThingAreUndoneInReverse(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	pid := sleeper(t)
	target, err := chaos.Find(pid)
	if err != nil {
		t.Fatal(err)
	}
	before := softLimit(t, pid)
	var hard uint64
	var l unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &l); err != nil {
		t.Fatal(err)
	}
	hard = l.Max
	set := func(soft uint64) {
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: soft, Max: hard}, nil); err != nil {
			t.Fatal(err)
		}
	}
	copies := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		set(before)
		j, err := chaos.OpenJournal()
		if err != nil {
			r.Fatal(err)
		}
		defer j.Close()
		// open are the limits that undoing would give back, in the order of the changes.
		type change struct {
			undo func() error
			gone uint64
		}
		var open []change
		now := before
		for range rapid.IntRange(2, 6).Draw(r, "steps") {
			if len(open) > 0 && rapid.IntRange(0, 3).Draw(r, "undo") == 0 {
				i := rapid.IntRange(0, len(open)-1).Draw(r, "which")
				if err := open[i].undo(); err != nil {
					r.Fatal(err)
				}
				now = open[i].gone
				open = append(open[:i:i], open[i+1:]...)
			} else {
				undo, err := j.Plan(chaos.Undo{Limit: &chaos.Limit{Target: target, Resource: unix.RLIMIT_NOFILE, Soft: now, Hard: hard}})
				if err != nil {
					r.Fatal(err)
				}
				open = append(open, change{undo, now})
				now = rapid.Uint64Range(20, 60).Draw(r, "limit")
				set(now)
			}
			if got := softLimit(t, pid); got != now {
				r.Fatalf("the limit is %d, want %d", got, now)
			}
		}
		want := now
		if len(open) > 0 {
			want = open[0].gone
		}
		// Who finds the journal of a process that is gone undoes the same.
		text, err := os.ReadFile(j.Path())
		if err != nil {
			r.Fatal(err)
		}
		dir, err := os.MkdirTemp(copies, "")
		if err != nil {
			r.Fatal(err)
		}
		left := filepath.Join(dir, "left.journal")
		if err := os.WriteFile(left, text, 0o600); err != nil {
			r.Fatal(err)
		}
		if done, err := chaos.Recover(left); err != nil || len(done) != len(open) {
			r.Fatalf("undone: %v, %v; want %d", done, err, len(open))
		}
		if got := softLimit(t, pid); got != want {
			r.Fatalf("recovered, the limit is %d, want %d", got, want)
		}
		set(now)
		if err := j.Close(); err != nil {
			r.Fatal(err)
		}
		if got := softLimit(t, pid); got != want {
			r.Fatalf("closed, the limit is %d, want %d", got, want)
		}
	})
}
