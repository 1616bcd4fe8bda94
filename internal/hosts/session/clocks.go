package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bench/internal/hosts/clock"
	"bench/internal/hosts/wire"
	"bench/internal/loop"
)

// A comparison of clocks is a burst of round trips, which ends early once it is good.
const (
	leastTrips = 16
	mostTrips  = 200
	goodBound  = 100 * time.Microsecond
	tripLimit  = 2 * time.Second
	burstLimit = 10 * time.Second
	// compareEvery is the time between two comparisons during a run.
	compareEvery = 5 * time.Second
)

// CompareClock estimates the offset of the host's clock once more. A clock that was set
// is remembered and no error.
func (h *Host) CompareClock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, burstLimit)
	defer cancel()
	var trips []clock.Trip
	var last error
	for len(trips) < mostTrips && ctx.Err() == nil {
		t, err := h.trip(ctx)
		if err != nil {
			last = err
			select {
			case <-h.lost:
				return h.reason()
			case <-ctx.Done():
			case <-time.After(wire.AskEvery / 10):
			}
			continue
		}
		trips = append(trips, t)
		if len(trips) < leastTrips {
			continue
		}
		if e, err := clock.FromTrips(trips); err != nil || e.Bound <= goodBound {
			break
		}
	}
	if len(trips) == 0 {
		return fmt.Errorf("host %s: its clock cannot be compared: %w", h.Name(), last)
	}
	e, err := clock.FromTrips(trips)
	h.clocks.Lock()
	defer h.clocks.Unlock()
	if err == nil {
		err = h.clocks.track.Add(e)
	}
	h.clocks.err = errors.Join(h.clocks.err, err)
	return nil
}

func (h *Host) trip(ctx context.Context) (t clock.Trip, err error) {
	ctx, cancel := context.WithTimeout(ctx, tripLimit)
	defer cancel()
	subject := wire.Orders(h.Name(), h.session.run, wire.ClockChannel)
	t.Sent = loop.Nanotime()
	m, err := h.session.conn.RequestWithContext(ctx, subject, nil)
	t.Back = loop.Nanotime()
	if err != nil {
		return t, err
	}
	var ok bool
	if t.Received, t.Answered, ok = wire.ReadStamps(m.Data); !ok {
		return t, errors.New("an answer without times")
	}
	return t, nil
}

// Inspect compares the clock of a host that is not taken.
func (s *Session) Inspect(ctx context.Context, hello wire.Hello) (Clocks, error) {
	h := &Host{session: s, hello: hello, lost: make(chan struct{})}
	if err := h.CompareClock(ctx); err != nil {
		return Clocks{}, err
	}
	now := loop.Nanotime()
	return h.Clocks(now, now), nil
}

// CompareClocks compares the clocks of all hosts every few seconds until ctx ends.
func (s *Session) CompareClocks(ctx context.Context) {
	tick := time.NewTicker(compareEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.lost:
			return
		case <-tick.C:
		}
		for _, h := range s.list() {
			_ = h.CompareClock(ctx) // a host that is lost is noticed elsewhere
		}
	}
}

// Clock implements proc.Host.
func (h *Host) Clock(at int64) int64 {
	h.clocks.Lock()
	defer h.clocks.Unlock()
	return at + int64(h.clocks.track.Offset(at))
}

// Here implements proc.Host.
func (h *Host) Here(at int64) int64 {
	h.clocks.Lock()
	defer h.clocks.Unlock()
	here := at - int64(h.clocks.track.Offset(at))
	return at - int64(h.clocks.track.Offset(here))
}

// Clocks is how the clock of a host went between two times.
type Clocks struct {
	Offset time.Duration // at the beginning
	Rate   float64       // how much faster it runs
	// Bound is how wrong times of the host may be that were converted.
	Bound time.Duration
	// Moved is how far the clock went from where it was at the beginning: what times are
	// wrong by besides that were converted then and counted on by it.
	Moved time.Duration
	Err   error // it was set
}

// Clocks tells how the clock of the host went.
func (h *Host) Clocks(from, to int64) Clocks {
	h.clocks.Lock()
	defer h.clocks.Unlock()
	t := &h.clocks.track
	return Clocks{Offset: t.Offset(from), Rate: t.Rate(), Bound: t.Bound(from, to), Moved: t.Moved(from, to), Err: h.clocks.err}
}
