package conn

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// local delivers frames to this machine itself, as if they had come from outside. An
// interface would send them away.
type local struct{ fd int }

// ethernet is the length of the header that local leaves out.
const ethernet = 14

func openLocal() (*local, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return nil, fmt.Errorf("raw socket: %w", err)
	}
	return &local{fd}, nil
}

func (l *local) close() { unix.Close(l.fd) }

// send delivers a frame with an IPv4 packet.
func (l *local) send(b []byte) error {
	if len(b) < ethernet+20 || binary.BigEndian.Uint16(b[12:]) != unix.ETH_P_IP {
		return errors.New("connections are reset over IPv4 only where the port is this machine's own")
	}
	packet := b[ethernet:]
	to := &unix.SockaddrInet4{Addr: [4]byte(packet[16:20])}
	switch err := unix.Sendto(l.fd, packet, 0, to); {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EAGAIN):
		return errFull
	default:
		return fmt.Errorf("cannot deliver a packet to this machine: %w", err)
	}
}
