package stats

import "sync/atomic"

// Pace counts events of all threads and says whether there is room for another within
// a limit per second. Like a Rate it looks at a sliding second. The zero value has no
// limit and counts nothing. All of it may be called from any goroutine.
type Pace struct {
	limit atomic.Int64
	// state is the second at hand (16 bits), the events in it and those in the one
	// before (24 bits each).
	state atomic.Uint64
}

const (
	paceBits = 24
	paceMost = 1<<paceBits - 1
)

// SetLimit sets the limit per second; 0: none.
func (p *Pace) SetLimit(n int) { p.limit.Store(int64(n)) }

// Limit is the limit per second, 0 if there is none.
func (p *Pace) Limit() int { return int(p.limit.Load()) }

// at is what was counted by the second of now.
func (p *Pace) at(state uint64, now int64) (second uint16, cur, prev uint64) {
	second = uint16(now / nsPerSecond)
	cur, prev = state>>paceBits&paceMost, state&paceMost
	switch second - uint16(state>>(2*paceBits)) {
	case 0:
	case 1:
		cur, prev = 0, cur
	default:
		cur, prev = 0, 0
	}
	return second, cur, prev
}

// Wait is how many nanoseconds there is no room at least; 0: there is some.
func (p *Pace) Wait(now int64) int64 {
	limit := p.limit.Load()
	if limit <= 0 {
		return 0
	}
	_, cur, prev := p.at(p.state.Load(), now)
	left := uint64(nsPerSecond - now%nsPerSecond)
	if cur+prev*left/nsPerSecond < uint64(limit) {
		return 0
	}
	// The next one is due when an event more lies further back than a second. The
	// wait must not be so short that it is all the thread does.
	const shortest = 1_000_000
	return max(nsPerSecond/limit, shortest)
}

// Read is the number of events in the second before now.
func (p *Pace) Read(now int64) int64 {
	_, cur, prev := p.at(p.state.Load(), now)
	return int64(cur + prev*uint64(nsPerSecond-now%nsPerSecond)/nsPerSecond)
}

// Count notes an event, if there is a limit.
func (p *Pace) Count(now int64) {
	if p.limit.Load() > 0 {
		p.Note(now)
	}
}

// Note notes an event.
func (p *Pace) Note(now int64) { p.note(now, 1) }

// CountMany notes n events at once, if there is a limit.
func (p *Pace) CountMany(now int64, n uint64) {
	if p.limit.Load() > 0 {
		p.note(now, n)
	}
}

func (p *Pace) note(now int64, n uint64) {
	for {
		old := p.state.Load()
		second, cur, prev := p.at(old, now)
		next := uint64(second)<<(2*paceBits) | min(cur+n, paceMost)<<paceBits | prev
		if p.state.CompareAndSwap(old, next) {
			return
		}
	}
}
