package runner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"bench/chaos"
	"bench/chaos/network"
	"bench/chaos/port"
	"bench/internal/hosts/session"
	"bench/internal/hosts/wire"
	"bench/scenarios/format"
)

// portFault is the fault of connections or packets of a scenario whose parts are on several
// machines: it acts at the port of what the event names, on the machine where that is.
func (c *cell) portFault(e *format.Event) (chaos.Fault, error) {
	o, err := c.portOrder(e)
	if err != nil {
		return nil, err
	}
	host := c.machineOf(e.Args.Only)
	if host == nil {
		return &port.Fault{Group: c.group, Helper: append(slices.Clone(c.self), "agent", "port"), Order: *o}, nil
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return host.Fault(&wire.Fault{Kind: wire.FaultPort, Port: text}), nil
}

// portOrder is what such an event orders.
func (c *cell) portOrder(e *format.Event) (*port.Order, error) {
	addr, _, err := c.server(e.Args.Only)
	if err != nil {
		return nil, err
	}
	o := &port.Order{Kind: port.Packets, Server: addr, Share: e.Args.Share, Seed: c.scenario.Seed ^ hash(e.Do), For: e.Args.For.D()}
	if e.Args.Count != nil {
		o.Count = *e.Args.Count
	}
	switch e.Do {
	case "connections.kill":
		o.Kind = port.Kill
	case "connections.reset":
		o.Kind = port.Reset
	default:
		s, err := e.Impairment(addr.Port())
		if err != nil {
			return nil, err
		}
		o.Packets, o.Mechanism = &s, network.Mechanism(e.Args.Mechanism)
	}
	return o, nil
}

// checkPorts refuses faults of ports that are impossible where the parts are: on machines that
// have not the rights for them, or on the loopback.
func (c *cell) checkPorts() error {
	if !c.scenario.Placed() || c.network != nil {
		return nil
	}
	for i := range c.scenario.Events {
		e := &c.scenario.Events[i]
		if a, _ := format.FindAction(e.Do); !a.OnWire() && !a.OnConnections() {
			continue
		}
		o, err := c.portOrder(e)
		if err == nil {
			err = o.Check()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Do, err)
		}
		switch h := c.machineOf(e.Args.Only); {
		case h == nil:
			if err := port.Allowed(); err != nil {
				return fmt.Errorf("%s: %w", e.Do, err)
			}
		case !h.Hello().Packets:
			return fmt.Errorf("%s: host %s may not do it: bench join wants to be root there, or to have CAP_NET_ADMIN and CAP_NET_RAW", e.Do, h.Name())
		}
	}
	return nil
}

// machineOf is the machine of proxy/LISTENER or origin/REPLICA, nil for this one.
func (c *cell) machineOf(only string) *session.Host {
	name, ok := strings.CutPrefix(only, "origin/")
	if !ok {
		return c.proxyHost()
	}
	i := slices.IndexFunc(c.origins, func(o *origin) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	return c.origins[i].host
}
