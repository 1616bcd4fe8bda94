package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"bench/internal/hosts/clock"
	"bench/internal/hosts/wire"
	"bench/internal/loop"
)

// A comparison of clocks is a burst of round trips, which ends early once it is good. The
// longer it takes the more the clocks may drift meanwhile: on a slow way more trips make it
// worse.
const (
	leastTrips = 16
	mostTrips  = 200
	goodBound  = 100 * time.Microsecond
	longBurst  = 250 * time.Millisecond
	tripLimit  = 2 * time.Second
	burstLimit = 10 * time.Second
	// compareEvery is the time between two comparisons during a run, and atOnce how many
	// hosts are compared at a time.
	compareEvery = 5 * time.Second
	atOnce       = 16
)

// CompareClock estimates the offset of the host's clock once more. A clock that was set
// is remembered and no error.
func (h *Host) CompareClock(ctx context.Context) error {
	h.comparing.Lock() // the estimates follow one another
	defer h.comparing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, burstLimit)
	defer cancel()
	e, err := h.burst(ctx)
	if err != nil && !errors.Is(err, clock.ErrStep) {
		return err
	}
	h.clocks.Lock()
	defer h.clocks.Unlock()
	if err == nil {
		err = h.clocks.track.Add(e)
	}
	if h.clocks.err == nil { // what follows a step follows from it
		h.clocks.err = err
	}
	return nil
}

// burst makes round trips until they tell enough, and is the best estimate by them.
func (h *Host) burst(ctx context.Context) (best clock.Estimate, err error) {
	var trips []clock.Trip
	var last error
	for len(trips) < mostTrips && ctx.Err() == nil {
		t, err := h.trip(ctx)
		if err != nil {
			last = err
			select {
			case <-h.lost:
				return best, h.reason()
			case <-ctx.Done():
			case <-time.After(wire.AskEvery / 10):
			}
			continue
		}
		trips = append(trips, t)
		if len(trips) < leastTrips {
			continue
		}
		e, err := clock.FromTrips(trips)
		if err != nil {
			return e, err
		}
		if best.Bound == 0 || e.Bound < best.Bound {
			best = e
		}
		if best.Bound <= goodBound || t.Back-trips[0].Sent > longBurst.Nanoseconds() {
			return best, nil
		}
	}
	switch {
	case best.Bound > 0:
		return best, nil
	case len(trips) == 0:
		return best, fmt.Errorf("host %s: its clock cannot be compared: %w", h.Name(), last)
	}
	return clock.FromTrips(trips)
}

// trip makes one round trip. It returns when ctx ends, also while the connection is being
// made, for which all calls of it wait.
func (h *Host) trip(ctx context.Context) (clock.Trip, error) {
	type answer struct {
		trip clock.Trip
		m    *nats.Msg
		err  error
	}
	ctx, cancel := context.WithTimeout(ctx, tripLimit)
	defer cancel()
	subject := wire.Orders(h.Name(), h.session.run, wire.ClockChannel)
	got := make(chan answer, 1)
	go func() {
		var a answer
		a.trip.Sent = loop.Nanotime()
		a.m, a.err = h.session.conn.RequestWithContext(ctx, subject, nil)
		a.trip.Back = loop.Nanotime()
		got <- a
	}()
	select {
	case a := <-got:
		if a.err != nil {
			return a.trip, a.err
		}
		var ok bool
		if a.trip.Received, a.trip.Answered, ok = wire.ReadStamps(a.m.Data); !ok {
			return a.trip, errors.New("an answer without times")
		}
		return a.trip, nil
	case <-ctx.Done():
		return clock.Trip{}, ctx.Err()
	}
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

// CompareClocks compares the clocks of all hosts every few seconds until ctx ends, and calls
// compared each time that this is done.
func (s *Session) CompareClocks(ctx context.Context, compared func()) {
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
		_ = s.CompareOnce(ctx) // a host that is lost is noticed elsewhere
		compared()
	}
}

// CompareOnce compares the clocks of all hosts.
func (s *Session) CompareOnce(ctx context.Context) error {
	hosts := s.list()
	errs := make([]error, len(hosts))
	free := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, h := range hosts {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			errs[i] = h.CompareClock(ctx)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// ClocksKnownUntil is the time of the own clock up to which those of all hosts have been
// compared.
func (s *Session) ClocksKnownUntil() int64 {
	until := int64(math.MaxInt64)
	for _, h := range s.list() {
		h.clocks.Lock()
		until = min(until, h.clocks.track.Until())
		h.clocks.Unlock()
	}
	return until
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
	Err   error // it was set
}

// Clocks tells how the clock of the host went.
func (h *Host) Clocks(from, to int64) Clocks {
	h.clocks.Lock()
	defer h.clocks.Unlock()
	t := &h.clocks.track
	return Clocks{Offset: t.Offset(from), Rate: t.Rate(), Bound: t.Bound(from, to), Err: h.clocks.err}
}
