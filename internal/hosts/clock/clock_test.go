package clock

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// other is a clock that is off and drifts, behind a way that takes a random time.
type other struct {
	offset time.Duration
	rate   float64
	rand   *rand.Rand
	least  time.Duration // of a way
	asym   time.Duration // more of the way there
}

func (o *other) at(now int64) int64 { return now + int64(o.offset) + int64(float64(now)*o.rate) }

func (o *other) burst(now *int64, n int) []Trip {
	var all []Trip
	for range n {
		var t Trip
		t.Sent = *now
		*now += int64(o.least+o.asym) + int64(o.rand.ExpFloat64()*1e5)
		t.Received = o.at(*now)
		*now += 20_000
		t.Answered = o.at(*now)
		*now += int64(o.least) + int64(o.rand.ExpFloat64()*1e5)
		t.Back = *now
		all = append(all, t)
	}
	return all
}

func TestOffsetsAreWithinTheirBounds(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := &other{offset: time.Duration(r.Int64N(1e12) - 5e11), rate: (r.Float64() - 0.5) * 2e-4, rand: r, least: 50 * time.Microsecond}
		if seed%2 == 1 {
			o.asym = 3 * time.Millisecond
		}
		now := int64(1e9)
		var track Track
		for range 20 {
			e, err := FromTrips(o.burst(&now, 32))
			if err != nil {
				t.Fatal(err)
			}
			truth := time.Duration(o.at(e.At) - e.At)
			if wrong := (e.Offset - truth).Abs(); wrong > e.Bound {
				t.Fatalf("seed %d: wrong by %v, the bound is %v", seed, wrong, e.Bound)
			}
			if err := track.Add(e); err != nil {
				t.Fatal(err)
			}
			now += 5e9
		}
		mid := now / 2
		if wrong, bound := (track.Offset(mid) - time.Duration(o.at(mid)-mid)).Abs(), track.Bound(0, now); wrong > bound {
			t.Errorf("seed %d: between estimates wrong by %v, the bound is %v", seed, wrong, bound)
		}
		if got := track.Rate(); o.asym == 0 && (got-o.rate > 3e-6 || o.rate-got > 3e-6) {
			t.Errorf("seed %d: rate %.2f ppm, not %.2f", seed, got*1e6, o.rate*1e6)
		}
	}
}

// A quarter of a second, and 50 ppm, which is three milliseconds in a minute.
func TestShiftAndDriftAreCorrected(t *testing.T) {
	o := &other{offset: 250 * time.Millisecond, rate: 50e-6, rand: rand.New(rand.NewPCG(1, 2)), least: 100 * time.Microsecond}
	now := int64(1e12)
	var track Track
	begin := now
	for range 13 {
		e, err := FromTrips(o.burst(&now, 32))
		if err != nil {
			t.Fatal(err)
		}
		if err := track.Add(e); err != nil {
			t.Fatal(err)
		}
		now += 5e9
	}
	if got := track.Rate() * 1e6; got < 48 || got > 52 {
		t.Errorf("rate %.2f ppm", got)
	}
	for at := begin; at < now; at += 1e9 {
		if wrong := (track.Offset(at) - time.Duration(o.at(at)-at)).Abs(); wrong > track.Bound(begin, now) {
			t.Errorf("wrong by %v, the bound is %v", wrong, track.Bound(begin, now))
		}
	}
}

// A clock that changes its pace, or was not looked at for long, is off the line that joins two
// estimates: by no more than the bound.
func TestBoundsOfBentClocks(t *testing.T) {
	const second = int64(time.Second)
	estimate := func(at int64, offset, bound time.Duration) Estimate {
		return Estimate{At: at, Offset: offset, Bound: bound}
	}
	track := func(all ...Estimate) *Track {
		tr := &Track{}
		for _, e := range all {
			if err := tr.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		return tr
	}
	const narrow = 10 * time.Microsecond
	// It stands still for twelve seconds and then runs 100 ppm fast: at 12 s the line from 10 s
	// to 15 s is off by 120 µs.
	bent := track(estimate(0, 0, narrow), estimate(5*second, 0, narrow), estimate(10*second, 0, narrow),
		estimate(15*second, 300*time.Microsecond, narrow), estimate(20*second, 800*time.Microsecond, narrow))
	if wrong := bent.Offset(12 * second); wrong != 120*time.Microsecond || bent.Bound(0, 20*second) < wrong {
		t.Errorf("off by %v, the bound is %v", wrong, bent.Bound(0, 20*second))
	}
	// Before it does so nothing of that is known or counts.
	if got := bent.Bound(0, 4*second); got != narrow {
		t.Errorf("the bound of its first seconds is %v", got)
	}
	straight := track(estimate(0, 0, narrow), estimate(5*second, 250*time.Microsecond, narrow), estimate(10*second, 500*time.Microsecond, narrow))
	for _, c := range []struct {
		what     string
		track    *Track
		from, to int64
		want     time.Duration
	}{
		{"a straight one", straight, 0, 10 * second, narrow},
		{"after the last estimate", straight, 0, 12 * second, narrow + time.Millisecond},
		{"before the first one", straight, -4 * second, 10 * second, narrow + 2*time.Millisecond},
		{"unseen for 20 s", track(estimate(0, 0, narrow), estimate(20*second, 0, narrow)), 0, 20 * second, narrow + 5*time.Millisecond},
		{"unseen for 15 s", track(estimate(0, 0, narrow), estimate(15*second, 0, narrow)), 0, 15 * second, narrow},
		{"nothing", &Track{}, 0, second, 0},
	} {
		if got := c.track.Bound(c.from, c.to); got != c.want {
			t.Errorf("%s: %v, not %v", c.what, got, c.want)
		}
	}
	if got := straight.Until(); got != 10*second {
		t.Errorf("known until %d", got)
	}
}

func TestStepsAreSeen(t *testing.T) {
	o := &other{rand: rand.New(rand.NewPCG(1, 2)), least: 100 * time.Microsecond}
	now := int64(1e9)
	first := o.burst(&now, 16)
	o.offset = 20 * time.Millisecond
	if _, err := FromTrips(append(first, o.burst(&now, 16)...)); !errors.Is(err, ErrStep) {
		t.Errorf("within a burst: %v", err)
	}
	var track Track
	for i, want := range []error{nil, nil, ErrStep, nil} {
		if i == 2 {
			o.offset += 20 * time.Millisecond
		}
		e, err := FromTrips(o.burst(&now, 16))
		if err != nil {
			t.Fatal(err)
		}
		if err := track.Add(e); !errors.Is(err, want) {
			t.Errorf("estimate %d: %v", i, err)
		}
		now += 5e9
	}
	if _, err := FromTrips(nil); err == nil {
		t.Error("an estimate from nothing")
	}
}
