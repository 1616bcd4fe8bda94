package h2

const (
	// txSize is how much is gathered before it is sent within a turn, and kept at most for a client
	// that takes nothing.
	txSize = 64 << 10
	// txReserve is room for frames that are sent in any case: acknowledgements, resets.
	txReserve = 4 << 10
	// minPiece is the least content that is worth a frame while more is waiting.
	minPiece = 2 << 10
)

// room is how much content, with its headers, may be added.
func (c *Conn) room() int { return txSize - len(c.tx) }

// Congested tells that the client takes so little that nothing more should be received
// from it, as it may ask for answers.
func (c *Conn) Congested() bool { return c.room() <= 0 }

// Pending tells whether something waits to be sent.
func (c *Conn) Pending() bool { return len(c.tx) > c.sent }

// position is where the next frame will be in all that was ever sent.
func (c *Conn) position() int64 { return c.base + int64(len(c.tx)) }

// begin returns the transmit buffer, to append n bytes to.
func (c *Conn) begin(n int) []byte {
	if c.tx == nil {
		c.tx = c.w.large.get()
	}
	if len(c.tx)+n > cap(c.tx) && c.sent > 0 {
		c.compact()
	}
	return c.tx
}

// compact drops what has gone.
func (c *Conn) compact() {
	c.base += int64(c.sent)
	c.tx = c.tx[:copy(c.tx, c.tx[c.sent:])]
	c.sent = 0
}

// makeRoom sees to it that there is room for a frame with some of n bytes of content.
func (c *Conn) makeRoom(n int) bool {
	c.begin(0)
	need := HeaderLen + min(n, minPiece)
	if c.room() >= need {
		return true
	}
	c.flush()
	c.begin(0)
	return c.room() >= need
}

// wake asks the owner to flush at the end of the turn.
func (c *Conn) wake() {
	if !c.woken {
		c.woken = true
		c.owner.Wake()
	}
}

// Flush sends what has been gathered. The owner calls it at the end of a turn in which it was
// asked to.
func (c *Conn) Flush() {
	c.woken = false
	c.flush()
	c.serve()
}

// Writable goes on sending after the socket took no more.
func (c *Conn) Writable() {
	c.flush()
	c.serve()
}

// flush sends what the socket takes.
func (c *Conn) flush() {
	if len(c.tx) == c.sent {
		return
	}
	n, ok := c.owner.Transmit(c.tx[c.sent:])
	if !ok {
		c.sent = len(c.tx) // nobody will read it
		c.Kill(InternalError)
	}
	c.sent += n
	c.offered = c.position()
	switch {
	case c.sent >= len(c.tx):
		c.base += int64(len(c.tx))
		c.w.large.put(c.tx)
		c.tx, c.sent = nil, 0
	case c.sent >= len(c.tx)/2:
		c.compact()
	}
}

// serve lets the streams that wait for room go on, in turn, as long as there is some.
func (c *Conn) serve() {
	for c.room() > HeaderLen+minPiece {
		st := c.next()
		if st == nil {
			return
		}
		c.dequeue(st)
		c.serving = st
		st.Handler.Writable()
		c.serving = nil
	}
}

// next is the stream that may go on: any where the client takes content, and else one that
// waits with a head, which no window bounds.
func (c *Conn) next() *Stream {
	st := c.waiting.First()
	for c.sendWin <= 0 && st != nil && !st.headWaits {
		st = st.place.Next()
	}
	return st
}

// enqueue makes a stream wait for room in the connection.
func (c *Conn) enqueue(st *Stream) {
	if !st.place.Linked() {
		c.waiting.PushBack(&st.place, st)
	}
}

func (c *Conn) dequeue(st *Stream) {
	st.headWaits = false
	if st.place.Linked() {
		c.waiting.Remove(&st.place)
	}
}

// giveBack opens the connection's window again by n bytes. The client hears of it when it
// is worth a frame.
func (c *Conn) giveBack(n int) {
	if c.give += int32(n); int(c.give) >= max(c.set.ConnWindow, startWindow)/4 && c.phase != phaseDead {
		c.appendWindow(0, uint32(c.give))
		c.recvWin += c.give
		c.give = 0
	}
}

func (c *Conn) appendWindow(id, n uint32) {
	c.tx = appendUint32(AppendHeader(c.begin(HeaderLen+4), FrameHeader{Length: 4, Type: FrameWindowUpdate, Stream: id}), n)
	c.wake()
}

func (c *Conn) appendReset(id uint32, code Code) {
	if c.phase == phaseDead {
		return
	}
	c.stats.ResetsSent++
	c.graced.add(id)
	c.tx = appendUint32(AppendHeader(c.begin(HeaderLen+4), FrameHeader{Length: 4, Type: FrameRSTStream, Stream: id}), uint32(code))
	c.wake()
}

func (c *Conn) appendGoAway(last uint32, code Code) {
	c.tx = appendUint32(appendUint32(AppendHeader(c.begin(HeaderLen+8), FrameHeader{Length: 8, Type: FrameGoAway}), last), uint32(code))
	c.wake()
}
