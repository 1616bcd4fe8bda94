package stream

import (
	"encoding/binary"
	"net/netip"

	"bench/proxy/txn"
)

// backToDesktop sends a client of the remote desktop protocol to the server that it was at
// ("persist rdp-cookie"). The servers themselves have told it which that is.
func (s *stream) backToDesktop() txn.Verdict {
	if s.assigned != nil {
		return txn.Next
	}
	x := s.transaction()
	s.show(x)
	x.Final = true
	s.t.rules.Ctx.Txn = &x.Txn
	v := s.be.Spec.PersistRDP.EvalAs(s.t.rules.Ctx, txn.Bin)
	if v == nil {
		return txn.Next
	}
	to, ok := desktopOf(v.B)
	if !ok {
		return txn.Next
	}
	for _, srv := range s.be.Servers() {
		if a := srv.Addr(); !a.IsUnix() && a.AddrPort() == to && s.reachable(srv) {
			s.stickTo(srv)
			break
		}
	}
	return txn.Next
}

// desktopOf reads a cookie of the form "address.port.", with more behind: both are numbers
// whose bytes are in the order of the network, read as the machine reads numbers.
func desktopOf(cookie []byte) (to netip.AddrPort, ok bool) {
	addr, rest, ok := numberBeforeDot(cookie)
	if !ok {
		return to, false
	}
	port, _, ok := numberBeforeDot(rest)
	if !ok {
		return to, false
	}
	var a [4]byte
	var p [2]byte
	binary.NativeEndian.PutUint32(a[:], addr)
	binary.NativeEndian.PutUint16(p[:], uint16(port))
	return netip.AddrPortFrom(netip.AddrFrom4(a), binary.BigEndian.Uint16(p[:])), true
}

// numberBeforeDot takes a number and the dot behind it off a text.
func numberBeforeDot(text []byte) (n uint32, rest []byte, ok bool) {
	for i, c := range text {
		switch {
		case c == '.':
			return n, text[i+1:], i > 0
		case c < '0' || c > '9' || i > 9:
			return 0, nil, false
		}
		n = n*10 + uint32(c-'0')
	}
	return 0, nil, false
}
