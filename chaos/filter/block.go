package filter

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"bench/chaos/impair"
)

// Action is what a block does to the packets it concerns.
type Action string

// The actions.
const (
	Lose   Action = "drop"
	Refuse Action = "reset" // TCP by a RST, the rest by ICMP
	Inform Action = "icmp"  // port unreachable
)

// Block filters packets until it is closed.
type Block struct {
	// Name of the table; it must be free.
	Name string
	// Namespace is a path; "" is that of the calling thread.
	Namespace string
	// Wire are the two interfaces of a wire, towards the clients and towards the
	// origins. Without them packets are filtered where they arrive at sockets of
	// the namespace, by Device.
	Wire [2]string
	// Device is the interface of arrival; "" is any. In a namespace that was not
	// made for the run it must be the loopback.
	Device string
	// Own says that the port of Match is the caller's own: what comes to it and from it is
	// filtered in the system's own network, too, where it arrives at this machine and where
	// it leaves it, by whatever interface.
	Own    bool
	Match  impair.Match
	Action Action // "" loses
	Share  float64

	table *Table
	met   *nftables.Chain
}

// Check says what is wrong with the block.
func (b *Block) Check() error {
	wire := b.Wire != [2]string{}
	switch b.Action {
	case "", Lose:
	case Refuse, Inform:
		if wire {
			return errors.New("a wire has no address to reject from: reject where packets arrive, or by the userspace link")
		}
	default:
		return fmt.Errorf("action %q: want drop, reset or icmp", b.Action)
	}
	if b.Share < 0 || b.Share > 1 {
		return fmt.Errorf("share is %v: want one from 0 to 1", b.Share)
	}
	if b.Own && b.Match.Port == 0 {
		return errors.New("without a port, nothing is the caller's own")
	}
	if b.Own && b.Share > 0 && b.Match.Direction != impair.UpOnly {
		// What is dropped before it has left is no loss to TCP: the kernel has it still and
		// tries again.
		return errors.New("what a machine sends cannot be lost before it has left: want direction: upstream")
	}
	if !wire && !b.Own && b.Namespace == "" && b.Device != "lo" {
		return errors.New("in the system's own network only the loopback is filtered")
	}
	if !wire && b.Match.Direction != impair.BothWays && b.Match.Port == 0 {
		return errors.New("without a wire, a direction needs a port: upstream is to it, downstream from it")
	}
	_, err := Arriving(b.Match)
	return err
}

// Open begins to filter.
func (b *Block) Open() (err error) {
	if err := b.Check(); err != nil {
		return err
	}
	family := nftables.TableFamilyINet
	if b.Wire != [2]string{} {
		family = nftables.TableFamilyNetdev
	}
	if b.table, err = Open(b.Name, family, b.Namespace); err != nil {
		return err
	}
	if err = b.fill(); err == nil {
		err = b.table.Commit()
	}
	if err != nil {
		err = errors.Join(err, b.table.Close())
	}
	return err
}

func (b *Block) fill() error {
	// Whatever condition a packet meets, it comes to this chain once.
	b.met = b.table.Chain("met", nil, "")
	b.judge()
	if b.Own {
		return b.fillOwn()
	}
	if b.Wire == [2]string{} {
		conditions, err := Arriving(b.Match)
		if err != nil {
			return err
		}
		chain := b.table.Chain("arrive", nftables.ChainHookInput, "")
		b.table.Rule(chain, NeighbourDiscovery(), Accept())
		for _, condition := range conditions {
			if b.Device != "" {
				condition = append(ArrivingBy(b.Device), condition...)
			}
			b.table.Rule(chain, condition, Goto(b.met.Name))
		}
		return nil
	}
	conditions, err := OfIP(b.Match)
	if err != nil {
		return err
	}
	// What goes upstream leaves by the second interface.
	for i, side := range []impair.Sides{impair.DownOnly, impair.UpOnly} {
		if d := b.Match.Direction; d != impair.BothWays && d != impair.Both && d != side {
			continue
		}
		chain := b.table.Chain(fmt.Sprintf("leave%d", i), nftables.ChainHookEgress, b.Wire[i])
		b.table.Rule(chain, NeighbourDiscovery(), Accept())
		for _, condition := range conditions {
			b.table.Rule(chain, condition, Goto(b.met.Name))
		}
	}
	return nil
}

// fillOwn filters what comes to the port, and what comes from it. Both pass this machine
// once, also where both ends are on it.
func (b *Block) fillOwn() error {
	for _, way := range []struct {
		chain string
		hook  *nftables.ChainHook
		side  impair.Sides
	}{{"arrive", nftables.ChainHookInput, impair.UpOnly}, {"leave", nftables.ChainHookOutput, impair.DownOnly}} {
		both := b.Match.Direction == impair.BothWays || b.Match.Direction == impair.Both
		if !both && b.Match.Direction != way.side {
			continue
		}
		if both && way.side == impair.DownOnly && b.Action != "" && b.Action != Lose {
			continue // it would turn away the answers of the other chain
		}
		m := b.Match
		m.Direction = way.side
		conditions, err := Arriving(m)
		if err != nil {
			return err
		}
		chain := b.table.Chain(way.chain, way.hook, "")
		for _, condition := range conditions {
			b.table.Rule(chain, condition, Goto(b.met.Name))
		}
	}
	return nil
}

// judge counts the packets that are meant, and again those that the draw hits.
func (b *Block) judge() {
	b.table.Rule(b.met, Counted())
	var draw []expr.Any
	if b.Share > 0 {
		draw = Share(b.Share)
	}
	hit := b.table.Chain("hit", nil, "")
	b.table.Rule(b.met, draw, Counted(), Goto(hit.Name))
	switch b.Action {
	case Refuse:
		b.table.Rule(hit, Reset())
		b.table.Rule(hit, NotTCP(), Unreachable())
	case Inform:
		b.table.Rule(hit, Unreachable())
	default:
		b.table.Rule(hit, Drop())
	}
}

// Result is what a block has met, and what of it was hit.
type Result struct{ Met, Hit Count }

// Result reads the counters.
func (b *Block) Result() (r Result, err error) {
	counts, err := b.table.Counts(b.met)
	if err != nil {
		return r, err
	}
	if len(counts) != 2 {
		return r, fmt.Errorf("nftables: table %s has %d counters instead of 2", b.Name, len(counts))
	}
	return Result{counts[0], counts[1]}, nil
}

// Gone reports whether the block's table has left the namespace.
func (b *Block) Gone() error {
	there, err := Exists(b.Name, b.table.table.Family, b.Namespace)
	if err == nil && there {
		err = fmt.Errorf("the nftables table %s is still there", b.Name)
	}
	return err
}

// Close ends the block.
func (b *Block) Close() error { return b.table.Close() }
