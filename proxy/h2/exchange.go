package h2

import (
	"crypto/sha1"
	"encoding/base64"
	"math"

	"bench/proxy/h1"
	"bench/proxy/message"
)

// Exchange is one request with its response on a connection to a server, for somebody who
// speaks HTTP/1: it makes frames of what is sent, and gives what comes as HTTP/1 has it.
// So a request can be sent once more to a server that speaks something else.
type Exchange struct {
	Stream
	// Scheme is what the client has said it uses, if its protocol has it say that; nil: it is
	// unknown, unless the head says it.
	Scheme []byte
	// News is called for what concerns the user: Ready, Writable and Aborted of the stream.
	News Listener
	// Source is where the request comes from, if that may have fields behind content of
	// announced length, for which HTTP/1 has no place; nil: it has none.
	Source Source

	up      framing
	left    uint64 // of a body with a length
	chunks  h1.Chunked
	key     []byte // of a request for a websocket
	proto   []byte // what it asks to change to
	failed  bool   // the request cannot be sent
	chunked bool   // the response has chunks
	tunnel  bool   // what follows its head is bytes
	ended   bool   // it has come completely

	text    []byte // heads, and what follows the content, to be given before and after it
	content []byte
	taken   int // of the content
	trailer []byte
}

// Listener is who uses an Exchange.
type Listener interface {
	Ready()
	Writable()
	Aborted(code Code)
}

// Source is whoever sends a request in frames of its own.
type Source interface {
	// Tail gives the fields behind the content as lines of HTTP/1, good during the call, once
	// the request has ended.
	Tail() (trailer []byte, ended bool)
}

// caller is the Exchange as its stream sees it.
type caller Exchange

var _ Caller = (*caller)(nil)

// Response implements Caller.
func (e *caller) Response(res *message.Response, _ bool) { (*Exchange)(e).response(res) }

// Body implements Receiver.
func (e *caller) Body(p []byte) { e.content = e.c.w.collect(e.content, &e.taken, p) }

// End implements Receiver.
func (e *caller) End(trailer []byte) {
	e.ended = true
	e.trailer = append(e.trailer, trailer...)
}

// Ready implements Receiver.
func (e *caller) Ready() { e.News.Ready() }

// Writable implements Receiver.
func (e *caller) Writable() { e.News.Writable() }

// Aborted implements Receiver.
func (e *caller) Aborted(code Code) { e.News.Aborted(code) }

// framing is how the end of what is sent is known.
type framing uint8

const (
	framedHead framing = iota // it is a head
	framedLength
	framedChunks
	framedTunnel // by nothing
	framedTail   // it is content of announced length, all of it, and what follows is not known yet
	framedDone
)

// Begin readies an Exchange for a connection. It keeps its memory.
func (e *Exchange) Begin(c *Conn, user Listener) {
	*e = Exchange{News: user, text: e.text[:0], trailer: e.trailer[:0], key: e.key[:0], proto: e.proto[:0]}
	e.Handler = (*caller)(e)
	e.c, e.lastAt = c, -1
}

// Finish lets go of the exchange. One that is not complete is reset.
func (e *Exchange) Finish() {
	if e.up == framedTail && e.ended {
		e.close(nil) // its answer does not depend on what might follow
	}
	if e.content != nil {
		e.c.w.give(e.content)
		e.content = nil
	}
	e.c.forget(&e.Stream)
	e.Close(Cancel)
}

// Transfer takes what HTTP/1 would send, and reports how much. If it is not all, Writable is
// called when more may be offered. It reports false if the server takes nothing more.
func (e *Exchange) Transfer(p []byte) (n int, ok bool) {
	if e.aborted || e.failed {
		return 0, false
	}
	if e.up == framedHead {
		if n = e.head(p); n == 0 {
			return 0, !e.failed
		}
	}
	for n < len(p) {
		piece := p[n:]
		switch e.up {
		case framedLength:
			piece = piece[:min(uint64(len(piece)), e.left)]
		case framedChunks:
			used, err := e.chunks.Pass(piece)
			n += used
			if err != nil {
				e.failed = true
				return n, false
			}
			piece = p[n:]
			piece = piece[:min(uint64(len(piece)), e.chunks.InChunk())]
		case framedTunnel:
		case framedHead, framedTail, framedDone:
			return len(p), true // nobody sends more than there is
		}
		sent := 0
		if len(piece) > 0 {
			sent = e.Send(piece)
		}
		n += sent
		e.note(uint64(sent))
		if sent < len(piece) || sent == 0 && e.up < framedTail {
			break
		}
	}
	return n, true
}

// note notes that n bytes of content have been sent, and ends the request if that was all.
func (e *Exchange) note(n uint64) {
	switch e.up {
	case framedLength:
		if e.left -= n; e.left == 0 {
			e.up = framedTail
			e.Conclude()
		}
	case framedChunks:
		if n > 0 {
			e.chunks.Skip(n)
		}
		if e.chunks.Done() {
			e.close(e.chunks.Trailer())
		}
	case framedHead, framedTunnel, framedTail, framedDone:
	}
}

// Conclude ends a request of which all content has been sent, if the source has ended it.
func (e *Exchange) Conclude() {
	if e.up != framedTail {
		return
	}
	if e.Source == nil {
		e.close(nil)
	} else if trailer, ended := e.Source.Tail(); ended {
		e.close(trailer)
	}
}

func (e *Exchange) close(trailer []byte) {
	e.up = framedDone
	e.End(trailer)
}

// Shut says that nothing more is sent.
func (e *Exchange) Shut() {
	if e.up == framedTunnel {
		e.close(nil)
	}
}

// translated are the limits of heads that this process has written itself.
var translated = h1.Limits{MaxHead: math.MaxInt32, MaxFields: math.MaxInt16, Relaxed: true}

// head sends the head that p begins with, and reports its length; 0: it cannot be sent, or
// not yet.
func (e *Exchange) head(p []byte) int {
	c := e.c
	if c.phase == phaseDead {
		e.failed = true
		return 0
	}
	if e.Full() {
		return 0
	}
	var parser h1.Parser
	req := &c.w.req
	n, err := parser.Request(req, p, &translated)
	if n == 0 || err != nil {
		e.failed = true
		return 0
	}
	upgrade := h1.IsUpgrade(req)
	if upgrade && !c.remote.known {
		c.hope(&e.Stream)
		return 0
	}
	o := Origin{Scheme: e.Scheme}
	path := req.Target
	switch {
	case req.MethodID == message.MethodConnect:
		o.Authority, path = req.Target, nil
		e.connects = true
	case req.Form == message.AbsoluteForm:
		path = req.PathAndQuery()
		o.Scheme, o.Authority = scheme(req.Target), req.Authority()
	case e.Scheme != nil || upgrade:
		o.Authority = req.GetID(message.Host)
	}
	if len(o.Scheme) == 0 {
		o.Scheme = defaultScheme
	}
	if path != nil && len(path) == 0 {
		path = rootPath
	}
	if upgrade {
		if !c.remote.connect {
			e.failed = true
			return 0
		}
		e.connects = true
		e.proto = append(e.proto, req.GetID(message.Upgrade)...)
		e.key = append(e.key, req.GetID(message.SecWebSocketKey)...)
		o.Protocol, o.Keyless = e.proto, e.Source != nil
	}
	c.open(&e.Stream, req, path, &o)
	switch {
	case e.connects:
		e.up = framedTunnel
	case req.Body.Kind == message.BodyChunked:
		e.up = framedChunks
		e.chunks.Start(h1.ChunkStrip, 0)
	case req.Body.Kind == message.BodyLength:
		e.up, e.left = framedLength, req.Body.Length
		e.note(0)
	default:
		e.close(nil)
	}
	return n
}

var (
	defaultScheme = []byte("https") // as the reference has it
	rootPath      = []byte("/")
)

// scheme is what an absolute target begins with.
func scheme(target []byte) []byte {
	for i, b := range target {
		if b == ':' {
			return target[:i]
		}
	}
	return nil
}

// response takes the head of a response.
func (e *Exchange) response(res *message.Response) {
	if len(e.text) > maxText {
		e.c.streamError(&e.Stream, EnhanceYourCalm)
		return
	}
	if res.Status >= 200 {
		switch {
		case e.connects && res.Status/100 == 2:
			e.tunnel = true
			if len(e.proto) > 0 {
				e.switched(res)
			}
		case !e.bodiless && res.Body.Kind != message.BodyLength:
			e.chunked = true
			h1.MakeChunked(res)
		}
	}
	e.text = h1.AppendResponse(e.text, res, h1.WriteOptions{KeepAlive: true, Peer: message.HTTP11})
}

// maxText is how much of heads may wait to be taken: a server may send as many interim
// responses as it likes.
const maxText = 64 << 10

// switched makes of the answer to an extended CONNECT the one that HTTP/1 has for it.
func (e *Exchange) switched(res *message.Response) {
	res.Status, res.Conn = 101, message.ConnUpgrade
	res.AddID(message.Connection, upgradeOption)
	res.AddID(message.Upgrade, e.proto)
	if len(e.key) > 0 && !res.Has(message.SecWebSocketAccept) {
		res.AddID(message.SecWebSocketAccept, AppendAccept(res.Arena.Alloc(acceptLen)[:0], e.key))
	}
}

var upgradeOption = []byte("upgrade")

// acceptLen is the length of what a websocket's key is answered by.
const acceptLen = 28

// AppendAccept appends what answers the key of a websocket (RFC 6455 §4.2.2).
func AppendAccept(dst, key []byte) []byte {
	var text [128]byte
	sum := sha1.Sum(append(append(text[:0], key...), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// Take gives what has come as HTTP/1 has it: how much, and with n == 0 whether there will be
// more; failed: there should be, and will not.
func (e *Exchange) Take(p []byte) (n int, over, failed bool) {
	for n < len(p) {
		switch waits := len(e.content) - e.taken; {
		case len(e.text) > 0:
			k := copy(p[n:], e.text)
			e.text = e.text[:copy(e.text, e.text[k:])]
			n += k
		case waits > 0:
			k := e.takeContent(p[n:])
			switch {
			case k > 0:
				n += k
			case n > 0:
				return n, false, false
			default: // p has no room for a chunk, and yet it is to be filled
				var small [32]byte
				e.text = append(e.text, small[:e.takeContent(small[:])]...)
			}
		case e.ended && e.chunked:
			e.chunked = false
			e.text = append(append(append(e.text, "0\r\n"...), e.trailer...), h1.ChunkEnd...)
		case n > 0:
			return n, false, false
		case e.ended:
			return 0, true, false
		default:
			return 0, false, e.aborted || e.failed
		}
	}
	return n, false, false
}

// takeContent gives some content, with its framing.
func (e *Exchange) takeContent(p []byte) int {
	const most = len("ffffffff\r\n") + len(h1.ChunkEnd)
	data := e.content[e.taken:]
	n := 0
	if e.chunked {
		if len(p) <= most {
			return 0
		}
		data = data[:min(len(data), len(p)-most)]
		n = len(h1.AppendChunkHead(p[:0], uint64(len(data))))
	}
	k := copy(p[n:], data)
	n += k
	if e.chunked {
		n += copy(p[n:], h1.ChunkEnd)
	}
	if e.taken += k; e.taken == len(e.content) {
		e.c.w.give(e.content)
		e.content, e.taken = nil, 0
	}
	e.Consumed(k)
	return n
}

// Waiting tells whether something can be taken.
func (e *Exchange) Waiting() bool {
	return len(e.text) > 0 || len(e.content) > e.taken || e.ended || e.aborted || e.failed
}

// Tail gives the fields behind the content of the response as lines of HTTP/1, good until the
// next call of anything, once it has ended; failed: it never will.
func (e *Exchange) Tail() (trailer []byte, ended, failed bool) {
	return e.trailer, e.ended, e.aborted || e.failed
}
