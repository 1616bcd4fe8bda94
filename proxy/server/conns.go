package server

import "sync/atomic"

// Conns counts the connections to a server, in all threads, and estimates how many
// of them are needed at a time: what idles beyond that is not worth keeping.
type Conns struct{ used, idle, need atomic.Int64 }

// Used is the number of connections that serve a stream or belong to a client.
func (c *Conns) Used() int64 { return c.used.Load() }

// Idle is the number of connections in pools.
func (c *Conns) Idle() int64 { return c.idle.Load() }

// Need is the number of connections in use at a time of late: the highest one,
// which fades.
func (c *Conns) Need() int64 { return max(c.need.Load(), c.used.Load()) }

// Open notes a new connection, which is in use.
func (c *Conns) Open() { c.note(c.used.Add(1)) }

// Close notes the end of a connection, which was idle or in use.
func (c *Conns) Close(idle bool) {
	if idle {
		c.idle.Add(-1)
	} else {
		c.used.Add(-1)
	}
}

// Take notes that an idle connection is in use again.
func (c *Conns) Take() {
	c.idle.Add(-1)
	c.note(c.used.Add(1))
}

// Leave notes that a connection in use is idle now.
func (c *Conns) Leave() {
	c.used.Add(-1)
	c.idle.Add(1)
}

// Surplus is how many connections there are beyond the need.
func (c *Conns) Surplus() int64 { return c.used.Load() + c.idle.Load() - c.Need() }

// Fade lets the need go down by a quarter of its distance to the connections in
// use. It is called every second.
func (c *Conns) Fade() {
	need, used := c.need.Load(), c.used.Load()
	if need > used {
		// A peak noted meanwhile stays.
		c.need.CompareAndSwap(need, need-(need-used+3)/4)
	}
}

func (c *Conns) note(used int64) {
	for need := c.need.Load(); used > need && !c.need.CompareAndSwap(need, used); {
		need = c.need.Load()
	}
}
