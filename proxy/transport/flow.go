package transport

import (
	"bench/proxy/h1"
	"bench/proxy/message"
)

// Flow is one direction of a connection, or one message: bytes on their way from one
// endpoint to the other, with the framing that says where they end.
type Flow struct {
	Kind message.BodyKind
	// Ended: everything up to the end of the message, or of the source's
	// stream, has been taken from the source.
	Ended bool
	// Frame: what comes has no framing of its own, and is to go as chunks. Whoever notices
	// its end says by Chunks.End what the trailer is.
	Frame    bool
	splicing splicing
	Left     uint64   // of a body with a length
	Chunks   *Content // nil where no message can have any
	// Out holds what the destination has not taken yet, pipe what comes after it.
	Out  *Buffer
	pipe *Pipe
	// What went into pipes, and what out of them.
	SplicedIn, SplicedOut uint64
	// Err is set when the framing of the source is broken.
	Err *h1.Error
}

// Content is what a flow keeps of a message's content. Connections in mode tcp have none.
type Content struct {
	h1.Chunked
	// Coder changes the content on its way; nil: it goes as it comes.
	Coder Coder
}

// Coder changes content on its way, as compression does.
type Coder interface {
	// Code appends to dst what is to be forwarded of a piece of content; last: nothing
	// comes behind it.
	Code(dst, content []byte, last bool) []byte
}

// FlowState is where a pump stopped.
type FlowState uint8

// Where a pump stops.
const (
	FlowWait    FlowState = iota // the source has nothing more now
	FlowBlocked                  // the destination takes nothing now
	FlowDone                     // all forwarded
	FlowCut                      // the source ended within the message
	FlowSrcErr                   // the source failed
	FlowDstErr                   // the destination failed
	FlowBroken                   // the framing is broken
	FlowYield                    // the turn's share is used up
)

// Share is what one stream may move in one turn, in bytes: two full reads,
// so that one bulk transfer cannot hold up the others.
const Share = 128 << 10

// Cost is what a receive of n bytes counts for in a share. One that brought little, and says that
// there is more, may have taken as long: a layer such as TLS looks at a bounded number of records.
func Cost(n int) int { return max(n, Share/32) }

// Begin readies the flow for a message body. mode is what becomes of chunked
// framing.
func (f *Flow) Begin(body message.Body, mode h1.ChunkMode) {
	f.Kind, f.Left, f.Err = body.Kind, body.Length, nil
	f.Frame = false
	if f.Chunks != nil {
		f.Chunks.Coder = nil
	}
	f.splicing.begin(body)
	f.Ended = body.Kind == message.BodyNone || body.Kind == message.BodyLength && body.Length == 0
	if body.Kind == message.BodyChunked {
		f.Chunks.Start(mode, 0)
	}
}

// EndAfter makes what lies in b, nil for nothing, the rest of the message.
func (f *Flow) EndAfter(b *Buffer) {
	f.Kind, f.Left = message.BodyLength, 0
	if b != nil {
		f.Left = uint64(len(b.Data()))
	}
	f.Ended = f.Left == 0
}

// coded tells whether the content is changed on its way.
func (f *Flow) coded() bool { return f.Chunks != nil && f.Chunks.Coder != nil }

// Take passes received bytes through the framing. It returns what is to be
// forwarded, in place of data, then tail behind it, and how many bytes of data
// belong to the message.
func (f *Flow) Take(data []byte) (out, tail []byte, used int) {
	if f.Ended {
		return nil, nil, 0
	}
	switch f.Kind {
	case message.BodyNone:
	case message.BodyLength:
		used = int(min(uint64(len(data)), f.Left))
		f.Left -= uint64(used)
		f.Ended = f.Left == 0
		return data[:used], nil, used
	case message.BodyChunked:
		var n int
		used, n, f.Err = f.Chunks.Walk(data)
		if f.Chunks.Done() {
			f.Ended, tail = true, f.Chunks.Tail()
		}
		return data[:n], tail, used
	case message.BodyUntilClose, message.BodyTunnel:
		return data, nil, len(data)
	}
	return nil, nil, 0
}

// Want bounds the next read to the message, so that what follows it stays in
// the socket.
func (f *Flow) Want(p []byte) []byte {
	if f.Kind == message.BodyLength && uint64(len(p)) > f.Left {
		return p[:f.Left]
	}
	return p
}

// Push sends p and tail to dst behind what waits already, and stores what dst
// does not take. It reports broken framing once what is good has gone.
func (f *Flow) Push(k *Kit, dst *Endpoint, p, tail []byte) FlowState {
	if f.coded() {
		return f.pushCoded(k, dst, p)
	}
	if f.Frame {
		f.Store(k, p)
		return f.Flush(k, dst)
	}
	if f.Out == nil && len(p)+len(tail) > 0 {
		var n int
		var ok bool
		if len(tail) == 0 {
			n, ok = dst.Send(p)
		} else {
			n, ok = dst.Send2(p, tail)
		}
		if !ok {
			return FlowDstErr
		}
		p, tail = cut(p, tail, n)
	}
	f.Store(k, p)
	f.Store(k, tail)
	switch {
	case f.Err != nil:
		return FlowBroken
	case f.Out != nil:
		return FlowBlocked
	}
	return FlowWait
}

// pushCoded is Push for content that is changed on its way. What follows it is the flow's
// own: a trailer that was received goes behind the last chunk.
func (f *Flow) pushCoded(k *Kit, dst *Endpoint, p []byte) FlowState {
	if len(p) > 0 || f.Ended {
		k.coded = f.Chunks.Coder.Code(k.coded[:0], p, f.Ended)
		f.Store(k, k.coded)
		if cap(k.coded) > maxCoded {
			k.coded = nil
		}
	}
	if f.Ended {
		f.end(k)
	}
	st := f.Flush(k, dst)
	if f.Err != nil && st != FlowDstErr {
		return FlowBroken
	}
	return st
}

// maxCoded is how much room for content on its way is kept.
const maxCoded = 256 << 10

// cut drops the first n bytes of a followed by b.
func cut(a, b []byte, n int) (restA, restB []byte) {
	if n < len(a) {
		return a[n:], b
	}
	return nil, b[n-len(a):]
}

// Store appends p to what waits for the destination.
func (f *Flow) Store(k *Kit, p []byte) {
	if !f.Frame || len(p) == 0 {
		f.Out = k.Bufs.Append(f.Out, p)
		return
	}
	var size [18]byte
	f.Out = k.Bufs.Append(f.Out, h1.AppendChunkHead(size[:0], uint64(len(p))))
	f.Out = k.Bufs.Append(f.Out, p)
	f.Out = k.Bufs.Append(f.Out, chunkEnd)
}

var (
	chunkEnd  = []byte(h1.ChunkEnd)
	lastChunk = []byte(h1.LastChunk)
)

// End notes that the source has ended where that is the end of the message, and says so to
// the destination where it needs to be told.
func (f *Flow) End(k *Kit) {
	if f.Ended {
		return
	}
	f.Ended = true
	f.end(k)
}

// end says that nothing more comes, where the destination is told by the framing.
func (f *Flow) end(k *Kit) {
	if f.Frame {
		size := len(lastChunk) - len(chunkEnd)
		f.Out = k.Bufs.Append(f.Out, lastChunk[:size])
		f.Out = k.Bufs.Append(f.Out, f.Chunks.Trailer())
		f.Out = k.Bufs.Append(f.Out, chunkEnd)
	}
}

// Pending tells whether something waits for the destination.
func (f *Flow) Pending() bool { return f.Out != nil || f.pipe != nil }

// Flush sends what waits. It returns FlowWait when nothing is left.
func (f *Flow) Flush(k *Kit, dst *Endpoint) FlowState {
	if f.Out != nil {
		n, ok := dst.Send(f.Out.Data())
		if !ok {
			return FlowDstErr
		}
		if f.Out.R += n; !f.Out.Empty() {
			return FlowBlocked
		}
		k.Bufs.Put(f.Out)
		f.Out = nil
	}
	if f.pipe != nil {
		return f.flushPipe(k, dst)
	}
	return FlowWait
}

// Release drops what waits.
func (f *Flow) Release(k *Kit) {
	if f.Out != nil {
		k.Bufs.Put(f.Out)
		f.Out = nil
	}
	if f.pipe != nil {
		k.Pipes.put(f.pipe)
		f.pipe = nil
	}
}

// Pump moves bytes from src to dst until one of them stops it.
func (f *Flow) Pump(k *Kit, src, dst *Endpoint) FlowState {
	if st := f.Flush(k, dst); st != FlowWait {
		return st
	}
	for share := Share; ; {
		if f.Ended {
			return FlowDone
		}
		if src.In != nil {
			out, tail, used := f.Take(src.In.Data())
			st := f.Push(k, dst, out, tail)
			src.Consume(used)
			if st != FlowWait {
				return st
			}
			continue
		}
		if !src.Readable && !src.Hup {
			return FlowWait
		}
		n, res, st := f.move(k, src, dst)
		if st != FlowWait {
			return st
		}
		switch res {
		case End:
			if f.Kind == message.BodyUntilClose || f.Kind == message.BodyTunnel {
				f.End(k)
				if st := f.Flush(k, dst); st != FlowWait {
					return st
				}
				continue
			}
			return FlowCut
		case Failed:
			return FlowSrcErr
		case Drained:
			if f.Ended {
				return FlowDone
			}
			return FlowWait
		case More:
		}
		if share -= Cost(n); share <= 0 && !f.Ended {
			return FlowYield
		}
	}
}

// move takes one portion from src to dst, through a pipe where that pays. n is what
// it counts for in the turn's share.
func (f *Flow) move(k *Kit, src, dst *Endpoint) (n int, res Result, st FlowState) {
	if limit := f.spliceable(src, dst); limit > 0 {
		n, res, st, copying := f.splice(k, src, dst, limit)
		if !copying {
			return n / (spliceShare / Share), res, st
		}
	}
	p := f.Want(within(k, dst, k.Loop.Scratch()))
	n, res = src.Recv(p)
	f.splicing.noteRead(n, res)
	if n > 0 {
		out, tail, used := f.Take(p[:n])
		src.Keep(p[used:n])
		st = f.Push(k, dst, out, tail)
	}
	return n, res, st
}
