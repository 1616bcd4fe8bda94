package server

import (
	"sync/atomic"
	"time"
)

// Conns counts the connections to a server, in all threads, and estimates how many
// of them are needed at a time: what idles beyond that is not worth keeping.
type Conns struct {
	// both are how many are in use, in the upper half, and how many are idle: a
	// connection that goes from one to the other is counted by one addition.
	both atomic.Int64
	need atomic.Int64
	top  atomic.Int64

	forgot int64 // when top was forgotten; of who calls ForgetTop
}

const (
	oneUsed = int64(1) << 32
	oneIdle = int64(1)
)

func split(both int64) (used, idle int64) { return both >> 32, int64(uint32(both)) }

// Used is the number of connections that serve a stream or belong to a client.
func (c *Conns) Used() int64 {
	used, _ := split(c.both.Load())
	return used
}

// Idle is the number of connections in pools.
func (c *Conns) Idle() int64 {
	_, idle := split(c.both.Load())
	return idle
}

// Need is the number of connections in use at a time of late: the highest one,
// which fades.
func (c *Conns) Need() int64 { return max(c.need.Load(), c.Used()) }

// Top is the highest number of connections in use at a time since ForgetTop has forgotten it.
func (c *Conns) Top() int64 { return c.top.Load() }

// ForgetTop forgets the highest number that there has been, once in a time.
func (c *Conns) ForgetTop(now int64, every time.Duration) {
	if now-c.forgot >= int64(every) {
		c.forgot = now
		c.top.Store(c.Used())
	}
}

// Open notes a new connection, which is in use.
func (c *Conns) Open() { c.note(c.both.Add(oneUsed)) }

// Close notes the end of a connection, which was idle or in use.
func (c *Conns) Close(idle bool) {
	if idle {
		c.both.Add(-oneIdle)
	} else {
		c.both.Add(-oneUsed)
	}
}

// Take notes that an idle connection is in use again.
func (c *Conns) Take() { c.note(c.both.Add(oneUsed - oneIdle)) }

// Leave notes that a connection in use is idle now.
func (c *Conns) Leave() { c.both.Add(oneIdle - oneUsed) }

// Surplus is how many connections there are beyond the need.
func (c *Conns) Surplus() int64 {
	used, idle := split(c.both.Load())
	return used + idle - max(c.need.Load(), used)
}

// Fade lets the need go down by a quarter of its distance to the connections in
// use. It is called every second.
func (c *Conns) Fade() {
	need, used := c.need.Load(), c.Used()
	if need > used {
		// A peak noted meanwhile stays.
		c.need.CompareAndSwap(need, need-(need-used+3)/4)
	}
}

func (c *Conns) note(both int64) {
	used, _ := split(both)
	raise(&c.need, used)
	raise(&c.top, used)
}

// raise makes a highest value of v, unless it is greater.
func raise(highest *atomic.Int64, v int64) {
	for h := highest.Load(); v > h && !highest.CompareAndSwap(h, v); {
		h = highest.Load()
	}
}
