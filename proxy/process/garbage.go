package process

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// Room for garbage. Go's collector runs when the heap has doubled, so with little on it,
// as before a handful of connections, it runs after every 200 handshakes in TLS, and takes a
// sixth of the processor. Garbage gets this much room at least, which a heap of some
// thousand connections in TLS has anyway.
const (
	garbageRoom = 32 << 20
	leastRoom   = 100 // per cent of what is in use: Go's own value
	mostRoom    = 800
)

// roomFor is the room that garbage gets, in per cent of live, the bytes that are in use.
func roomFor(live uint64) int {
	if live == 0 {
		return mostRoom
	}
	return int(min(max(garbageRoom*100/live, leastRoom), mostRoom))
}

// giveGarbageRoom sets it, and again after each collection, until stop is called. Who has
// set GOGC knows better.
func giveGarbageRoom() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	p := &roomPacer{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}, room: leastRoom}
	p.set()
	p.watch()
	return func() { p.stopped.Store(true) }
}

// roomPacer adapts the room to what was in use at the last collection.
type roomPacer struct {
	live    []metrics.Sample
	room    int
	stopped atomic.Bool
}

// set changes the room where it has changed by much: each change stops all threads for an
// instant.
func (p *roomPacer) set() {
	metrics.Read(p.live)
	room := roomFor(p.live[0].Value.Uint64())
	if off := room - p.room; off*10 > p.room || -off*10 > p.room {
		p.room = room
		debug.SetGCPercent(room)
	}
}

// watch waits for the next collection, which finds an object that nobody has.
func (p *roomPacer) watch() {
	// Larger than what the runtime puts together with other small objects.
	runtime.AddCleanup(&[64]byte{}, func(p *roomPacer) {
		if !p.stopped.Load() {
			p.set()
			p.watch()
		}
	}, p)
}
