package httporigin

import (
	"bytes"
	"syscall"

	"bench/backends/fault"
	"bench/backends/origin"
	"bench/internal/integrity"
)

// answer is a response on its way: a head with what follows it in one piece, a
// middle that repeats a prepared buffer, and a tail.
type answer struct {
	head    []byte
	middle  []byte
	repeat  int64 // length of the middle
	tail    []byte
	headLen int   // of the message's head within head
	off     int64 // bytes sent
	limit   int64 // bytes to send
	status  int
	persist bool
	cut     bool // limit is short of the end
	bent    bool // the byte at flip is inverted: it lies within the body
	flip    int64
}

// complete has the request counted, and answered when its time comes.
func (c *conn) complete() {
	o := c.o
	c.marked = true
	c.mark.Received()
	c.checkRequest()
	c.state = waiting
	if o.cfg.Limits.Idle > 0 {
		c.StopTimer()
	}
	latency := &o.cfg.Answer.Latency
	if o.Force().Latency != nil {
		latency = o.Force().Latency
	}
	d := c.over.delay
	if !c.over.hasDelay {
		d = latency.Sample(o.Rand())
	}
	if d > 0 {
		c.After(int64(d))
		return
	}
	c.respond()
}

// refuse answers what is no request, and closes.
func (c *conn) refuse(p problem) {
	o := c.o
	o.Tally().Malformed++
	c.StopTimer()
	c.marked, c.refused, c.headOnly = false, true, false
	text := append([]byte(p.reason), '\n')
	c.out = o.prepared.appendHead(c.out[:0], &reply{status: p.status, framing: ByLength, persist: closing, size: int64(len(text))})
	c.out = c.sealed(c.out, p.status, integrity.BodyOf(text))
	c.ans = answer{headLen: len(c.out), status: p.status}
	c.out = append(c.out, text...)
	c.ans.head = c.out
	c.ans.limit = int64(len(c.out))
	c.state = writing
	c.flush()
}

// respond makes the response by what is in force now, and writes it.
func (c *conn) respond() {
	if c.o.Force().Stalled {
		c.Park()
		return
	}
	c.build()
	c.state = writing
	c.flush()
}

func (c *conn) build() {
	o, f := c.o, c.o.Force()
	failing := f.Failing && (f.Rate >= 1 || o.Rand().Float64() < f.Rate)
	r := reply{status: f.Status, framing: c.framing()}
	scripted := c.scripted != nil && !failing
	if !failing {
		r.status = c.status()
	}
	limit := o.cfg.Limits.Requests
	keep := c.keep && !f.Drain && (limit == 0 || c.reqs+1 < limit)
	if scripted {
		keep = keep && !c.scripted.Close
		c.ans, r.status = c.scripted.answer(), c.scripted.status
	} else {
		keep = keep && r.framing != ByClose
		c.reply(&r, keep)
	}
	a := &c.ans
	if c.over.interim > 0 && c.minor > 0 {
		a.lead(c.over.interim)
	}
	a.status, a.persist = r.status, keep
	a.limit = int64(len(a.head)) + a.repeat + int64(len(a.tail))
	if f.Corrupt > 0 && a.limit > int64(a.headLen) && o.Rand().Float64() < f.Corrupt {
		a.bent, a.flip = true, int64(a.headLen)+o.Rand().Int64N(a.limit-int64(a.headLen))
	}
	if f.Truncate {
		a.truncate(f.TruncateAt)
	}
}

// interim is a response that says only that another one follows.
var interim = []byte("HTTP/1.1 103 Early Hints\r\n\r\n")

// lead puts n interim responses before the answer.
func (a *answer) lead(n int) {
	lead := bytes.Repeat(interim, n)
	a.headLen += len(lead)
	a.head = append(lead, a.head...)
}

// status is that of a good answer: of the path, or drawn.
func (c *conn) status() int {
	mix := &c.o.cfg.Answer.Status
	switch {
	case c.over.status != 0:
		return c.over.status
	case mix.constant():
		return mix.last()
	}
	return mix.pick(c.o.Rand().Float64())
}

func (c *conn) framing() Framing {
	framing := c.o.cfg.Answer.Framing
	switch {
	case c.echo != nil:
		framing = ByLength
	case c.over.hasBytes:
		framing = c.over.framing
	}
	if framing == ByChunks && (c.minor == 0 || c.stream != nil && len(c.o.cfg.Answer.Trailers) == 0) {
		return ByClose
	}
	return framing
}

// reply makes the response, or takes the one that is kept ready.
func (c *conn) reply(r *reply, keep bool) {
	o := c.o
	switch {
	case !keep:
		r.persist = closing
	case c.minor == 0:
		r.persist = persistAloud
	}
	ready := o.prepared.usable && !c.over.hasBytes && c.echo == nil
	var text []byte // in place of the payload
	switch {
	case ready:
		r.entity = o.prepared.size
	case c.echo != nil:
		text = c.echo.json(c)
		r.entity = int64(len(text))
	case c.over.hasBytes:
		r.entity = c.over.bytes
	default:
		r.entity = o.cfg.Answer.Body.Sample(o.Rand())
	}
	r.size = r.entity
	if c.gzip && c.echo == nil && r.entity <= maxGzip && hasBody(r.status) {
		r.gzipped, ready = true, false
		text = o.gzips.body(o.prepared.body, r.entity)
		r.size = int64(len(text))
	}
	if c.echo == nil {
		r.status = c.condition(r)
	}
	if ready {
		p := o.prepared.get(r)
		if c.check.asked {
			c.sealReady(p, r.status)
			return
		}
		c.ans = answer{head: p.text, headLen: p.headLen}
		if c.headOnly {
			c.ans.head = p.text[:p.headLen]
		}
		return
	}
	c.compose(r, text)
}

// compose makes a response that is not kept ready, of text or of the payload.
func (c *conn) compose(r *reply, text []byte) {
	s := &c.o.prepared
	c.out = s.appendHead(c.out[:0], r)
	if c.check.asked {
		c.out = c.sealed(c.out, r.status, c.content(r, text))
	}
	a := answer{headLen: len(c.out)}
	switch {
	case c.headOnly || !hasBody(r.status):
	case text != nil:
		c.out = s.appendText(c.out, text, r.framing)
	case r.framing != ByChunks:
		a.middle, a.repeat = s.body.plain, r.size
	default:
		a.middle, a.repeat = s.body.chunked, r.size/period*int64(s.body.wrapped)
		c.out = s.appendLastChunks(c.out, r.size%period)
		if a.repeat > 0 {
			a.tail = c.out[a.headLen:]
		}
	}
	a.head = c.out[:len(c.out)-len(a.tail)]
	c.ans = a
}

// content is the digest of the body that follows a response.
func (c *conn) content(r *reply, text []byte) integrity.Body {
	switch {
	case c.headOnly || !hasBody(r.status):
		return integrity.Body{}
	case text != nil:
		return integrity.BodyOf(text)
	}
	return c.o.prepared.digests.of(r.size)
}

// truncate moves the end of the response to where it is broken off.
func (a *answer) truncate(at int64) {
	body := a.limit - int64(a.headLen)
	switch {
	case body == 0:
		a.limit /= 2
	case at == fault.Half:
		a.limit = int64(a.headLen) + body/2
	default:
		a.limit = int64(a.headLen) + min(at, body-1)
	}
	a.cut = true
}

// flush writes what fits of the response, and settles the request when all of
// it is written.
func (c *conn) flush() {
	o, a := c.o, &c.ans
	for range origin.MaxSends {
		if o.Force().Stalled {
			c.Park()
			return
		}
		room := a.limit - a.off
		if o.Force().Piece > 0 {
			room = min(room, int64(o.Force().Piece))
		}
		if a.bent && a.flip >= a.off {
			room = a.upToFlip(room)
		}
		n, want, errno := a.send(c, room)
		if errno != 0 && errno != syscall.EAGAIN {
			c.Gone()
			return
		}
		a.off += int64(n)
		o.Tally().BytesOut += uint64(n)
		switch {
		case a.off == a.limit:
			c.settle()
			return
		case int64(n) < want:
			c.AwaitRoom()
			return
		case o.Force().Piece > 0:
			c.After(o.Force().Every)
			return
		}
	}
	c.Later()
}

// upToFlip ends a write before the byte to invert, or makes it that byte.
func (a *answer) upToFlip(room int64) int64 {
	if a.off == a.flip {
		return 1
	}
	return min(room, a.flip-a.off)
}

// byteAt is one byte of the response as it should be.
func (a *answer) byteAt(i int64) byte {
	head := int64(len(a.head))
	switch {
	case i < head:
		return a.head[i]
	case i < head+a.repeat:
		return a.middle[(i-head)%int64(len(a.middle))]
	}
	return a.tail[i-head-a.repeat]
}

// send writes up to room bytes in one call; want is how much it tried.
func (a *answer) send(c *conn, room int64) (n int, want int64, errno syscall.Errno) {
	head, middle := int64(len(a.head)), a.repeat
	if a.bent && a.off == a.flip {
		n, errno = c.Send([]byte{^a.byteAt(a.flip)})
		return n, 1, errno
	}
	switch {
	case a.off < head && (head-a.off >= room || middle == 0):
		p := a.head[a.off:]
		p = p[:min(room, int64(len(p)))]
		n, errno = c.Send(p)
		return n, int64(len(p)), errno
	case a.off < head:
		var pieces [3][]byte
		pieces[0] = a.head[a.off:]
		room -= int64(len(pieces[0]))
		pieces[1] = a.middle[:min(room, middle, int64(len(a.middle)))]
		if int64(len(pieces[1])) == middle {
			pieces[2] = a.tail[:min(room-middle, int64(len(a.tail)))]
		}
		return c.Gather(&pieces)
	case a.off < head+middle:
		at := (a.off - head) % int64(len(a.middle))
		k := min(room, head+middle-a.off, int64(len(a.middle))-at)
		n, errno = c.Send(a.middle[at : at+k])
		return n, k, errno
	default:
		p := a.tail[a.off-head-middle:]
		p = p[:min(room, int64(len(p)))]
		n, errno = c.Send(p)
		return n, int64(len(p)), errno
	}
}
