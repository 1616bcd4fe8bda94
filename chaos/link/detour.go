package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"bench/chaos/filter"
	"bench/chaos/impair"
	"bench/internal/loop"
	"bench/netns"
)

// A detour is the way of a link on one machine. What comes for the port is kept from the
// kernel, and reaches it through the link by a pair of interfaces; what the port sends leaves
// by that pair, and goes on through the link:
//
//	network -- device -- link -- near )( far -- kernel -- server
//
// The far end has the hardware address of the device. The near one is in a namespace that
// nothing but this process holds: when it ends, both are gone, and so is the table of nftables.

// detourMTU lets merged frames through.
const detourMTU = 65_535

// detour opens one. It must be called on a thread that is locked, which it leaves in the
// namespace of the near end.
func detour(c *Config) (_ *bridge, closed func(), err error) {
	match := impair.Match{Port: c.Own.Port(), Address: netip.PrefixFrom(c.Own.Addr(), c.Own.Addr().BitLen())}
	switch {
	case !c.Own.Addr().Is4():
		return nil, nil, fmt.Errorf("%v: only packets of IPv4 are led through a link on the machine of their server", c.Own.Addr())
	case c.Own.Addr().IsLoopback():
		return nil, nil, fmt.Errorf("%v: on the loopback, packets can be dropped and rejected only", c.Own.Addr())
	}
	only, err := accept([]impair.Match{match})
	if err != nil {
		return nil, nil, err
	}
	undo := closers{}
	defer func() {
		if err != nil {
			undo.close()
		}
	}()
	device, err := openPort(c.Interfaces[0], only)
	if err != nil {
		return nil, nil, err
	}
	undo.add(device.close)
	ns, err := netns.New()
	if err != nil {
		return nil, nil, err
	}
	undo.add(func() { _ = ns.Close() })
	nic, err := net.InterfaceByName(c.Interfaces[0])
	if err != nil {
		return nil, nil, err
	}
	far, err := layPair(ns, nic.HardwareAddr, match.Port)
	if err != nil {
		return nil, nil, err
	}
	undo.add(func() { _ = netlink.LinkDel(far) })
	table, err := filter.Open(fmt.Sprintf("bench-link-%d", os.Getpid()), nftables.TableFamilyNetdev, "")
	if err != nil {
		return nil, nil, err
	}
	undo.add(func() { _ = table.Close() }) // which may have been closed
	near, err := openNear(ns, only)
	if err != nil {
		return nil, nil, err
	}
	undo.add(near.close)
	if err := device.mark(Mark); err != nil {
		return nil, nil, err
	}
	if err := lead(table, c.Interfaces[0], far.Attrs().Index, match); err != nil {
		return nil, nil, err
	}
	b := newBridge(device, near, c.Spin)
	return b, func() {
		// The kernel carries again before the link has ended: rather twice than not at all.
		_ = table.Close()
		b.take(impair.Upstream)
		b.take(impair.Downstream)
		b.release(loop.Nanotime())
		undo.close()
	}, nil
}

// closers undo what was done, the last first.
type closers []func()

func (c *closers) add(f func()) { *c = append(*c, f) }

func (c *closers) close() {
	for _, f := range slices.Backward(*c) {
		f()
	}
}

// nearName is the name of the near end, in a namespace of its own.
const nearName = "near"

// layPair makes the pair of interfaces and returns the far end. A second detour of a port
// fails: its name is taken.
func layPair(ns *netns.Namespace, mac net.HardwareAddr, port uint16) (netlink.Link, error) {
	name := fmt.Sprintf("bench-%d", port)
	v := netlink.NewVeth(netlink.LinkAttrs{Name: name, MTU: detourMTU, HardwareAddr: mac})
	v.PeerName, v.PeerMTU, v.PeerNamespace = nearName, detourMTU, netlink.NsFd(ns.FD())
	if err := netlink.LinkAdd(v); errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("packets of port %d are led through another link already: two such faults of a port cannot act at once", port)
	} else if err != nil {
		return nil, fmt.Errorf("a pair of interfaces: %w", err)
	}
	far, err := netlink.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	for setting, value := range map[string]string{
		// What comes by it has the addresses of those who are reached by the device.
		"ipv4/conf/" + name + "/rp_filter":    "2",
		"ipv6/conf/" + name + "/disable_ipv6": "1",
	} {
		// A kernel without IPv6 has nothing to switch off.
		if err := os.WriteFile("/proc/sys/net/"+setting, []byte(value), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, errors.Join(err, netlink.LinkDel(far))
		}
	}
	// Loosely filtered is only what comes by an interface that has an address; this one is
	// reached by nobody.
	err = errors.Join(
		netlink.AddrAdd(far, &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(169, 254, 190, 239), Mask: net.CIDRMask(32, 32)}, Scope: unix.RT_SCOPE_LINK}),
		netlink.LinkSetUp(far),
	)
	if err == nil {
		err = ns.Do(func() error {
			near, err := netlink.LinkByName(nearName)
			if err != nil {
				return err
			}
			return netlink.LinkSetUp(near)
		})
	}
	if err != nil {
		return nil, errors.Join(err, netlink.LinkDel(far))
	}
	return far, nil
}

// openNear opens the near end; the calling thread stays in its namespace.
func openNear(ns *netns.Namespace, only []unix.SockFilter) (*port, error) {
	if err := unix.Setns(ns.FD(), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("setns: %w", err)
	}
	return openPort(nearName, only)
}

// lead keeps what comes for the port from the kernel, and has what the port sends leave by the
// far end, unless the link sends it.
func lead(table *filter.Table, device string, far int, m impair.Match) error {
	in, out := table.Chain("in", nftables.ChainHookIngress, device), table.Chain("out", nftables.ChainHookEgress, device)
	m.Direction = impair.UpOnly
	coming, err := filter.OneWay(m)
	if err != nil {
		return err
	}
	for _, condition := range coming {
		table.Rule(in, condition, filter.Drop())
	}
	if err := table.Commit(); err != nil {
		return err
	}
	m.Direction = impair.DownOnly
	leaving, err := filter.OneWay(m)
	if err != nil {
		return err
	}
	for _, condition := range leaving {
		if err := table.Forward(out, far, filter.NotMarked(Mark), condition); err != nil {
			return err
		}
	}
	return nil
}
