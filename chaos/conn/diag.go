package conn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// States of TCP sockets, as in include/net/tcp_states.h.
const (
	established = 1
	synReceived = 3
)

// socket is what sock_diag(7) says of a TCP socket.
type socket struct {
	family        uint8
	local, remote netip.AddrPort
	id            [idSize]byte // struct inet_diag_sockid
}

// idSize is the size of struct inet_diag_sockid: ports, addresses, interface,
// cookie.
const idSize = 48

// question is struct inet_diag_req_v2.
type question struct {
	family uint8
	states uint32
	id     [idSize]byte
}

func (q *question) Len() int { return 8 + idSize }

func (q *question) Serialize() []byte {
	b := make([]byte, q.Len())
	b[0], b[1] = q.family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(b[4:], q.states)
	copy(b[8:], q.id[:])
	return b
}

// diag asks the kernel about the sockets of the calling thread's namespace.
type diag struct{ handles map[int]*nl.SocketHandle }

func openDiag() (*diag, error) {
	s, err := nl.Subscribe(unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, fmt.Errorf("sock_diag: %w", err)
	}
	return &diag{map[int]*nl.SocketHandle{unix.NETLINK_INET_DIAG: {Socket: s}}}, nil
}

func (d *diag) close() {
	for _, h := range d.handles {
		h.Close()
	}
}

func (d *diag) request(kind, flags int, q *question) *nl.NetlinkRequest {
	r := nl.NewNetlinkRequest(kind, flags)
	r.Sockets = d.handles
	r.AddData(q)
	return r
}

// list returns the sockets in a state, of both families.
func (d *diag) list(state int) ([]socket, error) {
	var out []socket
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		r := d.request(nl.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP, &question{family: family, states: 1 << state})
		messages, err := r.Execute(unix.NETLINK_INET_DIAG, nl.SOCK_DIAG_BY_FAMILY)
		// A list that changed while it was read may lack what came meanwhile.
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return nil, fmt.Errorf("sock_diag: %w", err)
		}
		for _, m := range messages {
			if s, ok := readSocket(m); ok {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// readSocket reads struct inet_diag_msg.
func readSocket(m []byte) (s socket, ok bool) {
	if len(m) < 4+idSize {
		return s, false
	}
	s.family = m[0]
	copy(s.id[:], m[4:])
	address := func(b []byte) netip.Addr {
		if s.family == unix.AF_INET {
			return netip.AddrFrom4([4]byte(b))
		}
		return netip.AddrFrom16([16]byte(b)).Unmap()
	}
	s.local = netip.AddrPortFrom(address(s.id[4:]), binary.BigEndian.Uint16(s.id[0:]))
	s.remote = netip.AddrPortFrom(address(s.id[20:]), binary.BigEndian.Uint16(s.id[2:]))
	return s, true
}

// destroy closes a socket as if its connection had been aborted: its owner reads
// ECONNABORTED, its peer a RST.
func (d *diag) destroy(s *socket) error {
	r := d.request(nl.SOCK_DESTROY, unix.NLM_F_ACK, &question{family: s.family, id: s.id})
	_, err := r.Execute(unix.NETLINK_INET_DIAG, 0)
	return err
}
