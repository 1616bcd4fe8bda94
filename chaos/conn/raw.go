package conn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"bench/chaos/frame"
)

// raw sends and receives whole frames on one interface.
type raw struct {
	fd     int
	nic    *net.Interface
	mac    frame.MAC
	buf    [2048]byte
	parser *frame.Parser
}

// openRaw opens an interface of the calling thread's namespace; what it sends is received,
// too, if leaving is set.
func openRaw(nic *net.Interface, leaving bool) (*raw, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	all := uint16(unix.ETH_P_ALL)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	ignored := 1
	if leaving {
		ignored = 0
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, ignored),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all<<8 | all>>8, Ifindex: nic.Index}),
	)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("packet socket on %s: %w", nic.Name, err)
	}
	r := &raw{fd: fd, nic: nic, parser: frame.NewParser()}
	copy(r.mac[:], nic.HardwareAddr)
	return r, nil
}

func (r *raw) close() { unix.Close(r.fd) }

// errFull reports that the interface takes no more for the moment.
var errFull = errors.New("the interface is busy")

// send sends a frame.
func (r *raw) send(b []byte) error {
	switch _, err := unix.Write(r.fd, b); {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EAGAIN):
		return errFull
	default:
		return fmt.Errorf("cannot send to %s: %w", r.nic.Name, err)
	}
}

// receive waits for a frame until timeout is over; then it returns nil. The frame
// is valid until the next call, and cut off behind what headers may take.
func (r *raw) receive(timeout time.Duration) ([]byte, error) {
	end := time.Now().Add(timeout)
	for {
		n, err := unix.Read(r.fd, r.buf[:])
		switch {
		case err == nil:
			return r.buf[:n], nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENETDOWN):
		case !errors.Is(err, unix.EAGAIN):
			return nil, fmt.Errorf("cannot receive from %s: %w", r.nic.Name, err)
		}
		left := time.Until(end)
		if left <= 0 {
			return nil, nil
		}
		ts := unix.NsecToTimespec(int64(left))
		if _, err := unix.Ppoll([]unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}}, &ts, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("poll: %w", err)
		}
	}
}

// ownIP is an IPv4 address of the interface with its network.
func (r *raw) ownIP() (netip.Prefix, error) {
	addresses, err := r.nic.Addrs()
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("addresses of %s: %w", r.nic.Name, err)
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			return p, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("interface %s has no IPv4 address", r.nic.Name)
}
