package message

// Arena hands out small pieces of memory that live as long as one message, for
// text the proxy adds to it. The zero value is ready to use. Growing leaves the
// pieces already handed out where they are, so they stay valid.
type Arena struct {
	buf []byte
}

// arenaMin is the first chunk's size: enough for a few added fields.
const arenaMin = 512

// reserve makes room for n more bytes without moving what was handed out.
func (a *Arena) reserve(n int) {
	if cap(a.buf)-len(a.buf) >= n {
		return
	}
	a.buf = make([]byte, 0, max(arenaMin, 2*cap(a.buf), n))
}

// Copy stores b and returns the stored copy.
func (a *Arena) Copy(b []byte) []byte {
	a.reserve(len(b))
	start := len(a.buf)
	a.buf = append(a.buf, b...)
	return a.buf[start:len(a.buf):len(a.buf)]
}

// CopyString stores s and returns the stored copy.
func (a *Arena) CopyString(s string) []byte {
	a.reserve(len(s))
	start := len(a.buf)
	a.buf = append(a.buf, s...)
	return a.buf[start:len(a.buf):len(a.buf)]
}

// Alloc returns n bytes to be filled in by the caller; their content is
// whatever the memory held before.
func (a *Arena) Alloc(n int) []byte {
	a.reserve(n)
	start := len(a.buf)
	a.buf = a.buf[:start+n]
	return a.buf[start : start+n : start+n]
}

// Reset forgets everything handed out and keeps the memory for the next message.
func (a *Arena) Reset() { a.buf = a.buf[:0] }

// Release gives the memory back, for connections that go idle for long.
func (a *Arena) Release() { a.buf = nil }
