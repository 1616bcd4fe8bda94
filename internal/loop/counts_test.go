package loop

import (
	"slices"
	"testing"
)

type counting struct{ n int }

func (c *counting) Run() { c.n++ }

// What a loop has done is counted, and measured by kind while that is asked for.
func TestCountsAndProfiles(t *testing.T) {
	l, err := New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	a := &counting{}
	task := Task{R: a}
	turn := func() {
		l.Wake(&task)
		if err := l.turn(); err != nil {
			t.Fatal(err)
		}
	}
	turn()
	if c := l.Counts(); c.Tasks != 1 || a.n != 1 {
		t.Errorf("%+v after one task", c)
	}
	l.Profiles(func(string, Profile) { t.Error("it was measured unasked") })
	l.SetProfile(true)
	turn()
	turn()
	var kinds []string
	l.Profiles(func(kind string, p Profile) {
		kinds = append(kinds, kind)
		if p.Calls != 2 || p.Time < 0 {
			t.Errorf("%s: %+v", kind, p)
		}
	})
	if !slices.Equal(kinds, []string{"*loop.counting"}) || !l.Profiling() {
		t.Errorf("measured %q", kinds)
	}
	l.SetProfile(true) // again: nothing is forgotten
	l.SetProfile(false)
	turn()
	l.Profiles(func(_ string, p Profile) {
		if p.Calls != 2 {
			t.Errorf("measured after it was ended: %+v", p)
		}
	})
	l.Wake(&task)
	queued := 0
	l.Queued(func(r Runner) {
		if r == a {
			queued++
		}
	})
	if queued != 1 {
		t.Errorf("%d tasks wait", queued)
	}
	// What is queued when a loop ends is dropped.
	l.End()
}
