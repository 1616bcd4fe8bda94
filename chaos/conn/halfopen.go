package conn

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"bench/internal/thread"
)

// HalfOpen completes handshakes and is never heard of again, as clients whose
// machine lost its power: the server keeps connections that nobody will end, until
// its own time-outs do. At the end those that are left are reset.
type HalfOpen struct {
	Place
	Target netip.AddrPort
	Count  int
	Rate   float64 // connections opened per second; 0 is 1000
	For    time.Duration
	Seed   uint64
}

const (
	defaultOpenRate = 1000
	maxHalfOpen     = 100_000
)

// Check says what is wrong with the order.
func (h *HalfOpen) Check() error {
	switch {
	case !h.Target.IsValid() || h.Target.Port() == 0:
		return errors.New("want a target like 10.0.0.2:80")
	case h.Count <= 0 || h.Count > maxHalfOpen:
		return fmt.Errorf("count is %d: want 1 to %d connections", h.Count, maxHalfOpen)
	case h.Rate < 0 || h.Rate > maxRate:
		return fmt.Errorf("rate is %v/s: want at most %d/s", h.Rate, maxRate)
	case h.For <= 0 || h.For > maxTime:
		return fmt.Errorf("the connections last %v: want more than 0 and at most %v", h.For, maxTime)
	}
	return nil
}

// Do opens the connections, keeps them until the time or ctx is over, and resets
// them.
func (h *HalfOpen) Do(ctx context.Context) (Called, error) {
	return h.do(ctx, func() {})
}

// do is Do, and calls begun when the attack is on.
func (h *HalfOpen) do(ctx context.Context, begun func()) (done Called, err error) {
	if err := h.Check(); err != nil {
		return done, err
	}
	rate := h.Rate
	if rate == 0 {
		rate = defaultOpenRate
	}
	ctx, cancel := context.WithTimeout(ctx, h.For)
	defer cancel()
	err = h.inside(func() error {
		c, err := newCaller(&h.Place, h.Target, h.Seed)
		if err != nil {
			return err
		}
		defer c.raw.close()
		// A thread that cannot be made more exact floods nonetheless.
		_ = thread.ExactTimers()
		begun()
		calls, err := c.run(ctx, rate, uint64(h.Count), true)
		for err == nil && ctx.Err() == nil {
			err = c.listen(spell, true)
		}
		err = errors.Join(err, c.hangUpAll(calls))
		done = c.counts
		return err
	})
	return done, err
}
