package transport

import "bench/internal/poison"

// largeBuffer is the size of the buffers that take what a stalled peer left of
// one full read.
const largeBuffer = 64 << 10

// Buffer is a piece of memory from a BufferPool with the unsent or unparsed part
// between R and W.
type Buffer struct {
	B    []byte
	R, W int
	next *Buffer
}

// Data is the part that waits.
func (b *Buffer) Data() []byte { return b.B[b.R:b.W] }

// Room is what lies behind it.
func (b *Buffer) Room() []byte { return b.B[b.W:] }

// Empty tells whether nothing waits.
func (b *Buffer) Empty() bool { return b.R == b.W }

// Compact moves the data to the front.
func (b *Buffer) Compact() {
	if b.R > 0 {
		b.W = copy(b.B, b.B[b.R:b.W])
		b.R = 0
	}
}

// BufferPool keeps free buffers of two sizes, tune.bufsize and largeBuffer. What
// does not fit into either is made for its occasion and not kept.
type BufferPool struct {
	small, large bufferList
	odd          Count // no free ones
}

// bufferList is the buffers of one size.
type bufferList struct {
	Count
	size int
	list *Buffer
	// least is the lowest number of free buffers since the last trim: so many
	// were not needed.
	least int
}

func (p *BufferPool) init(size int) {
	p.small.size, p.large.size = size, max(largeBuffer, size)
}

// Get returns an empty buffer that holds at least n bytes.
func (p *BufferPool) Get(n int) *Buffer {
	switch {
	case n <= p.small.size:
		return p.small.get()
	case n <= p.large.size:
		return p.large.get()
	}
	p.odd.Made++
	return &Buffer{B: make([]byte, n)}
}

// Put takes a buffer back.
func (p *BufferPool) Put(b *Buffer) {
	poison.Fill(b.B)
	switch len(b.B) {
	case p.small.size:
		p.small.put(b)
	case p.large.size:
		p.large.put(b)
	default:
		p.odd.Made--
	}
}

// Append puts data behind what lies in b, nil for nothing, and returns the buffer that
// it is in now.
func (p *BufferPool) Append(b *Buffer, data []byte) *Buffer {
	if len(data) == 0 {
		return b
	}
	if b == nil {
		b = p.Get(len(data))
	} else if len(data) > len(b.Room()) {
		b.Compact()
		if len(data) > len(b.Room()) {
			n := b.W + len(data)
			if n > p.large.size {
				n = max(n, 2*len(b.B)) // a few bytes at a time are not to copy all there is each time
			}
			bigger := p.Get(n)
			bigger.W = copy(bigger.B, b.Data())
			p.Put(b)
			b = bigger
		}
	}
	b.W += copy(b.Room(), data)
	return b
}

// Used is the number of buffers that hold something.
func (p *BufferPool) Used() int { return p.small.Used() + p.large.Used() + p.odd.Used() }

// Small and Large are the numbers and the size in bytes of the buffers of either size.
func (p *BufferPool) Small() (Count, int) { return p.small.Count, p.small.size }

// Large is Small for the large ones.
func (p *BufferPool) Large() (Count, int) { return p.large.Count, p.large.size }

// trim gives half of the buffers that were not needed since the last call back to
// the runtime, but for a few.
func (p *BufferPool) trim() {
	p.small.trim()
	p.large.trim()
}

func (l *bufferList) get() *Buffer {
	b := l.list
	if b == nil {
		l.Made++
		return &Buffer{B: make([]byte, l.size)}
	}
	l.list, b.next = b.next, nil
	l.Free--
	l.least = min(l.least, l.Free)
	b.R, b.W = 0, 0
	return b
}

func (l *bufferList) put(b *Buffer) {
	l.Free++
	b.next, l.list = l.list, b
}

// keptBuffers is the number of free buffers of each size that are never given
// back, so that small ups and downs of the traffic make no garbage.
const keptBuffers = 16

func (l *bufferList) trim() {
	for n := (l.least - keptBuffers + 1) / 2; n > 0; n-- {
		l.list = l.list.next
		l.Free--
		l.Made--
	}
	l.least = l.Free
}
