package h2

import "slices"

// bounds count what costs more than it is good for.
type bounds struct {
	glitches int
	// oddities are frames that say nothing.
	oddities uint64
	// early is how many streams their clients have reset before they were answered.
	early  uint64
	second int64 // which one it is
	orders int   // PING and SETTINGS frames in it
}

const (
	// maxContinuations is how many frames a header block may have.
	maxContinuations = 16
	// maxOrders is how many PING and SETTINGS frames, which ask for an answer each, a client may
	// send in one second.
	maxOrders = 1000
	// freeResets is how many streams a client may reset early before half of all count.
	freeResets = 100
	// freeOddities is how many frames that say nothing each stream may come with beyond those
	// that count as glitches: there are clients that send one of an unknown type with every
	// request, so that others get used to them.
	freeOddities = 8
)

// glitch counts an oddity. Clients that are full of them are sent away.
func (c *Conn) glitch() {
	if c.glitches++; c.glitches > c.set.glitches() {
		c.fail(EnhanceYourCalm)
	}
}

// oddity counts a frame that says nothing. Clients may send some all their life.
func (c *Conn) oddity() {
	if c.oddities++; c.oddities > uint64(c.set.glitches())+freeOddities*c.opened {
		c.fail(EnhanceYourCalm)
	}
}

// order counts a frame that asks for an answer.
func (c *Conn) order(now int64) {
	if s := now / 1e9; s != c.second {
		c.second, c.orders = s, 0
	}
	if c.orders++; c.orders > maxOrders {
		c.fail(EnhanceYourCalm)
	}
}

// earlyReset counts a stream that its client has reset before it was answered.
func (c *Conn) earlyReset() {
	if c.early++; c.early > freeResets+c.opened/2 {
		c.fail(EnhanceYourCalm)
	}
}

// graced are the streams that we have reset last: what the client had sent before it knew
// is no fault of its. They are more than it may have open at once as a rule.
type graced struct {
	ids []uint32
	n   uint8
}

// mostGraced is how many these are. It divides what n counts up to.
const mostGraced = 128

// forgiven tells whether a client need not know yet that nobody wants what it sends on a
// stream: it has been reset of late, or came behind the last one that is served.
// A server has no way of knowing sooner what we have lost interest in.
func (c *Conn) forgiven(id uint32) bool {
	return c.acceptor == nil || c.gone && id > c.limit || c.graced.has(id)
}

func (g *graced) add(id uint32) {
	if len(g.ids) < mostGraced {
		g.ids = append(g.ids, id) // few connections have any
		return
	}
	g.ids[g.n%mostGraced] = id
	g.n++
}

func (g *graced) has(id uint32) bool { return slices.Contains(g.ids, id) }
