package conn

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"bench/internal/thread"
)

// Flood sends SYNs that nobody means (RFC 4987): each makes the server keep a
// connection that is never completed. At the end all are reset, so that nothing
// of it lasts.
type Flood struct {
	Place
	Target netip.AddrPort
	Rate   float64 // SYNs per second
	For    time.Duration
	Seed   uint64
}

// The bounds of a flood: what one thread makes, and what one run may take.
const (
	maxRate = 200_000
	maxTime = 10 * time.Minute
)

// Check says what is wrong with the order.
func (f *Flood) Check() error {
	switch {
	case !f.Target.IsValid() || f.Target.Port() == 0:
		return errors.New("want a target like 10.0.0.2:80")
	case !(f.Rate > 0 && f.Rate <= maxRate):
		return fmt.Errorf("rate is %v/s: want more than 0 and at most %d/s", f.Rate, maxRate)
	case f.For <= 0 || f.For > maxTime:
		return fmt.Errorf("the flood lasts %v: want more than 0 and at most %v", f.For, maxTime)
	}
	return nil
}

// Do floods until the time or ctx is over, and tidies up.
func (f *Flood) Do(ctx context.Context) (Called, error) {
	return f.do(ctx, func() {})
}

// do is Do, and calls begun when the attack is on.
func (f *Flood) do(ctx context.Context, begun func()) (done Called, err error) {
	if err := f.Check(); err != nil {
		return done, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.For)
	defer cancel()
	err = f.inside(func() error {
		c, err := newCaller(&f.Place, f.Target, f.Seed)
		if err != nil {
			return err
		}
		defer c.raw.close()
		// A thread that cannot be made more exact floods nonetheless.
		_ = thread.ExactTimers()
		begun()
		calls, err := c.run(ctx, f.Rate, 1<<62, false)
		err = errors.Join(err, c.hangUpAll(calls))
		done = c.counts
		return err
	})
	return done, err
}
