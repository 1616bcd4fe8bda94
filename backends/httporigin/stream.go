package httporigin

import (
	"bytes"
	"slices"
	"strconv"
	"syscall"

	"bench/internal/h2wire"
	"bench/internal/sock"
)

// stream is one of HTTP/2: it takes the place of a socket for a conn, whose answer it
// makes frames of. It implements origin.Carrier.
type stream struct {
	s      *session // nil: it is not used
	c      *conn
	id     uint32
	window int64 // that may be sent
	credit int64 // that the client has left

	// The request.
	left    int64  // of a body with a length
	last    []byte // byte of it
	chunked bool   // has none
	ended   bool   // all of it has come

	// The answer.
	text   []byte // of a head that has come in part
	headed bool
	kind   bodyKind
	rest   int64 // of a body by length
	ending bool  // it has neither a length nor chunks
	chunks chunkReader
	over   bool // all has been said
	waits  bool // for room
	gone   bool // the client does not want it any longer
}

// stream returns a blank one.
func (o *Origin) stream() *stream {
	if n := len(o.streams); n > 0 {
		st := o.streams[n-1]
		o.streams = o.streams[:n-1]
		return st
	}
	return &stream{}
}

func again(errno syscall.Errno) bool { return errno == syscall.EAGAIN }

// Peer implements origin.Carrier.
func (st *stream) Peer() (sock.Addr, syscall.Errno) { return st.s.c.Peer() }

// Send implements origin.Carrier.
func (st *stream) Send(p []byte) (n int) {
	s := st.s
	for n < len(p) && !st.over && len(s.out)-s.sent < maxOut {
		k := 0
		if st.headed {
			k = st.body(p[n:])
		} else {
			k = st.head(p[n:])
		}
		if k == 0 {
			break
		}
		n += k
	}
	if st.over {
		n = len(p) // HTTP/2 has nothing behind the end
	}
	st.waits = n < len(p)
	s.wake()
	return n
}

// headEnd is the empty line with the end of that before it.
var headEnd = []byte("\r\n\r\n")

// head takes a part of a head.
func (st *stream) head(p []byte) int {
	had := len(st.text)
	if had == 0 {
		if end := bytes.Index(p, headEnd); end >= 0 {
			st.answer(p[:end+len(headEnd)])
			return end + len(headEnd)
		}
	}
	st.text = append(st.text, p...)
	from := max(0, had-len(headEnd)+1)
	end := bytes.Index(st.text[from:], headEnd)
	if end < 0 {
		return len(p)
	}
	end += from + len(headEnd)
	st.answer(st.text[:end])
	st.text = st.text[:0]
	return end - had
}

// answer says a head.
func (st *stream) answer(text []byte) {
	const version = "HTTP/1.1 "
	status := 0
	if len(text) > len(version)+3 && string(text[:len(version)]) == version {
		status, _ = strconv.Atoi(string(text[len(version) : len(version)+3]))
	}
	switch {
	case status < 100: // an answer that was given byte for byte, and is no HTTP
		st.reset(h2wire.InternalError)
		return
	case status >= 200:
		st.headed = true
		st.frame(text, status)
	}
	st.block(h2wire.AppendAnswer(st.s.header(), text), st.over)
}

// frame finds out how the end of the body is told.
func (st *stream) frame(head []byte, status int) {
	st.kind, st.ending = noBody, false
	if st.c.headOnly || !hasBody(status) {
		st.over = true
		return
	}
	st.ending = true
	for _, rest, _ := bytes.Cut(head, crlf); len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, crlf)
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case isName(name, "content-length"):
			st.kind, st.ending = byLength, false
			st.rest, _ = strconv.ParseInt(string(trim(value)), 10, 64)
			st.over = st.rest <= 0
		case isName(name, "transfer-encoding"):
			st.kind, st.ending = byChunks, false
			st.chunks = chunkReader{keep: true, trailer: st.chunks.trailer[:0]}
		}
	}
}

// header is where a field block is to be written.
func (s *session) header() []byte {
	s.block = s.block[:0]
	if s.shrink {
		s.shrink = false
		s.block = append(s.block, 0x20) // a table of size 0
	}
	return s.block
}

// block says a field block in as many frames as it takes.
func (st *stream) block(b []byte, ends bool) {
	s := st.s
	s.block = b
	f := h2wire.Frame{Type: h2wire.Headers, Stream: st.id}
	if ends {
		f.Flags = h2wire.EndStream
	}
	for {
		part := b[:min(len(b), h2wire.MaxFrame)]
		b = b[len(part):]
		f.Length = len(part)
		if len(b) == 0 {
			f.Flags |= h2wire.EndHeaders
		}
		s.out = append(h2wire.AppendFrame(s.out, f), part...)
		if len(b) == 0 {
			return
		}
		f.Type, f.Flags = h2wire.Continuation, 0
	}
}

// body takes a part of a body.
func (st *stream) body(p []byte) (n int) {
	switch st.kind {
	case byLength:
		p = p[:min(int64(len(p)), st.rest)]
		n = len(p[:st.room(p)])
		if st.rest -= int64(n); n > 0 {
			st.over = st.rest == 0
			st.data(p[:n], st.over)
		}
		return n
	case byChunks:
		room := st.room(p)
		if room == 0 && st.chunks.state == chunkData {
			return 0
		}
		n, data, problem := st.chunks.read(p[:max(1, room)])
		switch {
		case problem.status != 0:
			st.reset(h2wire.InternalError)
		case len(data) > 0:
			st.data(data, false)
		case st.chunks.done():
			st.over = true
			if t := bytes.Trim(st.chunks.trailer, "\r\n"); len(t) > 0 {
				st.block(h2wire.AppendTrailers(st.s.header(), t), true)
			} else {
				st.data(nil, true)
			}
		}
		return n
	case noBody:
	}
	if n = st.room(p); n > 0 {
		st.data(p[:n], false)
	}
	return n
}

// room is how much of p a frame may have now.
func (st *stream) room(p []byte) int {
	return int(max(0, min(int64(len(p)), h2wire.MaxFrame, st.window, st.s.window)))
}

// data says a part of a body.
func (st *stream) data(p []byte, ends bool) {
	f := h2wire.Frame{Length: len(p), Type: h2wire.Data, Stream: st.id}
	if ends {
		f.Flags = h2wire.EndStream
	}
	st.s.out = append(h2wire.AppendFrame(st.s.out, f), p...)
	st.window -= int64(len(p))
	st.s.window -= int64(len(p))
}

// reset gives the stream up.
func (st *stream) reset(code h2wire.Code) {
	st.s.out = h2wire.AppendReset(st.s.out, st.id, code)
	st.over, st.gone = true, true
}

// Finish implements origin.Carrier.
func (st *stream) Finish(broken bool) {
	if st.headed && st.ending && !st.over && !broken {
		st.over = true
		st.data(nil, true)
	}
	// What is cut within a record of TLS is all streams.
	st.s.severed = st.s.severed || broken && st.s.c.Secure() && st.s.c.o.Force().CutRecords
}

// Gone implements origin.Carrier.
func (st *stream) Gone() {
	s := st.s
	switch {
	case st.gone:
	case !st.over:
		st.reset(h2wire.InternalError)
	case !st.ended:
		st.reset(h2wire.NoError)
	}
	i := slices.Index(s.streams, st)
	s.streams = slices.Delete(s.streams, i, i+1)
	if len(s.streams) == 0 && s.c.Live() {
		s.c.Idle()
	}
	*st = stream{text: st.text[:0], last: st.last[:0], chunks: chunkReader{trailer: st.chunks.trailer[:0]}}
	s.c.o.streams = append(s.c.o.streams, st)
	s.wake()
}

// malformed gives up a request that breaks the rules.
func (st *stream) malformed() {
	st.s.c.o.Tally().Malformed++
	st.reset(h2wire.ProtocolError)
	st.c.Ended()
}

// vanish ends a request that its client has given up.
func (st *stream) vanish() {
	st.gone = true
	st.c.Ended()
}
