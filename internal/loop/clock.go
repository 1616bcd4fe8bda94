package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
)

// origin ties the runtime's monotonic reading to CLOCK_MONOTONIC, so that
// Nanotime is comparable between processes of one host and needs no system call.
var origin = newOrigin()

type clockOrigin struct {
	at time.Time
	ns int64
}

func newOrigin() clockOrigin {
	// The tightest of a few pairs bounds the error to well under a microsecond.
	best := clockOrigin{}
	gap := time.Hour
	for range 16 {
		var ts unix.Timespec
		a := time.Now()
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
		if d := time.Since(a); d < gap {
			gap, best = d, clockOrigin{at: a, ns: ts.Nano() - int64(d)/2}
		}
	}
	return best
}

// Nanotime reads CLOCK_MONOTONIC in nanoseconds, or what stands in for it.
func Nanotime() int64 {
	if k := sock.Instead(); k != nil {
		return k.Now()
	}
	return skewed(origin.ns + int64(time.Since(origin.at)))
}

// Walltime is the date. Where something stands in for the clock, its time counts from 1970.
func Walltime() time.Time {
	if k := sock.Instead(); k != nil {
		return time.Unix(0, k.Now())
	}
	return time.Now()
}
