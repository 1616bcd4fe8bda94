package conn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"bench/chaos/frame"
)

// Reset injects RSTs into connections in the middle of their traffic, as some
// middleboxes do: it watches the interface, and when a chosen connection carries
// data, both ends are sent a RST with the number that they expect next.
type Reset struct {
	Place
	// Other is the wire's second interface, that towards the servers; "" where
	// one interface carries both directions, as the loopback does.
	Other string
	Port  uint16 // of the servers
	// Count bounds the number of connections; 0 is no bound.
	Count int
	// Share of the connections, in (0, 1]; 0 is all. The seed chooses among them.
	Share float64
	Seed  uint64
	For   time.Duration
}

// Injected is what Reset did.
type Injected struct {
	Seen    uint64 `json:"seen"`    // segments with data
	Flows   uint64 `json:"flows"`   // connections they belonged to
	Chosen  uint64 `json:"chosen"`  // of them reset
	Sent    uint64 `json:"sent"`    // RSTs
	Again   uint64 `json:"again"`   // chosen connections that it took a second reset
	Survive uint64 `json:"survive"` // chosen connections that carried data on after that, too
}

// Check says what is wrong with the order.
func (r *Reset) Check() error {
	switch {
	case r.Port == 0:
		return errors.New("want the port of the connections to reset")
	case r.Share < 0 || r.Share > 1:
		return fmt.Errorf("share is %v: want one from 0 to 1", r.Share)
	case r.Count < 0:
		return fmt.Errorf("count is %d: want a number of connections", r.Count)
	case r.For <= 0 || r.For > maxTime:
		return fmt.Errorf("resets last %v: want more than 0 and at most %v", r.For, maxTime)
	}
	return nil
}

// reset is when a connection was reset last, and in which turn; zero if it is spared.
// A peer takes no notice of a RST whose number is no longer the next one it expects, as
// on a busy machine, so that a reset may have to be repeated.
type reset struct {
	at    time.Time
	turn  int
	times int // that it carried data on
}

// carriesOn notes that the connection carries data at a time, in a turn, and reports
// whether the reset was in vain. What had come before it may be looked at late.
func (r *reset) carriesOn(at time.Time, turn int) bool {
	if turn <= r.turn || at.Sub(r.at) <= settle {
		return false
	}
	*r = reset{at, turn, r.times + 1}
	return true
}

// pair is a connection, the server's end known by its port.
type pair struct{ client, server frame.Endpoint }

// settle is the time within which segments may still come that were on their way.
const settle = 100 * time.Millisecond

// side is one end of what is watched, and how its frames reach either end of their
// connection: those that come in by it go on across the wire, and back by it.
type side struct {
	*raw
	client, server sender // nil: by where the frame goes
	onward         sender
}

// sender sends a frame.
type sender interface{ send(b []byte) error }

// ways are how to go back to the sender of a frame, and on to its receiver.
func (s *side) ways(toServer bool) (back, onward sender) {
	switch {
	case s.server == nil:
		return s.raw, s.onward
	case toServer:
		return s.client, s.server
	}
	return s.server, s.client
}

// Do injects until the time, the count or ctx is over.
func (r *Reset) Do(ctx context.Context) (Injected, error) {
	return r.do(ctx, func() {})
}

// do is Do, and calls begun when the attack is on.
func (r *Reset) do(ctx context.Context, begun func()) (done Injected, err error) {
	if err := r.Check(); err != nil {
		return done, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.For)
	defer cancel()
	err = r.inside(func() error {
		if err := r.allow(); err != nil {
			return err
		}
		ports, err := r.open()
		for _, p := range ports {
			defer p.close()
		}
		if err != nil {
			return err
		}
		sides, closed, err := r.sides(ports)
		if err != nil {
			return err
		}
		defer closed()
		begun()
		done, err = r.watch(ctx, sides)
		return err
	})
	return done, err
}

// open opens the interfaces: towards the clients, and towards the servers.
func (r *Reset) open() (ports []*raw, err error) {
	names := []Place{r.Place}
	switch {
	case r.Other != "":
		names = append(names, Place{Interface: r.Other})
	case r.Own && r.device() != loopback:
		// Who connects may be on this machine, too.
		names = append(names, Place{})
	}
	for _, name := range names {
		nic, err := name.nic()
		if err != nil {
			return ports, err
		}
		p, err := openRaw(nic, r.Own && nic.Name != loopback)
		if err != nil {
			return ports, err
		}
		ports = append(ports, p)
		if nic.Name == loopback || r.Own { // what matters is addressed to this machine
			continue
		}
		err = unix.SetsockoptPacketMreq(p.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(nic.Index), Type: unix.PACKET_MR_PROMISC})
		if err != nil {
			return ports, fmt.Errorf("cannot watch %s: %w", nic.Name, err)
		}
	}
	return ports, nil
}

// sides says where frames go on: across a wire, or, where the port is this machine's own,
// to the machine itself. There what leaves is seen, too: each end is told by what it has
// just been sent, so that no answer of the kernel's can come before.
func (r *Reset) sides(ports []*raw) (all []side, closed func(), err error) {
	closed = func() {}
	for i, p := range ports {
		s := side{raw: p, onward: ports[len(ports)-1-i]}
		if r.Own {
			s.onward = p
		}
		if r.Own && p.nic.Name != loopback {
			l, err := openLocal()
			if err != nil {
				return nil, nil, err
			}
			s.client, s.server, closed = p, l, l.close
		}
		all = append(all, s)
	}
	return all, closed, nil
}

func (r *Reset) watch(ctx context.Context, ports []side) (done Injected, err error) {
	builder := frame.NewBuilder()
	flows := map[pair]reset{}
	turn := 0 // how often all that had come was looked at
	var p frame.Packet
	fds := make([]unix.PollFd, len(ports))
	for i := range ports {
		fds[i] = unix.PollFd{Fd: int32(ports[i].fd), Events: unix.POLLIN}
	}
	for ; ctx.Err() == nil; turn++ {
		ts := unix.NsecToTimespec(int64(spell))
		if _, err := unix.Ppoll(fds, &ts, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return done, fmt.Errorf("poll: %w", err)
		}
		for _, in := range ports {
			for {
				b, err := in.receive(0)
				if err != nil {
					return done, err
				}
				if b == nil {
					break
				}
				if !in.parser.Parse(b, &p) || p.Proto != frame.TCP || p.Payload() == 0 || p.Flags&frame.ACK == 0 {
					continue
				}
				flow, ok := r.pair(&p)
				if !ok {
					continue
				}
				done.Seen++
				was, known := flows[flow]
				if !known {
					done.Flows++
					if draws(r.Seed, r.Share, flow.client, flow.server) && (r.Count == 0 || done.Chosen < uint64(r.Count)) {
						was = reset{at: time.Now(), turn: turn}
						done.Chosen++
					}
					flows[flow] = was
				}
				if was.at.IsZero() {
					continue
				}
				if was.carriesOn(time.Now(), turn) {
					flows[flow] = was
					switch was.times {
					case 1:
						done.Again++
					case 2:
						done.Survive++
					}
				}
				if err := r.inject(builder, &p, &in, &done); err != nil {
					return done, err
				}
			}
		}
	}
	return done, nil
}

// inject resets both ends of the connection of a segment that was seen at a side.
func (r *Reset) inject(b *frame.Builder, p *frame.Packet, in *side, done *Injected) error {
	back := frame.Segment{
		From: frame.MAC(p.Bytes[0:6]), To: frame.MAC(p.Bytes[6:12]), V6: p.V6,
		Src: p.Dst, Dst: p.Src, Flags: frame.RST, Seq: p.Ack,
	}
	onward := frame.Segment{
		From: frame.MAC(p.Bytes[6:12]), To: frame.MAC(p.Bytes[0:6]), V6: p.V6,
		Src: p.Src, Dst: p.Dst, Flags: frame.RST, Seq: p.Seq + p.Sequence(),
	}
	before, after := in.ways(p.Dst.Port == r.Port)
	if err := before.send(b.Segment(&back)); err != nil && !errors.Is(err, errFull) {
		return err
	}
	if err := after.send(b.Segment(&onward)); err != nil && !errors.Is(err, errFull) {
		return err
	}
	done.Sent += 2
	return nil
}

func (r *Reset) pair(p *frame.Packet) (pair, bool) {
	switch r.Port {
	case p.Dst.Port:
		return pair{p.Src, p.Dst}, true
	case p.Src.Port:
		return pair{p.Dst, p.Src}, true
	}
	return pair{}, false
}
