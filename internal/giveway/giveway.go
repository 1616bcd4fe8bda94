// Package giveway bounds how long work that is in no hurry runs at a stretch. A listing of
// ten thousand servers computes for tens of milliseconds; on a busy machine the threads
// that move requests would wait for a processor behind it. It therefore works for a moment
// and rests for a longer one, in turns, so that whoever wakes up finds a processor.
package giveway

import "time"

const (
	// slice is how long the work goes on at a stretch.
	slice = 100 * time.Microsecond
	// rest is how long it pauses then: work that takes no longer than a slice never does.
	rest = 400 * time.Microsecond
)

// Pacer belongs to one goroutine. The zero value begins with a whole slice.
type Pacer struct{ begun time.Time }

// Step is called often, between two pieces of work that are as small as can be. It pauses
// when the time at a stretch is used up.
func (p *Pacer) Step() {
	switch now := time.Now(); {
	case p.begun.IsZero():
		p.begun = now
	case now.Sub(p.begun) >= slice:
		time.Sleep(rest)
		p.begun = time.Now()
	}
}

// Restart begins a new slice: the goroutine has waited for something else.
func (p *Pacer) Restart() { p.begun = time.Now() }
