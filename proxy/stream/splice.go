package stream

import (
	"syscall"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/proxy/message"
)

// When bytes go through a kernel pipe instead of through the process. Moving
// pages costs about as much for one byte as for many, so it pays only for bulk: a
// source that fills whole receive buffers and still has more.
const (
	// spliceMin is the least that must be left of a message, or of a chunk.
	spliceMin = 16 << 10
	// spliceBulk is what must have come without a pause for bytes to be spliced.
	spliceBulk = loop.ScratchSize
	// spliceShare is what one stream may splice in one turn: as long as copying
	// pumpShare takes.
	spliceShare = 512 << 10
)

// spliceMode is what the options say of one direction.
type spliceMode uint8

const (
	spliceNever spliceMode = iota
	// spliceAuto waits for the second full read.
	spliceAuto
	// spliceAlways waits for the first full read, and for none where the length of
	// a message tells beforehand that it is bulk.
	spliceAlways
)

// splicing decides between copying and splicing. The unit is the burst: what comes
// until the source has nothing more. A burst of bulk is spliced once it is known to
// be one, and the next burst from its start; a smaller one leads back to copying.
type splicing struct {
	mode  spliceMode
	on    bool
	burst int32 // bytes of this burst, up to spliceShare
}

// begin starts a message.
func (s *splicing) begin(body message.Body) {
	s.burst = 0
	s.on = s.mode == spliceAlways && body.Kind == message.BodyLength && body.Length >= 2*spliceBulk
}

// noteRead takes in what came by copying.
func (s *splicing) noteRead(n int, res ioResult) {
	s.add(n)
	switch {
	case res != ioMore:
		s.drained()
	case s.mode == spliceAlways:
		s.on = s.on || s.burst >= spliceBulk
	case s.mode == spliceAuto:
		s.on = s.on || s.burst >= 2*spliceBulk
	}
}

func (s *splicing) add(n int) { s.burst = int32(min(int(s.burst)+n, spliceShare)) }

// drained ends a burst.
func (s *splicing) drained() {
	s.on = s.on && s.burst >= spliceBulk
	s.burst = 0
}

// setSplicing decides from the options of the frontend and the chosen backend
// which directions may be spliced.
func (s *stream) setSplicing() {
	s.up.splicing, s.down.splicing = splicing{}, splicing{}
	if s.t.Shared.MaxPipes == 0 {
		return
	}
	f, b := &s.fe.Spec.Options, &s.be.Spec.Options
	auto := f.SpliceAuto || b.SpliceAuto
	s.up.splicing.mode = modeOf(auto, f.SpliceRequest || b.SpliceRequest)
	s.down.splicing.mode = modeOf(auto, f.SpliceResponse || b.SpliceResponse)
	// The request is known by now, the response begins later.
	s.up.splicing.begin(message.Body{Kind: s.up.kind, Length: s.up.left})
}

func modeOf(auto, always bool) spliceMode {
	switch {
	case always:
		return spliceAlways
	case auto:
		return spliceAuto
	}
	return spliceNever
}

// spliceable is how many bytes may go through a pipe now, 0 for none.
func (f *flow) spliceable(src, dst *endpoint) int {
	if !f.splicing.on || !dst.bare() {
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
	if n < spliceMin || !src.direct() {
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
		f.splicing.on = false
		return 0, ioMore, flowWait, true
	}
	n, errno := sock.Splice(src.fd, p.W, limit)
	if n == 0 {
		t.putPipe(p)
	}
	switch {
	case errno == syscall.EAGAIN:
		// The pipe was empty, so it is the socket that has nothing more.
		f.splicing.drained()
		src.drained()
		return 0, ioDrained, flowWait, false
	case errno == syscall.EINVAL:
		f.splicing = splicing{} // not for this kind of socket
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
	f.splicedIn += uint64(n)
	f.splicing.add(n)
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
		n, errno := sock.Splice(f.pipe.R, dst.fd, f.pipe.n)
		if _, ok := dst.sent(n, 1, errno); !ok {
			return flowDstErr
		}
		if n == 0 {
			return flowBlocked // and an edge will come
		}
		f.pipe.n -= n
		f.splicedOut += uint64(n)
	}
	t.putPipe(f.pipe)
	f.pipe = nil
	return flowWait
}

// bare tells whether the endpoint is the socket itself, whose bytes need not pass
// through the process.
func (e *endpoint) bare() bool { return e.xprt == nil }

// direct tells whether it is, and nothing is received from it but by its owner.
func (e *endpoint) direct() bool { return e.bare() && e.t.Loop.Direct(e.fd) }
