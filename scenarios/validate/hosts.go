package validate

import (
	"fmt"
	"slices"
	"strings"

	"bench/chaos/network"
	"bench/chaos/port"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

// maxHosts bounds the machines of a role.
const maxHosts = 1000

// hosts checks the machines of the scenario and who is on them.
func (v *validator) hosts() {
	s := v.s
	used := map[string]bool{s.Proxy.OnHost: true}
	v.host("proxy.onHost", s.Proxy.OnHost)
	for i := range s.Backends {
		b := &s.Backends[i]
		used[b.OnHost] = true
		v.host(fmt.Sprintf("backends[%d].onHost", i), b.OnHost)
		if b.OnHost != "" && b.Listen != "" {
			v.fail(fmt.Sprintf("backends[%d].listen", i), "the addresses of origins on other machines follow from the machine: leave listen out")
		}
	}
	for i := range s.Load {
		used[s.Load[i].OnHost] = true
		v.host(fmt.Sprintf("load[%d].onHost", i), s.Load[i].OnHost)
	}
	for i := range s.Abuse {
		used[s.Abuse[i].OnHost] = true
		v.host(fmt.Sprintf("abuse[%d].onHost", i), s.Abuse[i].OnHost)
	}
	for i := range s.Hosts {
		h := &s.Hosts[i]
		at := fmt.Sprintf("hosts[%d]", i)
		v.name(at+".name", h.Name)
		v.between(at+".count", h.Count, 1, maxHosts)
		switch {
		case slices.ContainsFunc(s.Hosts[:i], func(o format.HostRole) bool { return o.Name == h.Name }):
			v.fail(at+".name", "there are two roles %q", h.Name)
		case len(h.Names) > 0 && (len(h.Labels) > 0 || v.given(at+".count")):
			v.fail(at+".names", "machines are chosen by names, or by labels and count, not by both")
		case !used[h.Name]:
			v.fail(at+".name", "no part of the run is on %q: refer to it by onHost", source.Printable(h.Name))
		}
		for j, name := range h.Names {
			if slices.Contains(h.Names[:j], name) {
				v.fail(fmt.Sprintf("%s.names[%d]", at, j), "machine %q is named twice", source.Printable(name))
			}
		}
	}
	if s.Proxy.OnHost != "" && s.Proxy.Driver == "external" {
		v.cannotBe("proxy.onHost", "a proxy that runs already is where it is: leave onHost out")
	}
}

func (v *validator) host(path, host string) {
	if host != "" && !slices.Contains(v.s.HostRoleNames(), host) {
		v.fail(path, "there is no role %q among hosts%s", source.Printable(host), source.DidYouMean(host, v.s.HostRoleNames()))
	}
}

// portFault checks an event on connections or packets where parts of the run are on several
// machines: it acts on the machine of what it names, and there is no wire. One that a network
// has, for runs on one machine, means nothing there.
func (v *validator) portFault(at string, e *format.Event) {
	switch {
	case v.given(at+".args.wire") && v.s.Network == nil:
		v.fail(at+".args.wire", "there are no wires between machines: leave wire out, only says where it acts")
		return
	case e.Do == "connections.synFlood" || e.Do == "connections.halfOpen":
		v.fail(at+".do", "%s comes over a wire of a network on one machine: leave it or onHost out", e.Do)
		return
	case e.Do == "network.mtu":
		v.fail(at+".do", "%s is that of a wire of a network on one machine: leave it or onHost out", e.Do)
		return
	case e.Args.Only == "":
		v.fail(at+".args.only", "%s needs args: only: on several machines it acts at the port of proxy/LISTENER or origin/REPLICA%s", e.Do, v.inPlaceOf(e.Args.Wire))
		return
	case e.Args.Capture:
		v.fail(at+".args.capture", "packets are written down on the wires of a network on one machine only: leave capture out")
		return
	}
	if err := v.only(e.Args.Only); err != nil {
		v.fail(at+".args.only", "%s", source.Printable(err.Error()))
		return
	}
	if !strings.HasPrefix(e.Do, format.WirePrefix) {
		return
	}
	for _, key := range []string{"direction", "protocol", "mechanism", "with"} {
		if v.Bad[at+".args."+key] {
			return // said already
		}
	}
	if !v.lossGiven(at, e) {
		return
	}
	s, err := e.Impairment(1) // any port
	if err == nil {
		err = port.Check(&network.Order{Spec: s, Mechanism: network.Mechanism(e.Args.Mechanism)})
	}
	if err != nil {
		v.fail(at+".do", "%s", source.Printable(err.Error()))
	}
}

// inPlaceOf says what to name in place of a wire that the clients' or the origins'
// connections cross.
func (v *validator) inPlaceOf(wire string) string {
	if wire == "" || v.s.Network == nil || v.Bad["network"] {
		return ""
	}
	t := v.s.Network.Topology()
	var ends, all []string
	for i := range v.s.Load {
		ends = append(ends, v.s.Load[i].Target)
	}
	for i := range v.s.Backends {
		names, _ := v.s.Replicas(v.s.Backends[i].Name) // what is wrong with them was said
		for _, name := range names {
			ends = append(ends, "origin/"+name)
		}
	}
	for _, end := range ends {
		crosses := slices.ContainsFunc(v.s.Flows(end), func(f format.Flow) bool { return slices.Contains(t.Between(f.From, f.To), wire) })
		if crosses && v.only(end) == nil && !slices.Contains(all, end) {
			all = append(all, end)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf(", and wire %s leads to %s: an event for each", source.Printable(wire), strings.Join(all, ", "))
}
