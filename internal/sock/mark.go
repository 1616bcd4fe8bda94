package sock

import "golang.org/x/sys/unix"

// SetMark marks the packets of a socket; that takes privileges (CAP_NET_ADMIN).
func SetMark(fd int, mark uint32) { _ = setInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(mark)) }

// SetTOS sets the type of service of a socket's packets, 0 to 255, whichever family it is
// of.
func SetTOS(fd int, tos uint8) {
	_ = setInt(fd, unix.SOL_IP, unix.IP_TOS, int(tos))
	_ = setInt(fd, unix.SOL_IPV6, unix.IPV6_TCLASS, int(tos))
}

// Silence lets the coming Close end a TCP connection without its peer's knowing. That
// takes privileges (CAP_NET_ADMIN); without them there is a reset that no router passes
// on.
func Silence(fd int) {
	SetLinger0(fd)
	if setInt(fd, unix.SOL_TCP, unix.TCP_REPAIR, 1) == 0 {
		return
	}
	_ = setInt(fd, unix.SOL_IP, unix.IP_TTL, 1)
	_ = setInt(fd, unix.SOL_IPV6, unix.IPV6_UNICAST_HOPS, 1)
}
