package draw

import (
	"math"
	"testing"
)

// Frequencies of keys pass a chi-squared test against their law; what is rare is
// taken together.
func TestKeyLaws(t *testing.T) {
	const n = 200_000
	for _, k := range []Keys{
		{Count: 50},
		{Law: KeysZipfian, Count: 50},
		{Law: KeysZipfian, Count: 1000, Skew: 1},
		{Law: KeysZipfian, Count: 100_000, Skew: 1.5},
		{Law: KeysZipfian, Count: 7, Skew: 0.2},
		{Law: KeysZipfian, Count: 1},
	} {
		s := NewKeySpace(&k)
		weight := func(key uint64) float64 {
			if s.zipf == nil {
				return 1
			}
			return math.Pow(float64(key+1), -s.zipf.s)
		}
		sum := 0.0
		for key := range s.count {
			sum += weight(key)
		}
		seen := make([]float64, s.count)
		for seq := range uint64(n) {
			d := New(42, seq)
			seen[s.Pick(seq, &d)]++
		}
		chi, cells, expected, observed := 0.0, 0, 0.0, 0.0
		for key := range s.count {
			expected += weight(key) / sum * n
			observed += seen[key]
			if expected < 20 && key < s.count-1 {
				continue
			}
			chi += (observed - expected) * (observed - expected) / expected
			cells++
			expected, observed = 0, 0
		}
		// One in a thousand honest runs is beyond (Wilson and Hilferty).
		free := float64(cells - 1)
		limit := free * math.Pow(1-2/(9*free)+3.09*math.Sqrt(2/(9*free)), 3)
		if cells > 1 && chi > limit {
			t.Errorf("%+v: chi-squared %.1f of %d cells, at most %.1f", k, chi, cells, limit)
		}
	}
}

func TestSequentialKeys(t *testing.T) {
	s := NewKeySpace(&Keys{Law: KeysSequential, Count: 3})
	var d Draws
	for seq, want := range []uint64{0, 1, 2, 0, 1} {
		if got := s.Pick(uint64(seq), &d); got != want {
			t.Errorf("request %d has key %d, want %d", seq, got, want)
		}
	}
	if got := string(s.Append(nil, 42)); got != "key:000000000042" {
		t.Errorf("key %q", got)
	}
}

func BenchmarkZipfianKeys(b *testing.B) {
	s := NewKeySpace(&Keys{Law: KeysZipfian})
	d := New(1, 1)
	b.ReportAllocs()
	for b.Loop() {
		s.Pick(0, &d)
	}
}
