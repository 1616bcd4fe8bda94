package worker

import (
	"time"

	"bench/internal/loop"
	"bench/internal/result"
	"bench/internal/thread"
)

// Bounds of a generator that runs before ordinary programs.
const (
	// privilegedShare is what it may use of its processor.
	privilegedShare = 0.25
	// privilegedExcess is how many seconds it may use beyond that.
	privilegedExcess = 0.05
)

// privilege keeps watch over a generator with real-time priority. It may use
// little of its processor only: an origin on the same one would be starved by a
// generator that always goes first, and what it then measures is itself, with
// starts that look exact. So it gives the priority up when it uses more, and is
// late where the processor does not suffice, which shows.
type privilege struct {
	held    bool
	since   bool    // was ever held
	givenUp int64   // when; 0 if it was not
	at      int64   // of the last review
	cpu     float64 // used by then, in seconds
	excess  float64 // used beyond the share, in seconds
}

// begin reads the priority the thread was given.
func (p *privilege) begin() bool {
	p.held = thread.IsRealTime()
	p.since, p.at, p.cpu = p.held, loop.Nanotime(), threadCPU()
	return p.held
}

// review reads what the thread has used since the last time.
func (p *privilege) review(now int64) {
	if !p.held {
		return
	}
	cpu := threadCPU()
	allowed := privilegedShare * time.Duration(now-p.at).Seconds()
	p.excess = max(0, p.excess+cpu-p.cpu-allowed)
	p.at, p.cpu = now, cpu
	if p.excess > privilegedExcess && thread.GiveUpRealTime() == nil {
		p.held, p.givenUp = false, now
	}
}

// account says what became of it; times count from origin.
func (p *privilege) account(origin int64) *result.LoadRealTime {
	if !p.since {
		return nil
	}
	r := &result.LoadRealTime{}
	if p.givenUp != 0 {
		us := (p.givenUp - origin) / 1000
		r.GivenUpUs = &us
	}
	return r
}
