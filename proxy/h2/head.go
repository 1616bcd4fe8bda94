package h2

import (
	"encoding/binary"

	"bench/proxy/h1"
	"bench/proxy/h2/hpack"
	"bench/proxy/message"
)

// blockState is the header block under way.
type blockState struct {
	open  bool
	id    uint32
	flags Flags // of HEADERS
	code  Code  // the stream is to be reset with; NoError: it is not
	parts int   // CONTINUATION frames
	buf   []byte
}

func (c *Conn) releaseBlock() {
	if b := c.block.buf; b != nil && cap(b) == c.w.small.size {
		c.w.small.put(b)
	}
	c.block = blockState{}
}

// headers takes a HEADERS frame.
func (c *Conn) headers(h FrameHeader, p []byte) {
	c.stats.Headers++
	if h.Stream == 0 || h.Stream%2 == 0 {
		c.fail(ProtocolError)
		return
	}
	code := NoError
	padding := 0
	if h.Flags&FlagPadded != 0 {
		if len(p) == 0 {
			c.fail(FrameSizeError)
			return
		}
		padding, p = int(p[0]), p[1:]
	}
	if h.Flags&FlagPriority != 0 {
		if len(p) < 5 {
			c.fail(FrameSizeError)
			return
		}
		if binary.BigEndian.Uint32(p)&maxID == h.Stream {
			code = ProtocolError
		}
		p = p[5:]
	}
	if padding > len(p) {
		c.fail(ProtocolError)
		return
	}
	p = p[:len(p)-padding]
	if h.Flags&FlagEndHeaders != 0 {
		c.headerBlock(h.Stream, h.Flags, code, p)
		return
	}
	if len(p) > c.set.maxBlock() {
		c.fail(EnhanceYourCalm)
		return
	}
	c.block = blockState{open: true, id: h.Stream, flags: h.Flags, code: code, buf: append(c.w.small.get(), p...)}
}

// continuation takes a CONTINUATION frame.
func (c *Conn) continuation(h FrameHeader, p []byte) {
	b := &c.block
	if !b.open {
		c.fail(ProtocolError)
		return
	}
	if b.parts++; b.parts > maxContinuations || len(b.buf)+len(p) > c.set.maxBlock() {
		c.fail(EnhanceYourCalm)
		return
	}
	if len(p) == 0 {
		c.glitch()
	}
	b.buf = append(b.buf, p...)
	if h.Flags&FlagEndHeaders != 0 && c.phase != phaseDead {
		b.open = false
		c.headerBlock(b.id, b.flags, b.code, b.buf)
		c.releaseBlock()
	}
}

// headerBlock takes a complete header block. It is decoded whatever becomes of it, or the
// tables of both sides would differ from then on.
func (c *Conn) headerBlock(id uint32, flags Flags, code Code, p []byte) {
	end := flags&FlagEndStream != 0
	if c.acceptor == nil {
		c.responseBlock(id, end, code, p)
		return
	}
	if id <= c.last {
		c.trailers(id, end, code, p)
		return
	}
	c.last = id
	ignored := c.gone && id > c.limit
	if code == NoError && len(c.streams) >= c.set.MaxStreams {
		code = RefusedStream
	}
	if ignored || code != NoError {
		if c.decode(p, nil) && !ignored {
			c.refuse(id, code)
		}
		return
	}
	c.opened++
	c.stats.Streams++
	if total := c.set.MaxTotal; total > 0 && c.opened >= uint64(total) {
		c.Shutdown()
	}
	st := c.acceptor.Open()
	st.c, st.id, st.left, st.lastAt = c, id, -1, -1
	st.recvWin, st.sendWin = c.firstWindow(), c.startWin
	st.remoteEnd = end
	c.streams = append(c.streams, st)
	req := c.w.head()
	c.w.build.begin(req, c.set.Limits, c.set.Extended)
	if !c.decode(p, &c.w.build) {
		return
	}
	if st.bad = c.w.build.finish(end); st.bad == errMalformed {
		c.streamError(st, ProtocolError)
		return
	}
	if req.Body.Kind == message.BodyLength && !end {
		st.left = int64(req.Body.Length)
	}
	st.extended = c.w.build.protocol != nil
	st.head = req
	c.touch(st)
}

// trailers takes a header block for a stream that has had one.
func (c *Conn) trailers(id uint32, end bool, code Code, p []byte) {
	st := c.find(id)
	if st == nil || st.aborted {
		if c.forgiven(id) {
			c.decode(p, nil)
		} else {
			c.fail(StreamClosed)
		}
		return
	}
	if code == NoError {
		switch {
		case st.remoteEnd:
			code = StreamClosed
		case !end || st.left > 0:
			code = ProtocolError
		}
	}
	build := &c.w.trailer
	build.begin(c.set.Limits)
	switch {
	case !c.decode(p, build):
	case code != NoError:
		c.streamError(st, code)
	case build.malform:
		c.streamError(st, ProtocolError)
	default:
		c.endMessage(st, build.lines)
	}
}

// fieldSink takes the fields of a block. take reports whether text of fields that follow
// has to be kept.
type fieldSink interface {
	take(f *hpack.Field) (keep bool)
}

// decode decodes a block for a sink, nil for nobody. It reports false if the connection
// has failed at it.
//
// A few bytes may stand for much text, all of which has to be decoded even if nobody wants
// it. So each time it comes to as much as a head may have, beyond the first, is an oddity.
func (c *Conn) decode(p []byte, to fieldSink) bool {
	c.dec.Begin(p, c.w.arena[c.w.used:])
	keep := to != nil
	f := &c.w.field
	size := 0
	for {
		more, err := c.dec.Next(f, keep)
		if err != nil {
			c.fail(CompressionError)
			return false
		}
		if !more {
			break
		}
		if size += f.Size(); size > 2*c.set.Limits.MaxHead {
			size -= c.set.Limits.MaxHead
			if c.glitch(); c.phase == phaseDead {
				return false
			}
		}
		if to != nil {
			keep = to.take(f)
		}
	}
	c.w.used += c.dec.Used()
	return true
}

// appendHead appends a response head.
func (c *Conn) appendHead(st *Stream, res *message.Response) {
	st.lastAt = c.beginBlock(st.id)
	status := res.Status
	if status == 101 {
		status = 200 // RFC 8441 §5
	}
	c.tx = hpack.AppendStatus(c.tx, status)
	fields := res.Fields()
	for i := range fields {
		f := &fields[i]
		switch f.ID {
		case message.Deleted, message.Connection, message.KeepAlive, message.ProxyConnection,
			message.TransferEncoding, message.Upgrade: // these are for neighbours on HTTP/1 only (RFC 9113 §8.2.2)
			continue
		case message.SecWebSocketAccept:
			if st.extended {
				continue
			}
		}
		c.tx = hpack.AppendField(c.tx, f.ID, f.Name, f.Value)
	}
	c.endBlock(st.id, st.lastAt, 0)
}

// appendTrailer appends the fields behind a response, and ends the stream.
func (c *Conn) appendTrailer(st *Stream, lines []byte) {
	at := c.beginBlock(st.id)
	h1.TrailerFields(lines, func(name, value []byte) {
		c.tx = hpack.AppendField(c.tx, message.Lookup(name), name, value)
	})
	c.endBlock(st.id, at, FlagEndStream)
}

// beginBlock begins a HEADERS frame and returns its position.
func (c *Conn) beginBlock(id uint32) int64 {
	c.tx = c.begin(minMaxFrame)
	at := c.position()
	c.tx = AppendHeader(c.tx, FrameHeader{Type: FrameHeaders, Stream: id})
	if c.shrinkTable {
		c.shrinkTable = false
		c.tx = hpack.AppendTableSize(c.tx, 0)
	}
	return at
}

// endBlock ends the block that began at position at: what is too long for one frame goes on
// in others.
func (c *Conn) endBlock(id uint32, at int64, flags Flags) {
	from := int(at - c.base)
	kind := FrameHeaders
	for {
		n := len(c.tx) - from - HeaderLen
		if n <= minMaxFrame {
			AppendHeader(c.tx[:from], FrameHeader{Length: uint32(n), Type: kind, Flags: flags | FlagEndHeaders, Stream: id})
			break
		}
		AppendHeader(c.tx[:from], FrameHeader{Length: minMaxFrame, Type: kind, Flags: flags, Stream: id})
		// Room for the header of the next frame.
		from += HeaderLen + minMaxFrame
		var h [HeaderLen]byte
		c.tx = append(c.tx, h[:]...)
		copy(c.tx[from+HeaderLen:], c.tx[from:len(c.tx)-HeaderLen])
		kind, flags = FrameContinuation, 0
	}
	c.wake()
}
