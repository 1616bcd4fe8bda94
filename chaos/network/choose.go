package network

import (
	"errors"
	"fmt"

	"bench/chaos/filter"
	"bench/chaos/impair"
)

// begin starts an actor.
type begin func(n *Network, o *Order, p *Place) (actor, error)

// errWire reports that a fault needs a wire.
var errWire = errors.New("that takes a wire between two network namespaces: on the loopback, packets can be dropped and rejected only")

// errOwn is the same of a machine that is no wire's end.
var errOwn = errors.New("an MTU is that of a wire, which takes a network on one machine")

// Check says why a fault cannot be made at a place.
func Check(o *Order, p *Place) error {
	_, err := choose(o, p)
	return err
}

// choose finds the mechanism for a fault at a place.
func choose(o *Order, p *Place) (begin, error) {
	if o.MTU != 0 {
		return chooseMTU(o, p)
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	switch o.Mechanism {
	case Auto, Userspace, Kernel:
	default:
		return nil, fmt.Errorf("mechanism %q: want link or kernel, or none to have it chosen", o.Mechanism)
	}
	has := effects(&o.Spec)
	if p.isWire() && p.Namespace == "" {
		return nil, errors.New("a wire is one of a network made for the run: want its namespace")
	}
	if p.Own {
		return chooseOwn(o, p)
	}
	if !p.isWire() {
		if o.Mechanism == Userspace || has&^(drops|loses|rejects) != 0 {
			return nil, errWire
		}
		return beginBlock, block(o, p).Check()
	}
	if o.Mechanism == Userspace {
		return beginLink, nil
	}
	plain := o.Match == impair.Match{Direction: o.Match.Direction}
	switch {
	case has == drops && whole(o.Match.Connections):
		return beginBlock, nil
	case has == limits && plain:
		return beginRate, nil
	case o.Mechanism == Auto:
		return beginLink, nil
	case has == loses && whole(o.Match.Connections):
		return beginBlock, nil
	case has&^(holds|loses|doubles|corrupts) == 0 && plain:
		return beginNetem, nil
	}
	return nil, errors.New("the kernel has no mechanism for that: want mechanism: link")
}

// chooseOwn finds the mechanism for packets of a port of this machine.
func chooseOwn(o *Order, p *Place) (begin, error) {
	if o.Match.Port == 0 {
		return nil, errors.New("without a port, nothing is the caller's own")
	}
	err := blocks(o, p)
	if o.Mechanism == Userspace || o.Mechanism == Auto && err != nil {
		return beginLink, nil
	}
	return beginBlock, err
}

// ByKernel reports whether the kernel carries an order out at a port of this machine. All
// else goes through a link, which takes an interface.
func ByKernel(o *Order) bool { return o.Mechanism != Userspace && blocks(o, &Place{Own: true}) == nil }

// blocks says why a filter cannot carry an order out.
func blocks(o *Order, p *Place) error {
	if effects(&o.Spec)&^(drops|loses|rejects) != 0 {
		return errors.New("the kernel has no mechanism for that: want mechanism: link")
	}
	return block(o, p).Check()
}

func whole(connections float64) bool { return connections == 0 || connections == 1 }

// effect is what an impairment does.
type effect uint16

const (
	drops effect = 1 << iota
	loses
	rejects
	limits
	holds
	doubles
	corrupts
	reorders
	others
)

func effects(s *impair.Spec) (e effect) {
	for _, x := range []struct {
		is   bool
		what effect
	}{
		{s.Drop, drops},
		{s.Loss > 0, loses},
		{s.Reject != impair.NoReject, rejects},
		{s.Rate > 0, limits},
		{s.Delay.Mean() > 0, holds},
		{s.Duplicate > 0, doubles},
		{s.Corrupt > 0, corrupts},
		{s.Reorder > 0, reorders},
		{s.Burst != nil || s.DropSynAck > 0 || s.ResetAfter != nil || s.LoseFin || s.ZeroWindow, others},
	} {
		if x.is {
			e |= x.what
		}
	}
	return e
}

// block is the filter for an order.
func block(o *Order, p *Place) *filter.Block {
	b := &filter.Block{Namespace: p.Namespace, Wire: p.Wire, Device: p.Device, Own: p.Own, Match: o.Match, Action: filter.Lose}
	switch {
	case o.Reject != impair.NoReject:
		b.Action = filter.Action(o.Reject)
	case !o.Drop:
		b.Share = o.Loss
	}
	return b
}

// chooseMTU checks an order for another MTU.
func chooseMTU(o *Order, p *Place) (begin, error) {
	switch {
	case p.Own:
		return nil, errOwn
	case effects(&o.Spec) != 0:
		return nil, errors.New("an MTU is a fault of its own: order other impairments apart")
	case p.isWire() || p.Device == "":
		return nil, errors.New("an MTU is that of a host's interface: want its device")
	case p.Namespace == "":
		return nil, errors.New("the MTU is changed in network namespaces made for the run only")
	}
	return beginMTU, nil
}
