package h1

// ChunkMode says what a Chunked walker leaves in the buffer.
type ChunkMode uint8

const (
	// ChunkKeep keeps the framing: chunk sizes as they came, extensions dropped,
	// trailer fields checked.
	ChunkKeep ChunkMode = iota
	// ChunkStrip leaves the content alone, for peers that know no chunks.
	// Trailer fields are checked and left out; Trailer has them.
	ChunkStrip
)

// Chunked walks over a chunked body (RFC 9112 §7.1) that arrives in pieces of any
// size. The zero value is a body about to start in mode ChunkKeep; Start prepares
// for the next one.
//
// What may be forwarded never takes more room than what came in and is moved to
// the front of the same buffer. Only trailer fields are set aside, until they are
// complete: see Tail.
type Chunked struct {
	state      chunkState
	strip      bool
	digits     uint8  // of the size line under way
	ext        int    // bytes of its extensions
	size       uint64 // being read, then what is left of the chunk
	payload    uint64
	maxTrailer int
	trailer    []byte // complete lines to forward, then the line under way
	line       int    // start of the line under way
}

type chunkState uint8

const (
	chunkSize    chunkState = iota // before or among the digits
	chunkBlank                     // blanks after the digits: an extension must follow
	chunkExt                       // in the extensions
	chunkSizeLF                    // LF of the size line
	chunkData                      // in the content
	chunkDataCR                    // CR after the content
	chunkDataLF                    // LF after the content
	chunkLast                      // start of the line after the last chunk
	chunkLastLF                    // LF that ends a body without trailer fields
	chunkTrailer                   // in the trailer section
	chunkDone                      // body complete
)

const (
	maxChunkDigits    = 16
	maxChunk          = 1<<52 - 1 // what other implementations can count exactly
	maxChunkExtension = 4096
	defaultMaxTrailer = 16384 - 1024
)

// Start prepares for a body. maxTrailer is the largest trailer section in bytes,
// 0 for the default.
func (c *Chunked) Start(mode ChunkMode, maxTrailer int) {
	*c = Chunked{strip: mode == ChunkStrip, maxTrailer: maxTrailer, trailer: c.trailer[:0]}
}

// Strip leaves the framing out from here on.
func (c *Chunked) Strip() { c.strip = true }

// Done reports whether the whole body has been consumed.
func (c *Chunked) Done() bool { return c.state == chunkDone }

// Payload is the number of content bytes consumed so far.
func (c *Chunked) Payload() uint64 { return c.payload }

// InChunk is how much of the current chunk's content is still to come. That many
// bytes may bypass the walker (by splicing, say) if Skip is told.
func (c *Chunked) InChunk() uint64 {
	if c.state != chunkData {
		return 0
	}
	return c.size
}

// Skip notes that n bytes of content, at most InChunk, bypassed the walker.
func (c *Chunked) Skip(n uint64) {
	c.payload += n
	if c.size -= n; c.size == 0 {
		c.state = chunkDataCR
	}
}

// Tail is what must be sent after the bytes Walk has left in the buffer once Done:
// the trailer section with the empty line after it. It is empty when that went
// through in place, and in mode ChunkStrip.
func (c *Chunked) Tail() []byte {
	if c.state != chunkDone || c.strip {
		return nil
	}
	return c.trailer
}

// End ends a body that the walker does not walk over, as another protocol frames it: lines
// is its trailer section in canonical form, which is copied.
func (c *Chunked) End(lines []byte) {
	c.state = chunkDone
	c.trailer = append(c.trailer[:0], lines...)
	if len(lines) > 0 {
		c.trailer = append(c.trailer, ChunkEnd...)
	}
}

// Trailer is the trailer section once Done, in either mode: lines in canonical form,
// without the empty one after them.
func (c *Chunked) Trailer() []byte {
	if c.state != chunkDone || len(c.trailer) == 0 {
		return nil
	}
	return c.trailer[:len(c.trailer)-len(ChunkEnd)]
}

// Walk consumes buf up to the end of the body: used tells how much of it was. What
// is to be forwarded is then buf[:out]. Bytes from used on are not touched: they
// belong to the next message. When the body is malformed, the bytes of buf[:out]
// are still good to forward, and used is the offset of the offending byte; the
// message must then be cut short.
func (c *Chunked) Walk(buf []byte) (used, out int, err *Error) {
	r, w := 0, 0
	for r < len(buf) && c.state != chunkDone {
		if c.state == chunkData {
			n := len(buf) - r
			if uint64(n) > c.size {
				n = int(c.size)
			}
			if r != w {
				copy(buf[w:], buf[r:r+n])
			}
			r += n
			w += n
			c.Skip(uint64(n))
			continue
		}
		if c.state == chunkTrailer {
			n, err := c.trailerBytes(buf[r:])
			r += n
			if err != nil {
				return r, w, err
			}
			continue
		}
		b := buf[r]
		keep, err := c.step(b)
		if err != nil {
			return r, w, err
		}
		if c.state == chunkTrailer {
			continue // b starts the first trailer line
		}
		r++
		if keep && !c.strip {
			buf[w] = b
			w++
		}
	}
	return r, w, nil
}

// Pass consumes the framing at the start of buf, up to content (InChunk, Skip) or the end of
// the body, and leaves buf as it is. used is how much that was.
func (c *Chunked) Pass(buf []byte) (used int, err *Error) {
	for used < len(buf) && c.state != chunkData && c.state != chunkDone {
		if c.state == chunkTrailer {
			n, err := c.trailerBytes(buf[used:])
			used += n
			if err != nil {
				return used, err
			}
			continue
		}
		if _, err := c.step(buf[used]); err != nil {
			return used, err
		}
		if c.state != chunkTrailer { // else the byte starts the first trailer line
			used++
		}
	}
	return used, nil
}

// step takes one byte of framing. keep tells whether it is part of what is
// forwarded: every byte forwarded is one that came in, which is what makes it
// possible to work in place however the body is cut.
func (c *Chunked) step(b byte) (keep bool, err *Error) {
	switch c.state {
	case chunkSize:
		return c.sizeByte(b)
	case chunkBlank:
		switch {
		case isBlank(b):
		case b == ';':
			c.state = chunkExt
		default:
			return false, ErrChunkSize
		}
		return false, c.countExt()
	case chunkExt:
		switch {
		case b == '\r':
			c.state = chunkSizeLF
			return true, nil
		case b < 0x20 && b != '\t' || b == 0x7f:
			return false, ErrChunkExtension
		}
		return false, c.countExt()
	case chunkSizeLF:
		if b != '\n' {
			return false, ErrChunkSize
		}
		c.state = chunkData
		if c.size == 0 {
			c.state = chunkLast
		}
		c.digits, c.ext = 0, 0
	case chunkDataCR:
		if b != '\r' {
			return false, ErrChunkEnd
		}
		c.state = chunkDataLF
	case chunkDataLF:
		if b != '\n' {
			return false, ErrChunkEnd
		}
		c.state = chunkSize
	case chunkLast:
		if b != '\r' {
			c.state = chunkTrailer
			return false, nil
		}
		c.state = chunkLastLF
	case chunkLastLF:
		if b != '\n' {
			return false, ErrTrailer
		}
		c.state = chunkDone
	case chunkData, chunkTrailer, chunkDone: // not byte by byte
	}
	return true, nil
}

// sizeByte takes one byte of a size.
func (c *Chunked) sizeByte(b byte) (keep bool, err *Error) {
	if class[b]&cHex != 0 {
		d := uint64(b&0x0f) + uint64(b>>6)*9
		if c.digits == maxChunkDigits || c.size > maxChunk>>4 {
			return false, ErrChunkOverflow
		}
		c.digits++
		c.size = c.size<<4 | d
		return true, nil
	}
	if c.digits == 0 {
		return false, ErrChunkSize
	}
	switch b {
	case '\r':
		c.state = chunkSizeLF
		return true, nil
	case ';':
		c.state = chunkExt
	case ' ', '\t':
		c.state = chunkBlank
	default:
		return false, ErrChunkSize
	}
	return false, c.countExt()
}

func (c *Chunked) countExt() *Error {
	if c.ext++; c.ext > maxChunkExtension {
		return ErrChunkExtension
	}
	return nil
}

// AppendContent appends the content of a chunked body, or of its beginning, to dst.
// framed is as a walker in mode ChunkKeep has left it.
func AppendContent(dst, framed []byte) []byte {
	for {
		size, i := 0, 0
		for i < len(framed) && class[framed[i]]&cHex != 0 {
			size = size<<4 | int(framed[i]&0x0f) + int(framed[i]>>6)*9
			i++
		}
		if i += len(ChunkEnd); size == 0 || i >= len(framed) {
			return dst
		}
		content := framed[i:]
		if size >= len(content) {
			return append(dst, content...)
		}
		dst = append(dst, content[:size]...)
		framed = content[min(size+len(ChunkEnd), len(content)):]
	}
}

// AppendChunkHead appends the size line of a chunk of n bytes (n > 0). After the
// content comes ChunkEnd, after the last chunk LastChunk.
func AppendChunkHead(dst []byte, n uint64) []byte {
	const hex = "0123456789abcdef"
	shift := 60
	for shift > 0 && n>>shift == 0 {
		shift -= 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, hex[n>>shift&15])
	}
	return append(dst, '\r', '\n')
}

const (
	// ChunkEnd follows the content of a chunk.
	ChunkEnd = "\r\n"
	// LastChunk ends a chunked body without trailer fields.
	LastChunk = "0\r\n\r\n"
)
