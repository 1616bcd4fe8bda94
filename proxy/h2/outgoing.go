package h2

import (
	"math"
	"slices"

	"bench/proxy/h1"
	"bench/proxy/h2/hpack"
	"bench/proxy/message"
	"bench/proxy/stats"
)

// remote is what a server has announced in its SETTINGS, or what holds without.
type remote struct {
	streams uint32 // that may be open at once
	connect bool   // it takes the extended CONNECT (RFC 8441)
	known   bool   // its SETTINGS have come
}

func (r *remote) setting(id settingID, v uint32) {
	switch id {
	case settingMaxStreams:
		r.streams = v
	case settingConnect:
		r.connect = v == 1
	case settingTableSize, settingPush, settingWindow, settingMaxFrame, settingMaxHead:
	}
}

// InitOutgoing begins a connection to a server, as Init does one of a client's.
func (c *Conn) InitOutgoing(w *Workspace, set *Settings, owner Owner, count *stats.H2) {
	c.init(w, set, owner, count)
	c.phase = phaseSettings
	c.remote = remote{streams: uint32(min(set.MaxStreams, math.MaxInt32))}
	c.tx = set.appendOutgoing(append(c.begin(0), Preface...))
	c.wake()
}

// appendOutgoing appends what a client begins a connection with.
func (s *Settings) appendOutgoing(dst []byte) []byte {
	at := len(dst)
	dst = AppendHeader(dst, FrameHeader{Type: FrameSettings})
	if s.TableSize != hpack.DefaultTableSize {
		dst = appendSetting(dst, settingTableSize, uint32(s.TableSize))
	}
	dst = appendSetting(dst, settingPush, 0)
	return s.endSettings(dst, at)
}

// Room is how many more streams the server lets us open now, none if it is leaving, or all
// numbers have been used.
func (c *Conn) Room() int {
	if c.phase == phaseDead || c.remoteGone || c.last >= maxID-2 {
		return 0
	}
	return int(min(c.remote.streams, math.MaxInt32)) - len(c.streams)
}

// Extended tells whether the server has said that it takes the extended CONNECT.
func (c *Conn) Extended() bool { return c.remote.connect }

// hope makes a stream that is not open yet wait for what the server announces.
func (c *Conn) hope(st *Stream) {
	if !slices.Contains(c.hopeful, st) {
		c.hopeful = append(c.hopeful, st)
	}
}

// learnt lets those go on that have waited for what the server announces.
func (c *Conn) learnt() {
	c.remote.known = true
	for _, st := range c.hopeful {
		c.enqueue(st)
	}
	c.hopeful = nil
}

// forget lets go of a stream that may not be open yet.
func (c *Conn) forget(st *Stream) {
	if i := slices.Index(c.hopeful, st); i >= 0 {
		c.hopeful = slices.Delete(c.hopeful, i, i+1)
	}
}

// Refused tells that the stream has ended and its request was not acted on, so that it may be
// sent again whatever it asks for.
func (st *Stream) Refused() bool { return st.refused }

// Origin is what a request says about where it goes to beside its path.
type Origin struct {
	Scheme, Authority []byte // without an authority the Host field is sent as it is
	Protocol          []byte // of an extended CONNECT; nil: none
	// Keyless: the key for a websocket was made up for servers of HTTP/1.
	Keyless bool
}

// open sends the head of a request and makes the stream one of the connection's.
func (c *Conn) open(st *Stream, req *message.Request, path []byte, o *Origin) {
	st.id = c.last + 2
	if c.last == 0 {
		st.id = 1
	}
	c.last = st.id
	c.opened++
	c.stats.Streams++
	st.left, st.recvWin, st.sendWin = -1, c.firstWindow(), c.startWin
	st.open, st.headSent = true, true
	st.bodiless = req.MethodID == message.MethodHead
	c.streams = append(c.streams, st)
	st.lastAt = c.beginBlock(st.id)
	if o.Protocol != nil {
		c.tx = hpack.AppendPseudo(c.tx, hpack.Method, connect)
	} else {
		c.tx = hpack.AppendPseudo(c.tx, hpack.Method, req.Method)
	}
	if path != nil {
		c.tx = hpack.AppendPseudo(c.tx, hpack.Scheme, o.Scheme)
	}
	if o.Authority != nil {
		c.tx = hpack.AppendPseudo(c.tx, hpack.Authority, o.Authority)
	}
	if path != nil {
		c.tx = hpack.AppendPseudo(c.tx, hpack.Path, path)
	}
	if o.Protocol != nil {
		c.tx = hpack.AppendPseudo(c.tx, hpack.Protocol, o.Protocol)
	}
	fields := req.Fields()
	for i := range fields {
		f := &fields[i]
		switch f.ID {
		case message.Deleted, message.Connection, message.KeepAlive, message.ProxyConnection,
			message.TransferEncoding, message.Upgrade, message.HTTP2Settings: // these are for neighbours on HTTP/1 only (RFC 9113 §8.2.2)
			continue
		case message.Host:
			if o.Authority != nil {
				continue
			}
		case message.SecWebSocketKey:
			if o.Keyless {
				continue
			}
		}
		c.tx = hpack.AppendField(c.tx, f.ID, f.Name, f.Value)
	}
	c.endBlock(st.id, st.lastAt, 0)
}

var connect = []byte("CONNECT")

// Unreached ends a connection over which nothing has gone: its requests may all be sent again.
func (c *Conn) Unreached() {
	c.leaveBehind(0)
	c.Kill(RefusedStream)
}

// leaveBehind ends the streams that a server which leaves has not taken, and will not.
func (c *Conn) leaveBehind(last uint32) {
	for _, st := range c.streams {
		if st.id > last && !st.aborted {
			st.refused = true
			c.abort(st, RefusedStream)
		}
	}
}

// responseBlock takes a header block of a server's.
func (c *Conn) responseBlock(id uint32, end bool, code Code, p []byte) {
	if c.idle(id) {
		c.fail(ProtocolError)
		return
	}
	st := c.find(id)
	if st == nil || st.aborted || st.gotHead || st.remoteEnd {
		c.trailers(id, end, code, p)
		c.w.reset()
		return
	}
	res, build := &c.w.res, &c.w.answer
	build.begin(res, c.set.Limits)
	if !c.decode(p, build) {
		return
	}
	interim := res.Status < 200
	switch {
	case code != NoError:
		c.streamError(st, code)
	case !build.finish(st), interim && (end || res.Status == 101):
		c.streamError(st, ProtocolError)
	case !interim && !c.expectContent(st, res, end):
		c.streamError(st, ProtocolError)
	default:
		st.Handler.(Caller).Response(res, end)
		st.news = true
		c.touch(st)
		if end {
			c.endMessage(st, nil)
		}
	}
	c.w.reset()
}

// expectContent notes how much content follows the final head of a response. It reports false
// where that is not what the head says.
func (c *Conn) expectContent(st *Stream, res *message.Response, end bool) bool {
	st.gotHead = true
	switch {
	case st.bodiless || res.Status == 204 || res.Status == 304:
		st.bodiless, st.left = true, 0
	case res.Body.Kind == message.BodyLength:
		st.left = int64(res.Body.Length)
		return !end || st.left == 0
	}
	return true
}

// answerBuilder makes a response of the fields of a header block.
type answerBuilder struct {
	res     *message.Response
	limits  *h1.Limits
	size    int
	malform bool
	regular bool // a field that is no pseudo-header field has come
}

func (b *answerBuilder) begin(res *message.Response, limits *h1.Limits) {
	res.Reset()
	*b = answerBuilder{res: res, limits: limits}
}

// take implements fieldSink.
func (b *answerBuilder) take(f *hpack.Field) bool {
	res := b.res
	b.size += f.Size()
	f.Value = trim(f.Value)
	switch {
	case b.malform:
	case b.size > b.limits.MaxHead || res.Len() > b.limits.MaxFields:
		b.malform = true
	case f.Pseudo == hpack.Status:
		b.malform = b.regular || res.Status != 0 || !status(f.Value, &res.Status)
	case f.Pseudo != hpack.NoPseudo || !validName(f.Name) || !validValue(f.Value):
		b.malform = true
	default:
		b.regular = true
		switch f.ID {
		case message.Connection, message.KeepAlive, message.ProxyConnection, message.TransferEncoding, message.Upgrade:
			b.malform = true // RFC 9113 §8.2.2
			return false
		}
		res.Append(f.ID, f.Name, f.Value)
	}
	return !b.malform
}

// trim takes off the blanks around a value. They must not be there, but servers send them,
// and those of HTTP/1 may.
func trim(v []byte) []byte {
	for len(v) > 0 && blank(v[0]) {
		v = v[1:]
	}
	for len(v) > 0 && blank(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	return v
}

// status reads three digits.
func status(v []byte, to *int) bool {
	if len(v) != 3 || v[0] < '1' || v[0] > '9' || v[1]-'0' > 9 || v[2]-'0' > 9 {
		return false
	}
	*to = int(v[0]-'0')*100 + int(v[1]-'0')*10 + int(v[2]-'0')
	return true
}

// finish looks over what has come, and at what it says about the content.
func (b *answerBuilder) finish(st *Stream) bool {
	if b.malform || b.res.Status == 0 {
		return false
	}
	b.res.Version = message.HTTP20
	method := message.MethodGet
	switch {
	case st.connects:
		method = message.MethodConnect
	case st.bodiless:
		method = message.MethodHead
	}
	return h1.CheckResponse(b.res, method, b.limits) == nil
}
