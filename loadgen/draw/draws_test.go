package draw

import (
	"testing"
)

// The random text of a request follows from seed and number, and is even.
func TestDrawsAreReproducibleAndEven(t *testing.T) {
	var counts [10]int
	for seq := range uint64(100_000) {
		a, b := New(3, seq), New(3, seq)
		if a.Below(10) != b.Below(10) {
			t.Fatal("the same request drew another number")
		}
		c := New(3, seq)
		counts[c.Below(10)]++
	}
	chi := 0.0
	for _, n := range counts {
		chi += float64(n-10_000) * float64(n-10_000) / 10_000
	}
	if chi > 27.9 { // exceeded once in 1,000 with nine degrees of freedom
		t.Errorf("counts %v, chi squared %.1f", counts, chi)
	}
}
