package sock

import "golang.org/x/sys/unix"

// TCPInfo is some of what the system knows of a TCP connection (tcp(7), TCP_INFO). Times
// are in microseconds.
type TCPInfo struct {
	RTT, RTTVar                                         uint32
	Unacked, Sacked, Lost, Retrans, Fackets, Reordering uint32
}

// Info asks the system; false if the socket is none of TCP.
func Info(fd int) (TCPInfo, bool) {
	i, err := unix.GetsockoptTCPInfo(fd, unix.SOL_TCP, unix.TCP_INFO)
	if err != nil {
		return TCPInfo{}, false
	}
	return TCPInfo{i.Rtt, i.Rttvar, i.Unacked, i.Sacked, i.Lost, i.Retrans, i.Fackets, i.Reordering}, true
}
