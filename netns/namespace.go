// Package netns makes networks for a run: nodes joined by wires, each in a network
// namespace without a name. Descriptors alone hold the namespaces, so that nothing
// is left when this process dies, whatever kills it. What runs on the nodes and
// what happens to the wires may not enter.
package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace, held by a descriptor. A nil *Namespace stands
// for the one this process is in. It is safe for use by several goroutines.
type Namespace struct{ file *os.File }

// New makes a namespace with nothing in it but a loopback interface that is down.
func New() (*Namespace, error) {
	var file *os.File
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("a network namespace cannot be made: unshare: %w", err)
		}
		var err error
		file, err = os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Namespace{file}, nil
}

// onThread runs f on a thread that is discarded afterwards.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		done <- f()
	}()
	return <-done
}

// Close lets the namespace go. It lives on as long as processes are in it.
func (n *Namespace) Close() error { return n.file.Close() }

// FD is the descriptor of the namespace.
func (n *Namespace) FD() int { return int(n.file.Fd()) }

// Path names the namespace for other processes, as long as this one holds it.
func (n *Namespace) Path() string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.FD())
}

// Do runs f on a thread inside the namespace. Sockets that f opens stay there; f
// must not start goroutines that do.
func (n *Namespace) Do(f func() error) error {
	if n == nil {
		return f()
	}
	return onThread(func() error {
		if err := unix.Setns(n.FD(), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("setns: %w", err)
		}
		return f()
	})
}

// Enter moves the calling thread, which must be locked to its goroutine, into the
// namespace: what it starts begins there. leave moves it back.
func (n *Namespace) Enter() (leave func() error, err error) {
	if n == nil {
		return func() error { return nil }, nil
	}
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		return nil, err
	}
	if err := unix.Setns(n.FD(), unix.CLONE_NEWNET); err != nil {
		return nil, errors.Join(fmt.Errorf("setns: %w", err), home.Close())
	}
	return func() error {
		err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET)
		return errors.Join(err, home.Close())
	}, nil
}

// Join moves the calling thread, which must be locked to its goroutine and end with
// it, into the namespace at a path, as Path gives it to other processes. The empty
// path leaves the thread where it is.
func Join(path string) error {
	if path == "" {
		return nil
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", path, err)
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("cannot enter network namespace %s: %w", path, err)
	}
	return nil
}

// Dial connects to an address, whose host is in digits, from inside the namespace.
func (n *Namespace) Dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	var d net.Dialer
	err = n.Do(func() error {
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Listen opens a listener inside the namespace.
func (n *Namespace) Listen(network, address string) (l net.Listener, err error) {
	err = n.Do(func() error {
		l, err = net.Listen(network, address)
		return err
	})
	return l, err
}
