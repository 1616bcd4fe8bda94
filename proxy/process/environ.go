package process

import (
	"maps"
	"slices"
	"strings"

	"bench/proxy/engine"
	"bench/proxy/spec"
)

// setEnviron keeps the environment that is left when the configuration has been read, with
// what programs and scripts find the command sockets by.
func (p *process) setEnviron(vars map[string]string, cfg *spec.Config) {
	var sockets []string
	for _, b := range cfg.Global.Stats {
		sockets = append(sockets, b.Addr.WithFamily())
	}
	if p.state.Control > 0 {
		sockets = append(sockets, engine.MasterAddress(p.state.Control))
	}
	p.vars = maps.Clone(vars)
	if len(sockets) > 0 {
		p.vars["HAPROXY_CLI"] = strings.Join(sockets, ";")
	}
	if !cfg.Global.MasterWorker {
		return
	}
	p.vars["HAPROXY_MWORKER"] = "1"
	sockets = nil
	for _, text := range p.opt.MasterCLI {
		if addr, _, _, err := parseMasterSocket(text); err == nil {
			sockets = append(sockets, addr.WithFamily())
		}
	}
	if len(sockets) > 0 {
		p.vars["HAPROXY_MASTER_CLI"] = strings.Join(sockets, ";")
	}
}

// environ is that environment, by names.
func (p *process) environ() []string {
	list := make([]string, 0, len(p.vars))
	for _, name := range slices.Sorted(maps.Keys(p.vars)) {
		list = append(list, name+"="+p.vars[name])
	}
	return list
}
