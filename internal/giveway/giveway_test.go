package giveway

import (
	"testing"
	"time"
)

// Work of many steps rests about as often as its slices are used up, and no step of one that
// is short pauses.
func TestLongWorkRests(t *testing.T) {
	var p Pacer
	const each, steps = slice / 4, 80
	begin := time.Now()
	for range steps {
		for from := time.Now(); time.Since(from) < each; {
		}
		p.Step()
	}
	// It works for 20 slices, each of which may take a step too long.
	if took, least := time.Since(begin), steps*each+10*rest; took < least {
		t.Errorf("%v of work took %v, want %v at least", steps*each, took, least)
	}
}

func TestWaitingIsNoWork(t *testing.T) {
	var p Pacer
	p.Step()
	p.begun = p.begun.Add(-time.Hour)
	p.Restart()
	if time.Since(p.begun) > time.Minute {
		t.Error("a pacer that was restarted has worked for an hour")
	}
}
