package validate

import (
	"fmt"
	"slices"
	"strings"

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
	if s.Placed() {
		v.placed()
	}
}

func (v *validator) host(path, host string) {
	if host != "" && !slices.Contains(v.s.HostRoleNames(), host) {
		v.fail(path, "there is no role %q among hosts%s", source.Printable(host), source.DidYouMean(host, v.s.HostRoleNames()))
	}
}

// placed refuses what does not work on several machines.
func (v *validator) placed() {
	s := v.s
	if s.Network != nil {
		v.fail("network", "a network of namespaces is on one machine, and parts of the run are on others: leave network or onHost out")
	}
	if s.Proxy.OnHost != "" {
		switch {
		case s.Proxy.Driver == "external":
			v.cannotBe("proxy.onHost", "a proxy that runs already is where it is: leave onHost out")
		case s.Proxy.Driver == "nginx":
			v.cannotBe("proxy.onHost", "driver nginx works on this machine only: leave onHost out")
		case s.Proxy.Reload == "master":
			v.cannotBe("proxy.reload", "reload master works on this machine only: leave onHost out, or choose another")
		}
	}
	for i := range s.Events {
		kind, _, _ := strings.Cut(s.Events[i].Do, ".")
		if kind == "connections" || kind == "network" {
			v.fail(fmt.Sprintf("events[%d].do", i), "%s acts on this machine only: leave it or onHost out", source.Printable(s.Events[i].Do))
		}
	}
}
