package abuse

import (
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
	"bench/loadgen/codec"
)

// read takes what has come, a piece of it where the client is slow.
func (c *conn) read() {
	if c.plan.piece == 0 {
		c.readAll()
		return
	}
	if c.receive(c.portion(c.plan.piece)) && !c.closed {
		c.resting = true
		c.w.loop.SetTimer(&c.readTimer, c.w.loop.Now()+c.plan.every, c)
	}
}

// readAll takes everything until the socket is empty.
func (c *conn) readAll() {
	for !c.closed && c.receive(c.portion(0)) {
	}
}

// portion is where one read goes: at most a piece, unless that is 0, and where the
// client goes away within the answer no more than it may have.
func (c *conn) portion(piece int) []byte {
	buf := c.w.loop.Scratch()
	most := int64(len(buf))
	if piece > 0 {
		most = min(most, int64(piece))
	}
	if s := &c.plan.steps[c.step]; s.do == opFirst {
		most = min(most, max(1, int64(s.piece)-c.got))
	}
	return buf[:most]
}

// receive reads once and reports whether there may be more.
func (c *conn) receive(buf []byte) bool {
	n, e := sock.Recv(c.fd, buf)
	switch {
	case e == syscall.EAGAIN:
		c.w.loop.Rearm(c.fd, poller.In)
		return false
	case e != 0:
		c.end(endReset)
		return false
	case n == 0:
		if c.got > 0 && !c.garbled && c.answers.End() == codec.Done {
			c.note()
		}
		c.end(endClosed)
		return false
	}
	c.got += int64(n)
	for _, k := range c.counts() {
		k.BytesIn += uint64(n)
	}
	c.feed(buf[:n])
	if s := &c.plan.steps[c.step]; !c.closed && s.do == opFirst && c.got >= int64(s.piece) {
		c.proceed()
	}
	return true
}

// feed reads answers.
func (c *conn) feed(p []byte) {
	for len(p) > 0 && !c.garbled {
		n, st := c.answers.Feed(p)
		p = p[n:]
		c.note()
		switch st {
		case codec.Done:
			c.replies++
			c.answered()
			c.answers.Next()
			c.seen = false
		case codec.Broken:
			c.garbled = true
			for _, k := range c.counts() {
				k.Garbled++
			}
		case codec.More, codec.Reply, codec.Lost, codec.Secure:
			return
		}
	}
}

// note counts the status of the present answer once its head has come.
func (c *conn) note() {
	status := c.answers.Answer().Status
	if c.seen || status == 0 {
		return
	}
	c.seen = true
	for _, k := range c.counts() {
		k.status[status]++
		if !c.spoke {
			k.Answered++
		}
	}
	c.spoke = true
}

// answered ends the exchange when nothing more is to come: the peer is given the
// time to close first.
func (c *conn) answered() {
	do := c.plan.steps[c.step].do
	if c.over || !c.sent || c.plan.requests == 0 || c.replies < c.plan.requests || do != opWait && do != opHold {
		return
	}
	c.over = true
	c.w.loop.SetTimer(&c.timer, c.w.loop.Now()+lingerNs, c)
}
