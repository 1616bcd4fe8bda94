package runner

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"bench/scenarios/format"
)

// placement says on which CPUs the parts of a run are.
type placement struct {
	proxy, origins, loads []int // by default; empty is anywhere
	warnings              []string
}

// allowedCPUs lists the CPUs this process may use.
func allowedCPUs() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	var all []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	return all, nil
}

// place gives the proxy a CPU of its own, or one for each of its threads, and the rest to
// origins and loads, unless the scenario says otherwise.
func place(s *format.Scenario, allowed []int) (*placement, error) {
	check := func(what string, cpus []int) error {
		for _, cpu := range cpus {
			if !slices.Contains(allowed, cpu) {
				return fmt.Errorf("%s is to run on CPU %d; this machine offers %v", what, cpu, allowed)
			}
		}
		return nil
	}
	if !s.Proxy.Foreign() { // which runs where it does
		if err := check("the proxy", s.Proxy.CPUs); err != nil {
			return nil, err
		}
	}
	for i := range s.Backends {
		if err := check("backend "+s.Backends[i].Name, s.Backends[i].CPUs); err != nil {
			return nil, err
		}
	}
	for i := range s.Load {
		if err := check("load "+s.Load[i].Name, s.Load[i].CPUs); err != nil {
			return nil, err
		}
	}
	for i := range s.Abuse {
		if err := check("abuse "+s.Abuse[i].Name, s.Abuse[i].CPUs); err != nil {
			return nil, err
		}
	}
	p := &placement{proxy: s.Proxy.CPUs}
	if len(allowed) == 1 {
		p.warnings = append(p.warnings, "one CPU: proxy, origins and loads share it, so latencies hold the waiting for each other")
		return p, nil
	}
	if len(p.proxy) == 0 {
		p.proxy = allowed[:min(max(1, s.Proxy.Threads), len(allowed))]
		if s.Proxy.Foreign() {
			p.proxy = allowed // it may be anywhere
		}
	}
	var rest []int
	for _, cpu := range allowed {
		if !slices.Contains(p.proxy, cpu) {
			rest = append(rest, cpu)
		}
	}
	if len(rest) == 0 {
		rest = allowed
		p.warnings = append(p.warnings, "the proxy may use every CPU, so origins and loads share them with it")
	}
	p.origins, p.loads = rest, rest
	return p, nil
}

// or is the first of the two that is set.
func or(own, common []int) []int {
	if len(own) > 0 {
		return own
	}
	return common
}
