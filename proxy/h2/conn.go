package h2

import (
	"sort"

	"bench/internal/list"
	"bench/proxy/h2/hpack"
	"bench/proxy/stats"
)

// Owner is what a connection needs of whoever has the socket.
type Owner interface {
	// Transmit sends p and reports how much went out; less than all is to be continued when the
	// socket takes more, by Conn.Writable. It reports false if the connection has failed.
	Transmit(p []byte) (n int, ok bool)
	// Wake asks for Conn.Flush at the end of the turn.
	Wake()
}

// Acceptor is the Owner of a connection of a client's.
type Acceptor interface {
	Owner
	// Open makes a stream for a request, with its Handler.
	Open() *Stream
}

// Watcher is an Owner that wants to know of the frames that come.
type Watcher interface{ Received(h FrameHeader) }

// Conn is one side of a connection: Init makes it the server's, InitOutgoing the client's.
// The peer is the other side.
type Conn struct {
	w     *Workspace
	set   *Settings
	owner Owner
	watch Watcher // nil: nobody does
	// acceptor is the owner of a connection on which the peer opens the streams; nil: we do.
	acceptor Acceptor
	stats    *stats.H2

	// Receiving.

	rest  []byte // a frame that is incomplete, or its beginning
	data  dataFrameState
	block blockState
	dec   hpack.Decoder
	phase phase
	graced
	recvWin int32 // what the peer may still send
	give    int32 // to be given back
	settled bool  // the peer has acknowledged our settings

	// Streams.

	streams []*Stream // by number
	dirty   []*Stream // those with news for their handlers
	last    uint32    // the highest number a stream has had
	opened  uint64    // streams in all

	// Sending.

	tx          []byte // frames; what is before sent has gone
	sent        int
	base        int64 // how much was sent before the beginning of tx
	offered     int64 // up to where the owner has been given bytes: these must stay as they are
	sendWin     int64
	startWin    int64             // of new streams, as the peer wants it
	waiting     list.List[Stream] // for room, in turn
	serving     *Stream
	shrinkTable bool // the next header block says that we have no table
	woken       bool

	remote  remote    // what a server has announced
	hopeful []*Stream // that wait for that
	bounds
	closing
}

// phase is what is expected next.
type phase uint8

const (
	phasePreface phase = iota
	phaseSettings
	phaseFrames
	phaseDead
)

// closing is how far the end of the connection has come.
type closing struct {
	// leaving: the client has been asked to open no more streams, by a GOAWAY that allows
	// those on their way; gone: by one that does not, with limit as the last.
	leaving, gone bool
	limit         uint32
	remoteGone    bool // the client opens no more streams
	code          Code // with phaseDead
}

// Init begins a connection. The owner flushes it, and feeds it from the preface on. What
// happens is counted in count, but for connections and levels.
func (c *Conn) Init(w *Workspace, set *Settings, owner Acceptor, count *stats.H2) {
	c.init(w, set, owner, count)
	c.acceptor = owner
	c.watch, _ = owner.(Watcher)
	c.tx = set.appendTo(c.begin(0))
	c.wake()
}

func (c *Conn) init(w *Workspace, set *Settings, owner Owner, count *stats.H2) {
	*c = Conn{w: w, set: set, owner: owner, stats: count, sendWin: startWindow, startWin: startWindow, recvWin: int32(max(set.ConnWindow, startWindow))}
	c.dec.Init(set.TableSize)
}

// Streams is how many streams have not been closed.
func (c *Conn) Streams() int { return len(c.streams) }

// Opened is how many streams there were in all.
func (c *Conn) Opened() uint64 { return c.opened }

// Dead tells that the connection is over, by an error: all that is left is to flush, and to
// close it.
func (c *Conn) Dead() bool { return c.phase == phaseDead }

// Partial tells that the client has begun a frame, or a header block, and not ended it.
func (c *Conn) Partial() bool {
	return c.phase < phaseFrames || len(c.rest) > 0 || c.block.open
}

// HalfClosed notes that the client has ended its side of the connection in order: nothing
// more comes, and requests that are incomplete never will be.
func (c *Conn) HalfClosed() {
	c.remoteGone = true
	for _, st := range c.streams {
		if !st.remoteEnd {
			c.abort(st, Cancel)
		}
	}
	c.wake()
}

// Done tells that nothing is left to be done: no stream is open and none will be.
func (c *Conn) Done() bool {
	return len(c.streams) == 0 && (c.gone || c.remoteGone) && len(c.dirty) == 0
}

// find returns an open stream, nil if there is none with that number.
func (c *Conn) find(id uint32) *Stream {
	if i := c.index(id); i < len(c.streams) && c.streams[i].id == id {
		return c.streams[i]
	}
	return nil
}

// index is where a number stands, or would stand, among the streams.
func (c *Conn) index(id uint32) int {
	if n := len(c.streams); n == 0 || c.streams[n-1].id < id {
		return n
	}
	return sort.Search(len(c.streams), func(i int) bool { return c.streams[i].id >= id })
}

// drop forgets a stream.
func (c *Conn) drop(st *Stream) {
	c.dequeue(st)
	if c.data.st == st {
		c.data.st = nil
	}
	if i := c.index(st.id); i < len(c.streams) && c.streams[i] == st {
		copy(c.streams[i:], c.streams[i+1:])
		c.streams[len(c.streams)-1] = nil
		c.streams = c.streams[:len(c.streams)-1]
	}
	if st.dirty {
		for i, d := range c.dirty {
			if d == st {
				c.dirty[i] = nil // Dispatch skips it
			}
		}
		st.dirty = false
	}
	st.c = nil
}

// discard forgets a stream whose handler has not heard of it.
func (c *Conn) discard(st *Stream) {
	h := st.Handler
	c.giveBack(int(st.held))
	st.held = 0
	c.drop(st)
	h.(Handler).Discard()
}

// touch notes that there is news for the handler of the stream.
func (c *Conn) touch(st *Stream) {
	if !st.dirty {
		st.dirty = true
		c.dirty = append(c.dirty, st)
	}
}

// Dispatch brings handlers what has come since the last time. It is called after each
// batch of Feed; handlers may do what they like with their streams meanwhile.
func (c *Conn) Dispatch() {
	for i := 0; i < len(c.dirty); i++ {
		st := c.dirty[i]
		if st == nil {
			continue
		}
		c.dirty[i] = nil
		st.dirty = false
		head, news := st.head, st.news
		st.head, st.news = nil, false
		switch {
		case st.aborted && !st.open:
			c.discard(st)
		case st.aborted:
			if !st.announced {
				st.announced = true
				st.Handler.Aborted(st.code)
			}
		case head != nil:
			st.open = true
			st.Handler.(Handler).Head(head, st.bad)
		case news && st.open:
			st.Handler.Ready()
		}
	}
	c.dirty = c.dirty[:0]
	c.w.reset()
	c.serve()
}

// fail ends the connection with an error of the peer's: what it has broken, all streams
// share.
func (c *Conn) fail(code Code) {
	if c.phase == phaseDead {
		return
	}
	c.stats.ConnErrors++
	c.Expel(code)
}

// Expel ends the connection with an error that is none of the protocol: its client is not
// wanted.
func (c *Conn) Expel(code Code) {
	if c.phase != phaseDead {
		c.stats.GoAwaysSent++
		c.appendGoAway(c.last, code)
		c.Kill(code)
	}
}

// Kill ends the connection without a word, as it has failed: handlers hear of it by Aborted.
func (c *Conn) Kill(code Code) {
	if c.phase != phaseDead {
		c.phase, c.code = phaseDead, code
		for _, st := range c.streams {
			c.abort(st, code)
		}
		c.wake()
	}
	c.data = dataFrameState{}
	c.releaseRest()
	c.releaseBlock()
}

// Release gives back what the connection holds. All its streams have been closed.
func (c *Conn) Release() {
	c.releaseRest()
	c.releaseBlock()
	if c.tx != nil {
		c.w.large.put(c.tx)
		c.tx = nil
	}
}

// abort ends a stream; its handler hears of it by Dispatch.
func (c *Conn) abort(st *Stream, code Code) {
	if st.aborted {
		return
	}
	st.aborted, st.code = true, code
	c.dequeue(st)
	c.touch(st)
}

// streamError resets a stream whose client has broken a rule.
func (c *Conn) streamError(st *Stream, code Code) {
	c.stats.StreamErrors++
	c.glitch()
	c.appendReset(st.id, code)
	c.abort(st, code)
}

// refuse resets a stream that is not, or not any more, one of ours.
func (c *Conn) refuse(id uint32, code Code) {
	if code != RefusedStream {
		c.stats.StreamErrors++
	}
	c.glitch()
	c.appendReset(id, code)
}

// Shutdown asks the client to open no more streams, so that the connection ends when
// those it has are answered. Those that are on their way are still served: what begins
// before the client has heard of it is not lost. Leave follows.
func (c *Conn) Shutdown() {
	if c.leaving || c.phase == phaseDead {
		return
	}
	c.leaving = true
	c.appendGoAway(maxID, NoError)
	c.tx = append(AppendHeader(c.begin(HeaderLen+8), FrameHeader{Length: 8, Type: FramePing}), leavePing...)
	c.wake()
}

// leavePing is what the client answers when it has read the GOAWAY before it.
const leavePing = "go away!"

// Leaving tells that Shutdown was called.
func (c *Conn) Leaving() bool { return c.leaving }

// Leave follows Shutdown, when the client has answered, which is noticed by itself, or has had
// the time to: streams it opens from now on are ignored.
func (c *Conn) Leave() {
	if c.gone || c.phase == phaseDead {
		return
	}
	c.leaving, c.gone, c.limit = true, true, c.last
	c.appendGoAway(c.last, NoError)
	c.wake()
}
