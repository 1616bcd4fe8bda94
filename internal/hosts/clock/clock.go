// Package clock tells what the clock of one machine shows when that of another shows
// something else, and how wrong that may be, from round trips between them. It reads no
// clocks and sends nothing.
package clock

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxRate is how much faster one clock may run than another: what an ordinary quartz and
// an ordinary correction of it come to. Anything beyond is a clock that was set.
const MaxRate = 500e-6

// Trip is one round trip: sent at Sent and answered at Back by the own clock, received at
// Received and answered at Answered by the other one, all in nanoseconds.
type Trip struct{ Sent, Received, Answered, Back int64 }

// Estimate is the difference between two clocks at one moment.
type Estimate struct {
	At     int64         // own clock
	Offset time.Duration // other clock minus own
	// Bound is how wrong Offset is at most, whatever the way there and back took.
	Bound time.Duration
}

// ErrStep is a clock that was set, or does not run as clocks do.
var ErrStep = errors.New("the clock was set, or stands still, or runs wild")

// FromTrips estimates the offset. A message is never received before it was sent, so each
// trip bounds the offset from both sides; the tightest bounds of all count. They need not
// come from the same trip.
func FromTrips(trips []Trip) (Estimate, error) {
	if len(trips) == 0 {
		return Estimate{}, errors.New("no round trip")
	}
	lo, hi := trips[0].Answered-trips[0].Back, trips[0].Received-trips[0].Sent
	for _, t := range trips[1:] {
		lo, hi = max(lo, t.Answered-t.Back), min(hi, t.Received-t.Sent)
	}
	first, last := trips[0].Sent, trips[len(trips)-1].Back
	drifted := time.Duration(float64(last-first) * MaxRate)
	if time.Duration(lo-hi) > 2*drifted {
		return Estimate{}, ErrStep
	}
	return Estimate{
		At: first + (last-first)/2, Offset: time.Duration(lo + (hi-lo)/2),
		Bound: time.Duration(max(0, hi-lo))/2 + drifted + 1,
	}, nil
}

// Track is the estimates of a run, in order of time.
type Track struct{ list []Estimate }

// LongGap is the longest time between two estimates over which a clock is taken to go on as
// the line that joins them says.
const LongGap = 15 * time.Second

// Add takes one more estimate, which must be later than those before. An error is a clock that
// was set since the last one.
func (t *Track) Add(e Estimate) error {
	t.list = append(t.list, e)
	if len(t.list) < 2 {
		return nil
	}
	before := t.list[len(t.list)-2]
	moved := (e.Offset - before.Offset).Abs()
	if allowed := e.Bound + before.Bound + time.Duration(float64(e.At-before.At)*MaxRate); moved > allowed {
		return fmt.Errorf("%w: it moved by %v within %v, and %v can be explained", ErrStep, moved, time.Duration(e.At-before.At).Round(time.Millisecond), allowed)
	}
	return nil
}

// Until is the time of the own clock up to which the other one is known, 0 if it is not.
func (t *Track) Until() int64 {
	if len(t.list) == 0 {
		return 0
	}
	return t.list[len(t.list)-1].At
}

// Rate is how much faster the other clock runs, as a share, by the line that fits the
// estimates best; tight ones count more. It is 0 for less than five seconds of them.
func (t *Track) Rate() float64 {
	if len(t.list) < 2 {
		return 0
	}
	first := t.list[0]
	if t.list[len(t.list)-1].At-first.At < (5 * time.Second).Nanoseconds() {
		return 0
	}
	var sw, sx, sy float64
	weight := func(e Estimate) float64 { b := float64(max(e.Bound, time.Microsecond)); return 1 / (b * b) }
	for _, e := range t.list {
		w := weight(e)
		sw += w
		sx += w * float64(e.At-first.At)
		sy += w * float64(e.Offset-first.Offset)
	}
	mx, my := sx/sw, sy/sw
	var num, den float64
	for _, e := range t.list {
		x, y, w := float64(e.At-first.At)-mx, float64(e.Offset-first.Offset)-my, weight(e)
		num += w * x * y
		den += w * x * x
	}
	if den == 0 {
		return 0
	}
	return num / den
}

// Offset is the difference at a time of the own clock: between two estimates as on the
// line that joins them, beyond the last as the rate says.
func (t *Track) Offset(at int64) time.Duration {
	if len(t.list) == 0 {
		return 0
	}
	i, _ := slices.BinarySearchFunc(t.list, at, func(e Estimate, at int64) int {
		if e.At < at {
			return -1
		}
		return 1
	})
	if i == 0 || i == len(t.list) {
		near := t.list[min(i, len(t.list)-1)]
		return near.Offset + time.Duration(float64(at-near.At)*t.Rate())
	}
	a, b := t.list[i-1], t.list[i]
	share := float64(at-a.At) / float64(b.At-a.At)
	return a.Offset + time.Duration(share*float64(b.Offset-a.Offset))
}

// Bound is how wrong Offset is at most between from and to: the widest bound of the estimates
// around them; besides, how far an estimate is from the line that joins its neighbours, where
// their bounds do not explain it, as the clock is off that line as much between two estimates;
// and what a clock may drift where no estimate is near.
func (t *Track) Bound(from, to int64) time.Duration {
	n := len(t.list)
	if n == 0 {
		return 0
	}
	var worst, bent time.Duration
	far := max(t.list[0].At-from, to-t.list[n-1].At, 0)
	for i, e := range t.list {
		if i+1 < n && t.list[i+1].At < from || i > 0 && t.list[i-1].At > to {
			continue
		}
		worst = max(worst, e.Bound)
		if i == 0 {
			continue
		}
		if gap := e.At - t.list[i-1].At; gap > LongGap.Nanoseconds() {
			far = max(far, gap/2)
		}
		if i+1 < n {
			bent = max(bent, t.bend(i))
		}
	}
	return worst + bent + time.Duration(float64(far)*MaxRate)
}

// bend is how far an estimate is from the line that joins its neighbours, beyond what the
// bounds of the three explain.
func (t *Track) bend(i int) time.Duration {
	a, e, b := t.list[i-1], t.list[i], t.list[i+1]
	share := float64(e.At-a.At) / float64(b.At-a.At)
	line := a.Offset + time.Duration(share*float64(b.Offset-a.Offset))
	return max(0, (e.Offset-line).Abs()-e.Bound-max(a.Bound, b.Bound))
}
