// Package network makes faults of the network: it chooses the mechanism by which
// an impairment is carried out at a place, begins it, changes it, ends it, looks
// that nothing is left, and judges by what was counted whether it acted. The
// mechanisms themselves, and when faults happen, may not enter.
package network

import (
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/internal/proc"
	"bench/internal/result"
)

// Place is where faults act: on a wire between two interfaces, or where packets
// arrive at the sockets of a host.
type Place struct {
	// Namespace is a path, like /proc/PID/ns/net; "" is that of this process.
	Namespace string `json:"namespace,omitempty"`
	// Wire are the interfaces towards the clients and towards the origins.
	Wire [2]string `json:"wire,omitzero"`
	// Device is the interface of a host; in a namespace that was not made for
	// the run it must be the loopback.
	Device string `json:"device,omitempty"`
	// Own is this machine as far as it has to do with one port, that of the order's match,
	// which is the caller's own. Device is then the interface with the server's address.
	Own bool `json:"own,omitempty"`
}

func (p *Place) isWire() bool { return p.Wire != [2]string{} }

// interfaces are those that a capture watches.
func (p *Place) interfaces() []string {
	switch {
	case p.isWire():
		return p.Wire[:]
	case p.Device != "":
		return []string{p.Device}
	}
	return []string{"lo"}
}

// Mechanism is the means by which a fault is carried out.
type Mechanism string

// The mechanisms. Auto prefers the kernel where that loses nothing: the fault
// needs no seed and its effect can be counted.
const (
	Auto      Mechanism = ""
	Userspace Mechanism = "link"
	Kernel    Mechanism = "kernel"
)

// Order is a fault that is asked for.
type Order struct {
	impair.Spec
	// MTU changes the size of the largest packet of the place's interfaces.
	MTU       int       `json:"mtu,omitempty"`
	Mechanism Mechanism `json:"mechanism,omitempty"`
	// Capture is the path of a pcapng file to write what passes during the fault.
	Capture string `json:"capture,omitempty"`
}

// actor carries out one fault.
type actor interface {
	// name of the mechanism.
	name() string
	// change replaces the impairment while it acts.
	change(s *impair.Spec) error
	// end stops it, reads back that it is gone, and judges.
	end() ([]result.Finding, error)
}

// Network makes faults as long as it is not closed. It is safe for use by several
// goroutines.
type Network struct {
	group  *proc.Group
	helper []string

	mu    sync.Mutex
	links map[Place]*wire
}

// wire is a link at work, the number of impairments on it, and what of the wire's
// traffic they have led into it.
type wire struct {
	link  *link.Link
	users int
	only  []impair.Match
}

// lead is what an impairment must see of a wire: both directions, and all
// connections, of which the link chooses.
func lead(m impair.Match) impair.Match {
	m.Direction, m.Connections = impair.BothWays, 0
	return m
}

// New returns a Network whose helpers are processes of the group, started by the
// command helper, which runs link.Serve.
func New(g *proc.Group, helper []string) *Network {
	return &Network{group: g, helper: helper, links: map[Place]*wire{}}
}

// acquire returns the link of a wire, which it starts for the first impairment,
// and leads what the impairment concerns into it. What is not concerned stays with
// the kernel.
func (n *Network) acquire(p *Place, m impair.Match) (*link.Link, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m = lead(m)
	w := n.links[*p]
	if w == nil {
		only := []impair.Match{m}
		c := link.Config{Namespace: p.Namespace, Interfaces: p.Wire, Spin: spin(), Exclusive: true, Only: only}
		if p.Own {
			c = link.Config{Interfaces: [2]string{p.Device, ""}, Spin: spin(), Own: netip.AddrPortFrom(m.Address.Addr(), m.Port)}
		}
		l, err := link.Start(n.group, n.helper, c)
		if err != nil {
			return nil, err
		}
		w = &wire{link: l, only: only}
		n.links[*p] = w
	}
	if !slices.Contains(w.only, m) {
		only := append(slices.Clone(w.only), m)
		if err := w.link.Aim(only); err != nil {
			return nil, err
		}
		w.only = only
	}
	w.users++
	return w.link, nil
}

// spareProcessors is how many processors there must be for a link to spin: it may
// keep one busy, before everything else.
const spareProcessors = 4

// spin is how long a link may spin before a packet is due.
func spin() time.Duration {
	if runtime.GOMAXPROCS(0) < spareProcessors {
		return 0
	}
	return link.DefaultSpin
}

// drainTime bounds the wait for the frames that are still held back.
const drainTime = 2 * time.Second

// release gives a link back. The last one ends it, when what was held back has
// gone, and leaves the wire to the kernel again.
func (n *Network) release(p *Place) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.links[*p]
	if w.users--; w.users > 0 {
		return nil
	}
	delete(n.links, *p)
	for end := time.Now().Add(drainTime); time.Now().Before(end); time.Sleep(time.Millisecond) {
		line, _, err := w.link.State()
		if err != nil || line.Waiting == 0 {
			break
		}
	}
	return w.link.Close()
}
