package h2

import "encoding/binary"

// dataFrameState is the DATA frame under way: what is left of its content and padding.
type dataFrameState struct {
	st      *Stream // nil: nobody wants it
	left    uint32
	padding uint32
	end     bool
}

func (d *dataFrameState) active() bool { return d.left > 0 || d.padding > 0 || d.end }

// Feed takes what the client has sent, and reports how much of it: less than all where so
// many requests have come that they have to be dispatched first. now is the time on a
// clock of nanoseconds. Dispatch follows in any case.
func (c *Conn) Feed(p []byte, now int64) (used int) {
	whole := len(p)
	for len(p) > 0 && c.phase != phaseDead {
		switch {
		case c.w.full():
			return whole - len(p)
		case c.phase == phasePreface:
			p = p[c.preface(p):]
		case c.data.active():
			p = p[c.dataPiece(p):]
		case len(c.rest) > 0:
			p = p[c.complete(p, now):]
		default:
			n := c.need(p)
			if len(p) < n {
				c.keep(p)
				return whole
			}
			c.frame(p[:n], now)
			p = p[n:]
		}
	}
	return whole
}

// preface compares what should be one.
func (c *Conn) preface(p []byte) int {
	at := len(c.rest)
	n := min(len(p), len(Preface)-at)
	if string(p[:n]) != Preface[at:at+n] {
		c.fail(ProtocolError)
		return n
	}
	if at+n == len(Preface) {
		c.releaseRest()
		c.phase = phaseSettings
	} else {
		c.keep(p[:n])
	}
	return n
}

// need is how many of the bytes at the start of a frame have to be there before something
// can be done with them: all, but of DATA frames only what comes before the content.
// Where the header is enough to see that something is wrong, it is enough.
func (c *Conn) need(b []byte) int {
	if len(b) < HeaderLen {
		return HeaderLen
	}
	h := ParseHeader(b)
	switch {
	case int(h.Length) > c.set.MaxFrame:
		return HeaderLen
	case h.Type != FrameData:
		return HeaderLen + int(h.Length)
	case h.Flags&FlagPadded != 0 && h.Length > 0:
		return HeaderLen + 1
	}
	return HeaderLen
}

// complete adds to a frame that was incomplete. It reports how much of p that took.
func (c *Conn) complete(p []byte, now int64) int {
	n := min(c.need(c.rest)-len(c.rest), len(p))
	c.keep(p[:n])
	if len(c.rest) == c.need(c.rest) {
		f := c.rest
		c.rest = nil
		c.frame(f, now)
		if cap(f) == c.w.small.size {
			c.w.small.put(f)
		}
	}
	return n
}

// keep stores the beginning of a frame.
func (c *Conn) keep(p []byte) {
	if c.rest == nil {
		c.rest = c.w.small.get()
	}
	c.rest = append(c.rest, p...)
}

func (c *Conn) releaseRest() {
	if c.rest != nil {
		c.w.small.put(c.rest)
		c.rest = nil
	}
}

// frame takes a frame, of DATA only the beginning.
func (c *Conn) frame(f []byte, now int64) {
	h, p := ParseHeader(f), f[HeaderLen:]
	if c.watch != nil {
		c.watch.Received(h)
	}
	if int(h.Length) > c.set.MaxFrame {
		c.fail(FrameSizeError)
		return
	}
	if c.phase == phaseSettings {
		if h.Type != FrameSettings || h.Flags&FlagAck != 0 {
			c.fail(ProtocolError)
			return
		}
		c.phase = phaseFrames
	}
	if c.block.open && (h.Type != FrameContinuation || h.Stream != c.block.id) {
		c.fail(ProtocolError)
		return
	}
	switch h.Type {
	case FrameData:
		c.beginData(h, p)
	case FrameHeaders:
		c.headers(h, p)
	case FrameContinuation:
		c.continuation(h, p)
	case FramePriority:
		c.priority(h, p)
	case FrameRSTStream:
		c.reset(h, p)
	case FrameSettings:
		c.settings(h, p, now)
	case FramePing:
		c.ping(h, p, now)
	case FrameGoAway:
		c.goAway(h, p)
	case FrameWindowUpdate:
		c.windowUpdate(h, p)
	case FramePushPromise:
		c.fail(ProtocolError)
	default:
		c.oddity() // an extension that we do not know (RFC 9113 §5.5)
	}
}

// idle tells whether no stream with that number has been opened by the client, so that no
// frame but HEADERS and PRIORITY may carry it.
func (c *Conn) idle(id uint32) bool { return id > c.last || id%2 == 0 }

// beginData takes the beginning of a DATA frame.
func (c *Conn) beginData(h FrameHeader, p []byte) {
	c.stats.Data++
	padding := uint32(0)
	if h.Flags&FlagPadded != 0 {
		if h.Length == 0 {
			c.fail(FrameSizeError)
			return
		}
		padding = uint32(p[0])
		if padding >= h.Length {
			c.fail(ProtocolError)
			return
		}
	}
	switch {
	case h.Stream == 0 || c.idle(h.Stream):
		c.fail(ProtocolError)
		return
	case int64(h.Length) > int64(c.recvWin):
		c.fail(FlowControlError)
		return
	}
	c.recvWin -= int32(h.Length)
	content := h.Length - padding
	if h.Flags&FlagPadded != 0 {
		content--
	}
	st := c.find(h.Stream)
	switch {
	case st == nil || st.aborted:
		if !c.forgiven(h.Stream) {
			c.refuse(h.Stream, StreamClosed)
		}
		st = nil
	case st.remoteEnd:
		c.streamError(st, StreamClosed)
		st = nil
	case int64(h.Length) > int64(st.recvWin):
		c.streamError(st, FlowControlError)
		st = nil
	case st.left >= 0 && int64(content) > st.left, c.acceptor == nil && !st.gotHead:
		c.streamError(st, ProtocolError)
		st = nil
	default:
		st.recvWin -= int32(h.Length)
		c.hold(st, int(h.Length-content))
		st.Consumed(int(h.Length - content)) // padding is of no use to anybody
	}
	if st == nil {
		c.giveBack(int(h.Length - content))
	}
	if content == 0 && h.Flags&FlagEndStream == 0 {
		if c.oddity(); c.phase == phaseDead {
			return
		}
	}
	c.data = dataFrameState{st: st, left: content, padding: padding, end: h.Flags&FlagEndStream != 0}
	if content == 0 && padding == 0 {
		c.endData()
	}
}

// dataPiece takes some content, or padding, and reports how much.
func (c *Conn) dataPiece(p []byte) int {
	d := &c.data
	n := min(len(p), int(d.left))
	if n > 0 {
		d.left -= uint32(n)
		if st := d.st; st != nil && !st.aborted {
			if st.left > 0 {
				st.left -= int64(n)
			}
			c.hold(st, n)
			st.Handler.Body(p[:n])
			st.news = true
			c.touch(st)
		} else {
			c.giveBack(n)
		}
	}
	skip := min(len(p)-n, int(d.padding))
	d.padding -= uint32(skip)
	if d.left == 0 && d.padding == 0 {
		c.endData()
	}
	return n + skip
}

// hold notes content that waits in a stream. A client is not to send more than the
// connection's window while it does; but servers answer many clients, of which one that is slow is
// not to keep the others waiting, so that only the streams' windows bound them.
func (c *Conn) hold(st *Stream, n int) {
	if c.acceptor != nil {
		st.held += int32(n)
	} else {
		c.giveBack(n)
	}
}

func (c *Conn) endData() {
	st, end := c.data.st, c.data.end
	c.data = dataFrameState{}
	if st == nil || !end || st.aborted {
		return
	}
	if st.left > 0 {
		c.streamError(st, ProtocolError) // less than was announced
		return
	}
	c.endMessage(st, nil)
}

// endMessage notes that the peer has sent everything.
func (c *Conn) endMessage(st *Stream, trailer []byte) {
	st.remoteEnd = true
	st.Handler.End(trailer)
	st.news = true
	c.touch(st)
}

func (c *Conn) priority(h FrameHeader, p []byte) {
	switch {
	case h.Stream == 0:
		c.fail(ProtocolError)
	case len(p) != 5:
		c.errorIn(h.Stream, FrameSizeError)
	case binary.BigEndian.Uint32(p)&maxID == h.Stream:
		c.errorIn(h.Stream, ProtocolError)
	}
}

// errorIn is an error of a stream that may not exist.
func (c *Conn) errorIn(id uint32, code Code) {
	if st := c.find(id); st != nil && !st.aborted {
		c.streamError(st, code)
		return
	}
	c.refuse(id, code)
}

func (c *Conn) reset(h FrameHeader, p []byte) {
	c.stats.Resets++
	switch {
	case h.Stream == 0:
		c.fail(ProtocolError)
		return
	case len(p) != 4:
		c.fail(FrameSizeError)
		return
	case c.idle(h.Stream):
		c.fail(ProtocolError)
		return
	}
	st := c.find(h.Stream)
	if st == nil || st.aborted {
		return
	}
	code := Code(binary.BigEndian.Uint32(p))
	if c.acceptor == nil {
		st.refused = code == RefusedStream
	} else if !st.headSent {
		c.earlyReset()
	}
	if st.open {
		c.abort(st, code)
	} else {
		c.discard(st) // nobody has heard of it yet
	}
}

func (c *Conn) settings(h FrameHeader, p []byte, now int64) {
	c.stats.Settings++
	switch {
	case h.Stream != 0:
		c.fail(ProtocolError)
		return
	case h.Flags&FlagAck != 0:
		if len(p) != 0 {
			c.fail(FrameSizeError)
			return
		}
		c.settle()
		return
	case len(p)%settingLen != 0:
		c.fail(FrameSizeError)
		return
	}
	c.order(now)
	c.learnt()
	was := c.startWin
	for ; len(p) > 0 && c.phase != phaseDead; p = p[settingLen:] {
		c.setting(settingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:]))
	}
	// The last value counts, and one look at the streams is enough: a frame may have thousands.
	if delta := c.startWin - was; delta != 0 && c.phase != phaseDead {
		c.widenAll(delta)
	}
	if c.phase == phaseDead {
		return
	}
	c.tx = AppendHeader(c.begin(HeaderLen), FrameHeader{Type: FrameSettings, Flags: FlagAck})
	c.wake()
}

// firstWindow is what the client may send of a request that begins now: as long as it need
// not know of our settings, what it may without any.
func (c *Conn) firstWindow() int32 {
	if c.settled {
		return int32(c.set.Window)
	}
	return int32(max(c.set.Window, startWindow))
}

// settle notes that the client knows our settings: from here on it keeps to smaller windows,
// which it has made of those of streams that were open (RFC 9113 §6.9.2).
func (c *Conn) settle() {
	if c.settled {
		return
	}
	lost := c.firstWindow() - int32(c.set.Window)
	c.settled = true
	for _, st := range c.streams {
		st.recvWin -= lost
	}
}

func (c *Conn) setting(id settingID, v uint32) {
	if c.acceptor == nil {
		c.remote.setting(id, v)
	}
	switch id {
	case settingTableSize:
		// We never put anything into the table; but that it may be smaller has to be
		// acknowledged in the next block.
		c.shrinkTable = c.shrinkTable || v < 4096
	case settingPush:
		if v > 1 {
			c.fail(ProtocolError)
		}
	case settingWindow:
		if v > maxWindow {
			c.fail(FlowControlError)
			return
		}
		c.startWin = int64(v)
	case settingMaxFrame:
		if v < minMaxFrame || v > maxMaxFrame {
			c.fail(ProtocolError)
		}
	case settingConnect:
		if v > 1 {
			c.fail(ProtocolError)
		}
	case settingMaxStreams, settingMaxHead: // of interest to clients; and rather too much than nothing
	}
}

// widenAll changes the windows of all streams by delta.
func (c *Conn) widenAll(delta int64) {
	for _, st := range c.streams {
		if !c.widen(st, delta) {
			c.fail(FlowControlError)
			return
		}
	}
}

// widen changes the window of a stream by delta. It reports false if it would be too
// large.
func (c *Conn) widen(st *Stream, delta int64) bool {
	st.sendWin += delta
	if st.sendWin > maxWindow {
		return false
	}
	if st.short && st.sendWin > 0 && !st.aborted {
		st.short = false
		c.enqueue(st)
	}
	return true
}

func (c *Conn) ping(h FrameHeader, p []byte, now int64) {
	switch {
	case h.Stream != 0:
		c.fail(ProtocolError)
	case len(p) != 8:
		c.fail(FrameSizeError)
	case h.Flags&FlagAck != 0:
		if c.leaving && string(p) == leavePing {
			c.Leave()
		}
	default:
		if c.order(now); c.phase == phaseDead {
			return
		}
		c.tx = append(AppendHeader(c.begin(HeaderLen+8), FrameHeader{Length: 8, Type: FramePing, Flags: FlagAck}), p...)
		c.wake()
	}
}

func (c *Conn) goAway(h FrameHeader, p []byte) {
	c.stats.GoAways++
	switch {
	case h.Stream != 0:
		c.fail(ProtocolError)
	case len(p) < 8:
		c.fail(FrameSizeError)
	default:
		c.remoteGone = true
		if c.acceptor == nil {
			c.leaveBehind(binary.BigEndian.Uint32(p) & maxID)
		}
	}
}

func (c *Conn) windowUpdate(h FrameHeader, p []byte) {
	if len(p) != 4 {
		c.fail(FrameSizeError)
		return
	}
	n := int64(binary.BigEndian.Uint32(p) & maxWindow)
	if h.Stream == 0 {
		if n == 0 {
			c.fail(ProtocolError)
		} else if c.sendWin += n; c.sendWin > maxWindow {
			c.fail(FlowControlError)
		}
		return
	}
	if c.idle(h.Stream) {
		c.fail(ProtocolError)
		return
	}
	st := c.find(h.Stream)
	switch {
	case st == nil || st.aborted:
	case n == 0:
		c.streamError(st, ProtocolError)
	case !c.widen(st, n):
		c.streamError(st, FlowControlError)
	}
}
