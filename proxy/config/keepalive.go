package config

import (
	"math"
	"time"

	"bench/proxy/spec"
)

// tcpKeepAliveKeywords say how TCP keep-alive goes where options switch it on
// (configuration manual, section 4.2).
func tcpKeepAliveKeywords() []keyword {
	var rows []keyword
	for _, side := range []struct {
		name, whose string
		scope       scope
		field       func(*settings) *opt[spec.KeepAliveProbes]
	}{
		{"clitcpka", "clients", inDefaults | inFront, func(s *settings) *opt[spec.KeepAliveProbes] { return &s.cliProbes }},
		{"srvtcpka", "servers", inDefaults | inBack, func(s *settings) *opt[spec.KeepAliveProbes] { return &s.srvProbes }},
	} {
		row := func(name, args, doc string, read func(*line, *spec.KeepAliveProbes, word) bool) {
			rows = append(rows, keyword{name: side.name + "-" + name, args: args, scope: side.scope, doc: doc, read: func(l *line) {
				if w, ok := l.one(args); ok {
					o := side.field(&l.sect.settings)
					probes := o.val
					if read(l, &probes, w) {
						o.put(probes, l.pos)
					}
				}
			}})
		}
		span := func(field func(*spec.KeepAliveProbes) *time.Duration) func(*line, *spec.KeepAliveProbes, word) bool {
			return func(l *line, p *spec.KeepAliveProbes, w word) bool {
				d, ok := l.duration(w, time.Second)
				*field(p) = d
				return ok
			}
		}
		row("cnt", "<number>", "Unanswered TCP keep-alive probes after which connections of "+side.whose+" are given up.", func(l *line, p *spec.KeepAliveProbes, w word) (ok bool) {
			p.Count, ok = l.integer(w, 0, math.MaxInt32)
			return ok
		})
		row("idle", "<time>", "Quiet time before the first TCP keep-alive probe to "+side.whose+"; a bare number counts seconds.", span(func(p *spec.KeepAliveProbes) *time.Duration { return &p.Idle }))
		row("intvl", "<time>", "Time between two TCP keep-alive probes to "+side.whose+"; a bare number counts seconds.", span(func(p *spec.KeepAliveProbes) *time.Duration { return &p.Interval }))
	}
	return rows
}
