package loop

import (
	"math/rand/v2"
	"testing"
)

// TestSpinFollowsTheLateness holds the adapted spin time to the lateness that nine in
// ten wake-ups stay below, and to its bounds.
func TestSpinFollowsTheLateness(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var l Loop
	l.SetSpin(1000)
	feed := func(most int64) (mean int64) {
		for i := range 4000 {
			l.wokeUp(rng.Int64N(most))
			if i >= 2000 {
				mean += l.Spin() / 2000
			}
		}
		return mean
	}
	if feed(100_000); l.Spin() != 1000 {
		t.Fatalf("a fixed spin time went to %d ns", l.Spin())
	}
	l.AdaptSpin(10_000, 200_000)
	if mean := feed(100_000); mean < 80_000 || mean > 100_000 {
		t.Errorf("%d ns for wake-ups late by up to 100 µs, want about 90", mean)
	}
	if mean := feed(1000); mean < 10_000 || mean > 11_000 {
		t.Errorf("%d ns for wake-ups in time, want the least, 10 µs", mean)
	}
	if feed(10_000_000); l.Spin() > 200_000 {
		t.Errorf("%d ns, want at most 200 µs", l.Spin())
	}
	before := l.Spin()
	if l.wokeUp(-5000); l.Spin() != before {
		t.Error("a sleep that a signal ended counted")
	}
}
