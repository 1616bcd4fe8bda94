package stream

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

// bufferPool keeps free buffers of two sizes: tune.bufsize and largeBuffer.
type bufferPool struct {
	size         int
	small, large *buffer
	freeSmall    int
	freeLarge    int
	used         int
}

// get returns an empty buffer that holds at least n bytes, n being at most
// largeBuffer or the configured size.
func (p *bufferPool) get(n int) *buffer {
	p.used++
	list, size, free := &p.small, p.size, &p.freeSmall
	if n > p.size {
		list, size, free = &p.large, max(largeBuffer, p.size), &p.freeLarge
	}
	b := *list
	if b == nil {
		return &buffer{b: make([]byte, size)}
	}
	*list, b.next = b.next, nil
	*free--
	b.r, b.w = 0, 0
	return b
}

// maxFree bounds the free buffers kept of each size: what a burst needed is
// given back to the runtime.
const maxFree = 256

func (p *bufferPool) put(b *buffer) {
	p.used--
	list, free := &p.small, &p.freeSmall
	if len(b.b) != p.size {
		list, free = &p.large, &p.freeLarge
	}
	if *free >= maxFree {
		return
	}
	*free++
	b.next, *list = *list, b
}
