package frame

import "encoding/binary"

// sum adds up b as 16-bit words (RFC 1071); from is a sum to go on from.
func sum(b []byte, from uint32) uint32 {
	total := uint64(from)
	for len(b) >= 8 {
		v := binary.BigEndian.Uint64(b)
		total += v>>32 + v&0xffffffff
		b = b[8:]
	}
	for len(b) >= 2 {
		total += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		total += uint64(b[0]) << 8
	}
	total = total>>32 + total&0xffffffff
	total = total>>32 + total&0xffffffff
	return uint32(fold32(uint32(total)))
}

func fold32(s uint32) uint32 { return s>>16 + s&0xffff }

// fold brings a sum down to 16 bits.
func fold(s uint32) uint16 { return uint16(fold32(fold32(s))) }

// pseudo is the sum of the pseudo header (RFC 9293 section 3.1, RFC 8200 section
// 8.1) for a segment of n bytes.
func (p *Packet) pseudo(n int) uint32 {
	b := p.Bytes[p.L3:]
	s := uint32(p.Proto) + uint32(n)>>16 + uint32(n)&0xffff
	if p.V6 {
		return sum(b[8:40], s)
	}
	return sum(b[12:20], s)
}

// checksumAt is where the transport's checksum stands; 0 if it has none.
func (p *Packet) checksumAt() int {
	switch {
	case p.L4 == 0:
		return 0
	case p.Proto == TCP:
		return p.L4 + 16
	case p.Proto == UDP:
		return p.L4 + 6
	}
	return 0
}

// Complete computes the transport's checksum in full, which the kernel leaves to
// the device where that can do it.
func (p *Packet) Complete() {
	at := p.checksumAt()
	if at == 0 {
		return
	}
	binary.BigEndian.PutUint16(p.Bytes[at:], 0)
	c := ^fold(sum(p.Bytes[p.L4:p.End], p.pseudo(p.End-p.L4)))
	if c == 0 && p.Proto == UDP {
		c = 0xffff // RFC 768: 0 would mean none
	}
	binary.BigEndian.PutUint16(p.Bytes[at:], c)
}

// Intact reports whether the transport's checksum is right.
func (p *Packet) Intact() bool {
	at := p.checksumAt()
	if at == 0 {
		return true
	}
	if p.Proto == UDP && p.Bytes[at] == 0 && p.Bytes[at+1] == 0 {
		return true
	}
	return fold(sum(p.Bytes[p.L4:p.End], p.pseudo(p.End-p.L4))) == 0xffff
}

// seal computes the header checksum of IPv4.
func (p *Packet) seal() {
	if p.V6 {
		return
	}
	h := p.Bytes[p.L3 : p.L3+int(p.Bytes[p.L3]&0xf)*4]
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], ^fold(sum(h, 0)))
}
