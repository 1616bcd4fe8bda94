package runner

import (
	"context"
	"errors"
	"fmt"

	"bench/internal/hosts/session"
	"bench/scenarios/format"
)

// another reports whether there is one more machine for the load that is searched.
func (t *Trials) another(ctx context.Context) (bool, error) {
	if t.o.Hub == nil || t.load.OnHost == "" {
		return false, nil
	}
	s, err := session.Open(ctx, session.Options{Hub: t.o.Hub})
	if err != nil {
		return false, fail(exitLost, err)
	}
	found, err := s.Look(ctx, 2*lookAtLeast)
	if err := errors.Join(err, s.Close()); err != nil {
		return false, fail(exitLost, err)
	}
	wanted := t.withMore(1)
	if wanted == nil {
		return false, nil
	}
	_, missing := choose(wanted, found)
	return len(missing) == 0, nil
}

// withMore is the scenario with so many more machines for the load than it has now, nil
// where those are named: they are as many as they are.
func (t *Trials) withMore(n int) *format.Scenario {
	s := *t.base
	s.Hosts = nil
	for _, h := range t.base.Hosts {
		if h.Name == t.load.OnHost {
			if len(h.Names) > 0 {
				return nil
			}
			h.Count += t.more + n
		}
		s.Hosts = append(s.Hosts, h)
	}
	return &s
}

// grown says that the load got more machines, "" if it did not.
func (t *Trials) grown() string {
	if t.more == 0 {
		return ""
	}
	return fmt.Sprintf("load %s gave out before the proxy did: it got %s more than the scenario gives it", t.load.Name, plural(t.more, "host"))
}
