package sock

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Peer is the address of the other end of a connection in a quarter of the room,
// for those who keep one a connection. An IPv6 address loses its scope, and a unix
// socket its name, which connecting sockets rarely have.
type Peer struct{ raw [peerSize]byte }

// peerSize reaches to the end of the address in a sockaddr_in6.
const peerSize = 24

// Peer is a as the address of a peer.
func (a *Addr) Peer() Peer {
	var p Peer
	if a.IsUnix() {
		copy(p.raw[:], a.raw[:unixPathOffset])
	} else {
		copy(p.raw[:], a.raw[:])
	}
	return p
}

// Addr is the peer's address.
func (p *Peer) Addr() Addr {
	var a Addr
	copy(a.raw[:], p.raw[:])
	a.n = unixPathOffset // enough to read the family
	switch a.Family() {
	case FamilyIPv4:
		a.n = unix.SizeofSockaddrInet4
	case FamilyIPv6:
		a.n = unix.SizeofSockaddrInet6
	case FamilyNone:
		a.n = 0
	}
	return a
}

// IsUnix reports whether p is a unix socket.
func (p *Peer) IsUnix() bool {
	return binary.NativeEndian.Uint16(p.raw[:]) == FamilyUnix
}
