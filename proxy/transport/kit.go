package transport

import (
	"unsafe"

	"bench/internal/loop"
	"bench/proxy/stats"
)

// Kit is what one thread moves bytes with. It belongs to the goroutine of its loop.
type Kit struct {
	Loop  *loop.Loop
	Bufs  BufferPool
	Pipes PipePool

	coded []byte // content that is changed on its way
}

// Init readies the kit. bufSize is the size of ordinary buffers in bytes, pipeSize
// that of pipes, 0 for one of the kit's choice, and quota what all threads of the process
// share.
func (k *Kit) Init(l *loop.Loop, bufSize, pipeSize int, quota *PipeQuota) {
	k.Loop = l
	k.Bufs.init(bufSize)
	k.Pipes.quota, k.Pipes.size = quota, pipeSize
}

// Trim gives back half of what was not needed since the last call.
func (k *Kit) Trim() {
	k.Pipes.trim()
	k.Bufs.trim()
}

// Count is how many objects of a kind exist, and how many of them wait for use.
type Count struct{ Made, Free int }

// Used is the number of objects in use.
func (c *Count) Used() int { return c.Made - c.Free }

// PipeQuota bounds the pipes of a process.
type PipeQuota struct {
	stats.Gauge       // pipes that exist
	Max         int64 // 0: none may
}

// What one object takes of the process's memory, in bytes, besides the data of a buffer.
const (
	BufferSize = unsafe.Sizeof(Buffer{})
	PipeSize   = unsafe.Sizeof(Pipe{})
)
