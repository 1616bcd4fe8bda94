package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// client plays a Client.
type client struct {
	w  *world
	p  *Client
	no int // in the plan

	e       conn
	conns   int
	on      *caller
	todo    []*Request // to be sent
	asked   []*entry   // sent, in part at least, and not answered
	pausing bool       // before the next request
	rested  bool       // that is over
	out     []byte
	h2      *session // nil: it speaks HTTP/1, or nothing
	res     reader
	got     int // of the body at hand
	from    *entry
	of      *entry  // the request that the answer at hand was made for
	packed  *packed // what is compressed of it; nil: nothing is
	own     []byte  // the content of an answer of the proxy's own
	closes  bool    // the answer at hand is the last of its connection
	early   bool    // it has come before its request had been sent
	last    bool    // the request that was sent last said so
	napping bool    // between two reads
	sent    int     // in all
	read    int
	quit    bool
	waited  bool // before it leaves
	done    bool
}

// maxConns is how many connections a client tries that meets a hostile world.
const maxConns = 10

// begin opens the next connection.
func (c *client) begin() {
	if c.done {
		return
	}
	if c.w.p.Hostile && c.conns == maxConns {
		c.finish() // the proxy does not wait for one as slow as this
		return
	}
	c.conns++
	from := address(1, byte(c.no), uint16(10_000+c.conns))
	link := c.p.Link
	link.Seed += uint64(c.conns)
	e := c.w.m.Dial(from, front, link, c)
	if e == nil {
		c.w.books.complain("client %d: nobody listens", c.no)
		c.done = true
		return
	}
	c.e = c.w.secureClient(e)
	c.w.tell("client %d opens connection %d", c.no, c.e.Number())
	c.on = &caller{}
	c.w.books.callers[from] = c.on
	c.res = reader{head: c.head, body: c.body, end: c.end, untilClose: true}
	c.asked, c.out = nil, nil
	c.last, c.closes, c.early, c.from = false, false, false, nil
	if c.w.p.H2 {
		c.h2 = newSession(c, c.e.Number())
	}
	if q := &c.p.Quit; q.How != Stays && q.After > 0 {
		c.w.m.After(q.After, func() {
			if !c.done && c.e != nil && !c.quit {
				c.giveUp()
			}
		})
	}
	c.Ready()
}

// Ready implements virtual.Actor.
func (c *client) Ready() {
	c.receive()
	if !c.done && c.e != nil {
		c.send()
	}
}

// send sends what may be sent.
func (c *client) send() {
	for !c.pausing && !c.last && len(c.todo) > 0 && len(c.asked) <= c.p.Ahead && !c.stalled() {
		r := c.todo[0]
		if r.After > 0 && !c.rested {
			c.pausing = true
			c.w.m.After(r.After, func() {
				c.pausing, c.rested = false, true
				if !c.done && c.e != nil {
					c.send()
				}
			})
			break
		}
		c.rested = false
		c.todo = c.todo[1:]
		c.ask(r)
	}
	for !c.stalled() {
		if c.h2 != nil {
			c.h2.fill()
		}
		if len(c.out) == 0 {
			break
		}
		n, errno := c.e.Write(c.allowed(c.out))
		if errno != 0 && errno != syscall.EAGAIN {
			c.out = nil // the answer may have come all the same
			break
		}
		if n == 0 {
			break
		}
		c.sent += n
		c.out = c.out[n:]
	}
	c.mayQuit()
	c.leave()
	if c.w.p.TCP && len(c.todo) == 0 && len(c.out) == 0 && !c.done && !c.stalled() && c.e != nil {
		c.e.CloseWrite()
	}
}

// ask appends a request.
func (c *client) ask(r *Request) {
	e := c.w.books.requests[r.ID]
	e.askedAt, e.headSeen = c.w.m.Elapsed(), 0
	c.asked = append(c.asked, e)
	switch {
	case c.w.p.TCP:
		c.out = append(c.out, fmt.Sprintf("%d\r\n", r.ID)...)
		c.out = appendBody(c.out, r.ID, up, r.Body, false)
	case c.h2 != nil:
		c.h2.ask(e)
	default:
		c.out = r.append(c.out)
		c.last = r.Close || r.Old
	}
}

// append writes the request.
func (r *Request) append(b []byte) []byte {
	version := "1.1"
	if r.Old {
		version = "1.0"
	}
	b = fmt.Appendf(b, "%s %s HTTP/%s\r\nhost: %s\r\n", r.Method, r.target(), version, r.host())
	for _, f := range r.fields() {
		b = fmt.Appendf(b, "%s: %s\r\n", f.name, f.value)
	}
	if r.Close && !r.Old {
		b = append(b, "connection: close\r\n"...)
	}
	if r.Chunked {
		b = append(b, "transfer-encoding: chunked\r\n"...)
	} else if r.Body > 0 || r.Method == "POST" {
		b = fmt.Appendf(b, "content-length: %d\r\n", r.Body)
	}
	b = append(b, "\r\n"...)
	if r.Chunked || r.Body > 0 {
		b = appendBody(b, r.ID, up, r.Body, r.Chunked)
	}
	return b
}

// stalled tells whether the client sends nothing any more.
func (c *client) stalled() bool { return c.quit }

// allowed is what the client sends of b before it quits.
func (c *client) allowed(b []byte) []byte {
	if q := &c.p.Quit; q.How != Stays && q.Received == 0 && q.After == 0 {
		return b[:min(len(b), max(q.Sent-c.sent, 0))]
	}
	return b
}

// mayQuit lets the client give up when it has sent, or received, what was planned.
func (c *client) mayQuit() {
	q := &c.p.Quit
	if c.quit || q.How == Stays || q.After > 0 || c.e == nil || q.Received == 0 && c.sent < q.Sent || q.Received > 0 && c.read < q.Received {
		return
	}
	c.giveUp()
}

// giveUp ends the client before its time.
func (c *client) giveUp() {
	c.quit = true
	c.w.tell("client %d %s", c.no, c.p.Quit.How)
	switch c.p.Quit.How {
	case Closes:
		c.e.Close()
		c.finish()
	case Resets:
		c.e.Reset()
		c.finish()
	case Halves:
		c.e.CloseWrite()
	case Stalls, Stays:
	}
}

// finish ends the client.
func (c *client) finish() {
	if !c.done {
		c.done = true
		c.w.busy--
	}
}

// receive reads what has come.
func (c *client) receive() {
	size := len(c.w.room)
	if c.p.Sip > 0 {
		size = min(size, c.p.Sip)
	}
	for !c.napping && !c.done && c.e != nil {
		n, errno := c.e.Read(c.w.room[:size])
		switch {
		case errno == syscall.EAGAIN:
			return
		case errno != 0:
			c.over(errno)
			return
		case n == 0:
			c.over(0)
			return
		}
		c.read += n
		c.w.books.clientIn += uint64(n)
		c.take(c.w.room[:n])
		if c.mayQuit(); c.p.Pause > 0 && !c.done && c.e != nil {
			c.napping = true
			e := c.e
			c.w.m.After(c.p.Pause, func() {
				c.napping = false
				if c.e == e {
					c.Ready()
				} else if c.e != nil {
					c.receive()
				}
			})
		}
	}
}

// take takes what was received in.
func (c *client) take(p []byte) {
	if c.w.p.TCP {
		c.check(c.w.books.requests[c.p.Requests[0].ID], &c.got, p)
		return
	}
	feed := c.res.feed
	if c.h2 != nil {
		feed = c.h2.feed
	}
	if err := feed(p); err != nil {
		c.w.books.complain("client %d, waiting for %s: %v", c.no, names(c.asked), err)
		c.e.Close()
		c.finish()
	}
}

// head takes the head of an answer.
func (c *client) head(first string, all []field) (bodiless bool, err error) {
	version, rest, _ := strings.Cut(first, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(version, "HTTP/1.") {
		return false, fmt.Errorf("%w: first line %.100q", errMalformed, first)
	}
	if status < 200 {
		c.from = nil
		return true, nil
	}
	if len(c.asked) == 0 {
		if status == 408 || status == 400 {
			c.closes = true
			return false, nil // of a request that never came
		}
		return false, fmt.Errorf("an answer to nothing: %q", first)
	}
	e := c.asked[0]
	c.from, c.got, c.packed, c.own = e, 0, unpack(all), nil
	// What is left of the request is then in nobody's way, or the proxy closes, whatever it
	// has announced.
	c.early = e.Answer.Early || e.deed().own
	c.closes = value(all, "connection") == "close" || version == "HTTP/1.0" || e.Old
	if c.of, err = c.judge(e, status, all); err != nil {
		return false, err
	}
	if c.of == nil && (status == 400 || status == 408) {
		return false, nil // perhaps it does not know the method
	}
	return e.Method == "HEAD" || status == 204 || status == 304, nil
}

func (c *client) body(p []byte) error {
	if c.from == nil {
		return nil
	}
	if c.of == nil {
		c.own = append(c.own, p...)
		return nil
	}
	if c.packed.take(p) {
		return nil
	}
	c.check(c.of, &c.got, p)
	return nil
}

// end takes the end of an answer.
func (c *client) end() error {
	e := c.from
	if e == nil {
		return nil // an interim one
	}
	c.from = nil
	if c.of == nil {
		if err := e.owned(c.own); err != nil {
			return err
		}
	} else {
		if err := c.unpacked(e, c.of, c.packed, &c.got); err != nil {
			return err
		}
		if !e.whole(c.of, c.got) {
			return fmt.Errorf("request %d: %d of %d bytes", e.ID, c.got, c.of.Answer.Size)
		}
	}
	c.asked = c.asked[1:]
	c.answered(e)
	return nil
}

// answered notes that an answer has come whole.
func (c *client) answered(e *entry) {
	e.answered = true
	c.w.tell("client %d: request %d is answered", c.no, e.ID)
	c.leave()
}

// leave closes the connection of a client that has all it wanted, unless the proxy is to
// do so, or its time-out.
func (c *client) leave() {
	if c.e == nil || c.w.p.TCP || len(c.asked) > 0 || len(c.todo) > 0 || len(c.out) > 0 || c.e.Pending() || c.h2 != nil && c.h2.sending() || c.closes || c.done {
		return
	}
	if c.p.Ahead > 0 && !c.waited { // for what should not come
		c.waited = true
		c.w.m.After(time.Second, c.leave)
		return
	}
	c.e.Close()
	c.finish()
}

// over takes the end of the connection.
func (c *client) over(errno syscall.Errno) {
	b := c.w.books
	e := c.e
	c.e = nil
	e.Close()
	c.w.tell("client %d: connection %d has ended (%v), waiting for %s", c.no, e.Number(), errno, names(c.asked))
	if c.w.p.TCP {
		x := b.requests[c.p.Requests[0].ID]
		if x.answered = c.got == x.Answer.Size && errno == 0; !x.answered && !c.w.p.Hostile {
			b.complain("client %d got %d of %d bytes: %v", c.no, c.got, x.Answer.Size, errno)
		}
		c.finish()
		return
	}
	if c.h2 != nil {
		c.h2.over(errno)
		return
	}
	begun := c.from != nil
	whole, err := c.res.close()
	if err != nil {
		if c.w.p.Hostile {
			c.from = nil // what is cut off, where only the close would have told
		} else {
			b.complain("client %d: %v", c.no, err)
		}
	}
	whole = whole && c.from == nil
	if !c.w.p.Hostile && (!whole || !c.closes && !c.early && (len(c.asked) > 0 || len(c.todo) > 0)) {
		b.complain("client %d, waiting for %s: the connection ends (%v)", c.no, names(c.asked), errno)
	}
	if c.quit || c.w.p.Hostile && (begun || !c.closes) || len(c.asked) == 0 && len(c.todo) == 0 {
		c.finish()
		return
	}
	// What was sent behind the last answer goes again.
	for _, x := range slices.Backward(c.asked) {
		c.todo = append([]*Request{x.Request}, c.todo...)
	}
	c.asked = nil
	c.w.m.After(time.Millisecond, c.begin)
}

func names(all []*entry) string {
	if len(all) == 0 {
		return "nothing"
	}
	var ids []string
	for _, e := range all {
		ids = append(ids, fmt.Sprintf("%s /%d", e.Method, e.ID))
	}
	return strings.Join(ids, ", ")
}
