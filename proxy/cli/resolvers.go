package cli

import (
	"fmt"

	"bench/proxy/resolver"
	"bench/proxy/stats"
)

func resolverCommands() []Command {
	return []Command{
		{Words: "show resolvers", Args: "[<id>]", Help: "report the counters of name servers", Fn: showResolvers},
	}
}

func showResolvers(r *request) error {
	found := r.arg(0) == ""
	for _, x := range r.s.engine.Resolvers() {
		if r.arg(0) != "" && r.arg(0) != x.Spec.Name {
			continue
		}
		found = true
		if err := r.writeResolver(x); err != nil {
			return err
		}
	}
	if !found {
		return r.fail("Can't find that resolvers section")
	}
	return nil
}

func (r *request) writeResolver(x *resolver.Resolver) error {
	if _, err := fmt.Fprintf(r.w, "Resolvers section %s\n", x.Spec.Name); err != nil {
		return err
	}
	for i := range x.Spec.Nameservers {
		c := x.Counters(i)
		_, err := fmt.Fprintf(r.w, " nameserver %s:\n  sent:        %d\n  snd_error:   %d\n  valid:       %d\n  update:      %d\n  cname:       %d\n  cname_error: %d\n"+
			"  any_err:     %d\n  nx:          %d\n  timeout:     %d\n  refused:     %d\n  other:       %d\n  invalid:     %d\n  too_big:     %d\n  truncated:   %d\n  outdated:    %d\n",
			x.Spec.Nameservers[i].Name, c.Sent.Load(), c.SendErrors.Load(), c.Valid.Load(), c.Updates.Load(), c.CNAME.Load(), c.CNAMEErrors.Load(),
			c.Empty.Load(), c.NX.Load(), c.Timeout.Load(), c.Refused.Load(), c.Other.Load(), c.Invalid.Load(), c.TooBig.Load(), c.Truncated.Load(), c.Outdated.Load())
		if err != nil {
			return err
		}
	}
	return nil
}

// showNameservers is "show stat domain resolvers": the same counters in the formats of
// statistics.
func (r *request) showNameservers(args []string) error {
	var list []stats.Nameserver
	for _, x := range r.s.engine.Resolvers() {
		for i := range x.Spec.Nameservers {
			c := x.Counters(i)
			list = append(list, stats.Nameserver{Name: x.Spec.Nameservers[i].Name, Resolvers: x.Spec.Name, Counts: [...]uint64{
				c.Sent.Load(), c.SendErrors.Load(), c.Valid.Load(), c.Updates.Load(), c.CNAME.Load(), c.CNAMEErrors.Load(),
				c.Empty.Load(), c.NX.Load(), c.Timeout.Load(), c.Refused.Load(), c.Other.Load(), c.Invalid.Load(), c.TooBig.Load(), c.Truncated.Load(), c.Outdated.Load(),
			}})
		}
	}
	f, desc := outputFormat(args)
	return stats.WriteNameservers(r.w, list, f, desc)
}
