package sock

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ListenOptions are the settings of a listening socket; the zero value is a
// plain listener with the system's longest backlog.
type ListenOptions struct {
	Backlog     int    // 0: net.core.somaxconn
	ReusePort   bool   // SO_REUSEPORT
	V6Only      bool   // IPv6 sockets take no IPv4
	V4V6        bool   // IPv6 sockets take IPv4 too
	Transparent bool   // IP_TRANSPARENT
	FreeBind    bool   // IP_FREEBIND: the address need not exist yet
	NoDelay     bool   // TCP_NODELAY, inherited by accepted sockets
	KeepAlive   bool   // SO_KEEPALIVE, inherited by accepted sockets
	DeferAccept bool   // TCP_DEFER_ACCEPT, one second
	FastOpen    int    // TCP_FASTOPEN queue length; 0: off
	MSS         int    // TCP_MAXSEG; 0: the kernel's
	UserTimeout int    // TCP_USER_TIMEOUT in ms; 0: none
	Interface   string // SO_BINDTODEVICE
	RcvBuf      int
	SndBuf      int
	Mode        os.FileMode // of a unix socket; 0: by umask
	UID, GID    int         // owner of a unix socket; meaningful when ChangeOwner
	ChangeOwner bool
	Namespace   *Namespace // to listen in; nil: that of the process
}

// Listen binds and listens. A unix socket is bound under a temporary name and
// renamed into place, so that clients never meet a missing file.
func Listen(a *Addr, o *ListenOptions) (int, error) {
	fd, hidden, err := ListenHidden(a, o)
	if err != nil {
		return -1, err
	}
	if err := hidden.Publish(); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// ListenHidden is Listen without the last step: until hidden is published, a
// unix socket has its temporary name only, and whoever listens at the path goes
// on doing so. For other addresses hidden is nil.
func ListenHidden(a *Addr, o *ListenOptions) (fd int, hidden *Hidden, err error) {
	if o == nil {
		o = &ListenOptions{}
	}
	fd, errno := o.Namespace.socket(a.Family())
	if errno != 0 {
		return -1, nil, fmt.Errorf("cannot create a socket for %s: %w", a.String(), errno)
	}
	backlog := o.Backlog
	if backlog <= 0 {
		backlog = somaxconn()
	}
	if a.IsUnix() && !a.IsAbstract() {
		hidden, err = o.bindUnix(fd, a, backlog)
	} else {
		err = o.bind(fd, a, backlog)
	}
	if err != nil {
		unix.Close(fd)
		return -1, nil, err
	}
	return fd, hidden, nil
}

// Hidden is a unix socket that has not got its name yet.
type Hidden struct{ temporary, path string }

// Publish gives the socket its name, which it takes from a socket that has it.
func (h *Hidden) Publish() error {
	if h == nil {
		return nil
	}
	if err := os.Rename(h.temporary, h.path); err != nil {
		h.Discard()
		return fmt.Errorf("cannot bind %s: %w", h.path, err)
	}
	return nil
}

// Discard removes the temporary name instead.
func (h *Hidden) Discard() {
	if h != nil {
		_ = os.Remove(h.temporary)
	}
}

func (o *ListenOptions) bind(fd int, a *Addr, backlog int) error {
	if err := o.set(fd, a.Family()); err != nil {
		return fmt.Errorf("%s: %w", a.String(), err)
	}
	if err := bindRaw(fd, a); err != nil {
		return fmt.Errorf("cannot bind %s: %w", a.String(), err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return fmt.Errorf("cannot listen on %s: %w", a.String(), err)
	}
	return nil
}

func (o *ListenOptions) set(fd, family int) error {
	type opt struct {
		on               bool
		level, name, val int
		what             string
	}
	opts := []opt{
		{o.RcvBuf > 0, unix.SOL_SOCKET, unix.SO_RCVBUF, o.RcvBuf, "SO_RCVBUF"},
		{o.SndBuf > 0, unix.SOL_SOCKET, unix.SO_SNDBUF, o.SndBuf, "SO_SNDBUF"},
	}
	if family != FamilyUnix {
		opts = append(opts,
			opt{true, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1, "SO_REUSEADDR"},
			opt{o.ReusePort, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1, "SO_REUSEPORT"},
			opt{o.KeepAlive, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
			opt{o.FreeBind, unix.IPPROTO_IP, unix.IP_FREEBIND, 1, "IP_FREEBIND"},
			opt{o.Transparent && family == FamilyIPv4, unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1, "IP_TRANSPARENT"},
			opt{o.Transparent && family == FamilyIPv6, unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1, "IPV6_TRANSPARENT"},
			opt{o.V6Only && family == FamilyIPv6, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1, "IPV6_V6ONLY"},
			opt{o.V4V6 && family == FamilyIPv6, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0, "IPV6_V6ONLY"},
			opt{o.NoDelay, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1, "TCP_NODELAY"},
			opt{o.DeferAccept, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1, "TCP_DEFER_ACCEPT"},
			opt{o.FastOpen > 0, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, o.FastOpen, "TCP_FASTOPEN"},
			opt{o.MSS > 0, unix.IPPROTO_TCP, unix.TCP_MAXSEG, o.MSS, "TCP_MAXSEG"},
			opt{o.UserTimeout > 0, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, o.UserTimeout, "TCP_USER_TIMEOUT"},
		)
	}
	for _, p := range opts {
		if !p.on {
			continue
		}
		if err := unix.SetsockoptInt(fd, p.level, p.name, p.val); err != nil {
			return fmt.Errorf("cannot set %s: %w", p.what, err)
		}
	}
	if o.Interface != "" {
		if err := unix.BindToDevice(fd, o.Interface); err != nil {
			return fmt.Errorf("cannot bind to interface %q: %w", o.Interface, err)
		}
	}
	return nil
}

func (o *ListenOptions) bindUnix(fd int, a *Addr, backlog int) (*Hidden, error) {
	path := a.Path()
	if st, err := os.Lstat(path); err == nil && st.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("cannot bind %s: the file exists and is not a socket", path)
	}
	h := &Hidden{temporary: path + "." + strconv.Itoa(os.Getpid()) + ".tmp", path: path}
	target, err := UnixAddr(h.temporary)
	if err != nil {
		return nil, fmt.Errorf("cannot bind %s: path too long", path)
	}
	if err := os.Remove(h.temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot bind %s: %w", path, err)
	}
	if err := bindRaw(fd, &target); err != nil {
		return nil, fmt.Errorf("cannot bind %s: %w", path, err)
	}
	err = func() error {
		if o.Mode != 0 {
			if err := os.Chmod(h.temporary, o.Mode); err != nil {
				return err
			}
		}
		if o.ChangeOwner {
			if err := os.Chown(h.temporary, o.UID, o.GID); err != nil {
				return err
			}
		}
		return unix.Listen(fd, backlog)
	}()
	if err != nil {
		h.Discard()
		return nil, fmt.Errorf("cannot bind %s: %w", path, err)
	}
	return h, nil
}

func bindRaw(fd int, a *Addr) error {
	if _, _, e := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), uintptr(a.n)); e != 0 {
		return e
	}
	return nil
}

func somaxconn() int {
	b, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err == nil {
		n := 0
		for _, c := range b {
			if c < '0' || c > '9' {
				break
			}
			n = n*10 + int(c-'0')
		}
		if n > 0 {
			return n
		}
	}
	return unix.SOMAXCONN
}

// IsListening reports whether fd is a listening stream socket.
func IsListening(fd int) bool {
	if instead != nil {
		return true
	}
	v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return err == nil && v == 1
}
