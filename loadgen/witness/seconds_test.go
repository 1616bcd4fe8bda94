package witness

import (
	"testing"
)

func TestWitnessJudgesSeconds(t *testing.T) {
	w := &Witness{}
	w.close(1, &lateness{}, counters{})
	w.close(2, &lateness{most: 1200, sum: 1200}, counters{})
	w.close(3, &lateness{most: 300, sum: 2100}, counters{})
	w.close(4, &lateness{}, counters{stolen: 0.01})
	w.close(5, &lateness{}, counters{waited: 0.003})
	w.close(6, &lateness{}, counters{waited: 0.003, others: 0.002}) // no stranger's doing
	w.close(9, &lateness{}, counters{})                             // three at once
	w.close(9, &lateness{}, counters{})                             // the last one, cut short
	for second, want := range []bool{false, true, true, true, true, false, false, false, false, false} {
		if got, known := w.Judged(second); got != want || !known {
			t.Errorf("second %d: disturbed %v, known %v", second, got, known)
		}
	}
	if _, known := w.Judged(10); known {
		t.Error("a second to come is judged")
	}
	if w.Stolen != 0.01 || w.Waited != 0.006 {
		t.Errorf("stolen %g s, waited %g s", w.Stolen, w.Waited)
	}
	var l lateness
	for _, us := range []int64{50, 99, 100, 700} {
		l.add(us)
	}
	if l != (lateness{700, 800}) {
		t.Errorf("lateness %+v", l)
	}
}
