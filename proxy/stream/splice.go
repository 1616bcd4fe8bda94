package stream

import (
	"math"
	"syscall"

	"bench/internal/sock"
	"bench/proxy/message"
)

// When bytes go through a kernel pipe instead of through the process. Moving
// pages costs about as much for one byte as for many, so it pays only for bulk:
// a source that has filled whole receive buffers and still has more.
const (
	// spliceAfter is the number of full reads in a row that "option
	// splice-request" and "splice-response" wait for, spliceAutoAfter that of
	// "option splice-auto".
	spliceAfter     = 1
	spliceAutoAfter = 2
	// spliceMin is the least that must be left of a message, or of a chunk; when
	// less than that came at once, the next read copies again.
	spliceMin = 16 << 10
	// spliceShare is what one stream may splice in one turn: as long as copying
	// pumpShare takes.
	spliceShare = 512 << 10
)

// setSplicing decides from the options of the frontend and the chosen backend
// which directions may be spliced.
func (s *stream) setSplicing() {
	s.up.after, s.down.after = 0, 0
	if s.t.Shared.MaxPipes == 0 {
		return
	}
	f, b := &s.fe.Spec.Options, &s.be.Spec.Options
	s.up.after = spliceOption(f.SpliceAuto || b.SpliceAuto, f.SpliceRequest || b.SpliceRequest)
	s.down.after = spliceOption(f.SpliceAuto || b.SpliceAuto, f.SpliceResponse || b.SpliceResponse)
}

func spliceOption(auto, always bool) uint8 {
	switch {
	case always:
		return spliceAfter
	case auto:
		return spliceAutoAfter
	}
	return 0
}

// noteRead counts full reads in a row.
func (f *flow) noteRead(n, size int) {
	switch {
	case n < size:
		f.full = 0
	case f.full < math.MaxUint8:
		f.full++
	}
}

// splicing is how many bytes may go through a pipe now, 0 for none.
func (f *flow) splicing(src, dst *endpoint) int {
	if f.after == 0 || f.full < f.after || !src.bare() || !dst.bare() {
		return 0
	}
	n := uint64(spliceShare)
	switch f.kind {
	case message.BodyNone:
		return 0
	case message.BodyLength:
		n = min(n, f.left)
	case message.BodyChunked:
		n = min(n, f.chunks.InChunk())
	case message.BodyUntilClose, message.BodyTunnel:
	}
	if n < spliceMin {
		return 0
	}
	return int(n)
}

// splice moves up to limit bytes from src into a pipe and on to dst, when nothing
// waits for dst. n is what came; st is flowWait when dst took it all, and res
// tells of the source as after recv. copying tells that splicing does not go on.
func (f *flow) splice(t *Thread, src, dst *endpoint, limit int) (n int, res ioResult, st flowState, copying bool) {
	p := t.takePipe()
	if p == nil {
		f.full = 0
		return 0, ioMore, flowWait, true
	}
	n, errno := sock.Splice(src.fd, p.W, limit)
	if n == 0 {
		t.putPipe(p)
	}
	switch {
	case errno == syscall.EAGAIN:
		// The pipe was empty, so it is the socket that has nothing more.
		f.full = 0
		src.drained()
		return 0, ioDrained, flowWait, false
	case errno == syscall.EINVAL:
		f.after = 0 // not for this kind of socket
		return 0, ioMore, flowWait, true
	case errno != 0:
		src.errno, src.readable = errno, false
		return 0, ioFailed, flowWait, false
	case n == 0:
		src.ended, src.readable = true, false
		return 0, ioEnd, flowWait, false
	}
	p.n = n
	src.bytesIn += uint64(n)
	src.splicedIn += uint64(n)
	if n < spliceMin {
		f.full = 0
	}
	f.skip(uint64(n))
	f.pipe = p
	return n, ioMore, f.flushPipe(t, dst), false
}

// skip passes n spliced bytes through the framing.
func (f *flow) skip(n uint64) {
	switch f.kind {
	case message.BodyLength:
		f.left -= n
		f.ended = f.left == 0
	case message.BodyChunked:
		f.chunks.Skip(n)
	case message.BodyNone, message.BodyUntilClose, message.BodyTunnel:
	}
}

// flushPipe sends what lies in the pipe. It returns flowWait, and has no pipe any
// more, when nothing is left.
func (f *flow) flushPipe(t *Thread, dst *endpoint) flowState {
	for f.pipe.n > 0 {
		n, ok := dst.splice(f.pipe)
		if !ok {
			return flowDstErr
		}
		if n == 0 {
			return flowBlocked
		}
	}
	t.putPipe(f.pipe)
	f.pipe = nil
	return flowWait
}

// bare tells whether the endpoint is the socket itself, whose bytes need not pass
// through the process.
func (e *endpoint) bare() bool { return e.xprt == nil }

// splice sends from a pipe. n is 0 when the socket takes nothing now, and an edge
// will come.
func (e *endpoint) splice(p *pipe) (n int, ok bool) {
	n, errno := sock.Splice(p.R, e.fd, p.n)
	if n, ok = e.sent(n, 1, errno); ok {
		p.n -= n
		e.splicedOut += uint64(n)
	}
	return n, ok
}
