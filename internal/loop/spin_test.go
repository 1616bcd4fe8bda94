package loop

import (
	"math/rand/v2"
	"testing"
)

// TestSpinFollowsTheLateness holds the adapted spin time to the lateness that 99 in
// 100 wake-ups stay below, to its bounds, and to its share of the time.
func TestSpinFollowsTheLateness(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	spin, now := int64(1000), int64(0)
	var a adaption
	feed := func(most int64) (mean int64) {
		for i := range 10_000 {
			a.spun += spin
			now += 1e6 // a thousand wake-ups a second
			spin = a.next(spin, now, rng.Int64N(most))
			if i >= 5000 {
				mean += spin / 5000
			}
		}
		return mean
	}
	if feed(100_000); spin != 1000 {
		t.Fatalf("a fixed spin time went to %d ns", spin)
	}
	a = adaption{least: 10_000, most: 200_000, share: 1}
	if mean := feed(100_000); mean < 90_000 || mean > 110_000 {
		t.Errorf("%d ns for wake-ups late by up to 100 µs, want about 99", mean)
	}
	if mean := feed(1000); mean < 10_000 || mean > 11_000 {
		t.Errorf("%d ns for wake-ups in time, want the least, 10 µs", mean)
	}
	if feed(10_000_000); spin > 200_000 {
		t.Errorf("%d ns, want at most 200 µs", spin)
	}
	if got := a.next(spin, now, -5000); got != spin {
		t.Error("a sleep that a signal ended counted")
	}
	a.share = 0.04 // of a millisecond: 40 µs
	if mean := feed(100_000); mean < 30_000 || mean > 45_000 {
		t.Errorf("%d ns, want about the 40 µs that the share allows", mean)
	}
}
