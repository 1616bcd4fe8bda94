package link

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is the number of frames received or sent by one system call.
const batch = 64

// frameSpace holds the largest merged frame with its headers. It is no multiple
// of a page, so that the headers of a batch do not compete for the same lines of
// the processor's cache.
const frameSpace = 64<<10 + 256 + 192

// bufferSpace is what the kernel may keep for a port in each direction.
const bufferSpace = 64 << 20

// port is one interface, opened for whole frames: a packet socket whose frames
// have a virtio header before them, which lets merged frames through unsplit.
type port struct {
	fd      int
	name    string
	space   []byte
	in      [batch]message
	inVec   [batch]unix.Iovec
	inMeta  [batch][metaSpace]byte
	out     [batch]message
	outVec  [batch]unix.Iovec
	pending int
	lost    uint64 // frames that could not be sent
}

// metaSpace is for one control message with a time.
const metaSpace = 32

// message is struct mmsghdr.
type message struct {
	unix.Msghdr
	n uint32
	_ uint32
}

// openPort opens an interface of the calling thread's network namespace. It takes
// only frames that the filter accepts, from the first on.
func openPort(name string, only []unix.SockFilter) (*port, error) {
	nic, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	all := int(htons(unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	set := func(level, option, value int) error { return unix.SetsockoptInt(fd, level, option, value) }
	// Without the right to exceed the limits, the limits are what there is.
	if set(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferSpace) != nil {
		_ = set(unix.SOL_SOCKET, unix.SO_RCVBUF, bufferSpace)
	}
	if set(unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, bufferSpace) != nil {
		_ = set(unix.SOL_SOCKET, unix.SO_SNDBUF, bufferSpace)
	}
	err = errors.Join(
		set(unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		set(unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		set(unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(nic.Index), Type: unix.PACKET_MR_PROMISC}),
		attach(fd, only),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: nic.Index}),
	)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("packet socket on %s: %w", name, err)
	}
	return newPort(fd, name), nil
}

// newPort prepares the batches of an open socket.
func newPort(fd int, name string) *port {
	p := &port{fd: fd, name: name, space: make([]byte, batch*frameSpace)}
	for i := range batch {
		p.inVec[i].Base = &p.space[i*frameSpace]
		p.inVec[i].SetLen(frameSpace)
		p.in[i].Iov, p.in[i].Iovlen = &p.inVec[i], 1
		p.in[i].Control = &p.inMeta[i][0]
		p.out[i].Iov, p.out[i].Iovlen = &p.outVec[i], 1
	}
	return p
}

func (p *port) close() { unix.Close(p.fd) }

// mark sets the mark of the frames that are sent, by which filters know them.
func (p *port) mark(v uint32) error {
	if err := unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_MARK, int(v)); err != nil {
		return fmt.Errorf("cannot mark the frames sent to %s: %w", p.name, err)
	}
	return nil
}

// receive takes what has come, at most a batch. The frames are valid until the
// next call.
func (p *port) receive() int {
	for i := range batch {
		p.in[i].Controllen = metaSpace
	}
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(p.fd), uintptr(unsafe.Pointer(&p.in[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			return int(n)
		case unix.EINTR:
		default:
			// EAGAIN; or ENETDOWN, told once when the interface goes down.
			return 0
		}
	}
}

// frame returns received frame i with its virtio header.
func (p *port) frame(i int) []byte {
	return p.space[i*frameSpace : i*frameSpace+int(p.in[i].n)]
}

// came is when frame i reached the interface, on CLOCK_REALTIME in nanoseconds; 0
// if the kernel did not say.
func (p *port) came(i int) int64 {
	if p.in[i].Controllen < unix.SizeofCmsghdr+16 {
		return 0
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&p.inMeta[i][0]))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_TIMESTAMPNS {
		return 0
	}
	ts := (*unix.Timespec)(unsafe.Pointer(&p.inMeta[i][unix.SizeofCmsghdr]))
	return ts.Sec*1e9 + ts.Nsec
}

// queue adds a frame with its virtio header to the batch to be sent; b must stay
// as it is until flush. It reports whether the batch is full.
func (p *port) queue(b []byte) bool {
	p.outVec[p.pending].Base = unsafe.SliceData(b)
	p.outVec[p.pending].SetLen(len(b))
	p.pending++
	return p.pending == batch
}

// flush sends the batch.
func (p *port) flush() {
	for at := 0; at < p.pending; {
		n, _, e := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(p.fd), uintptr(unsafe.Pointer(&p.out[at])), uintptr(p.pending-at), unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			at += int(n)
		case unix.EINTR:
		default:
			// The interface is down or its queue full: what a wire would lose.
			p.lost++
			at++
		}
	}
	p.pending = 0
}

// overrun is the number of frames the kernel could not keep until they were
// received, since the last call.
func (p *port) overrun() uint64 {
	stats, err := unix.GetsockoptTpacketStats(p.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return uint64(stats.Drops)
}

// attach lets only frames pass that the filter accepts.
func attach(fd int, only []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(only)), Filter: &only[0]}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog)
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// wait sleeps until a port has frames, control has input, or timeout is over;
// less than 0 is no time-out.
func wait(ports *[2]*port, control int, timeout int64) (controlReady bool) {
	fds := [3]unix.PollFd{
		{Fd: int32(ports[0].fd), Events: unix.POLLIN},
		{Fd: int32(ports[1].fd), Events: unix.POLLIN},
		{Fd: int32(control), Events: unix.POLLIN},
	}
	var at *unix.Timespec
	var ts unix.Timespec
	if timeout >= 0 {
		ts = unix.NsecToTimespec(timeout)
		at = &ts
	}
	_, _, e := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), 3, uintptr(unsafe.Pointer(at)), 0, 0, 0)
	return e == syscall.Errno(0) && fds[2].Revents != 0
}
