package transport

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
	// Share takes.
	spliceShare = 512 << 10
)

// SpliceMode is what the options say of one direction.
type SpliceMode uint8

// What may be spliced.
const (
	SpliceNever SpliceMode = iota
	// SpliceAuto waits for the second full read.
	SpliceAuto
	// SpliceAlways waits for the first full read, and for none where the length of
	// a message tells beforehand that it is bulk.
	SpliceAlways
)

// splicing decides between copying and splicing. The unit is the burst: what comes
// until the source has nothing more. A burst of bulk is spliced once it is known to
// be one, and the next burst from its start; a smaller one leads back to copying.
type splicing struct {
	mode  SpliceMode
	on    bool
	burst int32 // bytes of this burst, up to spliceShare
}

// begin starts a message.
func (s *splicing) begin(body message.Body) {
	s.burst = 0
	s.on = s.mode == SpliceAlways && body.Kind == message.BodyLength && body.Length >= 2*spliceBulk
}

// noteRead takes in what came by copying.
func (s *splicing) noteRead(n int, res Result) {
	s.add(n)
	switch {
	case res != More:
		s.drained()
	case s.mode == SpliceAlways:
		s.on = s.on || s.burst >= spliceBulk
	case s.mode == SpliceAuto:
		s.on = s.on || s.burst >= 2*spliceBulk
	}
}

func (s *splicing) add(n int) { s.burst = int32(min(int(s.burst)+n, spliceShare)) }

// drained ends a burst.
func (s *splicing) drained() {
	s.on = s.on && s.burst >= spliceBulk
	s.burst = 0
}

// SetSplicing says what may be spliced from now on, of the message at hand and those
// that follow. The options ask for mode where the quota of the kit allows any pipes.
func (f *Flow) SetSplicing(k *Kit, mode SpliceMode) {
	if k.Pipes.quota.Max == 0 {
		mode = SpliceNever
	}
	f.splicing = splicing{mode: mode}
	f.splicing.begin(message.Body{Kind: f.Kind, Length: f.Left})
}

// spliceable is how many bytes may go through a pipe now, 0 for none.
func (f *Flow) spliceable(src, dst *Endpoint) int {
	if !f.splicing.on || f.coded() || !dst.Bare() {
		return 0
	}
	n := uint64(spliceShare)
	switch f.Kind {
	case message.BodyNone:
		return 0
	case message.BodyLength:
		n = min(n, f.Left)
	case message.BodyChunked:
		n = min(n, f.Chunks.InChunk())
	case message.BodyUntilClose, message.BodyTunnel:
	}
	if n < spliceMin || !src.Direct() {
		return 0
	}
	return int(n)
}

// splice moves up to limit bytes from src into a pipe and on to dst, when nothing
// waits for dst. n is what came; st is FlowWait when dst took it all, and res
// tells of the source as after recv. copying tells that splicing does not go on.
func (f *Flow) splice(k *Kit, src, dst *Endpoint, limit int) (n int, res Result, st FlowState, copying bool) {
	p := k.Pipes.take()
	if p == nil {
		f.splicing.on = false
		return 0, More, FlowWait, true
	}
	n, errno := sock.Splice(src.FD(), p.W, limit)
	if n == 0 {
		k.Pipes.put(p)
	}
	switch {
	case errno == syscall.EAGAIN:
		// The pipe was empty, so it is the socket that has nothing more.
		f.splicing.drained()
		src.Drain()
		return 0, Drained, FlowWait, false
	case errno == syscall.EINVAL:
		f.splicing = splicing{} // not for this kind of socket
		return 0, More, FlowWait, true
	case errno != 0:
		src.Errno, src.Readable = errno, false
		return 0, Failed, FlowWait, false
	case n == 0:
		src.Ended, src.Readable = true, false
		return 0, End, FlowWait, false
	}
	p.n = n
	src.BytesIn += uint64(n)
	f.SplicedIn += uint64(n)
	f.splicing.add(n)
	f.skip(uint64(n))
	f.pipe = p
	return n, More, f.flushPipe(k, dst), false
}

// skip passes n spliced bytes through the framing.
func (f *Flow) skip(n uint64) {
	switch f.Kind {
	case message.BodyLength:
		f.Left -= n
		f.Ended = f.Left == 0
	case message.BodyChunked:
		f.Chunks.Skip(n)
	case message.BodyNone, message.BodyUntilClose, message.BodyTunnel:
	}
}

// flushPipe sends what lies in the pipe. It returns FlowWait, and has no pipe any
// more, when nothing is left.
func (f *Flow) flushPipe(k *Kit, dst *Endpoint) FlowState {
	for f.pipe.n > 0 {
		n, errno := sock.Splice(f.pipe.R, dst.FD(), f.pipe.n)
		if _, ok := dst.sent(n, 1, errno); !ok {
			return FlowDstErr
		}
		if n == 0 {
			return FlowBlocked // and an edge will come
		}
		f.pipe.n -= n
		f.SplicedOut += uint64(n)
	}
	k.Pipes.put(f.pipe)
	f.pipe = nil
	return FlowWait
}
