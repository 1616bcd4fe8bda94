package httporigin

// settle counts a response that has been written, or broken off, to its end,
// and makes the connection ready for the next request or closes it.
func (c *conn) settle() {
	a := &c.ans
	if c.marked {
		c.marked = false
		switch {
		case a.cut:
			c.mark.Cut()
			c.Break()
		case c.EOF():
			c.mark.Aborted()
		default:
			c.mark.Answered(a.status)
		}
	}
	c.reqs++
	switch {
	case a.persist && !a.cut:
		c.state = reading
		c.Idle()
	case c.refused || c.keep || a.cut:
		c.linger()
	default:
		c.Leave()
	}
}

// linger ends the connection without harm to the response.
func (c *conn) linger() {
	c.state = reading
	c.Linger()
}

// Ended implements origin.User.
func (c *conn) Ended() {
	switch {
	case c.pending():
		c.mark.Aborted()
	case c.unread():
		c.o.Tally().Incomplete++
	}
	c.Close()
}

// Cut implements origin.User.
func (c *conn) Cut(kindly bool) {
	switch {
	case c.pending():
		c.mark.Cut()
	case c.unread():
		c.o.Tally().Incomplete++
	}
	c.marked = false
	c.Break()
	if kindly {
		c.linger()
		return
	}
	c.Close()
}

// unread reports that a request has begun to come.
func (c *conn) unread() bool { return c.state == inBody || c.state == reading && c.Rest() }

// Closed implements origin.User.
func (c *conn) Closed() {
	out := c.out[:0]
	if cap(out) > keepBuffer {
		out = nil
	}
	check := requestCheck{kept: c.check.kept[:0], id: c.check.id[:0]}
	*c = conn{Line: c.Line, o: c.o, out: out, check: check}
}
