// Package port makes faults of the connections to one port of this machine, and of their
// packets, in the system's own network: where a part of a run listens that is spread over
// machines. A helper process holds each of them, and it ends with its helper. Whose the
// port is, is for the caller to know.
package port

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"bench/chaos"
	"bench/chaos/conn"
	"bench/chaos/impair"
	"bench/chaos/network"
	"bench/internal/proc"
	"bench/internal/result"
)

// Order is a fault of one port.
type Order struct {
	// Kind is Kill, Reset or Packets.
	Kind string `json:"kind"`
	// Server is who listens at the port, at an address of this machine.
	Server netip.AddrPort `json:"server"`
	// Share of the connections, in (0, 1]; 0 is all. The seed chooses among them.
	Share float64 `json:"share,omitempty"`
	Seed  uint64  `json:"seed,omitempty"`
	// Count bounds the connections that are reset, For the time in which they are.
	Count int           `json:"count,omitempty"`
	For   time.Duration `json:"for,omitempty"`
	// Packets is what happens to packets, of those that go to the port or come from it.
	Packets   *impair.Spec      `json:"packets,omitempty"`
	Mechanism network.Mechanism `json:"mechanism,omitempty"`
}

// Kinds of faults.
const (
	Kill    = "kill"
	Reset   = "reset"
	Packets = "packets"
)

// Check says why an impairment cannot be made at a port.
func Check(o *network.Order) error { return network.Check(o, &network.Place{Own: true}) }

// Check says why the order cannot be carried out.
func (o *Order) Check() error {
	six := o.Server.Addr().Is6()
	if o.Kind == Reset && six {
		return fmt.Errorf("%v: connections are reset over IPv4 only", o.Server.Addr())
	}
	if o.Kind != Packets || o.Packets == nil {
		return nil
	}
	s := *o.Packets
	s.Match.Port = o.Server.Port()
	order := network.Order{Spec: s, Mechanism: o.Mechanism}
	if err := Check(&order); err != nil {
		return err
	}
	if !o.Server.Addr().IsLoopback() && o.Server.Addr().Is4() || network.ByKernel(&order) {
		return nil
	}
	if six {
		return fmt.Errorf("%v: packets of IPv6 can only be dropped, or turned away, or lost with direction: upstream; the rest is done to IPv4", o.Server.Addr())
	}
	return fmt.Errorf("%v is not the address of a machine among several: packets can only be dropped there, or turned away, or lost with direction: upstream", o.Server.Addr())
}

// fault is what carries the order out in this process. link is the command of a userspace link.
func (o *Order) fault(group *proc.Group, link []string) (chaos.Fault, error) {
	if o.Server.Port() == 0 {
		return nil, errors.New("a fault of no port")
	}
	alone := netip.PrefixFrom(o.Server.Addr(), o.Server.Addr().BitLen())
	switch o.Kind {
	case Kill:
		place := conn.Place{Own: true}
		return &conn.Fault{Order: &conn.Kill{Place: place, Port: o.Server.Port(), End: conn.BothEnds, Address: alone, Share: o.Share, Seed: o.Seed}}, nil
	case Reset:
		device, err := deviceOf(o.Server.Addr())
		if err != nil {
			return nil, err
		}
		place := conn.Place{Interface: device, Own: true}
		return &conn.Fault{Order: &conn.Reset{Place: place, Port: o.Server.Port(), Count: o.Count, Share: o.Share, Seed: o.Seed, For: o.For}}, nil
	case Packets:
		if o.Packets == nil {
			return nil, errors.New("nothing is to happen to packets")
		}
		s := *o.Packets
		s.ID, s.Seed, s.Match.Port, s.Match.Address = "port", o.Seed, o.Server.Port(), alone
		place := network.Place{Own: true}
		var err error
		if place.Device, err = deviceOf(o.Server.Addr()); err != nil {
			return nil, err
		}
		return &network.Fault{Net: network.New(group, link), Order: network.Order{Spec: s, Mechanism: o.Mechanism}, Place: place}, nil
	}
	return nil, fmt.Errorf("%.40q is no fault of a port", o.Kind)
}

// deviceOf is the interface that has an address.
func deviceOf(a netip.Addr) (string, error) {
	all, err := net.Interfaces()
	if err != nil {
		return "", err
	}
	for i := range all {
		addresses, err := all[i].Addrs()
		if err != nil {
			return "", err
		}
		for _, of := range addresses {
			if p, err := netip.ParsePrefix(of.String()); err == nil && (p.Addr() == a || a.IsLoopback() && p.Addr().IsLoopback()) {
				return all[i].Name, nil
			}
		}
	}
	return "", fmt.Errorf("no interface has the address %v", a)
}

// Fault is an order as a chaos.Fault.
type Fault struct {
	Group *proc.Group
	// Helper is the command that runs Serve.
	Helper []string
	Order  Order

	process *proc.Process
	answers chan answer
}

var _ chaos.Fault = (*Fault)(nil)

// answer is a line by which the helper tells that the fault acts, and then that it is over.
type answer struct {
	Error       string              `json:"error,omitempty"`
	Certificate *result.Certificate `json:"certificate,omitempty"`
}

// answerTime bounds the wait for the helper.
const answerTime = 10 * time.Second

// Begin implements chaos.Fault. What outlives this process goes with the helper, which the
// group ends.
func (f *Fault) Begin(ctx context.Context, _ *chaos.Journal) error {
	text, err := json.Marshal(&f.Order)
	if err != nil {
		return err
	}
	f.answers = make(chan answer, 2)
	f.process, err = f.Group.Start(proc.Spec{
		Name: "fault of a port", Args: f.Helper, StdinPipe: true,
		Stdout: &proc.LineWriter{Take: func(line []byte) {
			var a answer
			if err := json.Unmarshal(line, &a); err != nil {
				a.Error = fmt.Sprintf("unknown answer %.80q: %v", line, err)
			}
			select {
			case f.answers <- a:
			default: // more than there are to come
			}
		}},
	})
	if err != nil {
		return err
	}
	if _, err = f.process.Stdin.Write(append(text, '\n')); err == nil {
		_, err = f.answer(ctx)
	}
	if err != nil {
		f.process.Kill()
	}
	return err
}

// answer waits for the next answer of the helper.
func (f *Fault) answer(ctx context.Context) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var a answer
	select {
	case a = <-f.answers:
	case <-ctx.Done():
		return a, ctx.Err()
	case <-f.process.Done():
		select {
		case a = <-f.answers: // its last words
		default:
			return a, fmt.Errorf("the fault's helper ended (%s): %s", f.process.State(), f.process.Output())
		}
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// End implements chaos.Fault.
func (f *Fault) End() (*result.Certificate, error) {
	_ = f.process.Stdin.Close() // a helper that is gone says so below
	a, err := f.answer(context.Background())
	f.process.Kill() // it has nothing left to do
	return a.Certificate, err
}
