package engine

import (
	"testing"
	"time"
)

// A deadline that never comes is none, and one that has passed is due at once.
func TestUntil(t *testing.T) {
	const now = int64(1000 * time.Hour)
	for _, tt := range []struct {
		when int64
		want time.Duration
	}{
		{now + int64(time.Second), time.Second},
		{1 << 62, 0}, // of streams
		{now - 1, 1}, // due
	} {
		if got := until(tt.when, now); got != tt.want {
			t.Errorf("%d: %v, want %v", tt.when, got, tt.want)
		}
	}
}
