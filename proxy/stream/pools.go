package stream

import (
	"unsafe"

	"bench/proxy/transport"
)

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
	t.Loop.Own()
	row := func(name string, size uintptr, c transport.Count) Pool { return Pool{name, int(size), c.Made, c.Free} }
	small, smallSize := t.Bufs.Small()
	large, largeSize := t.Bufs.Large()
	return []Pool{
		row("pipe", transport.PipeSize, t.Pipes.Count),
		row("srvconn", unsafe.Sizeof(serverConn{}), t.srvs.Count),
		row("client", unsafe.Sizeof(client{}), t.clis.Count),
		row("mux", unsafe.Sizeof(mux{}), t.muxes.Count),
		row("lane", unsafe.Sizeof(lane{}), t.lanes.Count),
		row("stream", unsafe.Sizeof(stream{}), t.strs.Count),
		row("exchange", unsafe.Sizeof(exchange{}), t.excs.Count),
		row("message", unsafe.Sizeof(detached{}), t.reqs.Count),
		row("txn", unsafe.Sizeof(transaction{}), t.txns.Count),
		row("buffer", transport.BufferSize+uintptr(smallSize), small),
		row("large_buf", transport.BufferSize+uintptr(largeSize), large),
	}
}

// BuffersInUse is the number of buffers that connections of the thread hold.
func (t *Thread) BuffersInUse() int { return t.Bufs.Used() }

// PipesUsed is the number of the thread's pipes that carry data.
func (t *Thread) PipesUsed() int { return t.Pipes.Used() }

// PipesFree is the number of the thread's pipes that wait for use.
func (t *Thread) PipesFree() int { return t.Pipes.Free }
