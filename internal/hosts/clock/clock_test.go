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
	if moved := track.Moved(begin, now); moved < 2500*time.Microsecond || moved > 4*time.Millisecond {
		t.Errorf("moved by %v in a minute", moved)
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
