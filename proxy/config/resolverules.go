package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/rule"
	"bench/proxy/spec"
)

func lowered(s string) string { return strings.ToLower(s) }

// rules makes the lists of a proxy of what was read of its section.
func (p *parser) rules(s *section, px *spec.Proxy) {
	px.SwitchesMode = px.Mode == spec.ModeTCP && px.Caps&spec.Frontend != 0 && rule.SwitchesMode(s.rules[rule.Content])
	for place, rules := range s.rules {
		place := rule.Place(place)
		if len(rules) == 0 {
			continue
		}
		if !px.MayBeHTTP() && place >= rule.Request {
			continue
		}
		delay := s.inspect.val
		if place == rule.Answer {
			delay = s.inspectAnswer.val
		}
		px.Rules[place] = &rule.List{Place: place, Rules: rules, Delay: delay}
	}
	if len(s.redirects) > 0 && px.MayBeHTTP() {
		px.Redirects = &rule.List{Place: rule.Request, Rules: s.redirects}
	}
	px.ReqCaptures, px.ResCaptures, px.MonitorFail = s.reqCaptures, s.resCaptures, s.monitorFail
	if c := s.cookieCapture; c != nil {
		px.CookieCapture = &spec.CookieCapture{Prefix: c.Prefix, Length: min(c.Length, p.global.cookieLen)}
		if c.Length > p.global.cookieLen {
			p.warning(s, s.pos, "'capture cookie' of '%s' keeps %d bytes, as 'tune.http.cookielen' says, and not %d", px.Name, p.global.cookieLen, c.Length)
		}
	}
}

// checkRules warns about rules and samples that need HTTP in a section without.
func (p *parser) checkRules(s *section, px *spec.Proxy) {
	if s.inspect.set && len(s.rules[rule.Content]) == 0 {
		p.warning(s, s.inspect.pos, "'tcp-request inspect-delay' of '%s' has no effect without 'tcp-request content' rules", px.Name)
	}
	if s.inspectAnswer.set && len(s.rules[rule.Answer]) == 0 {
		p.warning(s, s.inspectAnswer.pos, "'tcp-response inspect-delay' of '%s' has no effect without 'tcp-response content' rules", px.Name)
	}
	p.checkFormats(s, px)
	if len(s.monitorFail) > 0 && px.MonitorURI == "" {
		p.warning(s, s.pos, "'monitor fail' of '%s' has no effect without 'monitor-uri'", px.Name)
	}
	if px.MayBeHTTP() {
		return
	}
	if s.httpRules.Line > 0 {
		p.warning(s, s.httpRules, "'http-request' and 'http-response' rules of '%s' are ignored: they need 'mode http'", px.Name)
	}
	if s.http != nil {
		p.report(Diagnostic{Severity: Warning, Pos: s.http.pos, Word: s.http.fetch, Source: s.http.text, Msg: fmt.Sprintf("sample fetch '%s' never has a value in '%s': it needs 'mode http'", s.http.fetch, px.Name)})
	}
	if len(s.reqCaptures)+len(s.resCaptures) > 0 && slices.ContainsFunc(append(slices.Clip(s.reqCaptures), s.resCaptures...), func(c spec.Capture) bool { return c.Field != "" }) {
		p.warning(s, s.pos, "captures of header fields of '%s' are ignored: they need 'mode http'", px.Name)
	}
}

// listUse is a rule that changes a list of patterns.
type listUse struct {
	rule *rule.Rule
	pos  spec.Pos
	text string
	sect *section
}

// checkLists warns about rules that change lists in which nothing looks.
func (p *parser) checkLists() {
	for _, u := range p.changed {
		if file, loaded := u.rule.List(); !loaded {
			p.report(Diagnostic{Severity: Warning, Pos: u.pos, Word: file, Source: u.text, Msg: fmt.Sprintf("'%s' of '%s' has no effect: no ACL and no map uses that file", u.rule, u.sect.name)})
		}
	}
}

// resolveUsers finds the lists of users that expressions name.
func (p *parser) resolveUsers() {
	for _, u := range p.sampleUses {
		if !u.Users {
			continue
		}
		d := p.others.userlists[u.Name]
		if d == nil {
			names := slices.Sorted(maps.Keys(p.others.userlists))
			p.report(Diagnostic{Severity: Alert, Pos: u.pos, Word: u.Name, Source: u.text, Msg: fmt.Sprintf("there is no userlist '%s'", u.Name), Suggestion: nearest.Word(u.Name, names)})
			continue
		}
		d.used = true
		u.Arg.SetUsers(d.list)
	}
}

// resolveSamples finds the proxies and servers that expressions name.
func (p *parser) resolveSamples(cfg *spec.Config) {
	for _, u := range p.sampleUses {
		if u.Users {
			continue
		}
		report := func(suggestion, format string, a ...any) {
			at := u.pos
			for _, before := range []string{"(", "table ", ","} {
				if i := strings.Index(u.text, before+u.Name); i >= 0 && u.Name != "" {
					at.Col = i + len(before) + 1
					break
				}
			}
			p.report(Diagnostic{Severity: Alert, Pos: at, Word: u.Name, Msg: fmt.Sprintf(format, a...), Suggestion: suggestion, Source: u.text})
		}
		if u.Table {
			p.resolveTable(cfg, &u, report)
			continue
		}
		name, server := u.Name, ""
		if u.Server {
			var both bool
			if name, server, both = strings.Cut(u.Name, "/"); !both {
				name, server = u.sect.name, u.Name
			}
		}
		side, kind := spec.Backend, "backend"
		if u.Frontend {
			side, kind = spec.Frontend, "frontend"
		}
		s := p.proxyNamed(name, side)
		if s == nil {
			report(nearest.Word(name, p.namesOfSide(side)), "there is no %s '%s'", kind, name)
			continue
		}
		u.Arg.Int = int64(s.index)
		if !u.Server {
			continue
		}
		servers := cfg.Proxies[s.index].Servers
		u.Arg.Server = server
		if i := slices.IndexFunc(servers, func(x *spec.Server) bool { return x.Name == server }); i >= 0 {
			servers[i].Named = true
		} else {
			names := make([]string, len(servers))
			for i, x := range servers {
				names[i] = x.Name
			}
			report(nearest.Word(server, names), "there is no server '%s' in backend '%s'", server, name)
		}
	}
}
