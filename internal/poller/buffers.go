package poller

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a poller that receives ahead keeps for it, in all and for one descriptor. A
// message that fits one buffer costs one completion; a descriptor that has filled
// more than receiveAhead is bulk, for which larger reads are better.
const (
	bufferSize   = 4 << 10
	bufferCount  = 1024 // a power of two
	receiveAhead = 16 << 10
)

const (
	registerBufferRing = 22
	noBuffer           = ^uint16(0)
)

// bufferRing is a set of buffers from which the kernel takes one for each piece it
// receives. Those that are taken are kept in queues, one for a descriptor.
type bufferRing struct {
	memory []byte
	ring   []byte
	tail   uint16
	held   []heldBuffer // by number
}

// heldBuffer is a piece of what was received: its rest, and the piece behind it.
type heldBuffer struct{ off, end, next uint16 }

// bufferQueue is what was received for one descriptor.
type bufferQueue struct {
	first, last uint16
	bytes       int32
}

// bufferEntry is struct io_uring_buf.
type bufferEntry struct {
	addr uint64
	len  uint32
	bid  uint16
	_    uint16 // of the first entry: the tail of the ring
}

const tailOffset = 14

// bufferRegistration is struct io_uring_buf_reg.
type bufferRegistration struct {
	ringAddr    uint64
	ringEntries uint32
	group       uint16
	flags       uint16
	_           [3]uint64
}

// newBufferRing registers buffers with a ring, as its group 0 (Linux 5.19).
func newBufferRing(r *ring, count int) (*bufferRing, error) {
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
	b := &bufferRing{held: make([]heldBuffer, count)}
	var err error
	if b.ring, err = unix.Mmap(-1, 0, count*int(unsafe.Sizeof(bufferEntry{})), prot, flags); err != nil {
		return nil, fmt.Errorf("mapping the ring of buffers: %w", err)
	}
	if b.memory, err = unix.Mmap(-1, 0, count*bufferSize, prot, flags); err != nil {
		b.close()
		return nil, fmt.Errorf("mapping the buffers: %w", err)
	}
	reg := bufferRegistration{ringAddr: uint64(uintptr(unsafe.Pointer(&b.ring[0]))), ringEntries: uint32(count)}
	if _, errno := r.register(registerBufferRing, unsafe.Pointer(&reg), 1); errno != 0 {
		b.close()
		return nil, fmt.Errorf("registering buffers: %w", errno)
	}
	for bid := range count {
		b.recycle(uint16(bid))
	}
	return b, nil
}

// recycle gives a buffer back to the kernel.
func (b *bufferRing) recycle(bid uint16) {
	slot := int(b.tail) & (len(b.held) - 1)
	e := (*bufferEntry)(unsafe.Pointer(&b.ring[slot*int(unsafe.Sizeof(bufferEntry{}))]))
	e.addr = uint64(uintptr(unsafe.Pointer(&b.memory[int(bid)*bufferSize])))
	e.len, e.bid = bufferSize, bid
	b.tail++
	// The kernel reads the tail from the end of the first entry. There is no atomic
	// store of 16 bits: that of the 32 bits around it, whose lower half is the number
	// in the first entry, is one.
	first := (*bufferEntry)(unsafe.Pointer(&b.ring[0]))
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&b.ring[tailOffset-2])), uint32(first.bid)|uint32(b.tail)<<16)
}

// add queues what the kernel has put into a buffer.
func (b *bufferRing) add(q *bufferQueue, bid uint16, n int) {
	b.held[bid] = heldBuffer{end: uint16(n), next: noBuffer}
	if q.bytes == 0 {
		q.first = bid
	} else {
		b.held[q.last].next = bid
	}
	q.last = bid
	q.bytes += int32(n)
}

// take moves as much as fits from the queue to p.
func (b *bufferRing) take(q *bufferQueue, p []byte) (n int) {
	for n < len(p) && q.bytes > 0 {
		bid := q.first
		h := &b.held[bid]
		start := int(bid) * bufferSize
		c := copy(p[n:], b.memory[start+int(h.off):start+int(h.end)])
		n += c
		q.bytes -= int32(c)
		if h.off += uint16(c); h.off == h.end {
			q.first = h.next
			b.recycle(bid)
		}
	}
	return n
}

// peek copies from the head of the queue without taking it.
func (b *bufferRing) peek(q *bufferQueue, p []byte) (n int) {
	bid := q.first
	for left := int(q.bytes); n < len(p) && left > 0; bid = b.held[bid].next {
		h, start := &b.held[bid], int(bid)*bufferSize
		n += copy(p[n:], b.memory[start+int(h.off):start+int(h.end)])
		left -= int(h.end - h.off)
	}
	return n
}

// drop empties the queue.
func (b *bufferRing) drop(q *bufferQueue) {
	for q.bytes > 0 {
		h := &b.held[q.first]
		q.bytes -= int32(h.end - h.off)
		next := h.next
		b.recycle(q.first)
		q.first = next
	}
}

func (b *bufferRing) close() {
	if b.ring != nil {
		_ = unix.Munmap(b.ring)
	}
	if b.memory != nil {
		_ = unix.Munmap(b.memory)
	}
}
