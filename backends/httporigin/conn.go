package httporigin

import (
	"bytes"

	"bench/backends/origin"
	"bench/backends/tally"
	"bench/internal/h2wire"
)

// state is where a connection stands with its present request.
type state uint8

const (
	reading state = iota // for a head, or the rest of one
	inBody               // of a request
	waiting              // for the latency to pass, or a stall to end
	writing              // the response
)

// keepBuffer is the largest buffer that outlives its connection.
const keepBuffer = 64 << 10

// conn is what HTTP makes of a connection. It owns a buffer only for responses that are
// not kept ready. It implements origin.User.
type conn struct {
	origin.Line
	o     *Origin
	out   []byte // of a response not kept ready
	reqs  int    // answered so far
	state state
	// stream is what carries it, nil: a socket.
	stream *stream

	// The present request.
	mark     tally.Mark
	marked   bool // counted as received, or will be
	owed     bool // 100 Continue, when a stall is over
	keep     bool // the client lets the connection persist
	headOnly bool // HEAD
	safe     bool // GET or HEAD
	gzip     bool // the response may be compressed
	minor    byte
	body     bodyKind
	left     int64
	chunks   chunkReader
	over     override
	match    []byte    // If-None-Match, where there are entity tags
	scripted *Scripted // the answer, if it is scripted
	echo     *echo
	refused  bool // malformed: what follows it is not understood
	check    requestCheck

	ans answer
}

// pending reports whether a request has been received and not yet settled.
func (c *conn) pending() bool { return c.marked && (c.state == waiting || c.state == writing) }

// Opened implements origin.User.
func (c *conn) Opened() { c.Idle() }

// Busy implements origin.User.
func (c *conn) Busy() bool { return c.state != reading && c.state != inBody }

// Paused implements origin.User.
func (c *conn) Paused() bool { return c.state == waiting || c.state == writing && c.Timed() }

// Answering implements origin.User.
func (c *conn) Answering() bool { return c.state == writing }

// Expired ends the latency, the pause between two pieces, or the patience. A head has
// no grace as a body has: it must be there in time, also if it comes drop by drop.
func (c *conn) Expired() {
	switch c.state {
	case waiting, writing:
		c.Proceed()
	case inBody:
		c.Tired()
	case reading:
		c.Ended()
	}
}

// Proceed writes the response, or goes on writing it, and then turns to the next
// request.
func (c *conn) Proceed() {
	switch c.state {
	case waiting:
		c.respond()
	case writing:
		c.flush()
	case reading, inBody: // nothing to write
	}
	if c.Live() && !c.Busy() {
		c.Resume(false)
	}
}

// Unpace implements origin.User.
func (c *conn) Unpace() {
	if c.state == writing && c.Timed() {
		c.StopTimer()
		c.Proceed()
	}
}

// Recount implements origin.User.
func (c *conn) Recount() {
	if c.pending() {
		c.mark.Received()
	}
}

// Use works through input and returns how much of it was used. It stops before a
// request whose predecessor is not answered.
func (c *conn) Use(b []byte) (n int) {
	limit := c.o.cfg.Limits.Head
	for c.Live() {
		switch c.state {
		case reading:
			if n == len(b) {
				return n
			}
			if c.o.cfg.HTTP2 && c.reqs == 0 && c.stream == nil {
				switch c.prelude(b[n:]) {
				case h2wire.ALPN:
					return n + c.multiplex().Use(b[n:])
				case "":
					return n
				}
			}
			h := &c.o.heads.head
			k, p := c.o.heads.read(b[n:])
			if k > limit || k == 0 && len(b)-n > limit {
				p = problem{431, "the head is longer than this origin takes"}
			}
			if p.status == 0 && k == 0 {
				return n
			}
			if p.status == 0 {
				p = c.begin(h, b[n:n+k])
				n += k
			} else {
				c.check.begin(headCheck{except: nothing}, nil, nil)
				c.check.unreadable(b[n:], &c.o.Tally().Altered)
			}
			if p.status != 0 {
				c.refuse(p)
				return len(b)
			}
			switch {
			case c.body == noBody:
				c.complete()
			case h.expect && c.minor > 0 && n == len(b):
				c.sayContinue()
			}
		case inBody:
			if n == len(b) {
				return n
			}
			n += c.readBody(b[n:])
		case waiting, writing:
			return n
		}
	}
	return len(b)
}

// begin takes on a request whose head has been read.
func (c *conn) begin(h *head, text []byte) (p problem) {
	o := c.o
	c.check.begin(o.heads.check, h.id, text)
	c.over, c.echo = override{}, nil
	if c.scripted = o.cfg.scripted(h.target); c.scripted == nil && overrides(h.target) {
		if c.over, p = parseOverride(h.target); p.status != 0 {
			return p
		}
		if c.over.echo {
			c.echo = &echo{head: bytes.Clone(text)}
		}
	}
	c.mark = o.mark(h)
	c.keep, c.minor = h.keep() && c.stream == nil, h.minor
	c.headOnly = string(h.method) == "HEAD"
	c.safe = c.headOnly || string(h.method) == "GET"
	c.gzip = h.gzip && o.cfg.Answer.Gzip
	if c.match = c.match[:0]; o.cfg.Answer.ETag {
		c.match = append(c.match, h.match...)
	}
	c.body, c.left = h.body, h.length
	c.chunks = chunkReader{keep: c.echo != nil}
	c.Heard()
	c.owed = false
	c.state = inBody
	return problem{}
}

// mark decides the class of a request.
func (o *Origin) mark(h *head) tally.Mark {
	if len(h.id) == 0 {
		cfg := o.cfg
		if bytes.Equal(h.method, cfg.method) ||
			len(cfg.path) > 0 && bytes.Equal(h.target, cfg.path) ||
			len(cfg.agent) > 0 && bytes.Contains(h.agent, cfg.agent) {
			return o.Tally().Check()
		}
	}
	return o.Tally().Mark(h.id)
}

// sayContinue lets a client that waits for it send its body (RFC 9110 section
// 10.1.1: only of HTTP/1.1), after a stall if there is one. A client that cannot take
// these few bytes fails at the response.
func (c *conn) sayContinue() {
	if c.owed = c.o.Force().Stalled; !c.owed {
		_, _ = c.Send([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
}

// readBody uses input of a request's body.
func (c *conn) readBody(b []byte) (n int) {
	var data []byte
	done := false
	c.owed = false // it did not wait
	if c.body == byLength {
		n = int(min(c.left, int64(len(b))))
		data = b[:n]
		c.left -= int64(n)
		done = c.left == 0
	} else {
		var p problem
		if n, data, p = c.chunks.read(b); p.status != 0 {
			c.check.unreadable(b, &c.o.Tally().Altered)
			c.refuse(p)
			return len(b)
		}
		done = c.chunks.done()
	}
	if c.echo != nil {
		c.echo.add(data)
	}
	c.check.content(data)
	if done {
		c.complete()
	}
	return n
}
