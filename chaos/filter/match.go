package filter

import (
	"errors"
	"net/netip"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"bench/chaos/impair"
)

// errShare reports that the kernel cannot make the choice.
var errShare = errors.New("nftables cannot choose a share of connections by a seed: that takes the userspace link")

// The registers that rules compute in.
const register = 1

// Where the ports stand in the header of TCP and UDP.
const (
	sourcePort      = 0
	destinationPort = 2
)

// Match returns the conditions of m, without its direction: a packet that meets
// one of them is meant.
func Match(m impair.Match) ([][]expr.Any, error) {
	return conditions(m, sourcePort, destinationPort)
}

// OfIP is Match for where other things pass, too, as ARP on a wire.
func OfIP(m impair.Match) ([][]expr.Any, error) { return ofIP(m, Match) }

// OneWay is OfIP with the direction of m.
func OneWay(m impair.Match) ([][]expr.Any, error) { return ofIP(m, Arriving) }

// ofIP tells IP by what frames say they carry: at an interface there is no family of
// addresses that packets have come by.
func ofIP(m impair.Match, of func(impair.Match) ([][]expr.Any, error)) ([][]expr.Any, error) {
	address := m.Address
	m.Address = netip.Prefix{}
	conditions, err := of(m)
	if err != nil || !address.IsValid() {
		return product(ipOnly(), conditions), err
	}
	kind := uint16(unix.ETH_P_IP)
	if address.Addr().Is6() {
		kind = unix.ETH_P_IPV6
	}
	return product([][]expr.Any{carrying(kind)}, product(conditions, ends(address))), nil
}

// Arriving returns the conditions of m with its direction, as seen by the host
// that has the port or that calls it: upstream is to the port, downstream from it.
func Arriving(m impair.Match) ([][]expr.Any, error) {
	switch m.Direction {
	case impair.UpOnly:
		return conditions(m, destinationPort)
	case impair.DownOnly:
		return conditions(m, sourcePort)
	default:
		return Match(m)
	}
}

func conditions(m impair.Match, portAt ...uint32) ([][]expr.Any, error) {
	if m.Connections > 0 && m.Connections < 1 {
		return nil, errShare
	}
	protocols := map[string][]byte{"tcp": {unix.IPPROTO_TCP}, "udp": {unix.IPPROTO_UDP}, "icmp": {unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6}}[m.Protocol]
	if m.Port != 0 && len(protocols) == 0 {
		protocols = []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP}
	}
	alternatives := [][]expr.Any{nil}
	if len(protocols) > 0 {
		alternatives = nil
		for _, p := range protocols {
			alternatives = append(alternatives, protocol(p))
		}
	}
	if m.Port != 0 {
		var ends [][]expr.Any
		for _, at := range portAt {
			ends = append(ends, port(at, m.Port))
		}
		alternatives = product(alternatives, ends)
	}
	if m.Address.IsValid() {
		alternatives = product(alternatives, addresses(m.Address))
	}
	return alternatives, nil
}

// product combines each of a with each of b.
func product(a, b [][]expr.Any) [][]expr.Any {
	var out [][]expr.Any
	for _, x := range a {
		for _, y := range b {
			out = append(out, append(append([]expr.Any{}, x...), y...))
		}
	}
	return out
}

func equal(data []byte) *expr.Cmp {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: data}
}

func protocol(p byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}, equal([]byte{p})}
}

// port is a condition on the port that stands at an offset of the transport's header.
func port(offset uint32, p uint16) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2},
		equal(binaryutil.BigEndian.PutUint16(p)),
	}
}

// addresses are the conditions that either end lies in a prefix.
func addresses(p netip.Prefix) [][]expr.Any {
	family := byte(unix.NFPROTO_IPV4)
	if p.Addr().Is6() {
		family = unix.NFPROTO_IPV6
	}
	return product([][]expr.Any{{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register}, equal([]byte{family})}}, ends(p))
}

// ends are the same of packets that are known to be of the prefix's family.
func ends(p netip.Prefix) [][]expr.Any {
	size, source := uint32(4), uint32(12)
	if p.Addr().Is6() {
		size, source = 16, 8
	}
	mask := make([]byte, size)
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	end := func(offset uint32) []expr.Any {
		return []expr.Any{
			&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size},
			&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: size, Mask: mask, Xor: make([]byte, size)},
			equal(p.Masked().Addr().AsSlice()),
		}
	}
	return [][]expr.Any{end(source), end(source + size)}
}

// NotMarked is the condition that a packet does not carry a mark.
func NotMarked(mark uint32) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: register},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: register, Data: binaryutil.NativeEndian.PutUint32(mark)},
	}
}

// carrying is the condition that a frame says it carries a kind of packet.
func carrying(kind uint16) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: register}, equal(binaryutil.BigEndian.PutUint16(kind))}
}

// ipOnly are the conditions that a packet is IPv4 or IPv6.
func ipOnly() [][]expr.Any {
	return [][]expr.Any{carrying(unix.ETH_P_IP), carrying(unix.ETH_P_IPV6)}
}

// NeighbourDiscovery is the condition that a packet finds neighbours (RFC 4861
// section 4).
func NeighbourDiscovery() []expr.Any {
	return append(protocol(unix.IPPROTO_ICMPV6),
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Len: 1},
		&expr.Range{Op: expr.CmpOpEq, Register: register, FromData: []byte{133}, ToData: []byte{137}})
}

// scale is the resolution of shares.
const scale = 1_000_000

// Share is the condition that a random draw falls below a share in (0, 1].
func Share(share float64) []expr.Any {
	if share >= 1 {
		return nil
	}
	return []expr.Any{
		&expr.Numgen{Register: register, Modulus: scale, Type: unix.NFT_NG_RANDOM},
		// The draw is in the host's order; comparisons are of bytes.
		&expr.Byteorder{SourceRegister: register, DestRegister: register, Op: expr.ByteorderHton, Len: 4, Size: 4},
		&expr.Cmp{Op: expr.CmpOpLt, Register: register, Data: binaryutil.BigEndian.PutUint32(uint32(share*scale + 0.5))},
	}
}

// Counted counts what a rule has met so far.
func Counted() []expr.Any { return []expr.Any{&expr.Counter{}} }

// Drop loses the packet.
func Drop() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}} }

// Accept ends the chain.
func Accept() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}} }

// Goto goes on in another chain and does not come back.
func Goto(chain string) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}}
}

// ArrivingBy is the condition that a packet came by an interface.
func ArrivingBy(device string) []expr.Any {
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, device)
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: register}, equal(name)}
}

// NotTCP is the condition that a packet is of another protocol.
func NotTCP() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: register, Data: []byte{unix.IPPROTO_TCP}},
	}
}

// Reset answers by a RST. The packet must be TCP.
func Reset() []expr.Any {
	return append(protocol(unix.IPPROTO_TCP), &expr.Reject{Type: unix.NFT_REJECT_TCP_RST})
}

// Unreachable answers by ICMP that the port is unreachable. The family of the
// table must be inet.
func Unreachable() []expr.Any {
	return []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_PORT_UNREACH}}
}
