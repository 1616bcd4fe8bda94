package reload

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
)

// Listeners are listening sockets received from another process and not yet in
// use. It is not safe for concurrent use. The nil value is empty.
type Listeners struct {
	held []held
}

type held struct {
	fd      int
	addr    sock.Addr
	options options
}

// options are what must agree for a socket to stand in for a configured one.
type options struct {
	v6only, transparent bool
	iface               string
	namespace           uint64 // its cookie
}

// add takes ownership of fd. What is not a listening stream socket is closed.
func (l *Listeners) add(fd int) {
	addr, errno := sock.LocalAddr(fd)
	if errno != 0 || !sock.IsListening(fd) || !isStream(fd) {
		unix.Close(fd)
		return
	}
	l.held = append(l.held, held{fd: fd, addr: addr, options: optionsOf(fd, &addr)})
}

func isStream(fd int) bool {
	typ, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && typ == unix.SOCK_STREAM
}

func optionsOf(fd int, a *sock.Addr) options {
	set := func(level, name int) bool {
		v, err := unix.GetsockoptInt(fd, level, name)
		return err == nil && v != 0
	}
	var o options
	switch a.Family() {
	case sock.FamilyIPv4:
		o.transparent = set(unix.IPPROTO_IP, unix.IP_TRANSPARENT)
	case sock.FamilyIPv6:
		o.transparent = set(unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT)
		o.v6only = set(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
	default:
		return o
	}
	o.iface, _ = unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
	o.namespace = sock.NamespaceCookie(fd)
	return o
}

// Len is the number of sockets left.
func (l *Listeners) Len() int {
	if l == nil {
		return 0
	}
	return len(l.held)
}

// Take hands out a socket that listens on addr with the same options; the caller
// owns it from then on. ok is false if there is none.
func (l *Listeners) Take(addr *sock.Addr, o *sock.ListenOptions) (fd int, ok bool) {
	if l == nil {
		return -1, false
	}
	want := options{}
	if f := addr.Family(); f == sock.FamilyIPv4 || f == sock.FamilyIPv6 {
		want = options{transparent: o.Transparent, v6only: o.V6Only && f == sock.FamilyIPv6, iface: o.Interface, namespace: o.Namespace.Cookie()}
	}
	for i, h := range l.held {
		if h.options == want && sameAddr(addr, &h.addr) {
			l.held = append(l.held[:i], l.held[i+1:]...)
			return h.fd, true
		}
	}
	return -1, false
}

// sameAddr compares a configured address with that of a socket. A unix socket
// may still carry the temporary name it was bound under ("PATH.PID.tmp").
func sameAddr(want, got *sock.Addr) bool {
	if !want.IsUnix() {
		// A port of 0 means any: there is no telling which socket was meant.
		return want.AddrPort() == got.AddrPort() && want.AddrPort().Port() != 0
	}
	if !got.IsUnix() || want.IsAbstract() != got.IsAbstract() {
		return false
	}
	if want.Path() == got.Path() {
		return true
	}
	tail, ok := strings.CutPrefix(got.Path(), want.Path()+".")
	if !ok || want.IsAbstract() {
		return false
	}
	pid, ok := strings.CutSuffix(tail, ".tmp")
	_, err := strconv.ParseUint(pid, 10, 32)
	return ok && err == nil
}

// Merge moves the sockets of other into l.
func (l *Listeners) Merge(other *Listeners) {
	if other != nil {
		l.held = append(l.held, other.held...)
		other.held = nil
	}
}

// Close closes the sockets that nobody took.
func (l *Listeners) Close() error {
	if l == nil {
		return nil
	}
	var errs []error
	for _, h := range l.held {
		errs = append(errs, unix.Close(h.fd))
	}
	l.held = nil
	return errors.Join(errs...)
}

// Borrow duplicates the listening sockets of the processes with these pids, if
// the kernel allows it (Linux 5.6, same user and no ptrace restriction). A
// process replaced through -sf alone thus loses no connection waiting to be
// accepted, which a second socket on the same port could not prevent.
// Processes that cannot be looked into yield nothing.
func Borrow(pids []int) *Listeners {
	ls := &Listeners{}
	for _, pid := range pids {
		ls.borrow(pid)
	}
	return ls
}

func (l *Listeners) borrow(pid int) {
	if pid == os.Getpid() {
		return
	}
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(process)
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil || !strings.HasPrefix(target, "socket:") {
			continue
		}
		number, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		fd, err := unix.PidfdGetfd(process, number, 0)
		if err != nil {
			continue
		}
		l.add(fd)
	}
}
