// Package shape sets what the kernel's queues do to the packets that leave by an
// interface: rate limits by a token bucket, everything that netem offers, and the MTU. What
// was there before is put back at the end. Which interface, when and why, may not
// enter.
package shape

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Interface names an interface of a network namespace.
type Interface struct {
	// Namespace is a path; "" is that of the calling thread.
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

func (i Interface) String() string { return i.Name }

// Hold is something set that can be undone.
type Hold struct {
	at     Interface
	undo   func(*netlink.Handle, netlink.Link) error
	gone   func(*netlink.Handle, netlink.Link) error
	counts bool
}

// Counted reports whether the hold is a queue, which counts what it does.
func (h *Hold) Counted() bool { return h.counts }

// with runs f with a netlink socket inside the interface's namespace.
func (i Interface) with(f func(*netlink.Handle, netlink.Link) error) error {
	ns := netns.None()
	if i.Namespace != "" {
		var err error
		if ns, err = netns.GetFromPath(i.Namespace); err != nil {
			return fmt.Errorf("network namespace %s: %w", i.Namespace, err)
		}
		defer func() { _ = ns.Close() }()
	}
	h, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	defer h.Close()
	l, err := h.LinkByName(i.Name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", i.Name, err)
	}
	return f(h, l)
}

// Undo puts back what was there before. It may be called again, and succeeds when
// the interface is gone.
func (h *Hold) Undo() error {
	err := h.at.with(h.undo)
	if _, missing := errors.AsType[netlink.LinkNotFoundError](err); missing {
		return nil
	}
	return err
}

// Gone reads back that nothing is left.
func (h *Hold) Gone() error {
	err := h.at.with(h.gone)
	if _, missing := errors.AsType[netlink.LinkNotFoundError](err); missing {
		return nil
	}
	return err
}

// root is the handle of the queues that are set: a number that nobody takes by
// chance, so that they are known again.
var root = netlink.MakeHandle(0xbe, 0)

// setQueue puts a queue at the root of an interface that has none of its own.
func setQueue(at Interface, queue func(netlink.QdiscAttrs) netlink.Qdisc) (*Hold, error) {
	hold := &Hold{at: at, undo: removeQueue, gone: noQueue, counts: true}
	err := at.with(func(h *netlink.Handle, l netlink.Link) error {
		q := queue(netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: root, Parent: netlink.HANDLE_ROOT})
		if err := h.QdiscAdd(q); err != nil {
			if errors.Is(err, unix.ENOENT) {
				return fmt.Errorf("%s on %s: %w", q.Type(), at, ErrNotSupported)
			}
			return fmt.Errorf("%s on %s: %w", q.Type(), at, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return hold, nil
}

// ErrNotSupported reports that the kernel lacks a queue.
var ErrNotSupported = errors.New("not supported by this kernel")

func removeQueue(h *netlink.Handle, l netlink.Link) error {
	err := h.QdiscDel(&netlink.GenericQdisc{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: root, Parent: netlink.HANDLE_ROOT},
	})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
		return noQueue(h, l) // it was gone already
	}
	return err
}

func noQueue(h *netlink.Handle, l netlink.Link) error {
	q, err := ownQueue(h, l)
	if err != nil {
		return err
	}
	if q != nil {
		return fmt.Errorf("%s still has the queue %s", l.Attrs().Name, q.Type())
	}
	return nil
}

// ownQueue is the queue that setQueue set; nil if there is none.
func ownQueue(h *netlink.Handle, l netlink.Link) (netlink.Qdisc, error) {
	all, err := h.QdiscList(l)
	if err != nil {
		return nil, fmt.Errorf("queues of %s: %w", l.Attrs().Name, err)
	}
	for _, q := range all {
		if q.Attrs().Handle == root {
			return q, nil
		}
	}
	return nil, nil
}

// Counts is what a queue has done. Delayed is how often a packet found the limit of the
// queue's rate reached.
type Counts struct{ Packets, Bytes, Dropped, Delayed uint64 }

// Counts reads the queue's counters.
func (h *Hold) Counts() (c Counts, err error) {
	err = h.at.with(func(nl *netlink.Handle, l netlink.Link) error {
		q, err := ownQueue(nl, l)
		if err != nil {
			return err
		}
		if q == nil || q.Attrs().Statistics == nil {
			return fmt.Errorf("%s no longer has a queue", h.at)
		}
		s := q.Attrs().Statistics
		c = Counts{Packets: uint64(s.Basic.Packets), Bytes: s.Basic.Bytes, Dropped: uint64(s.Queue.Drops), Delayed: uint64(s.Queue.Overlimits)}
		return nil
	})
	return c, err
}

// Rate limits what leaves by an interface, in bits per second. Packets that would
// wait for longer than about queue are lost.
func Rate(at Interface, bits float64, queue time.Duration) (*Hold, error) {
	if bits < 8000 || bits > 1e12 {
		return nil, fmt.Errorf("rate is %v bit/s: want 8 kbit/s to 1 Tbit/s", bits)
	}
	if queue <= 0 {
		queue = defaultQueue
	}
	bytes := bits / 8
	// The bucket makes up for timers that fire late. Merged segments that do not
	// fit into it are split, so that slow lines are not sent 64 KiB at a time.
	burst := uint32(min(max(2*fullFrame, bytes*bucketTime.Seconds()), maxBucket))
	return setQueue(at, func(a netlink.QdiscAttrs) netlink.Qdisc {
		return &netlink.Tbf{
			QdiscAttrs: a, Rate: uint64(bytes), Buffer: netlink.Xmittime(uint64(bytes), burst),
			Limit: uint32(min(float64(burst)+bytes*queue.Seconds(), math.MaxUint32)),
		}
	})
}

// The shape of the bucket: an Ethernet frame of an ordinary MTU, how late timers
// may be, and a bound.
const (
	fullFrame    = 1514
	bucketTime   = 2 * time.Millisecond
	maxBucket    = 4 << 20
	defaultQueue = 50 * time.Millisecond
)

// Netem is what netem is asked for, of what it does as exactly as is told. Shares
// are in [0, 1].
type Netem struct {
	Delay                    time.Duration
	Loss, Duplicate, Corrupt float64
	Limit                    uint32 // packets; 0 is 100,000
}

const netemLimit = 100_000

// SetNetem impairs what leaves by an interface. Kernels without netem answer with
// ErrNotSupported.
func SetNetem(at Interface, n Netem) (*Hold, error) {
	if n.Limit == 0 {
		n.Limit = netemLimit
	}
	percent := func(share float64) float32 { return float32(share * 100) }
	return setQueue(at, func(a netlink.QdiscAttrs) netlink.Qdisc {
		return netlink.NewNetem(a, netlink.NetemQdiscAttrs{
			Latency: micros(n.Delay), Limit: n.Limit,
			Loss: percent(n.Loss), Duplicate: percent(n.Duplicate), CorruptProb: percent(n.Corrupt),
		})
	})
}

func micros(d time.Duration) uint32 { return uint32(min(d.Microseconds(), math.MaxUint32)) }

// SizeOf reads the size of the largest packet of an interface.
func SizeOf(at Interface) (mtu int, err error) {
	err = at.with(func(_ *netlink.Handle, l netlink.Link) error {
		mtu = l.Attrs().MTU
		return nil
	})
	return mtu, err
}

// Sent reads how many packets have left by an interface.
func Sent(at Interface) (packets uint64, err error) {
	err = at.with(func(_ *netlink.Handle, l netlink.Link) error {
		if s := l.Attrs().Statistics; s != nil {
			packets = s.TxPackets
		}
		return nil
	})
	return packets, err
}

// MTU sets the size of the largest packet of an interface.
func MTU(at Interface, size int) (*Hold, error) {
	if size < 68 || size > 65535 {
		return nil, fmt.Errorf("MTU is %d: want 68 (RFC 791) to 65535", size)
	}
	hold := &Hold{at: at}
	err := at.with(func(h *netlink.Handle, l netlink.Link) error {
		before := l.Attrs().MTU
		hold.undo = func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetMTU(l, before) }
		hold.gone = func(_ *netlink.Handle, l netlink.Link) error {
			if now := l.Attrs().MTU; now != before {
				return fmt.Errorf("%s still has the MTU %d instead of %d", at, now, before)
			}
			return nil
		}
		if err := h.LinkSetMTU(l, size); err != nil {
			return fmt.Errorf("MTU %d on %s: %w", size, at, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return hold, nil
}
