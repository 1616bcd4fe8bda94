package config

import (
	"fmt"
	"slices"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/spec"
)

// alert reports an error about a section as a whole or a line of it.
func (p *parser) alert(s *section, at spec.Pos, format string, a ...any) {
	p.remark(Alert, s, at, "", format, a...)
}

func (p *parser) warning(s *section, at spec.Pos, format string, a ...any) {
	p.remark(Warning, s, at, "", format, a...)
}

func (p *parser) remark(sev Severity, s *section, at spec.Pos, suggestion, format string, a ...any) {
	d := Diagnostic{Severity: sev, Pos: at, Msg: fmt.Sprintf(format, a...), Suggestion: suggestion}
	if at == s.pos {
		d.Word, d.Source = s.name, s.text
		d.Col = s.word.col
	}
	p.report(d)
}

// resolveBackends finds the backends that a frontend names.
func (p *parser) resolveBackends(cfg *spec.Config, s *section, px *spec.Proxy) {
	if px.Caps&spec.Frontend == 0 || px.Disabled {
		return
	}
	for _, d := range s.switching {
		sw := spec.Switch{Cond: d.cond, Name: d.format}
		if d.format == nil {
			if sw.Backend = p.target(cfg, s, px, d.to, "use_backend"); sw.Backend == nil {
				continue
			}
		}
		px.Switching = append(px.Switching, sw)
	}
	if r := s.settings.defaultBack; r.set {
		px.DefaultBackend = p.target(cfg, s, px, r.val, "default_backend")
	}
}

func (p *parser) target(cfg *spec.Config, s *section, px *spec.Proxy, r reference, keyword string) *spec.Proxy {
	report := func(suggestion, format string, a ...any) *spec.Proxy {
		p.report(Diagnostic{Severity: Alert, Pos: r.pos, Word: r.name, Msg: fmt.Sprintf(format, a...), Suggestion: suggestion, Source: r.text})
		return nil
	}
	b := p.proxyNamed(r.name, spec.Backend)
	switch {
	case b == nil && p.proxyNamed(r.name, spec.Frontend) != nil:
		return report("", "'%s' of '%s' is '%s', which is a frontend, not a backend", keyword, px.Name, r.name)
	case b == nil:
		return report(nearest.Word(r.name, p.namesOfSide(spec.Backend)), "'%s' of '%s' is '%s', which does not exist", keyword, px.Name, r.name)
	case b == s:
		return report("", "'%s' of '%s' is itself", keyword, px.Name)
	}
	t := cfg.Proxies[b.index]
	if px.Mode == spec.ModeHTTP && t.Mode == spec.ModeTCP {
		return report("", "%s '%s' is in mode %s, but its backend '%s' (%s:%d) in mode %s", kindName(s.kind), px.Name, modeName(px.Mode), t.Name, b.pos.File, b.pos.Line, modeName(t.Mode))
	}
	return t
}

func modeName(m spec.Mode) string {
	if m == spec.ModeHTTP {
		return "http"
	}
	return "tcp"
}

// check warns about what works but is probably not meant. Disabled proxies are
// left alone.
func (p *parser) check(s *section, px *spec.Proxy) {
	if px.Disabled {
		return
	}
	kind := kindName(s.kind)
	if px.Caps&spec.Frontend != 0 && len(px.Binds) == 0 {
		p.warning(s, s.pos, "%s '%s' has no 'bind' line: make it a backend if that is what it is meant to be", kind, px.Name)
	}
	p.checkTimeouts(s, px)
	p.checkLogs(s, px)
	if h := s.settings.uniqueIDHeader; h.set && px.Caps&spec.Frontend != 0 && px.UniqueID == nil {
		p.warning(s, h.pos, "'unique-id-header' of '%s' has no effect without 'unique-id-format'", px.Name)
	}
	px.Mail = p.mail(s, px)
	p.checkRules(s, px)
	if !px.MayBeHTTP() {
		p.checkTCP(s, px)
	}
	for _, srv := range px.Servers {
		if !portToCheck(px, srv) {
			p.alert(s, srv.Pos, "server '%s' has no port of its own to check: give it a 'port'", srv.Name)
		}
	}
	c := &s.settings.check
	if px.Caps&spec.Backend != 0 {
		isHTTP := c.kind.set && c.kind.val == spec.CheckHTTP
		if c.http.pos.Line > 0 && !isHTTP {
			p.warning(s, c.http.pos, "'http-check' rules of '%s' are ignored without 'option httpchk'", px.Name)
		}
		p.checkExternal(s, px)
		if c.tcp.idle.Line > 0 {
			p.warning(s, c.tcp.idle, "'tcp-check comment' of '%s' has no effect: no rule follows it", px.Name)
		}
		if c.http.idle.Line > 0 {
			p.warning(s, c.http.idle, "'http-check comment' of '%s' has no effect: no rule follows it", px.Name)
		}
		if c.tcp.pos.Line > 0 && (!c.kind.set || c.kind.val != spec.CheckTCP) {
			p.warning(s, c.tcp.pos, "'tcp-check' rules of '%s' are ignored without 'option tcp-check'", px.Name)
		}
	}
}

// portToCheck tells whether it is known which port checks of the server go to, if it is
// checked.
func portToCheck(px *spec.Proxy, s *spec.Server) bool {
	return !s.Check || !s.MapPort || s.Unresolved || s.CheckPort > 0 || s.CheckAddr != nil && s.CheckAddr.AddrPort().Port() > 0 ||
		px.Check != nil && px.Check.NamesPorts()
}

// checkTimeouts warns about sides that could wait for ever.
func (p *parser) checkTimeouts(s *section, px *spec.Proxy) {
	var missing []string
	if px.Caps&spec.Frontend != 0 && px.Timeouts.Client == 0 {
		missing = append(missing, "client")
	}
	if px.Caps&spec.Backend != 0 && len(px.Servers) > 0 {
		if px.Timeouts.Connect == 0 {
			missing = append(missing, "connect")
		}
		if px.Timeouts.Server == 0 {
			missing = append(missing, "server")
		}
	}
	if len(missing) > 0 {
		p.warning(s, s.pos, "%s '%s' has no 'timeout %s': connections that hang would stay for ever", kindName(s.kind), px.Name, strings.Join(missing, "', 'timeout "))
	}
}

func (p *parser) checkLogs(s *section, px *spec.Proxy) {
	if d := s.settings.logData; d.set && px.Caps&spec.Frontend != 0 && !slices.ContainsFunc(px.Logs, func(t spec.LogTarget) bool {
		return t.Format == "rfc5424" || t.Ring != nil && t.Ring.Format == "rfc5424"
	}) {
		p.warning(s, d.pos, "'log-format-sd' of '%s' has no effect: no 'log' line has 'format rfc5424'", px.Name)
	}
	f := s.settings.logFormat
	if px.Caps&spec.Frontend == 0 || !f.set {
		return
	}
	if len(px.Logs) == 0 {
		p.warning(s, f.pos, "the log format of '%s' is not used: there is no 'log' line", px.Name)
	}
	if px.Mode == spec.ModeTCP && (f.val == spec.LogHTTP || f.val == spec.LogHTTPS || f.val == spec.LogCLF) {
		p.warning(s, f.pos, "'option httplog' of '%s' needs 'mode http': the format of 'option tcplog' is used", px.Name)
		px.LogFormat = spec.LogTCP
	}
}

// checkTCP warns about what needs HTTP and drops it.
func (p *parser) checkTCP(s *section, px *spec.Proxy) {
	if f := s.settings.forwardFor; f.set {
		p.warning(s, f.pos, "'option forwardfor' of '%s' is ignored: it needs 'mode http'", px.Name)
		px.ForwardFor = nil
	}
	if u := s.settings.monitorURI; u.set && px.Caps&spec.Frontend != 0 {
		p.warning(s, u.pos, "'monitor-uri' of '%s' is ignored: it needs 'mode http'", px.Name)
		px.MonitorURI = ""
	}
	if h := s.settings.nameHeader; h.set && px.Caps&spec.Backend != 0 {
		p.warning(s, h.pos, "'http-send-name-header' of '%s' is ignored: it needs 'mode http'", px.Name)
		px.ServerNameHeader = ""
	}
	if h := s.settings.uniqueIDHeader; h.set && px.Caps&spec.Frontend != 0 {
		p.warning(s, h.pos, "'unique-id-header' of '%s' is ignored: it needs 'mode http'", px.Name)
		px.UniqueIDHeader = ""
	}
	if o := s.settings.originalTo; o.set {
		p.warning(s, o.pos, "'option originalto' of '%s' is ignored: it needs 'mode http'", px.Name)
		px.OriginalTo = nil
	}
	if o := s.settings.restrict; o.set {
		p.warning(s, o.pos, "'option http-restrict-req-hdr-names' of '%s' is ignored: it needs 'mode http'", px.Name)
		px.FieldNames = spec.AnyNames
	}
	if px.StatsPage != nil {
		p.warning(s, s.settings.page.pos, "'stats' lines of '%s' are ignored: they need 'mode http'", px.Name)
		px.StatsPage = nil
	}
	if o := s.settings.options["http-buffer-request"]; o.val {
		p.warning(s, o.pos, "'option http-buffer-request' of '%s' is ignored: it needs 'mode http'", px.Name)
		px.Options.HTTPBufferRequest = false
	}
}
