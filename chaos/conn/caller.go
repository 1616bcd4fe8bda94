package conn

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"bench/chaos/frame"
	"github.com/google/gopacket/layers"
)

// caller calls a server from addresses that belong to nobody, with segments of
// its own making, so that the kernel knows nothing of the connections. It answers
// questions for the hardware address of those, and hangs up at the end.
type caller struct {
	raw      *raw
	seed     uint64
	target   frame.Endpoint
	mac      frame.MAC // of the callers
	gateway  frame.MAC
	network  netip.Prefix // of the callers
	builder  *frame.Builder
	template frame.Packet
	bytes    []byte
	counts   Called
}

// Called is what a caller did and met.
type Called struct {
	Sent     uint64        `json:"sent"`     // SYNs
	Answered uint64        `json:"answered"` // SYN-ACKs received
	Refused  uint64        `json:"refused"`  // RSTs received
	Opened   uint64        `json:"opened"`   // handshakes completed
	Hung     uint64        `json:"hung"`     // RSTs sent at the end
	Took     time.Duration `json:"took"`     // to send the SYNs
	Asked    float64       `json:"asked"`    // SYNs per second; 0 is as fast as can be
}

// Rate is the number of SYNs per second that was reached.
func (c *Called) Rate() float64 {
	if c.Took <= 0 {
		return 0
	}
	return float64(c.Sent) / c.Took.Seconds()
}

// errLoopback says why the loopback does not do.
var errLoopback = errors.New("on the loopback every address belongs to the kernel, which refuses the connections it does not know: calls without a caller need network namespaces")

// callersMAC is the hardware address of all callers, administered locally. It is
// not that of the interface, so that the kernel does not take their packets for
// its own to forward or to refuse.
const callersMAC = "\x02be\x00\x00\x01"

// The callers' ports.
const (
	firstPort = 1024
	ports     = 64512
)

// newCaller prepares the calls. It must be called inside the place.
func newCaller(p *Place, target netip.AddrPort, seed uint64) (*caller, error) {
	if err := p.allow(target.Addr()); err != nil {
		return nil, err
	}
	if p.device() == loopback {
		return nil, errLoopback
	}
	if !target.Addr().Is4() {
		return nil, fmt.Errorf("%v: calls without a caller are made over IPv4 only", target)
	}
	nic, err := p.nic()
	if err != nil {
		return nil, err
	}
	r, err := openRaw(nic, false)
	if err != nil {
		return nil, err
	}
	c := &caller{raw: r, seed: seed, mac: frame.MAC([]byte(callersMAC)), builder: frame.NewBuilder(), target: frame.Endpoint{Addr: target.Addr().As16(), Port: target.Port()}}
	own, err := r.ownIP()
	if err == nil {
		c.network = own.Masked()
		c.gateway, err = r.resolve(own.Addr(), target.Addr())
	}
	if err == nil && c.network.Bits() > 28 {
		err = fmt.Errorf("the network %v of %s has no room for callers: want at least /28", c.network, nic.Name)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	c.bytes = append([]byte{}, c.builder.Segment(&frame.Segment{
		From: c.mac, To: c.gateway, Src: c.end(0), Dst: c.target, Flags: frame.SYN, Window: 64240,
		Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{0x05, 0xb4}}},
	})...)
	r.parser.Parse(c.bytes, &c.template)
	return c, nil
}

// callers is the number of addresses in use: the upper half of the network, where
// topologies number their own from below.
func (c *caller) callers() uint64 {
	return min(uint64(1)<<(31-c.network.Bits())-2, 1<<10)
}

// end is where call i comes from. All are different until the ports of all
// addresses are used up.
func (c *caller) end(i uint64) frame.Endpoint {
	e := frame.Endpoint{Addr: c.network.Addr().As16()}
	n := c.callers()
	host := uint32(1)<<(31-c.network.Bits()) + uint32(i%n)
	for k := range 4 {
		e.Addr[12+k] |= byte(host >> (24 - 8*k))
	}
	e.Port = uint16(firstPort + (c.seed+i/n)%ports)
	return e
}

// sequence is the initial sequence number of a call from an end: the same at the
// begin and at the end of the connection, without remembering it.
func (c *caller) sequence(e *frame.Endpoint) uint32 {
	h := c.seed ^ 0x9e3779b97f4a7c15
	for _, b := range e.Addr[12:] {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	h = (h ^ uint64(e.Port)) * 0x100000001b3
	return uint32(h ^ h>>32)
}

// mine reports whether an address is a caller's.
func (c *caller) mine(a netip.Addr) bool {
	if !c.network.Contains(a) {
		return false
	}
	b := a.As4()
	host := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
	host &= 1<<(32-c.network.Bits()) - 1
	half := uint64(1) << (31 - c.network.Bits())
	return host >= half && host < half+c.callers()
}

// call sends SYN i.
func (c *caller) call(i uint64) error {
	e := c.end(i)
	c.template.Patch(e, c.sequence(&e))
	err := c.raw.send(c.bytes)
	if err == nil {
		c.counts.Sent++
	}
	return err
}

// hangUp ends call i with a RST, whatever has become of it.
func (c *caller) hangUp(i uint64) error {
	e := c.end(i)
	err := c.raw.send(c.builder.Segment(&frame.Segment{
		From: c.mac, To: c.gateway, Src: e, Dst: c.target, Flags: frame.RST, Seq: c.sequence(&e) + 1,
	}))
	if err == nil {
		c.counts.Hung++
	}
	return err
}

// listen deals with what comes within a time: questions for hardware addresses
// are answered, SYN-ACKs are counted and, if open is set, acknowledged.
func (c *caller) listen(within time.Duration, open bool) error {
	end := time.Now().Add(within)
	for {
		b, err := c.raw.receive(max(0, time.Until(end)))
		if b == nil || err != nil {
			return err
		}
		if op, mac, ip, asked, ok := readARP(b); ok {
			if op == layers.ARPRequest && c.mine(asked) {
				if err := c.raw.send(arp(layers.ARPReply, c.mac, mac, asked, ip)); err != nil && !errors.Is(err, errFull) {
					return err
				}
			}
			continue
		}
		var p frame.Packet
		if !c.raw.parser.Parse(b, &p) || p.Proto != frame.TCP || p.Src != c.target || !c.mine(netip.AddrFrom16(p.Dst.Addr).Unmap()) {
			continue
		}
		switch {
		case p.Flags&frame.RST != 0:
			c.counts.Refused++
		case p.Flags&(frame.SYN|frame.ACK) == frame.SYN|frame.ACK:
			c.counts.Answered++
			if !open || p.Ack != c.sequence(&p.Dst)+1 {
				continue
			}
			err := c.raw.send(c.builder.Segment(&frame.Segment{
				From: c.mac, To: c.gateway, Src: p.Dst, Dst: p.Src, Flags: frame.ACK,
				Seq: p.Ack, Ack: p.Seq + 1, Window: 64240,
			}))
			if err == nil {
				c.counts.Opened++
			}
		}
	}
}

// spell is how long calls are made between two looks at what has come.
const spell = 2 * time.Millisecond

// run makes calls at a rate until ctx is over, at most as many as limit.
func (c *caller) run(ctx context.Context, rate float64, limit uint64, open bool) (calls uint64, err error) {
	begin := time.Now()
	c.counts.Asked = rate
	for ctx.Err() == nil && calls < limit {
		due := min(limit, uint64(time.Since(begin).Seconds()*rate)+1)
		for calls < due {
			err := c.call(calls)
			if errors.Is(err, errFull) {
				break
			}
			if err != nil {
				return calls, err
			}
			calls++
			if calls%64 == 0 {
				if err := c.listen(0, open); err != nil {
					return calls, err
				}
			}
		}
		c.counts.Took = time.Since(begin)
		if err := c.listen(spell, open); err != nil {
			return calls, err
		}
	}
	return calls, nil
}

// hangUpAll ends all calls.
func (c *caller) hangUpAll(calls uint64) error {
	for i := uint64(0); i < calls; {
		switch err := c.hangUp(i); {
		case err == nil:
			i++
		case errors.Is(err, errFull):
			time.Sleep(time.Millisecond)
		default:
			return err
		}
	}
	return nil
}
