package probe

import (
	"time"

	"bench/chaos"
	"bench/chaos/conn"
	"bench/chaos/impair"
	"bench/chaos/network"
	"bench/chaos/process"
	"bench/internal/dist"
)

// row is one fault to try.
type row struct {
	name    string // as events call it
	network bool   // it takes a network of its own
	fault   func(b *bed) chaos.Fault
	remedy  string // where it does not work
}

const (
	remedyRights = "root"
	remedyDiag   = "root, and a kernel with CONFIG_INET_DIAG_DESTROY"
	remedyTables = "a kernel with CONFIG_NF_TABLES and CONFIG_NFT_NUMGEN"
	remedyShape  = "a kernel with CONFIG_NET_SCH_HTB, and root"
)

// rows are all faults.
func rows() []row {
	all := packetRows()
	all = append(all, connectionRows()...)
	return append(all, processRows()...)
}

// Names are the faults that Try tries, as events call them.
func Names() []string {
	var names []string
	for _, r := range rows() {
		names = append(names, r.name)
	}
	return names
}

func packetRows() []row {
	var all []row
	add := func(name, remedy string, change func(s *impair.Spec)) {
		all = append(all, row{name: "network." + name, network: true, remedy: remedy, fault: func(b *bed) chaos.Fault {
			o := network.Order{Spec: impair.Spec{ID: name, Seed: 1}}
			change(&o.Spec)
			return &network.Fault{Net: b.faults, Order: o, Place: b.wire()}
		}})
	}
	few := int64(1)
	add("delay", remedyRights, func(s *impair.Spec) { s.Delay = dist.FixedDuration(time.Millisecond) })
	add("loss", remedyRights, func(s *impair.Spec) { s.Loss = 0.1 })
	add("duplicate", remedyRights, func(s *impair.Spec) { s.Duplicate = 0.1 })
	add("corrupt", remedyRights, func(s *impair.Spec) { s.Corrupt = 0.1 })
	add("reorder", remedyRights, func(s *impair.Spec) { s.Reorder, s.ReorderBy = 0.1, time.Millisecond })
	add("bandwidth", remedyShape, func(s *impair.Spec) { s.Rate, s.Queue = 1e6, 50*time.Millisecond })
	add("partition", remedyTables, func(s *impair.Spec) { s.Drop = true })
	add("reject", remedyRights, func(s *impair.Spec) { s.Reject = impair.WithReset })
	add("dropSynAck", remedyRights, func(s *impair.Spec) { s.DropSynAck = 1 })
	add("resetAfter", remedyRights, func(s *impair.Spec) { s.ResetAfter = &few })
	add("loseFin", remedyRights, func(s *impair.Spec) { s.LoseFin = true })
	add("zeroWindow", remedyRights, func(s *impair.Spec) { s.ZeroWindow = true })
	return append(all, row{name: "network.mtu", network: true, remedy: remedyRights, fault: func(b *bed) chaos.Fault {
		return &network.Fault{Net: b.faults, Order: network.Order{Spec: impair.Spec{ID: "mtu"}, MTU: 1400}, Place: network.Place{
			Namespace: b.network.Node(client).Path(), Device: b.network.Interface(wire),
		}}
	}})
}

func connectionRows() []row {
	return []row{
		{name: "connections.kill", remedy: remedyDiag, fault: func(b *bed) chaos.Fault {
			return &conn.Fault{Order: &conn.Kill{Place: b.host(server), Port: b.traffic.addr.Port(), End: conn.BothEnds, Seed: 1}}
		}},
		{name: "connections.reset", remedy: remedyRights, fault: func(b *bed) chaos.Fault {
			r := &conn.Reset{Port: b.traffic.addr.Port(), Seed: 1, For: trial}
			if b.network != nil {
				w := b.wire()
				r.Place, r.Other = conn.Place{Namespace: w.Namespace, Interface: w.Wire[0]}, w.Wire[1]
			}
			return &conn.Fault{Order: r}
		}},
		{name: "connections.synFlood", network: true, remedy: remedyRights, fault: func(b *bed) chaos.Fault {
			return &conn.Fault{Order: &conn.Flood{Place: b.host(client), Target: b.traffic.addr, Rate: 1000, For: trial, Seed: 1}}
		}},
		{name: "connections.halfOpen", network: true, remedy: remedyRights, fault: func(b *bed) chaos.Fault {
			return &conn.Fault{Order: &conn.HalfOpen{Place: b.host(client), Target: b.traffic.addr, Count: 10, For: trial, Seed: 1}}
		}},
	}
}

func processRows() []row {
	return []row{
		{name: "process.stop", fault: func(b *bed) chaos.Fault { return &process.Stop{PIDs: b.pids()} }},
		{name: "process.starve", fault: func(b *bed) chaos.Fault { return &process.Starve{PIDs: b.pids(), Share: 0.5} }},
		{name: "process.limitFiles", fault: func(b *bed) chaos.Fault {
			return &process.Limit{PIDs: b.pids(), Resource: process.Files, Value: 64}
		}},
		{name: "process.limitMemory", fault: func(b *bed) chaos.Fault {
			return &process.Limit{PIDs: b.pids(), Resource: process.Memory, Value: 1 << 30}
		}},
	}
}

func (b *bed) pids() []int { return []int{b.victim.PID()} }

// wire is the wire as a place.
func (b *bed) wire() network.Place {
	p := network.Place{Namespace: b.network.WireNamespace(wire).Path()}
	for i, node := range []string{client, server} {
		p.Wire[i], _ = b.network.Port(wire, node) // both are at its ends
	}
	return p
}

// host is a node as a place, or the loopback where there is no network.
func (b *bed) host(node string) conn.Place {
	if b.network == nil {
		return conn.Place{}
	}
	return conn.Place{Namespace: b.network.Node(node).Path(), Interface: b.network.Interface(wire)}
}
