package runner

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/loop"
	"bench/scenarios/format"
)

// clock is the time base of a run: CLOCK_MONOTONIC nanoseconds, which all
// processes of the host share. Tests have one of their own.
type clock interface {
	now() int64
	// sleepUntil returns at the given time, or earlier with ctx's error.
	sleepUntil(ctx context.Context, at int64) error
}

type monotonic struct{}

func (monotonic) now() int64 { return loop.Nanotime() }

func (monotonic) sleepUntil(ctx context.Context, at int64) error {
	d := time.Duration(at - loop.Nanotime())
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// schedule calls do for every occurrence when it is due, counted from origin,
// one after another; do must not block for long. It ends with the last one,
// with ctx, or with an error of do.
func schedule(ctx context.Context, c clock, origin int64, all []format.Occurrence, do func(format.Occurrence) error) error {
	for _, o := range all {
		if err := c.sleepUntil(ctx, origin+o.At.Nanoseconds()); err != nil {
			return err
		}
		if err := do(o); err != nil {
			return err
		}
	}
	return nil
}

// stepTolerance is how far the wall clock may move against the monotonic one
// within a run before it counts as stepped. Slewing stays below 500 ppm.
const stepTolerance = 50 * time.Millisecond

// stepWatch notices that the wall clock was set during a run.
type stepWatch struct{ offset int64 }

func newStepWatch() (stepWatch, error) {
	offset, err := wallOffset()
	return stepWatch{offset}, err
}

// stepped reports whether the wall clock was set since the watch began.
func (w stepWatch) stepped() bool {
	offset, err := wallOffset()
	return err == nil && time.Duration(offset-w.offset).Abs() > stepTolerance
}

// wallOffset is the wall clock minus the monotonic one, in nanoseconds. The
// wall clock is read between two readings of the other; a preempted reading is
// repeated.
func wallOffset() (int64, error) {
	var best, offset int64 = 1 << 62, 0
	for range 5 {
		before := loop.Nanotime()
		var wall unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_REALTIME, &wall); err != nil {
			return 0, err
		}
		after := loop.Nanotime()
		if d := after - before; d < best {
			best, offset = d, wall.Nano()-before-d/2
		}
	}
	return offset, nil
}
