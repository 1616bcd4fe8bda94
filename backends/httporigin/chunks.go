package httporigin

// chunkReader follows a chunked body (RFC 9112 section 7.1) and hands out
// nothing but its data.
type chunkReader struct {
	state chunkState
	left  uint64 // of the chunk's data
	line  int    // bytes of the line or trailer section so far
	any   bool   // a digit of the size has been seen
	keep  bool   // the trailer section is wanted
	// trailer is what has been kept of the trailer section, its lines with CRLF.
	trailer []byte
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkSpace
	chunkExtension
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	trailerStart
	trailerName
	trailerLine
	trailerLF
	trailerEndLF
	chunkDone
)

// maxChunkLine bounds chunk extensions, and the trailer section.
const maxChunkLine = 8 << 10

// read consumes body bytes from b until it meets data, the end or the end of b.
// It returns how much it consumed, and the data among that: always its last
// bytes.
func (r *chunkReader) read(b []byte) (n int, data []byte, p problem) {
	for n < len(b) {
		c := b[n]
		switch r.state {
		case chunkData:
			k := int(min(r.left, uint64(len(b)-n)))
			r.left -= uint64(k)
			if r.left == 0 {
				r.state = chunkDataCR
			}
			return n + k, b[n : n+k], problem{}
		case chunkSize:
			switch v := hexValue(c); {
			case v >= 0:
				if r.left >= 1<<56 {
					return n, nil, bad("a chunk size is beyond 60 bits")
				}
				r.left, r.any = r.left<<4|uint64(v), true
			case !r.any:
				return n, nil, bad("a chunk size is not hexadecimal")
			case c == '\r':
				r.state = chunkSizeLF
			case c == ';':
				r.state = chunkExtension
			case isSpace(c):
				r.state = chunkSpace
			default:
				return n, nil, bad("a chunk size is not hexadecimal")
			}
		case chunkSpace: // bad, but for what stands before an extension
			switch r.line++; {
			case c == ';':
				r.state = chunkExtension
			case !isSpace(c) || r.line > maxChunkLine:
				return n, nil, bad("there is space after a chunk size")
			}
		case chunkExtension:
			switch r.line++; {
			case c == '\r':
				r.state = chunkSizeLF
			case c == '\n' || r.line > maxChunkLine:
				return n, nil, bad("a chunk extension is malformed or too long")
			}
		case chunkSizeLF:
			r.state = chunkData
			if r.left == 0 {
				r.state = trailerStart
			}
			r.any, r.line = false, 0
			if c != '\n' {
				return n, nil, bad("a chunk size has a CR without LF")
			}
		case chunkDataCR:
			r.state = chunkDataLF
			if c != '\r' {
				return n, nil, bad("the data of a chunk is longer than its size")
			}
		case chunkDataLF:
			r.state = chunkSize
			if c != '\n' {
				return n, nil, bad("the data of a chunk is longer than its size")
			}
		case trailerStart:
			switch {
			case c == '\r':
				r.state = trailerEndLF
			case isToken(c):
				r.state = trailerName
			default:
				return n, nil, bad("a trailer has no name before its colon, or is folded")
			}
		case trailerName:
			switch r.line++; {
			case c == ':':
				r.state = trailerLine
			case !isToken(c) || r.line > maxChunkLine:
				return n, nil, bad("a trailer has no name before its colon, or is folded")
			}
		case trailerLine:
			switch r.line++; {
			case c == '\r':
				r.state = trailerLF
			case c == '\n' || c == 0 || r.line > maxChunkLine:
				return n, nil, bad("a trailer is malformed or too long")
			}
		case trailerLF:
			r.state = trailerStart
			if c != '\n' {
				return n, nil, bad("a trailer has a CR without LF")
			}
		case trailerEndLF:
			if c != '\n' {
				return n, nil, bad("a trailer has a CR without LF")
			}
			r.state = chunkDone
			return n + 1, nil, problem{}
		case chunkDone:
			return n, nil, problem{}
		}
		if r.keep && r.state >= trailerStart && r.state <= trailerEndLF {
			r.trailer = append(r.trailer, c)
		}
		n++
	}
	return n, nil, problem{}
}

func (r *chunkReader) done() bool { return r.state == chunkDone }

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
