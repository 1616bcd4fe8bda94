package h2

import (
	"bench/internal/list"
	"bench/proxy/h1"
	"bench/proxy/message"
)

// Receiver is the other side of a stream: whoever uses it. Ready, Writable and Aborted are
// called by Conn.Dispatch, or when the connection takes more.
type Receiver interface {
	// Body brings a piece of the content that the peer sends, good during the call; it may
	// come before Handler.Head. Nothing may be answered here.
	Body(p []byte)
	// End ends the content. trailer holds the fields behind it as lines of HTTP/1, good
	// during the call. Like Body it is only to be noted.
	End(trailer []byte)
	// Ready says that Body, End or Caller.Response were called since.
	Ready()
	// Writable says that Send may take more.
	Writable()
	// Aborted says that the stream is over: the peer has reset it, has broken a rule in it,
	// or its connection has failed. The handler lets go of it by Close, at once or later.
	Aborted(code Code)
}

// Handler is the Receiver of a stream that a client has opened: it answers the request.
type Handler interface {
	Receiver
	// Head brings the request, first and once, by Conn.Dispatch. It is good during the call. bad,
	// if not nil, is why it is to be refused.
	Head(req *message.Request, bad *h1.Error)
	// Discard takes the place of Head, and is the last call, for a stream that was over
	// before its request was brought.
	Discard()
}

// Caller is the Receiver of a stream that we have opened.
type Caller interface {
	Receiver
	// Response brings the head of a response, interim or final, good during the call. Like
	// Body it is only to be noted. end: nothing follows.
	Response(res *message.Response, end bool)
}

// Stream is one exchange on a connection. Its owner makes it, embedded in whatever a
// handler needs, and sets Handler: a Handler, or a Caller.
type Stream struct {
	Handler Receiver

	c    *Conn
	id   uint32
	head *message.Request // waits for Dispatch
	bad  *h1.Error        // as does this

	left     int64 // of the content, as its length was announced; −1: it was not
	recvWin  int32 // what the peer may still send
	held     int32 // content brought to the handler and not reported as consumed
	give     int32 // consumed, and not given back to the peer yet
	sendWin  int64 // what we may still send; negative after a change of settings
	lastAt   int64 // where the header of our last frame is, in all that was ever sent; −1: there is none
	endState       // of both directions

	dirty bool // in Conn.dirty
	open  bool // the handler has the request
	news  bool // for Ready
	short bool // waits for its own window
	// headWaits: what waits for room in the connection is a head.
	headWaits bool
	code      Code // with aborted

	place list.Node[Stream] // among those that wait for room in the connection
}

// endState is what is over of a stream.
type endState struct {
	remoteEnd bool // the peer has sent everything
	headSent  bool // our head, of a response the final one, is on its way
	gotHead   bool // the final head of the response has come
	bodiless  bool // the response has no content, whatever its fields say
	extended  bool // a client's request is an extended CONNECT
	connects  bool // the request is a CONNECT: a good answer has no end
	refused   bool // the server says that it has done nothing about the request
	localEnd  bool // so is the end of the response
	aborted   bool // neither side says anything more
	announced bool // the handler knows
}

// ID is the number of the stream on its connection.
func (st *Stream) ID() uint32 { return st.id }

// Conn is the connection the stream belongs to.
func (st *Stream) Conn() *Conn { return st.c }

// Ended tells whether what the peer sends has been received completely.
func (st *Stream) Ended() bool { return st.remoteEnd }

// Over tells that the stream has been aborted: nothing can be sent.
func (st *Stream) Over() bool { return st.aborted }

// SendHead sends the head of a response, interim or final.
func (st *Stream) SendHead(res *message.Response) {
	if st.aborted || st.localEnd || st.headSent {
		return
	}
	st.headSent = res.Status >= 200 || res.Status == 101
	st.c.appendHead(st, res)
}

// Send sends content, as much as there is room for, and reports how much that was. If it
// is not all, Writable will be called; the handler then offers the rest again.
func (st *Stream) Send(p []byte) int {
	if st.aborted || st.localEnd {
		return 0
	}
	c, sent := st.c, 0
	if c.waiting.Len() > 0 && c.serving != st {
		c.enqueue(st) // behind the others
		return 0
	}
	for len(p) > 0 {
		n := min(len(p), dataFrame, clamp(st.sendWin), clamp(c.sendWin))
		if st.sendWin <= 0 {
			st.short = true
			break
		}
		if n <= 0 || !c.makeRoom(n) {
			c.enqueue(st)
			break
		}
		n = min(n, c.room()-HeaderLen)
		st.lastAt = c.position()
		c.tx = append(AppendHeader(c.tx, FrameHeader{Length: uint32(n), Type: FrameData, Stream: st.id}), p[:n]...)
		st.sendWin -= int64(n)
		c.sendWin -= int64(n)
		p = p[n:]
		sent += n
	}
	if sent > 0 {
		c.wake()
	}
	return sent
}

// dataFrame is the content of our largest DATA frame, which every client takes.
const dataFrame = minMaxFrame

func clamp(w int64) int { return int(max(min(w, 1<<30), 0)) }

// Takes is how much content Send takes now.
func (st *Stream) Takes() int {
	c := st.c
	if st.aborted || c.waiting.Len() > 0 && c.serving != st {
		return 0
	}
	return max(min(clamp(st.sendWin), clamp(c.sendWin), c.room()), 0)
}

// Full tells that a head should wait: the client takes nothing and enough is kept for
// it. Writable will be called.
func (st *Stream) Full() bool {
	c := st.c
	if st.aborted || c.room() > HeaderLen {
		return false
	}
	if c.flush(); c.room() > HeaderLen {
		return false
	}
	c.enqueue(st)
	st.headWaits = true
	return true
}

// End ends the content. trailer holds the fields that follow its content as lines of
// HTTP/1, nil for none.
func (st *Stream) End(trailer []byte) {
	if st.aborted || st.localEnd || !st.headSent {
		return
	}
	st.localEnd = true
	c := st.c
	switch {
	case len(trailer) > 0:
		c.appendTrailer(st, trailer)
	case st.lastAt >= c.offered:
		// The last frame has not gone yet: it is the one that ends the stream.
		c.tx[st.lastAt-c.base+flagsAt] |= byte(FlagEndStream)
	default:
		c.tx = AppendHeader(c.begin(HeaderLen), FrameHeader{Type: FrameData, Flags: FlagEndStream, Stream: st.id})
	}
	c.wake()
}

// flagsAt is where the flags are in the header of a frame.
const flagsAt = 4

// Consumed says that n bytes of content have left for where they are to go, so that the
// client may send as many more.
func (st *Stream) Consumed(n int) {
	if n <= 0 {
		return
	}
	c := st.c
	if c.acceptor != nil {
		st.held -= int32(n)
		c.giveBack(n)
	}
	if st.remoteEnd || st.aborted {
		return
	}
	if st.give += int32(n); int(st.give) >= c.set.Window/4 {
		c.appendWindow(st.id, uint32(st.give))
		st.recvWin += st.give
		st.give = 0
	}
}

// Close is the last call of a handler: it lets go of the stream. One whose response is
// incomplete is reset with code; one whose request is, without blame, as nobody wants the
// rest of it.
func (st *Stream) Close(code Code) {
	c := st.c
	if !st.aborted && st.id != 0 {
		switch {
		case !st.localEnd:
			c.appendReset(st.id, code)
		case !st.remoteEnd:
			c.appendReset(st.id, NoError)
		}
	}
	c.giveBack(int(st.held))
	st.held = 0
	c.drop(st)
}
