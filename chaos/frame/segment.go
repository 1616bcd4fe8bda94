package frame

import (
	"encoding/binary"
	"math/bits"
)

// VnetSize is the length of struct virtio_net_hdr, which stands before a frame on
// sockets with PACKET_VNET_HDR and on TAP devices with IFF_VNET_HDR.
const VnetSize = 10

// The parts of struct virtio_net_hdr that are used (linux/virtio_net.h).
const (
	vnetNeedsSum = 1

	gsoNone   = 0
	gsoTCP4   = 1
	gsoTCP6   = 4
	gsoUDPL4  = 5
	gsoECNBit = 0x80
)

// Vnet says what the kernel left undone in a frame: the checksum, and the
// splitting into segments. All numbers are in the host's byte order.
type Vnet struct {
	Flags, GSO         uint8
	HeaderLen, Segment uint16
	SumStart, SumAt    uint16
}

// ReadVnet reads the header from the first VnetSize bytes of b.
func ReadVnet(b []byte) Vnet {
	_ = b[VnetSize-1]
	e := binary.NativeEndian
	return Vnet{b[0], b[1], e.Uint16(b[2:]), e.Uint16(b[4:]), e.Uint16(b[6:]), e.Uint16(b[8:])}
}

// Put writes the header to the first VnetSize bytes of b.
func (v Vnet) Put(b []byte) {
	_ = b[VnetSize-1]
	e := binary.NativeEndian
	b[0], b[1] = v.Flags, v.GSO
	e.PutUint16(b[2:], v.HeaderLen)
	e.PutUint16(b[4:], v.Segment)
	e.PutUint16(b[6:], v.SumStart)
	e.PutUint16(b[8:], v.SumAt)
}

// Partial reports that the transport's checksum is still to be completed.
func (v Vnet) Partial() bool { return v.Flags&vnetNeedsSum != 0 }

// Merged reports that the frame stands for several segments.
func (v Vnet) Merged() bool { return v.GSO&^gsoECNBit != gsoNone }

// Segments is the number of frames that p goes over the wire as.
func (v Vnet) Segments(p *Packet) int {
	if !v.splits(p) {
		return 1
	}
	return max(1, (p.Payload()+int(v.Segment)-1)/int(v.Segment))
}

// splits reports whether Cut can split p.
func (v Vnet) splits(p *Packet) bool {
	if v.Segment == 0 || p.L4 == 0 {
		return false
	}
	switch v.GSO &^ gsoECNBit {
	case gsoTCP4, gsoTCP6:
		return p.Proto == TCP
	case gsoUDPL4:
		return p.Proto == UDP
	}
	return false
}

// Cut writes segment i of p to out, which must hold p's headers and v.Segment
// bytes, and describes it in s. Its checksum is partial: its header is CutVnet's.
func (v Vnet) Cut(p *Packet, i int, out []byte, s *Packet) {
	size := int(v.Segment)
	from := p.Body + i*size
	to := min(from+size, p.End)
	n := copy(out, p.Bytes[:p.Body])
	n += copy(out[n:], p.Bytes[from:to])
	*s = *p
	s.Bytes, s.End = out[:n], n
	b := binary.BigEndian
	if p.V6 {
		b.PutUint16(out[p.L3+4:], uint16(n-p.L3-40))
	} else {
		b.PutUint16(out[p.L3+2:], uint16(n-p.L3))
		b.PutUint16(out[p.L3+4:], b.Uint16(p.Bytes[p.L3+4:])+uint16(i))
		s.seal()
	}
	if p.Proto == TCP {
		s.Seq += uint32(i * size)
		b.PutUint32(out[p.L4+4:], s.Seq)
		if to < p.End {
			s.Flags &^= FIN | PSH
		}
		if i > 0 {
			s.Flags &^= CWR // RFC 3168 section 6.1.2: once
		}
		out[p.L4+13] = s.Flags
	} else {
		b.PutUint16(out[p.L4+4:], uint16(n-p.L4))
	}
	b.PutUint16(out[s.checksumAt():], fold(s.pseudo(n-p.L4)))
}

// CutVnet is the header of the segments that Cut writes.
func (v Vnet) CutVnet(p *Packet) Vnet {
	at := uint16(16)
	if p.Proto == UDP {
		at = 6
	}
	return Vnet{Flags: vnetNeedsSum, SumStart: uint16(p.L4), SumAt: at}
}

// Flip changes one bit behind the IP header, chosen by r of all alike, and leaves
// the checksum as it was: it must have been completed before if the receiver is
// to notice.
func (p *Packet) Flip(r uint64) {
	from := p.L3
	if p.L4 > 0 {
		from = p.L4
	}
	if n := uint64(p.End-from) * 8; n > 0 {
		bit, _ := bits.Mul64(r, n)
		p.Bytes[from+int(bit/8)] ^= 1 << (bit % 8)
	}
}
