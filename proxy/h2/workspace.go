package h2

import (
	"bench/internal/poison"
	"bench/proxy/h2/hpack"
	"bench/proxy/message"
)

// Workspace is the memory that all connections of one thread work with. It is made with
// the first of them.
type Workspace struct {
	// arena holds the text of the heads that wait for Dispatch, used up to used.
	arena []byte
	used  int
	most  int // that one block may take of it
	heads []message.Request
	n     int // of them in use

	field   hpack.Field
	build   builder
	trailer trailerBuilder
	answer  answerBuilder
	res     message.Response
	req     message.Request // being translated

	small, large bytesPool
}

// maxHeads is how many requests may wait for Dispatch: as many as a client usually has
// at once.
const maxHeads = 128

// NewWorkspace makes one for connections with these settings.
func NewWorkspace(s *Settings) *Workspace {
	w := &Workspace{most: hpack.MemoryFor(s.maxBlock(), 2*s.Limits.MaxHead), heads: make([]message.Request, maxHeads)}
	w.arena = make([]byte, 2*w.most)
	w.small.size, w.large.size = minMaxFrame+HeaderLen, txSize+txReserve
	return w
}

// full tells that what waits has to be dispatched before another block can be decoded.
func (w *Workspace) full() bool { return w.n == len(w.heads) || len(w.arena)-w.used < w.most }

// head returns an empty request.
func (w *Workspace) head() *message.Request {
	r := &w.heads[w.n]
	w.n++
	r.Reset()
	return r
}

// reset forgets all heads.
func (w *Workspace) reset() {
	poison.Fill(w.arena[:w.used])
	w.used, w.n = 0, 0
}

// collect appends p to what waits in b, of which taken bytes have been taken.
func (w *Workspace) collect(b []byte, taken *int, p []byte) []byte {
	if b == nil {
		b = w.small.get()
	}
	if len(b)+len(p) > cap(b) {
		b = b[:copy(b, b[*taken:])]
		*taken = 0
	}
	if len(b)+len(p) > cap(b) && cap(b) < w.large.size && len(b)+len(p) <= w.large.size {
		bigger := append(w.large.get(), b...)
		w.small.put(b)
		b = bigger
	}
	return append(b, p...)
}

// give takes back what collect has made.
func (w *Workspace) give(b []byte) {
	if cap(b) == w.small.size {
		w.small.put(b)
	} else {
		w.large.put(b)
	}
}

// Trim gives back half of the memory that was not needed since the last call.
func (w *Workspace) Trim() {
	w.small.trim()
	w.large.trim()
}

// bytesPool keeps pieces of memory of one size.
type bytesPool struct {
	size  int
	list  [][]byte
	least int // of the list, since the last trim
}

// get returns an empty piece.
func (p *bytesPool) get() []byte {
	n := len(p.list)
	if n == 0 {
		return make([]byte, 0, p.size)
	}
	b := p.list[n-1]
	p.list[n-1] = nil
	p.list = p.list[:n-1]
	p.least = min(p.least, n-1)
	return b
}

// put takes one back. What has been made larger meanwhile is left to the collector.
func (p *bytesPool) put(b []byte) {
	poison.Fill(b[:cap(b)])
	if cap(b) == p.size {
		p.list = append(p.list, b[:0])
	}
}

// keptBytes is how many pieces are never given back.
const keptBytes = 16

func (p *bytesPool) trim() {
	for n := (p.least - keptBytes + 1) / 2; n > 0; n-- {
		last := len(p.list) - 1
		p.list[last] = nil
		p.list = p.list[:last]
	}
	p.least = len(p.list)
}
