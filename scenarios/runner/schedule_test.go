package runner

import (
	"context"
	"errors"
	"testing"
	"time"

	"bench/scenarios/format"
)

// fakeClock is a clock that stands still but for sleeping.
type fakeClock struct {
	at     int64
	cancel context.CancelFunc // called when the time is reached
	stop   int64
}

func (c *fakeClock) now() int64 { return c.at }

func (c *fakeClock) sleepUntil(ctx context.Context, at int64) error {
	if c.cancel != nil && at >= c.stop {
		c.at = c.stop
		c.cancel()
		return ctx.Err()
	}
	c.at = max(c.at, at)
	return ctx.Err()
}

func occurrences(at ...time.Duration) []format.Occurrence {
	var all []format.Occurrence
	for _, t := range at {
		all = append(all, format.Occurrence{Event: &format.Event{}, At: t})
	}
	return all
}

func TestSchedule(t *testing.T) {
	c := &fakeClock{at: 500}
	var when []int64
	err := schedule(context.Background(), c, 1000, occurrences(0, time.Microsecond, time.Microsecond, time.Millisecond),
		func(format.Occurrence) error { when = append(when, c.now()); return nil })
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{1000, 2000, 2000, 1_001_000} {
		if when[i] != want {
			t.Errorf("event %d at %d, want %d", i, when[i], want)
		}
	}
}

// An event that is late does not delay the next one beyond its time.
func TestScheduleKeepsTime(t *testing.T) {
	c := &fakeClock{}
	var when []int64
	err := schedule(context.Background(), c, 0, occurrences(time.Second, 2*time.Second, 3*time.Second), func(format.Occurrence) error {
		when = append(when, c.now())
		if len(when) == 1 {
			c.at += 1_500_000_000 // the first one took 1.5 s
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if when[1] != 2_500_000_000 || when[2] != 3_000_000_000 {
		t.Errorf("events at %v", when)
	}
}

func TestScheduleEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &fakeClock{cancel: cancel, stop: 2_000_000_000}
	n := 0
	err := schedule(ctx, c, 0, occurrences(time.Second, 3*time.Second), func(format.Occurrence) error { n++; return nil })
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%d events, %v", n, err)
	}
	broken := errors.New("broken")
	err = schedule(context.Background(), &fakeClock{}, 0, occurrences(1, 2), func(format.Occurrence) error { n++; return broken })
	if !errors.Is(err, broken) || n != 2 {
		t.Errorf("%d events, %v", n, err)
	}
}

func TestMonotonicSleep(t *testing.T) {
	var m monotonic
	start := m.now()
	if err := m.sleepUntil(context.Background(), start+2_000_000); err != nil || m.now() < start+2_000_000 {
		t.Errorf("woke after %d ns: %v", m.now()-start, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.sleepUntil(ctx, start+1e12); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestClockStep(t *testing.T) {
	w, err := newStepWatch()
	if err != nil {
		t.Fatal(err)
	}
	if w.stepped() {
		t.Error("the clock was set within a moment")
	}
	w.offset += int64(time.Second)
	if !w.stepped() {
		t.Error("a step of a second goes unnoticed")
	}
}
