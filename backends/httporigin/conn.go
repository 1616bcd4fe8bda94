package httporigin

import (
	"bytes"
	"syscall"
	"time"

	"bench/backends/tally"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/tlsio"
)

// state is where a connection stands with its present request.
type state uint8

const (
	reading   state = iota // for a head, or the rest of one
	inBody                 // of a request
	waiting                // for the latency to pass, or a stall to end
	writing                // the response
	lingering              // all written; reading until the client closes too
)

const (
	// maxReads bounds the reads of one connection in one turn of the loop,
	// maxSends the writes.
	maxReads, maxSends = 16, 16
	// maxHeld bounds what is read ahead of the request being answered.
	maxHeld = 64 << 10
	// lingerFor bounds the wait for the client to close too.
	lingerFor = time.Second
	// keepBuffer is the largest buffer that outlives its connection.
	keepBuffer = 64 << 10
)

// conn is one connection. It owns a buffer only for input that cannot be used
// yet, and for responses that are not kept ready.
type conn struct {
	o      *Origin
	fd     int // -1: closed
	pos    int // in o.conns
	parked int // in o.parked, plus 1; 0: not parked
	timer  loop.Timer
	task   loop.Task
	in     []byte      // input not used yet
	out    []byte      // of a response not kept ready
	reqs   int         // answered so far
	heard  int64       // when the last input of a body came
	tls    *tlsio.Conn // nil: in clear

	state  state
	queued bool // task is in the run queue
	held   bool // there may be input that was not read
	hup    bool // the end of the stream is coming
	eof    bool // the client has closed its side
	spoken bool // the client has sent a byte

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

// Ready takes up what the client does.
func (c *conn) Ready(ev poller.Events) {
	if ev&poller.Hup != 0 {
		c.hup = true
	}
	if !c.secure(ev) {
		return
	}
	readable := ev&(poller.In|poller.Hup) != 0
	switch c.state {
	case reading, inBody:
		if readable {
			c.pump()
		}
	case waiting, writing:
		if readable && !c.readAhead() {
			return
		}
		if ev&poller.Out != 0 && c.state == writing && c.parked == 0 && !c.timer.Active() {
			c.proceed()
		}
	case lingering:
		if readable {
			c.discard()
		}
	}
}

// Run goes on with what was put off to let other connections have their turn.
func (c *conn) Run() {
	c.queued = false
	switch {
	case c.fd < 0:
		c.o.free = append(c.o.free, c)
	case c.state == writing:
		if c.parked == 0 && !c.timer.Active() {
			c.proceed()
		}
	case c.state == lingering:
		c.discard()
	case c.state != waiting:
		c.resume()
	}
}

func (c *conn) later() {
	c.queued = true
	c.o.loop.Wake(&c.task)
}

// Expired ends the latency, the pause between two pieces, or the patience.
func (c *conn) Expired(*loop.Timer) {
	switch c.state {
	case waiting, writing:
		c.proceed()
	case inBody:
		c.tired()
	case reading:
		c.ended()
	case lingering:
		c.close()
	}
}

// tired ends the wait for a body of which nothing comes any longer. A head has no
// such grace: it must be there in time, also if it comes drop by drop.
func (c *conn) tired() {
	l, until := c.o.loop, c.heard+int64(c.o.cfg.Limits.Idle)
	if until > l.Now() {
		l.SetTimer(&c.timer, until, c)
		return
	}
	c.ended()
}

// proceed writes the response, or goes on writing it, and then turns to
// the next request.
func (c *conn) proceed() {
	if c.state == waiting {
		c.respond()
	} else {
		c.flush()
	}
	if c.fd >= 0 && c.state == reading {
		c.resume()
	}
}

// resume reads on after a response.
func (c *conn) resume() {
	if len(c.in) > 0 {
		n := c.consume(c.in)
		if c.fd < 0 {
			return
		}
		c.in = c.in[:copy(c.in, c.in[n:])]
		if c.busy() {
			return
		}
	}
	switch {
	case c.eof:
		c.ended()
	case c.held:
		c.held = false
		c.pump()
	}
}

// busy reports that no input is wanted.
func (c *conn) busy() bool { return c.state != reading && c.state != inBody }

// pump reads and uses input until there is no more, or a request has to wait.
func (c *conn) pump() {
	buf := c.o.loop.Scratch()
	for range maxReads {
		n, more, errno := c.recv(buf)
		switch {
		case errno == syscall.EAGAIN:
			c.o.loop.Rearm(c.fd, poller.In)
			return
		case errno != 0:
			c.gone()
			return
		case n == 0:
			c.eof = true
			c.ended()
			return
		}
		c.spoken = true
		c.o.tally.BytesIn += uint64(n)
		if c.feed(buf[:n]); c.fd < 0 {
			return
		}
		switch {
		case !more:
			c.o.loop.Rearm(c.fd, poller.In)
			return
		case c.state == lingering:
			c.discard()
			return
		case c.busy():
			c.readAhead()
			return
		}
	}
	c.held = true
	c.later()
}

// feed uses input, and keeps what cannot be used yet.
func (c *conn) feed(data []byte) {
	if len(c.in) == 0 {
		if n := c.consume(data); c.fd >= 0 && n < len(data) {
			c.in = append(c.in, data[n:]...)
		}
		return
	}
	c.in = append(c.in, data...)
	if n := c.consume(c.in); c.fd >= 0 {
		c.in = c.in[:copy(c.in, c.in[n:])]
	}
}

// readAhead reads while a response is due, to learn that the client is gone.
// It reports false if the connection is closed.
func (c *conn) readAhead() bool {
	buf := c.o.loop.Scratch()
	for {
		if len(c.in) >= maxHeld {
			c.held = true
			return true
		}
		n, more, errno := c.recv(buf)
		switch {
		case errno == syscall.EAGAIN:
			c.o.loop.Rearm(c.fd, poller.In)
			return true
		case errno != 0:
			c.gone()
			return false
		case n == 0:
			c.eof = true
			return true
		}
		c.o.tally.BytesIn += uint64(n)
		c.in = append(c.in, buf[:n]...)
		if !more {
			c.o.loop.Rearm(c.fd, poller.In)
			return true
		}
	}
}

// consume works through input and returns how much of it was used. It stops
// before a request whose predecessor is not answered.
func (c *conn) consume(b []byte) (n int) {
	limit := c.o.cfg.Limits.Head
	for c.fd >= 0 {
		switch c.state {
		case reading:
			if n == len(b) {
				return n
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
				c.check.unreadable(b[n:], &c.o.tally.Altered)
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
		case lingering:
			return len(b)
		}
	}
	return n
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
	c.keep, c.minor = h.keep(), h.minor
	c.headOnly = string(h.method) == "HEAD"
	c.safe = c.headOnly || string(h.method) == "GET"
	c.gzip = h.gzip && o.cfg.Answer.Gzip
	if c.match = c.match[:0]; o.cfg.Answer.ETag {
		c.match = append(c.match, h.match...)
	}
	c.body, c.left = h.body, h.length
	c.chunks = chunkReader{keep: c.echo != nil}
	c.heard = o.loop.Now()
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
			return o.tally.Check()
		}
	}
	return o.tally.Mark(h.id)
}

// sayContinue lets a client that waits for it send its body (RFC 9110 section
// 10.1.1: only of HTTP/1.1), after a stall if there is one. A client that cannot take
// these few bytes fails at the response.
func (c *conn) sayContinue() {
	if c.owed = c.o.force.Stalled; !c.owed {
		_, _ = c.send([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
}

// readBody uses input of a request's body.
func (c *conn) readBody(b []byte) (n int) {
	var data []byte
	done := false
	c.owed = false // it did not wait
	c.heard = c.o.loop.Now()
	if c.body == byLength {
		n = int(min(c.left, int64(len(b))))
		data = b[:n]
		c.left -= int64(n)
		done = c.left == 0
	} else {
		var p problem
		if n, data, p = c.chunks.read(b); p.status != 0 {
			c.check.unreadable(b, &c.o.tally.Altered)
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
