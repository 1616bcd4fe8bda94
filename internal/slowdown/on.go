//go:build slowdown

package slowdown

import (
	"time"

	"golang.org/x/sys/unix"
)

// perRequest is the processor time of a request, as the linker sets it.
var perRequest = "50us"

var spin = length()

func length() time.Duration {
	d, err := time.ParseDuration(perRequest)
	if err != nil {
		panic("bench/internal/slowdown.perRequest: " + err.Error())
	}
	return d
}

// Request spends the processor time. It goes by the clock of the thread, which stands
// still while the thread is kept from running.
func Request() {
	for end := now() + spin; now() < end; {
	}
}

func now() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // the thread's own clock is always there
	return time.Duration(t.Nano())
}
