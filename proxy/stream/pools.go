package stream

import "unsafe"

// count tells how many objects of a kind a thread has, and how many of them wait
// for use.
type count struct{ made, free int }

func (c *count) used() int { return c.made - c.free }

// Pool describes one kind of object that a thread keeps for use again.
type Pool struct {
	Name string
	Size int // bytes of one object; of a pipe, what the process holds for it
	Made int // objects that exist
	Free int // of these, those that wait for use
}

// Pools describes all that the thread allocates for connections and data. What is
// in use and what waits is the thread's own; there is no memory for them elsewhere.
func (t *Thread) Pools() []Pool {
	row := func(name string, size uintptr, c count) Pool { return Pool{name, int(size), c.made, c.free} }
	const header = unsafe.Sizeof(buffer{})
	return []Pool{
		row("pipe", unsafe.Sizeof(pipe{}), t.pipes.count),
		row("srvconn", unsafe.Sizeof(serverConn{}), t.srvs.count),
		row("client", unsafe.Sizeof(client{}), t.clis.count),
		row("stream", unsafe.Sizeof(stream{}), t.strs.count),
		row("exchange", unsafe.Sizeof(exchange{}), t.excs.count),
		row("message", unsafe.Sizeof(detached{}), t.reqs.count),
		row("txn", unsafe.Sizeof(transaction{}), t.txns.count),
		row("buffer", header+uintptr(t.bufs.small.size), t.bufs.small.count),
		row("large_buf", header+uintptr(t.bufs.large.size), t.bufs.large.count),
	}
}

// BuffersInUse is the number of buffers that connections of the thread hold.
func (t *Thread) BuffersInUse() int { return t.bufs.used() }

// PipesUsed is the number of the thread's pipes that carry data.
func (t *Thread) PipesUsed() int { return t.pipes.used() }

// PipesFree is the number of the thread's pipes that wait for use.
func (t *Thread) PipesFree() int { return t.pipes.count.free }
