package config

import (
	"fmt"
	"slices"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/spec"
)

// resolveTracks finds the servers that others follow ("track").
func (p *parser) resolveTracks(cfg *spec.Config) {
	for i, s := range p.sections {
		for k, d := range s.servers {
			if d.track.name != "" {
				p.resolveTrack(cfg, s, d, cfg.Proxies[i].Servers[k])
			}
		}
	}
	for i, s := range p.sections {
		for k, d := range s.servers {
			if cfg.Proxies[i].Servers[k].Track != nil {
				p.checkTrack(cfg, d, cfg.Proxies[i].Servers[k])
			}
		}
	}
}

// trackProblem reports what is wrong with a "track".
func (p *parser) trackProblem(d *serverDraft, suggestion, format string, a ...any) {
	r := d.track
	p.report(Diagnostic{Severity: Alert, Pos: r.pos, Word: r.name, Msg: fmt.Sprintf("'track' of server '%s': %s", d.Name, fmt.Sprintf(format, a...)), Suggestion: suggestion, Source: r.text})
}

func (p *parser) resolveTrack(cfg *spec.Config, s *section, d *serverDraft, srv *spec.Server) {
	backend, name, both := strings.Cut(d.track.name, "/")
	if !both {
		backend, name = s.name, d.track.name
	}
	b := p.proxyNamed(backend, spec.Backend)
	if b == nil {
		p.trackProblem(d, nearest.Word(backend, p.namesOfSide(spec.Backend)), "there is no backend '%s'", backend)
		return
	}
	servers := cfg.Proxies[b.index].Servers
	i := slices.IndexFunc(servers, func(x *spec.Server) bool { return x.Name == name })
	if i < 0 {
		names := make([]string, len(servers))
		for i, x := range servers {
			names[i] = x.Name
		}
		p.trackProblem(d, nearest.Word(name, names), "there is no server '%s' in backend '%s'", name, backend)
		return
	}
	servers[i].Named = true
	srv.Track = &spec.Tracked{Proxy: b.index, Server: name}
}

// checkTrack refuses chains that lead nowhere.
func (p *parser) checkTrack(cfg *spec.Config, d *serverDraft, srv *spec.Server) {
	if srv.Check || srv.Agent.Check {
		p.trackProblem(d, "", "a server that follows another one is not checked itself")
		return
	}
	seen := map[*spec.Server]bool{}
	for at := srv; at.Track != nil; {
		if seen[at] {
			p.trackProblem(d, "", "the servers follow each other")
			return
		}
		seen[at] = true
		servers := cfg.Proxies[at.Track.Proxy].Servers
		i := slices.IndexFunc(servers, func(x *spec.Server) bool { return x.Name == at.Track.Server })
		if at = servers[i]; at.Track == nil && !at.Check && !at.Agent.Check {
			p.trackProblem(d, "", "server '%s' is not checked", at.Name)
		}
	}
}
