package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bench/proxy/spec"
)

// forwardConns is how many connections a section takes where it does not say.
const forwardConns = 10

// forwardDraft is a "log-forward" section as far as it has been read.
type forwardDraft struct {
	spec.LogForward
	logs []logDraft
}

// forward is the section being read.
func (l *line) forward() *forwardDraft { return l.p.others.forwards[len(l.p.others.forwards)-1] }

// logForwardKeywords are those of "log-forward" sections (configuration manual,
// section 3.10).
func logForwardKeywords() []keyword {
	number := func(name, doc string, field func(*forwardDraft) *int) keyword {
		return keyword{name: name, args: "<number>", scope: inLogForward, doc: doc, read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				if n, ok := l.integer(w, 0, math.MaxInt32); ok {
					*field(l.forward()) = n
				}
			}
		}}
	}
	return []keyword{
		{name: "bind", args: "<address>[,<address>...] [<option>...]", scope: inLogForward, doc: "Take lines over connections.", read: readForwardBind},
		{name: "dgram-bind", args: "<address>[,<address>...] [<option>...]", scope: inLogForward, doc: "Take lines as datagrams.", read: readDatagramBind},
		{name: "log", args: "global | <address> [len <length>] [format <format>] [sample <ranges>:<size>] <facility> [<level> [<minlevel>]]", scope: inLogForward, no: true, doc: "Where lines are sent; a target without a format gets them in the one that loses the least.", read: func(l *line) { l.readLogs(&l.forward().logs) }},
		number("maxconn", "Connections that are served at a time: 10 by default.", func(f *forwardDraft) *int { return &f.MaxConn }),
		number("backlog", "Connections the kernel keeps waiting.", func(f *forwardDraft) *int { return &f.Backlog }),
		{name: "timeout client", args: "<time>", scope: inLogForward, doc: "Longest silence of a connection.", read: func(l *line) {
			if w, ok := l.one("a time"); ok {
				if d, ok := l.duration(w, time.Millisecond); ok {
					l.forward().Client = d
				}
			}
		}},
	}
}

func (p *parser) beginLogForward(l *line, name word) {
	for _, f := range p.others.forwards {
		if f.Name == name.text {
			l.twice(name, f.Pos)
		}
	}
	for _, s := range p.byName[name.text] {
		l.fail(name, "section '%s %s' has the same name as the %s at %s:%d", l.kw.name, name.text, kindName(s.kind), s.pos.File, s.pos.Line)
	}
	p.others.forwards = append(p.others.forwards, &forwardDraft{LogForward: spec.LogForward{Pos: l.pos, Name: name.text, MaxConn: forwardConns}})
}

// readForwardBind takes an address of connections. What reads lines from them knows
// neither TLS nor the PROXY protocol.
func readForwardBind(l *line) {
	f := l.forward()
	l.binds(true, func(b *spec.Bind) {
		switch {
		case b.TLS != nil:
			l.fail(l.head, "'ssl' is not supported in 'log-forward' sections: put a frontend in mode tcp before it")
			return
		case b.AcceptProxy, b.AcceptCIP:
			l.fail(l.head, "'accept-proxy' and 'accept-netscaler-cip' are not supported in 'log-forward' sections")
			return
		case b.Proto != spec.ProtoAny:
			l.fail(l.head, "'proto' is not supported in 'log-forward' sections: there is no HTTP in them")
			return
		}
		f.Binds = append(f.Binds, b)
	})
}

// datagramOptions are the options of "bind" that mean something to datagrams.
// "ssl" is refused anyway.
func datagramOptions() []string {
	return []string{"name", "interface", "transparent", "namespace", "ssl"}
}

func readDatagramBind(l *line) {
	f := l.forward()
	for _, o := range bindOptions() {
		if i := slices.IndexFunc(l.args, func(w word) bool { return w.text == o.name }); i > 0 && !slices.Contains(datagramOptions(), o.name) {
			l.warn(l.args[i], "'%s' has no effect in 'dgram-bind': datagrams have no connections", o.name)
		}
	}
	if len(l.args) > 0 {
		if slices.ContainsFunc(strings.Split(l.args[0].text, ","), streamOnly) {
			l.fail(l.args[0], "'%s': '%s' is an address of connections, not of datagrams", l.kw.name, l.args[0].text)
			return
		}
		l.args = slices.Clone(l.args)
		l.args[0].text = datagramAddress(l.args[0].text)
	}
	l.binds(true, func(b *spec.Bind) {
		if b.FD >= 0 {
			l.fail(l.args[0], "'%s': descriptors are not supported here", l.kw.name)
			return
		}
		f.Datagrams = append(f.Datagrams, &spec.DatagramBind{Pos: b.Pos, Addr: b.Addr, Text: b.Text, Interface: b.Options.Interface, Foreign: b.Options.Transparent, Namespace: b.Options.Namespace})
	})
}

// datagramAddress is a list of addresses without what says that they are for datagrams.
func datagramAddress(text string) string {
	all := strings.Split(text, ",")
	for i, a := range all {
		for _, form := range [][2]string{{"udp@", ""}, {"udp4@", "ipv4@"}, {"udp6@", "ipv6@"}, {"uxdg@", "unix@"}, {"dgram+", ""}} {
			if rest, ok := strings.CutPrefix(a, form[0]); ok {
				all[i] = form[1] + rest
				break
			}
		}
	}
	return strings.Join(all, ",")
}

// streamOnly tells whether an address can be one of connections only.
func streamOnly(a string) bool {
	for _, form := range []string{"tcp@", "tcp4@", "tcp6@", "uxst@", "stream+"} {
		if strings.HasPrefix(a, form) {
			return true
		}
	}
	return false
}

// resolveLogForwards finds the targets of the sections.
func (p *parser) resolveLogForwards() []*spec.LogForward {
	var all []*spec.LogForward
	for _, f := range p.others.forwards {
		f.Logs = p.logTargets(f.logs)
		if len(f.Binds) == 0 && len(f.Datagrams) == 0 {
			p.report(Diagnostic{Severity: Warning, Pos: f.Pos, Msg: fmt.Sprintf("log-forward '%s' has no 'bind' or 'dgram-bind' line", f.Name)})
		}
		all = append(all, &f.LogForward)
	}
	return all
}
