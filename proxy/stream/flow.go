package stream

import (
	"bench/proxy/h1"
	"bench/proxy/message"
)

// flow is one direction of a stream: bytes on their way from one endpoint to
// the other, with the framing that tells where they end.
type flow struct {
	kind message.BodyKind
	// ended: everything up to the end of the message, or of the source's
	// stream, has been taken from the source.
	ended    bool
	splicing splicing
	left     uint64      // of a body with a length
	chunks   *h1.Chunked // nil where no message can have any
	// out holds what the destination has not taken yet, pipe what comes after it.
	out  *buffer
	pipe *pipe
	// What went into pipes, and what out of them.
	splicedIn, splicedOut uint64
	// err is set when the framing of the source is broken.
	err *h1.Error
}

// flowState is where a pump stopped.
type flowState uint8

const (
	flowWait    flowState = iota // the source has nothing more now
	flowBlocked                  // the destination takes nothing now
	flowDone                     // all forwarded
	flowCut                      // the source ended within the message
	flowSrcErr                   // the source failed
	flowDstErr                   // the destination failed
	flowBroken                   // the framing is broken
	flowYield                    // the turn's share is used up
)

// pumpShare is what one stream may move in one turn, in bytes: two full reads,
// so that one bulk transfer cannot hold up the others.
const pumpShare = 128 << 10

// begin readies the flow for a message body. mode is what becomes of chunked
// framing.
func (f *flow) begin(body message.Body, mode h1.ChunkMode) {
	f.kind, f.left, f.err = body.Kind, body.Length, nil
	f.splicing.begin(body)
	f.ended = body.Kind == message.BodyNone || body.Kind == message.BodyLength && body.Length == 0
	if body.Kind == message.BodyChunked {
		f.chunks.Start(mode, 0)
	}
}

// take passes received bytes through the framing. It returns what is to be
// forwarded, in place of data, then tail behind it, and how many bytes of data
// belong to the message.
func (f *flow) take(data []byte) (out, tail []byte, used int) {
	if f.ended {
		return nil, nil, 0
	}
	switch f.kind {
	case message.BodyNone:
	case message.BodyLength:
		used = int(min(uint64(len(data)), f.left))
		f.left -= uint64(used)
		f.ended = f.left == 0
		return data[:used], nil, used
	case message.BodyChunked:
		var n int
		used, n, f.err = f.chunks.Walk(data)
		if f.chunks.Done() {
			f.ended, tail = true, f.chunks.Tail()
		}
		return data[:n], tail, used
	case message.BodyUntilClose, message.BodyTunnel:
		return data, nil, len(data)
	}
	return nil, nil, 0
}

// want bounds the next read to the message, so that what follows it stays in
// the socket.
func (f *flow) want(p []byte) []byte {
	if f.kind == message.BodyLength && uint64(len(p)) > f.left {
		return p[:f.left]
	}
	return p
}

// push sends p and tail to dst behind what waits already, and stores what dst
// does not take. It reports broken framing once what is good has gone.
func (f *flow) push(t *Thread, dst *endpoint, p, tail []byte) flowState {
	if f.out == nil && len(p)+len(tail) > 0 {
		var n int
		var ok bool
		if len(tail) == 0 {
			n, ok = dst.send(p)
		} else {
			n, ok = dst.send2(p, tail)
		}
		if !ok {
			return flowDstErr
		}
		p, tail = cut(p, tail, n)
	}
	f.store(t, p)
	f.store(t, tail)
	switch {
	case f.err != nil:
		return flowBroken
	case f.out != nil:
		return flowBlocked
	}
	return flowWait
}

// cut drops the first n bytes of a followed by b.
func cut(a, b []byte, n int) (restA, restB []byte) {
	if n < len(a) {
		return a[n:], b
	}
	return nil, b[n-len(a):]
}

// store appends p to what waits for the destination.
func (f *flow) store(t *Thread, p []byte) {
	if len(p) == 0 {
		return
	}
	if f.out == nil {
		f.out = t.bufs.get(len(p))
	} else if len(p) > len(f.out.room()) {
		f.out.compact()
		if len(p) > len(f.out.room()) {
			bigger := t.bufs.get(f.out.w + len(p))
			bigger.w = copy(bigger.b, f.out.data())
			t.bufs.put(f.out)
			f.out = bigger
		}
	}
	f.out.w += copy(f.out.room(), p)
}

// pending tells whether something waits for the destination.
func (f *flow) pending() bool { return f.out != nil || f.pipe != nil }

// flush sends what waits. It returns flowWait when nothing is left.
func (f *flow) flush(t *Thread, dst *endpoint) flowState {
	if f.out != nil {
		n, ok := dst.send(f.out.data())
		if !ok {
			return flowDstErr
		}
		if f.out.r += n; !f.out.empty() {
			return flowBlocked
		}
		t.bufs.put(f.out)
		f.out = nil
	}
	if f.pipe != nil {
		return f.flushPipe(t, dst)
	}
	return flowWait
}

func (f *flow) release(t *Thread) {
	if f.out != nil {
		t.bufs.put(f.out)
		f.out = nil
	}
	if f.pipe != nil {
		t.putPipe(f.pipe)
		f.pipe = nil
	}
}

// pump moves bytes from src to dst until one of them stops it.
func (f *flow) pump(t *Thread, src, dst *endpoint) flowState {
	if st := f.flush(t, dst); st != flowWait {
		return st
	}
	for share := pumpShare; ; {
		if f.ended {
			return flowDone
		}
		if src.in != nil {
			out, tail, used := f.take(src.in.data())
			st := f.push(t, dst, out, tail)
			src.consume(used)
			if st != flowWait {
				return st
			}
			continue
		}
		if !src.readable && !src.hup {
			return flowWait
		}
		n, res, st := f.move(t, src, dst)
		if st != flowWait {
			return st
		}
		switch res {
		case ioEnd:
			if f.kind == message.BodyUntilClose || f.kind == message.BodyTunnel {
				f.ended = true
				continue
			}
			return flowCut
		case ioFailed:
			return flowSrcErr
		case ioDrained:
			if f.ended {
				return flowDone
			}
			return flowWait
		case ioMore:
		}
		if share -= n; share <= 0 && !f.ended {
			return flowYield
		}
	}
}

// move takes one portion from src to dst, through a pipe where that pays. n is what
// it counts for in the turn's share.
func (f *flow) move(t *Thread, src, dst *endpoint) (n int, res ioResult, st flowState) {
	if limit := f.spliceable(src, dst); limit > 0 {
		n, res, st, copying := f.splice(t, src, dst, limit)
		if !copying {
			return n / (spliceShare / pumpShare), res, st
		}
	}
	p := f.want(t.Loop.Scratch())
	n, res = src.recv(p)
	f.splicing.noteRead(n, res)
	if n > 0 {
		out, tail, used := f.take(p[:n])
		src.keep(p[used:n])
		st = f.push(t, dst, out, tail)
	}
	return n, res, st
}
