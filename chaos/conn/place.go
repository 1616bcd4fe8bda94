// Package conn attacks TCP connections from outside the processes that hold them:
// it kills sockets, injects resets, floods with SYNs and leaves connections half
// open. It acts on the loopback, in network namespaces made for the run and on ports of
// the caller's own, and refuses everything else. What is done when, and to whom, may not enter.
package conn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"

	"golang.org/x/sys/unix"

	"bench/netns"
)

// Place is where an attack acts.
type Place struct {
	// Namespace is the path of a network namespace made for the run; "" is that
	// of this process, in which only the loopback may be touched.
	Namespace string
	// Interface in it; "" is the loopback.
	Interface string
	// Own says that the port of the attack is the caller's own: its connections may be
	// attacked in the system's own network, too.
	Own bool

	ours bool // the namespace was made for the run
}

// errForeign reports that something is neither the loopback nor made for the run.
var errForeign = errors.New("attacks go to the loopback and to network namespaces made for the run, nowhere else")

// allow refuses addresses that are not the run's own. It must be called inside
// the place.
func (p *Place) allow(addresses ...netip.Addr) error {
	if p.ours || p.Own {
		return nil
	}
	for _, a := range addresses {
		if !a.Unmap().IsLoopback() {
			return fmt.Errorf("%v: %w", a, errForeign)
		}
	}
	if name := p.device(); name != loopback {
		return fmt.Errorf("interface %s of the system's own network: %w", name, errForeign)
	}
	return nil
}

const loopback = "lo"

func (p *Place) device() string {
	if p.Interface == "" {
		return loopback
	}
	return p.Interface
}

// namespace identifies a network namespace.
type namespace struct{ device, inode uint64 }

func namespaceAt(path string) (namespace, error) {
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		return namespace{}, fmt.Errorf("network namespace %s: %w", path, err)
	}
	return namespace{s.Dev, s.Ino}, nil
}

// home is the network namespace of the calling goroutine. That of the process
// tells nothing: its main thread may have been elsewhere in the meantime.
func home() (namespace, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return namespaceAt(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
}

// inside runs f on a thread of the place's namespace.
func (p *Place) inside(f func() error) error {
	if p.Namespace == "" {
		return f()
	}
	from, err := home()
	if err != nil {
		return err
	}
	to, err := namespaceAt(p.Namespace)
	if err != nil {
		return err
	}
	system, err := namespaceAt("/proc/1/ns/net")
	// What may not be looked at belongs to somebody else.
	p.ours = to != from && (err != nil || to != system)
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		if err := netns.Join(p.Namespace); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

// nic is the place's interface. It must be called inside the place.
func (p *Place) nic() (*net.Interface, error) {
	nic, err := net.InterfaceByName(p.device())
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", p.device(), err)
	}
	return nic, nil
}
