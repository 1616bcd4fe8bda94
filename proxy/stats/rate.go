package stats

import "sync"

// Rate counts events per second over a sliding second: the last whole second
// weighted by what of it is still within reach, plus the current one. Times are
// nanoseconds of one clock. The zero value is ready to use.
type Rate struct {
	second    int64
	cur, prev uint64
	peak      *Peak
	Max       uint64 // highest count of a second that is over, seen by this Rate alone
}

// Peak is the highest whole-second count of all the rates that share it. A rate
// touches it once per second at most.
type Peak struct {
	mu     sync.Mutex
	second int64
	cur    uint64
	top    uint64
}

const nsPerSecond = 1_000_000_000

// Share makes r report its whole seconds to p, so that the highest rate over
// all threads is known and not only the highest of each.
func (r *Rate) Share(p *Peak) { r.peak = p }

// Add notes n events at now.
func (r *Rate) Add(now int64, n uint64) {
	r.at(now / nsPerSecond)
	r.cur += n
}

// at goes on to a second, unless it is at hand, or the event was noted late.
func (r *Rate) at(second int64) {
	if second > r.second {
		r.rotate(second)
	}
}

func (r *Rate) rotate(second int64) {
	r.Max = max(r.Max, r.cur)
	if r.peak != nil && r.cur > 0 {
		r.peak.note(r.second, r.cur)
	}
	r.prev = 0
	if second == r.second+1 {
		r.prev = r.cur
	}
	r.cur, r.second = 0, second
}

// note adds a thread's count of one whole second. Threads that report an older
// second than the newest one reported come too late to be summed: they only
// matter if they alone are a new maximum.
func (p *Peak) note(second int64, n uint64) {
	p.mu.Lock()
	switch {
	case second == p.second:
		p.cur += n
		n = p.cur
	case second > p.second:
		p.second, p.cur = second, n
	}
	p.top = max(p.top, n)
	p.mu.Unlock()
}

func (p *Peak) reset() {
	p.mu.Lock()
	p.top, p.cur = 0, 0
	p.mu.Unlock()
}

func (p *Peak) max() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.top
}

// Read is the number of events in the second before now.
func (r *Rate) Read(now int64) uint64 {
	r.at(now / nsPerSecond)
	left := uint64(nsPerSecond - now%nsPerSecond)
	return r.cur + r.prev*left/nsPerSecond
}

// Peak is the highest count of a whole second, the current one included.
func (r *Rate) Peak() uint64 {
	top := max(r.Max, r.cur)
	if r.peak != nil {
		top = max(top, r.peak.max())
	}
	return top
}

// Sum adds what o counted up to now. It must run where o is owned; r is a sum
// over threads and shares no peak.
func (r *Rate) Sum(o *Rate, now int64) {
	second := now / nsPerSecond
	o.at(second)
	r.at(second)
	r.cur += o.cur
	r.prev += o.prev
	if o.peak != nil {
		r.Max = max(r.Max, o.peak.max(), o.cur)
		return
	}
	// Without a shared peak the threads' seconds cannot be matched any more;
	// the sum is exact for one thread and an upper bound for several.
	r.Max += max(o.Max, o.cur)
}

// ResetMax forgets the highest count ("clear counters").
func (r *Rate) ResetMax() {
	r.Max = r.cur
	if r.peak != nil {
		r.peak.reset()
	}
}

// Reset forgets everything but whom the peak is shared with.
func (r *Rate) Reset() {
	*r = Rate{peak: r.peak}
	r.ResetMax()
}
