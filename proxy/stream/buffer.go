package stream

import "bench/internal/poison"

// largeBuffer is the size of the buffers that take what a stalled peer left of
// one full read.
const largeBuffer = 64 << 10

// buffer is a piece of memory from the thread's pool with the unsent or
// unparsed part between r and w.
type buffer struct {
	b    []byte
	r, w int
	next *buffer
}

func (b *buffer) data() []byte { return b.b[b.r:b.w] }
func (b *buffer) room() []byte { return b.b[b.w:] }
func (b *buffer) empty() bool  { return b.r == b.w }

// compact moves the data to the front.
func (b *buffer) compact() {
	if b.r > 0 {
		b.w = copy(b.b, b.b[b.r:b.w])
		b.r = 0
	}
}

// bufferPool keeps free buffers of two sizes, tune.bufsize and largeBuffer. What
// does not fit into either is made for its occasion and not kept.
type bufferPool struct {
	small, large bufferList
	odd          count // no free ones
}

// bufferList is the buffers of one size.
type bufferList struct {
	count
	size int
	list *buffer
	// least is the lowest number of free buffers since the last trim: so many
	// were not needed.
	least int
}

func (p *bufferPool) init(size int) {
	p.small.size, p.large.size = size, max(largeBuffer, size)
}

// get returns an empty buffer that holds at least n bytes.
func (p *bufferPool) get(n int) *buffer {
	switch {
	case n <= p.small.size:
		return p.small.get()
	case n <= p.large.size:
		return p.large.get()
	}
	p.odd.made++
	return &buffer{b: make([]byte, n)}
}

// put takes a buffer back.
func (p *bufferPool) put(b *buffer) {
	poison.Fill(b.b)
	switch len(b.b) {
	case p.small.size:
		p.small.put(b)
	case p.large.size:
		p.large.put(b)
	default:
		p.odd.made--
	}
}

// used is the number of buffers that hold something.
func (p *bufferPool) used() int { return p.small.used() + p.large.used() + p.odd.used() }

// trim gives half of the buffers that were not needed since the last call back to
// the runtime, but for a few.
func (p *bufferPool) trim() {
	p.small.trim()
	p.large.trim()
}

func (l *bufferList) get() *buffer {
	b := l.list
	if b == nil {
		l.made++
		return &buffer{b: make([]byte, l.size)}
	}
	l.list, b.next = b.next, nil
	l.free--
	l.least = min(l.least, l.free)
	b.r, b.w = 0, 0
	return b
}

func (l *bufferList) put(b *buffer) {
	l.free++
	b.next, l.list = l.list, b
}

// keptBuffers is the number of free buffers of each size that are never given
// back: small ups and downs of the traffic shall not make garbage.
const keptBuffers = 16

func (l *bufferList) trim() {
	for n := (l.least - keptBuffers + 1) / 2; n > 0; n-- {
		l.list = l.list.next
		l.free--
		l.made--
	}
	l.least = l.free
}
