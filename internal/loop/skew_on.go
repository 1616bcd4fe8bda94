//go:build skewedclock

package loop

import (
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Builds with the tag "skewedclock" are for tests of what becomes of a run on machines whose
// clocks are wrong. The clock of a process, and of all that it starts, is then as the file says
// that the variable names. The file may be changed while they run.
const skewVariable = "BENCH_CLOCK_SKEW"

// skew is the layout of the file: numbers of 64 bits in the order of the machine.
type skew struct {
	ref    int64 // of CLOCK_MONOTONIC, when the clock is ahead by exactly
	ahead  int64 // nanoseconds, and
	rate   int64 // goes on so many nanoseconds a second too fast;
	stepAt int64 // of CLOCK_MONOTONIC: from then on, if it is not 0,
	step   int64 // it is ahead by so much more
}

var wrong = mapSkew()

func mapSkew() *skew {
	name := os.Getenv(skewVariable)
	if name == "" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	size := int(unsafe.Sizeof(skew{}))
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	return (*skew)(unsafe.Pointer(&b[0]))
}

// skewed is what Nanotime makes of the clock.
func skewed(ns int64) int64 {
	if wrong == nil {
		return ns
	}
	now := ns + wrong.ahead + (ns-wrong.ref)/1000*wrong.rate/1_000_000
	if at := atomic.LoadInt64(&wrong.stepAt); at != 0 && ns >= at {
		now += atomic.LoadInt64(&wrong.step)
	}
	return now
}
