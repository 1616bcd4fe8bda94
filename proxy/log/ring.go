package log

import (
	"encoding/binary"
	"sync"

	"bench/proxy/spec"
)

// Ring keeps the last lines in memory: new ones overwrite the oldest. All threads write
// to it and any goroutine may read; the time it is held is that of copying a line.
type Ring struct {
	spec   *spec.Ring
	header header

	mu   sync.Mutex
	buf  []byte
	head uint64 // where the next line goes, counted from the beginning of all
	tail uint64 // the oldest line that is there
	// more is closed, and made anew, when a line comes that somebody waits for.
	more    chan struct{}
	waiting bool
}

// lengthSize is that of the length before each line.
const lengthSize = 4

// NewRing makes an empty ring.
func NewRing(s *spec.Ring) *Ring {
	return &Ring{spec: s, header: headers[s.Format], buf: make([]byte, s.Size), more: make(chan struct{})}
}

// Spec is what the ring was made of.
func (r *Ring) Spec() *spec.Ring { return r.spec }

// put adds a line, which is dropped if it is longer than the ring.
func (r *Ring) put(pieces [][]byte) bool {
	n := 0
	for _, p := range pieces {
		n += len(p)
	}
	size := uint64(len(r.buf))
	need := uint64(lengthSize + n)
	if need > size {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.head+need-r.tail > size {
		r.tail += lengthSize + uint64(r.length(r.tail))
	}
	var length [lengthSize]byte
	binary.BigEndian.PutUint32(length[:], uint32(n))
	r.write(length[:])
	for _, p := range pieces {
		r.write(p)
	}
	if r.waiting {
		r.waiting = false
		close(r.more)
		r.more = make(chan struct{})
	}
	return true
}

func (r *Ring) write(p []byte) {
	for len(p) > 0 {
		n := copy(r.buf[r.head%uint64(len(r.buf)):], p)
		r.head += uint64(n)
		p = p[n:]
	}
}

func (r *Ring) read(p []byte, at uint64) {
	for len(p) > 0 {
		n := copy(p, r.buf[at%uint64(len(r.buf)):])
		at += uint64(n)
		p = p[n:]
	}
}

func (r *Ring) length(at uint64) uint32 {
	var b [lengthSize]byte
	r.read(b[:], at)
	return binary.BigEndian.Uint32(b[:])
}

// Cursor is a place in a ring to read from. The zero value is the oldest line.
type Cursor struct{ at uint64 }

// End is behind the last line.
func (r *Ring) End() Cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Cursor{r.head}
}

// Next appends the next line to dst and moves the cursor behind it. It reports false if
// there is none yet; then it returns a channel that is closed when there is one. Lines
// that were overwritten before they were read are passed over.
func (r *Ring) Next(c *Cursor, dst []byte) (line []byte, ok bool, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.at = max(c.at, r.tail)
	if c.at == r.head {
		r.waiting = true
		return dst, false, r.more
	}
	n := int(r.length(c.at))
	from := len(dst)
	dst = append(dst, make([]byte, n)...)
	r.read(dst[from:], c.at+lengthSize)
	c.at += uint64(lengthSize + n)
	return dst, true, nil
}
