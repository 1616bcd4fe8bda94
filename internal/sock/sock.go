package sock

import (
	"bytes"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Accept takes one connection from a listening socket. The new descriptor is
// non-blocking and close-on-exec; peer receives the remote address and may be nil.
func Accept(lfd int, peer *Addr) (fd int, errno syscall.Errno) {
	if instead != nil {
		var from Addr
		if fd, errno = instead.Accept(lfd, &from); peer != nil {
			*peer = from
		}
		return fd, errno
	}
	var p, l unsafe.Pointer
	if peer != nil {
		peer.n = uint32(len(peer.raw))
		p, l = unsafe.Pointer(&peer.raw), unsafe.Pointer(&peer.n)
	}
	r, _, e := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(lfd), uintptr(p), uintptr(l), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if e != 0 {
		return -1, e
	}
	if peer != nil && peer.n > uint32(len(peer.raw)) {
		peer.n = uint32(len(peer.raw))
	}
	return int(r), 0
}

// ConnectOptions are applied before connecting.
type ConnectOptions struct {
	Source         *Addr  // bind to this address first; nil: the kernel chooses
	Interface      string // bind to this network interface; "": any
	NoDelay        bool   // TCP_NODELAY
	DelayACK       bool   // no TCP_QUICKACK: the handshake is ended by data, or by closing
	KeepAlive      bool   // SO_KEEPALIVE
	Probes         Probes // with KeepAlive
	RcvBuf, SndBuf int    // bytes; 0: the kernel's default
	UserTimeoutMS  int    // TCP_USER_TIMEOUT; 0: none
	Mark           int
	Stamp          bool       // see Stamp
	Transparent    bool       // IP_TRANSPARENT: Source need not be an address of this host
	FastOpen       bool       // TCP_FASTOPEN_CONNECT: the handshake may wait for the first bytes, to take them along
	Namespace      *Namespace // to make the socket in; nil: that of the process
}

// Connect starts a stream connection. inProgress reports that the handshake is
// under way: data may be sent at once, and Error reports the outcome once the
// descriptor is writable. On failure nothing stays open and fd is -1.
func Connect(a *Addr, o *ConnectOptions) (fd int, inProgress bool, errno syscall.Errno) {
	if instead != nil {
		to := *a
		if o == nil {
			return instead.Connect(&to, nil)
		}
		how := *o
		return instead.Connect(&to, &how)
	}
	family := a.Family()
	var ns *Namespace
	if o != nil {
		ns = o.Namespace
	}
	fd, e := ns.socket(family)
	if e != 0 {
		return -1, false, e
	}
	if o != nil {
		if e = o.apply(fd, family); e != 0 {
			Close(fd)
			return -1, false, e
		}
	}
	_, _, e = unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), uintptr(a.n))
	switch e {
	case 0:
		return fd, false, 0
	case unix.EINPROGRESS:
		return fd, true, 0
	}
	Close(fd)
	return -1, false, e
}

func (o *ConnectOptions) apply(fd, family int) syscall.Errno {
	if family != FamilyUnix {
		if o.NoDelay {
			if e := setInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); e != 0 {
				return e
			}
		}
		if o.DelayACK {
			if e := setInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0); e != 0 {
				return e
			}
		}
		if o.KeepAlive {
			if e := setInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); e != 0 {
				return e
			}
			SetKeepAliveProbes(fd, o.Probes)
		}
		if o.Stamp {
			_ = Stamp(fd) // times of arrival may be missing
		}
		if o.UserTimeoutMS > 0 {
			if e := setInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, o.UserTimeoutMS); e != 0 {
				return e
			}
		}
		if o.FastOpen {
			_ = setInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1) // without it the bytes come a little later
		}
		if o.Interface != "" {
			if errno, ok := unix.BindToDevice(fd, o.Interface).(syscall.Errno); ok { //nolint:errorlint // it is never wrapped
				return errno
			}
		}
		if o.Transparent {
			level, name := unix.IPPROTO_IP, unix.IP_TRANSPARENT
			if family == FamilyIPv6 {
				level, name = unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT
			}
			if e := setInt(fd, level, name, 1); e != 0 {
				return e
			}
			// The port may be that of a client, which other connections have as well.
			_ = setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		}
		if o.Source != nil {
			// The port is left to connect, so that one local address serves
			// more than one connection per port.
			_ = setInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
			if _, _, e := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&o.Source.raw)), uintptr(o.Source.n)); e != 0 {
				return e
			}
		}
	}
	if o.RcvBuf > 0 {
		_ = setInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, o.RcvBuf)
	}
	if o.SndBuf > 0 {
		_ = setInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, o.SndBuf)
	}
	return 0
}

// Recv reads what is there. n == 0 with no error is the end of the stream.
func Recv(fd int, p []byte) (n int, errno syscall.Errno) {
	for {
		r, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
		if e == 0 {
			return int(r), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

// Peek is Recv that leaves the data in the socket.
func Peek(fd int, p []byte) (n int, errno syscall.Errno) {
	r, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_PEEK, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(r), 0
}

// Send writes what fits, without SIGPIPE.
func Send(fd int, p []byte) (n int, errno syscall.Errno) {
	if instead != nil {
		return instead.Send(fd, bytes.Clone(p))
	}
	return send(fd, p, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// SendMore is Send telling the kernel that more follows at once (MSG_MORE).
func SendMore(fd int, p []byte) (n int, errno syscall.Errno) {
	return send(fd, p, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL|unix.MSG_MORE)
}

func send(fd int, p []byte, flags uintptr) (n int, errno syscall.Errno) {
	for {
		r, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
		if e == 0 {
			return int(r), 0
		}
		if e != unix.EINTR {
			return 0, full(e)
		}
	}
}

// full is what a send has failed with. With FastOpen the handshake may turn out to have
// to go first: that is as if there were no room yet.
func full(e syscall.Errno) syscall.Errno {
	if e == unix.EINPROGRESS {
		return unix.EAGAIN
	}
	return e
}

// maxIovec bounds one Writev; the rest is left to the next call.
const maxIovec = 8

// Writev writes several pieces in one call, at most eight of them. Like Send it
// never blocks on a non-blocking descriptor; SIGPIPE is the runtime's to ignore.
func Writev(fd int, pieces [][]byte) (n int, errno syscall.Errno) {
	if instead != nil {
		var all [][]byte
		for _, p := range pieces {
			all = append(all, bytes.Clone(p))
		}
		return instead.Writev(fd, all)
	}
	var iov [maxIovec]unix.Iovec
	count := fillIovec(&iov, pieces)
	var msg unix.Msghdr
	msg.Iov = &iov[0]
	msg.SetIovlen(count)
	for {
		r, _, e := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if e == 0 {
			return int(r), 0
		}
		if e != unix.EINTR {
			return 0, full(e)
		}
	}
}

// Close closes fd. EINTR is not retried: on Linux the descriptor is gone.
func Close(fd int) {
	if instead != nil {
		instead.Close(fd)
		return
	}
	_, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
}

// ShutdownWrite sends the end of the stream (FIN).
func ShutdownWrite(fd int) syscall.Errno {
	if instead != nil {
		return instead.ShutdownWrite(fd)
	}
	_, _, e := unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
	return e
}

// SetLinger0 makes the coming Close send RST and drop unsent data.
func SetLinger0(fd int) {
	if instead != nil {
		instead.SetLinger0(fd)
		return
	}
	l := unix.Linger{Onoff: 1}
	_, _, _ = unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_LINGER, uintptr(unsafe.Pointer(&l)), unsafe.Sizeof(l), 0)
}

// SetKeepAlive turns TCP keep-alive probes on.
func SetKeepAlive(fd int) { _ = setInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1) }

// Probes is how TCP keep-alive probes are sent; what is zero is left to the system.
type Probes struct {
	Count          int // unanswered ones that end the connection
	Idle, Interval int // seconds before the first one, and between two
}

// SetKeepAliveProbes says how probes are sent. A value that the system does not take
// is left out.
func SetKeepAliveProbes(fd int, p Probes) {
	if p.Count > 0 {
		_ = setInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, p.Count)
	}
	if p.Idle > 0 {
		_ = setInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, p.Idle)
	}
	if p.Interval > 0 {
		_ = setInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, p.Interval)
	}
}

// SetBuffers sets the socket buffer sizes in bytes; 0 leaves one alone.
func SetBuffers(fd, rcv, snd int) {
	if rcv > 0 {
		_ = setInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, rcv)
	}
	if snd > 0 {
		_ = setInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, snd)
	}
}

// SetNonblock makes an inherited descriptor non-blocking.
func SetNonblock(fd int) error { return unix.SetNonblock(fd, true) }

// Error reads and clears the pending error of a socket, 0 if there is none.
func Error(fd int) syscall.Errno {
	if instead != nil {
		return instead.Error(fd)
	}
	var v int32
	n := uint32(4)
	_, _, e := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_ERROR, uintptr(unsafe.Pointer(&v)), uintptr(unsafe.Pointer(&n)), 0)
	if e != 0 {
		return e
	}
	return syscall.Errno(v)
}

// LocalAddr reads the address fd is bound to.
func LocalAddr(fd int) (a Addr, errno syscall.Errno) {
	if instead != nil {
		return instead.LocalAddr(fd)
	}
	return name(unix.SYS_GETSOCKNAME, fd)
}

// PeerAddr reads the address fd is connected to.
func PeerAddr(fd int) (a Addr, errno syscall.Errno) {
	if instead != nil {
		return instead.PeerAddr(fd)
	}
	return name(unix.SYS_GETPEERNAME, fd)
}

func name(call uintptr, fd int) (a Addr, errno syscall.Errno) {
	a.n = uint32(len(a.raw))
	_, _, e := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), uintptr(unsafe.Pointer(&a.n)))
	if e != 0 {
		return Addr{}, e
	}
	a.n = min(a.n, uint32(len(a.raw)))
	return a, 0
}

func setInt(fd, level, opt, value int) syscall.Errno {
	if instead != nil {
		return 0
	}
	v := int32(value)
	_, _, e := unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(opt), uintptr(unsafe.Pointer(&v)), 4, 0)
	return e
}

// Dup duplicates fd, close-on-exec.
func Dup(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0) }
