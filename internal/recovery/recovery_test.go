package recovery

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"bench/internal/hdr"
	"bench/internal/result"
)

func TestWell(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Stretch
		want bool
	}{
		{"nothing was due", Stretch{}, true},
		{"all ended well", Stretch{Offered: 5, Good: 5}, true},
		{"one failed", Stretch{Offered: 5, Good: 4, Failed: 1}, false},
		{"slow", Stretch{Offered: 5, Good: 5, Slow: true}, false},
		{"none has ended", Stretch{Offered: 5}, false},
	} {
		if got := c.s.Well(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestSlow(t *testing.T) {
	for _, c := range []struct{ base, limit, want float64 }{
		{1000, 0, 2000}, {1000, 1500, 2000}, {1000, 5000, 5000}, {0, 300, 300}, {0, 0, math.Inf(1)},
	} {
		if got := Slow(c.base, c.limit); got != c.want {
			t.Errorf("base line %g, limit %g: %g, want %g", c.base, c.limit, got, c.want)
		}
	}
	if BaseP99(700, 999) != 0 || BaseP99(700, 1000) != 700 {
		t.Error("a base line takes 1,000 samples")
	}
}

func TestFirstEvent(t *testing.T) {
	events := []result.Event{
		{Class: "seen", Applied: true, BeginUs: 1},
		{Class: "fault", BeginUs: 2},
		{Class: "fault", Applied: true, BeginUs: 9},
		{Class: "change", Applied: true, BeginUs: 7},
	}
	if us, ok := FirstEvent(events); us != 7 || !ok {
		t.Errorf("%d, %v", us, ok)
	}
	if _, ok := FirstEvent(events[:2]); ok {
		t.Error("an event that was seen, or not carried out, is one")
	}
}

// To count those that are slow is to compare the p99.
func TestTooManyIsASlowP99(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Uint32Range(1, 50), 1, 400).Draw(t, "values")
		limit := rapid.Uint32Range(1, 50).Draw(t, "limit")
		slices.Sort(values)
		var d hdr.Dist
		slow := uint64(0)
		for _, v := range values {
			d = append(d, hdr.Point{Value: v, Count: 1})
			if v > limit {
				slow++
			}
		}
		if got, want := TooMany(slow, uint64(len(values))), hdr.Merge(d).Quantile(0.99) > float64(limit); got != want {
			t.Fatalf("%d of %d above %d: %v, by the p99 %v", slow, len(values), limit, got, want)
		}
	})
}
