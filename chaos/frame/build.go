package frame

import (
	"encoding/binary"
	"net"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// MAC is a hardware address.
type MAC [6]byte

// Segment describes a TCP segment to be built. Flags are those of this package.
type Segment struct {
	From, To MAC
	Src, Dst Endpoint
	V6       bool
	Seq, Ack uint32
	Flags    uint8
	Window   uint16
	Options  []layers.TCPOption
	Payload  []byte
}

// Builder makes frames. The bytes it returns are valid until its next call.
type Builder struct{ buf gopacket.SerializeBuffer }

// NewBuilder returns a builder.
func NewBuilder() *Builder { return &Builder{gopacket.NewSerializeBuffer()} }

// TTL of the packets that are built: enough for any topology of a run, and too
// little to get far beyond one.
const hops = 16

// Segment builds a TCP segment with complete checksums.
func (b *Builder) Segment(s *Segment) []byte {
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(s.Src.Port), DstPort: layers.TCPPort(s.Dst.Port),
		Seq: s.Seq, Ack: s.Ack, Window: s.Window, Options: s.Options,
		FIN: s.Flags&FIN != 0, SYN: s.Flags&SYN != 0, RST: s.Flags&RST != 0,
		PSH: s.Flags&PSH != 0, ACK: s.Flags&ACK != 0,
	}
	ip, network := b.ip(s.V6, &s.Src, &s.Dst, layers.IPProtocolTCP)
	_ = tcp.SetNetworkLayerForChecksum(network)
	return b.write(s.V6, s.From, s.To, ip, tcp, gopacket.Payload(s.Payload))
}

// Answer builds the RST by which a closed port answers p (RFC 9293 section
// 3.10.7.1).
func (b *Builder) Answer(p *Packet) []byte {
	s := Segment{From: destination(p), To: source(p), Src: p.Dst, Dst: p.Src, V6: p.V6, Flags: RST, Seq: p.Ack}
	if p.Flags&ACK == 0 {
		s.Flags, s.Seq, s.Ack = RST|ACK, 0, p.Seq+p.Sequence()
	}
	return b.Segment(&s)
}

// Cut builds the RST that takes the place of p on its way.
func (b *Builder) Cut(p *Packet) []byte {
	return b.Segment(&Segment{
		From: source(p), To: destination(p), Src: p.Src, Dst: p.Dst, V6: p.V6,
		Flags: RST | ACK, Seq: p.Seq, Ack: p.Ack,
	})
}

// Unreachable builds the ICMP message that nobody listens at the port p goes to
// (RFC 792, RFC 4443 section 3.1).
func (b *Builder) Unreachable(p *Packet) []byte {
	quote := p.Bytes[p.L3:p.End]
	if p.V6 {
		ip, network := b.ip(true, &p.Dst, &p.Src, layers.IPProtocolICMPv6)
		icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeDestinationUnreachable, layers.ICMPv6CodePortUnreachable)}
		_ = icmp.SetNetworkLayerForChecksum(network)
		body := append(make([]byte, 4, 4+1232), quote[:min(len(quote), 1232)]...)
		return b.write(true, destination(p), source(p), ip, icmp, gopacket.Payload(body))
	}
	ip, _ := b.ip(false, &p.Dst, &p.Src, layers.IPProtocolICMPv4)
	icmp := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4CodePort)}
	return b.write(false, destination(p), source(p), ip, icmp, gopacket.Payload(quote[:min(len(quote), 548)]))
}

func (b *Builder) ip(v6 bool, src, dst *Endpoint, proto layers.IPProtocol) (gopacket.SerializableLayer, gopacket.NetworkLayer) {
	if v6 {
		ip := &layers.IPv6{Version: 6, HopLimit: hops, NextHeader: proto, SrcIP: src.Addr[:], DstIP: dst.Addr[:]}
		return ip, ip
	}
	ip := &layers.IPv4{Version: 4, TTL: hops, Flags: layers.IPv4DontFragment, Protocol: proto, SrcIP: net.IP(src.Addr[12:]), DstIP: net.IP(dst.Addr[12:])}
	return ip, ip
}

// write puts the layers together. They come from this file alone, which gives
// each what it needs, so that nothing can fail.
func (b *Builder) write(v6 bool, from, to MAC, rest ...gopacket.SerializableLayer) []byte {
	eth := &layers.Ethernet{SrcMAC: from[:], DstMAC: to[:], EthernetType: layers.EthernetTypeIPv4}
	if v6 {
		eth.EthernetType = layers.EthernetTypeIPv6
	}
	all := append([]gopacket.SerializableLayer{eth}, rest...)
	o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b.buf, o, all...); err != nil {
		panic("frame: " + err.Error())
	}
	return b.buf.Bytes()
}

func source(p *Packet) MAC      { return MAC(p.Bytes[6:12]) }
func destination(p *Packet) MAC { return MAC(p.Bytes[0:6]) }

// Patch changes source endpoint and sequence number of a TCP segment that was
// built before, and its checksum with them: many times faster than building anew.
func (p *Packet) Patch(src Endpoint, seq uint32) {
	b := binary.BigEndian
	p.Src, p.Seq = src, seq
	if p.V6 {
		copy(p.Bytes[p.L3+8:], src.Addr[:])
	} else {
		copy(p.Bytes[p.L3+12:], src.Addr[12:])
		p.seal()
	}
	b.PutUint16(p.Bytes[p.L4:], src.Port)
	b.PutUint32(p.Bytes[p.L4+4:], seq)
	p.Complete()
}
