package stats

import (
	"sync"
	"testing"
)

// No sliding second has more events than the limit, whatever the rate they come at.
func TestPaceHoldsItsLimit(t *testing.T) {
	const limit = 50
	var p Pace
	p.SetLimit(limit)
	var times []int64
	for now := int64(7 * nsPerSecond); now < 12*nsPerSecond; now += 1_000_000 {
		if p.Wait(now) == 0 {
			p.Count(now)
			times = append(times, now)
		}
	}
	if n := len(times); n < 4*limit || n > 6*limit {
		t.Errorf("%d events in five seconds, want about %d", n, 5*limit)
	}
	for second := int64(7); second < 12; second++ {
		n := 0
		for _, at := range times {
			if at/nsPerSecond == second {
				n++
			}
		}
		if n > limit {
			t.Errorf("second %d has %d events, the limit is %d", second, n, limit)
		}
	}
}

func TestPaceWithoutLimit(t *testing.T) {
	var p Pace
	for range 1000 {
		p.Count(nsPerSecond)
	}
	if w := p.Wait(nsPerSecond); w != 0 {
		t.Errorf("waits %d ns without a limit", w)
	}
}

// Once the events lie far enough back there is room again, and the wait leads there.
func TestPaceWaits(t *testing.T) {
	var p Pace
	p.SetLimit(2)
	now := int64(100 * nsPerSecond)
	p.Count(now)
	p.Count(now)
	if p.Wait(now) <= 0 {
		t.Fatal("there is room for a third")
	}
	for waits := 0; p.Wait(now) > 0; waits++ {
		if waits > 10 {
			t.Fatal("no room after ten waits")
		}
		now += p.Wait(now)
	}
	if now > 102*nsPerSecond {
		t.Errorf("room after %d ns only", now-100*nsPerSecond)
	}
	// A long silence forgets all.
	if p.Wait(now+1000*nsPerSecond) != 0 {
		t.Error("no room after a silence")
	}
}

func TestPaceCountsAllThreads(t *testing.T) {
	var p Pace
	p.SetLimit(4000)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				p.Count(5 * nsPerSecond)
			}
		})
	}
	wg.Wait()
	if p.Wait(5*nsPerSecond) == 0 {
		t.Error("events were lost")
	}
}

// What is noted counts for a second, and for less and less of the next one.
func TestPaceRead(t *testing.T) {
	var p Pace
	const second = 1_000_000_000
	now := int64(7 * second)
	if got := p.Read(now); got != 0 {
		t.Errorf("%d before anything was noted", got)
	}
	for range 10 {
		p.Note(now)
	}
	for after, want := range map[int64]int64{0: 10, second - 1: 10, second + second/2: 5, second + second*9/10: 1, 2 * second: 0, 5 * second: 0} {
		if got := p.Read(now + after); got != want {
			t.Errorf("after %d ns: %d, want %d", after, got, want)
		}
	}
}
