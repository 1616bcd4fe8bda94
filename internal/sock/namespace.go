package sock

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace in which sockets are made. The nil one is that of the
// process.
type Namespace struct {
	name string
	fd   int
}

// namespaceDir is where namespaces have names (ip-netns(8)).
const namespaceDir = "/var/run/netns"

// nsGetType asks of which kind the namespace behind a descriptor is (ioctl_ns(2)).
const nsGetType = 0xb703

// home is the namespace of the process.
var home = sync.OnceValues(func() (int, error) {
	return unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
})

// OpenNamespace opens the namespace of a name. It stays open: sockets may be wanted in it
// as long as the process lives.
func OpenNamespace(name string) (*Namespace, error) {
	if _, err := home(); err != nil {
		return nil, fmt.Errorf("cannot open the network namespace of this process: %w", err)
	}
	fd, err := unix.Open(filepath.Join(namespaceDir, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open namespace '%s': %w", name, err)
	}
	if kind, err := unix.IoctlRetInt(fd, nsGetType); err != nil || kind != unix.CLONE_NEWNET {
		unix.Close(fd)
		return nil, fmt.Errorf("'%s' is no network namespace", name)
	}
	return &Namespace{name, fd}, nil
}

// Name is the namespace's name, "" for that of the process.
func (n *Namespace) Name() string {
	if n == nil {
		return ""
	}
	return n.name
}

// Do calls f on a thread in the namespace. What f makes stays there, and f must make no
// threads.
func (n *Namespace) Do(f func() error) error {
	if n == nil {
		return f()
	}
	if e := n.enter(); e != 0 {
		return fmt.Errorf("cannot enter namespace '%s': %w", n.name, e)
	}
	defer leave()
	return f()
}

// socket makes a stream socket in the namespace.
func (n *Namespace) socket(family int) (fd int, errno syscall.Errno) {
	if n != nil {
		if e := n.enter(); e != 0 {
			return -1, e
		}
		defer leave()
	}
	r, _, e := unix.RawSyscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if e != 0 {
		return -1, e
	}
	return int(r), 0
}

// enter takes the thread into the namespace, and keeps the goroutine on it.
func (n *Namespace) enter() syscall.Errno {
	runtime.LockOSThread()
	e := setns(n.fd)
	if e != 0 {
		runtime.UnlockOSThread()
	}
	return e
}

// leave takes the thread home.
func leave() {
	fd, _ := home() // it was open when the namespace was opened
	if e := setns(fd); e != 0 {
		// Whatever this thread made from now on would be in the wrong network.
		panic("sock: cannot return to the network namespace of the process: " + e.Error())
	}
	runtime.UnlockOSThread()
}

func setns(fd int) syscall.Errno {
	_, _, e := unix.RawSyscall(unix.SYS_SETNS, uintptr(fd), unix.CLONE_NEWNET, 0)
	return e
}

// Cookie is a number that no other namespace has as long as this host runs; 0: the kernel
// has none (before Linux 5.14).
func (n *Namespace) Cookie() uint64 {
	fd, e := n.socket(FamilyIPv4)
	if e != 0 {
		return 0
	}
	defer unix.Close(fd)
	return NamespaceCookie(fd)
}

// NamespaceCookie is the Cookie of the namespace that a socket is in.
func NamespaceCookie(fd int) uint64 {
	c, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return c
}
