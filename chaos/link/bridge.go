package link

import (
	"time"

	"bench/chaos/frame"
	"bench/chaos/impair"
	"bench/internal/loop"
)

// bridge carries frames between two ports and impairs them on the way. It belongs
// to one thread, which does nothing else.
type bridge struct {
	ports   [2]*port // of the clients' side and of the origins'
	engine  *impair.Engine
	queue   queue
	store   *store
	parser  *frame.Parser
	builder *frame.Builder
	leaving [2][]parcel // queued at the port a direction leads to
	whole   frame.Packet
	part    frame.Packet // of whole
	spin    int64
	line    Line
}

// Line is what the link knows of itself. Frames that were lost without being
// asked for make a run worthless in which they are many.
type Line struct {
	Received [2]uint64 `json:"received"` // frames, upstream and downstream
	Sent     [2]uint64 `json:"sent"`
	Overrun  uint64    `json:"overrun"` // came faster than they were taken
	Unsent   uint64    `json:"unsent"`  // refused by the interface they should leave by
	Crowded  uint64    `json:"crowded"` // no room to wait in
	Waiting  int       `json:"waiting"` // frames held back at the moment
}

// Unasked is the number of frames lost without being asked for.
func (l *Line) Unasked() uint64 { return l.Overrun + l.Unsent + l.Crowded }

func newBridge(a, b *port, spin time.Duration) *bridge {
	return &bridge{
		ports: [2]*port{a, b}, engine: impair.NewEngine(), store: newStore(),
		parser: frame.NewParser(), builder: frame.NewBuilder(), spin: int64(spin),
	}
}

// out is the port that frames of a direction leave by.
func (b *bridge) out(d impair.Direction) *port { return b.ports[1-d] }

// run carries frames until control, called when its descriptor has input,
// returns false.
func (b *bridge) run(descriptor int, control func() bool) {
	for {
		n := b.take(impair.Upstream) + b.take(impair.Downstream)
		b.release(loop.Nanotime())
		if n > 0 {
			continue
		}
		timeout := int64(-1)
		if b.queue.len() > 0 {
			timeout = b.queue.next() - loop.Nanotime() - b.spin
			if timeout <= 0 {
				continue
			}
		}
		if wait(&b.ports, descriptor, timeout) && !control() {
			return
		}
	}
}

// drain throws away what has come so far.
func (b *bridge) drain() {
	for _, p := range b.ports {
		for p.receive() > 0 {
		}
	}
}

// take receives a batch of a direction and returns its size.
func (b *bridge) take(d impair.Direction) int {
	in := b.ports[d]
	n := in.receive()
	if n == 0 {
		return 0
	}
	b.line.Received[d] += uint64(n)
	wall, now := time.Now().UnixNano(), loop.Nanotime()
	split := b.engine.Segments()
	for i := range n {
		came := now
		if stamp := in.came(i); stamp > 0 && stamp < wall {
			// A step of the clock of more than a second is no age of a frame.
			if age := wall - stamp; age < int64(time.Second) {
				came -= age
			}
		}
		b.accept(in.frame(i), d, came, split)
	}
	// The frames are valid until the next take: what is sent on at once goes now.
	b.flush(impair.Upstream)
	b.flush(impair.Downstream)
	return n
}

// accept decides about a received frame.
func (b *bridge) accept(buf []byte, d impair.Direction, came int64, split bool) {
	if len(buf) <= frame.VnetSize {
		return
	}
	vnet := frame.ReadVnet(buf)
	p, s := &b.whole, &b.part
	b.parser.Parse(buf[frame.VnetSize:], p)
	count := 1
	if split {
		count = vnet.Segments(p)
	}
	if count == 1 {
		b.pass(p, buf, vnet.Partial(), false, d, came)
		return
	}
	head := vnet.CutVnet(p)
	for i := range count {
		own := b.store.take(frame.VnetSize + p.Body + int(vnet.Segment))
		if own == nil {
			b.line.Crowded++
			continue
		}
		head.Put(own)
		vnet.Cut(p, i, own[frame.VnetSize:], s)
		b.pass(s, own[:frame.VnetSize+len(s.Bytes)], true, true, d, came)
	}
}

// pass sends a packet on as the engine decides. buf holds it behind its virtio
// header; owned reports that buf came from the store.
func (b *bridge) pass(p *frame.Packet, buf []byte, partial, owned bool, d impair.Direction, came int64) {
	v := b.engine.Decide(p, d, len(p.Bytes), came)
	switch {
	case v.Answer:
		b.inject(b.builder.Answer(p), 1-d, came)
	case v.ICMP:
		b.inject(b.builder.Unreachable(p), 1-d, came)
	}
	if v.Cut {
		b.inject(b.builder.Cut(p), d, v.Due)
	}
	if v.Drop {
		if owned {
			b.store.give(buf)
		}
		return
	}
	if v.NoFIN {
		p.ClearFIN(partial)
	}
	if v.NoRoom {
		p.SetWindow(0, partial)
	}
	if v.Flip {
		if partial {
			p.Complete()
			frame.Vnet{}.Put(buf)
		}
		p.Flip(v.Bits)
	}
	for range v.Copies {
		b.post(buf, false, d, v.Due, impair.Ticket{})
	}
	if owned || v.Delayed() {
		b.post(buf, owned, d, v.Due, v.Ticket)
		return
	}
	b.line.Sent[d]++
	if b.out(d).queue(buf) {
		b.flush(d)
	}
}

// inject sends a frame of the link's own.
func (b *bridge) inject(f []byte, d impair.Direction, due int64) {
	own := b.store.take(frame.VnetSize + len(f))
	if own == nil {
		b.line.Crowded++
		return
	}
	frame.Vnet{}.Put(own)
	copy(own[frame.VnetSize:], f)
	b.post(own, true, d, due, impair.Ticket{})
}

// post lets a frame wait for its time.
func (b *bridge) post(buf []byte, owned bool, d impair.Direction, due int64, k impair.Ticket) {
	if !owned {
		own := b.store.take(len(buf))
		if own == nil {
			b.line.Crowded++
			return
		}
		copy(own, buf)
		buf = own
	}
	b.queue.push(parcel{due: due, bytes: buf, to: d, ticket: k})
}

// release sends what is due at the time now.
func (b *bridge) release(now int64) {
	for b.queue.len() > 0 && b.queue.next() <= now {
		p := b.queue.pop()
		b.leaving[p.to] = append(b.leaving[p.to], p)
		b.line.Sent[p.to]++
		if b.out(p.to).queue(p.bytes) {
			b.flush(p.to)
			now = loop.Nanotime()
		}
	}
	b.flush(impair.Upstream)
	b.flush(impair.Downstream)
}

// flush sends what is queued at the port that direction d leads to.
func (b *bridge) flush(d impair.Direction) {
	out := b.out(d)
	if out.pending == 0 {
		return
	}
	at := loop.Nanotime()
	out.flush()
	for i := range b.leaving[d] {
		p := &b.leaving[d][i]
		b.engine.Sent(&p.ticket, d, p.due, at)
		b.store.give(p.bytes)
	}
	b.leaving[d] = b.leaving[d][:0]
}

// state brings the account of the link up to date.
func (b *bridge) state() Line {
	b.line.Overrun += b.ports[0].overrun() + b.ports[1].overrun()
	b.line.Unsent = b.ports[0].lost + b.ports[1].lost
	b.line.Waiting = b.queue.len()
	return b.line
}
