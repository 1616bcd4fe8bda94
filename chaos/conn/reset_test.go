package conn

import (
	"testing"
	"time"
)

// A connection that carries data on was not reset, unless that had come before.
func TestResetInVain(t *testing.T) {
	began := time.Unix(100, 0)
	r := reset{at: began, turn: 4}
	for _, step := range []struct {
		after time.Duration
		turn  int
		times int
	}{
		{time.Second, 4, 0},      // read late
		{settle, 5, 0},           // on its way
		{settle + 1, 5, 1},       // not reset
		{settle + 2, 6, 1},       // and reset again
		{2*settle + 2, 7, 2},     // in vain
		{2*settle + 2 + 1, 8, 2}, // on its way
	} {
		was := r.times
		if told := r.carriesOn(began.Add(step.after), step.turn); r.times != step.times || told != (r.times > was) {
			t.Errorf("data after %v in turn %d: in vain %v, %d times, want %d", step.after, step.turn, told, r.times, step.times)
		}
	}
}
