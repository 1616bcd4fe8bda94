// Package frame reads, splits, changes and builds Ethernet frames: what a link
// that impairs traffic and the makers of forged segments have in common. Sockets,
// clocks and decisions may not enter.
package frame

import (
	"encoding/binary"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// IP protocol numbers that are told apart.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
)

// TCP flags, as in byte 13 of the header (RFC 9293 section 3.1).
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Endpoint is an address and a port. IPv4 addresses are mapped into IPv6, so that
// endpoints compare as plain bytes.
type Endpoint struct {
	Addr [16]byte
	Port uint16
}

// Packet is what was read from a frame. It refers to the frame's bytes and is
// valid as long as they are.
type Packet struct {
	Bytes []byte
	// Offsets of the headers and of the payload; 0 for what is not there.
	L3, L4, Body int
	// End is where the IP packet ends; padding may follow.
	End      int
	V6       bool
	Proto    uint8 // 0: not IP, or a later fragment
	Flags    uint8 // TCP only
	Window   uint16
	Seq, Ack uint32
	Src, Dst Endpoint
}

// Payload is the number of bytes of the transport's payload.
func (p *Packet) Payload() int {
	if p.Body == 0 {
		return 0
	}
	return p.End - p.Body
}

// Sequence is the number of sequence numbers that a TCP segment takes.
func (p *Packet) Sequence() uint32 {
	n := uint32(p.Payload())
	if p.Flags&SYN != 0 {
		n++
	}
	if p.Flags&FIN != 0 {
		n++
	}
	return n
}

// Parser reads frames. It belongs to one goroutine.
type Parser struct {
	eth   layers.Ethernet
	vlan  layers.Dot1Q
	ip4   layers.IPv4
	ip6   layers.IPv6
	tcp   layers.TCP
	udp   layers.UDP
	link  *gopacket.DecodingLayerParser
	found []gopacket.LayerType
}

// NewParser returns a parser.
func NewParser() *Parser {
	p := &Parser{found: make([]gopacket.LayerType, 0, 8)}
	p.link = gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &p.eth, &p.vlan)
	p.link.IgnoreUnsupported = true
	return p
}

// Parse reads a frame into out. What is malformed or unknown is left out: the
// frame is then known by fewer layers, and false is returned when not even an IP
// header could be read. What a tunnel carries is payload.
func (p *Parser) Parse(b []byte, out *Packet) bool {
	*out = Packet{Bytes: b, End: len(b)}
	_ = p.link.DecodeLayers(b, &p.found)
	at, next := 0, gopacket.LayerTypeZero
	for _, layer := range p.found {
		switch layer {
		case layers.LayerTypeEthernet:
			at += len(p.eth.Contents)
			next = p.eth.NextLayerType()
		case layers.LayerTypeDot1Q:
			at += len(p.vlan.Contents)
			next = p.vlan.NextLayerType()
		}
	}
	var payload []byte
	switch {
	case next == layers.LayerTypeIPv4 && p.ip4.DecodeFromBytes(b[at:], gopacket.NilDecodeFeedback) == nil:
		payload, next = p.ip4.Payload, p.ip4.NextLayerType()
		copy(out.Src.Addr[:], mapped4[:])
		copy(out.Dst.Addr[:], mapped4[:])
		copy(out.Src.Addr[12:], p.ip4.SrcIP)
		copy(out.Dst.Addr[12:], p.ip4.DstIP)
		if p.ip4.FragOffset == 0 {
			out.Proto = uint8(p.ip4.Protocol)
		}
		out.L3 = at
		at += len(p.ip4.Contents)
	case next == layers.LayerTypeIPv6 && p.ip6.DecodeFromBytes(b[at:], gopacket.NilDecodeFeedback) == nil:
		payload, next = p.ip6.Payload, p.ip6.NextLayerType()
		copy(out.Src.Addr[:], p.ip6.SrcIP)
		copy(out.Dst.Addr[:], p.ip6.DstIP)
		out.Proto = uint8(p.ip6.NextHeader)
		out.L3, out.V6 = at, true
		at += len(p.ip6.Contents)
	default:
		return false
	}
	out.End = at + len(payload)
	switch {
	case next == layers.LayerTypeTCP && p.tcp.DecodeFromBytes(payload, gopacket.NilDecodeFeedback) == nil:
		t := &p.tcp
		out.L4, out.Body = at, at+len(t.Contents)
		out.Src.Port, out.Dst.Port = uint16(t.SrcPort), uint16(t.DstPort)
		out.Seq, out.Ack, out.Window = t.Seq, t.Ack, t.Window
		out.Flags = b[at+13]
	case next == layers.LayerTypeUDP && p.udp.DecodeFromBytes(payload, gopacket.NilDecodeFeedback) == nil:
		out.L4, out.Body = at, at+8
		out.Src.Port, out.Dst.Port = uint16(p.udp.SrcPort), uint16(p.udp.DstPort)
	}
	return true
}

var mapped4 = [12]byte{10: 0xff, 11: 0xff}

// SetWindow changes the window that a TCP segment announces. partial reports that
// the checksum is still to be completed by the kernel.
func (p *Packet) SetWindow(w uint16, partial bool) {
	p.put16(p.L4+14, w, partial)
	p.Window = w
}

// ClearFIN takes the FIN from a TCP segment.
func (p *Packet) ClearFIN(partial bool) {
	at := p.L4 + 12
	p.put16(at, binary.BigEndian.Uint16(p.Bytes[at:])&^FIN, partial)
	p.Flags &^= FIN
}

// put16 changes a field of the TCP header and keeps the checksum right (RFC 1624
// section 3). A partial checksum covers the addresses only.
func (p *Packet) put16(at int, v uint16, partial bool) {
	b := p.Bytes
	old := binary.BigEndian.Uint16(b[at:])
	binary.BigEndian.PutUint16(b[at:], v)
	if partial {
		return
	}
	sum := b[p.L4+16:]
	binary.BigEndian.PutUint16(sum, ^fold(uint32(^binary.BigEndian.Uint16(sum))+uint32(^old)+uint32(v)))
}
