package config

import (
	"math"
	"time"

	"bench/proxy/spec"
)

// statsKeywords are the runtime API's sockets (configuration manual, section
// 3.1; the statistics page is another matter).
func statsKeywords() []keyword {
	return []keyword{
		{name: "stats socket", args: "<address> [<option>...]", scope: inGlobal, doc: "Listen for the runtime API.", read: func(l *line) {
			l.binds(false, func(b *spec.Bind) { l.p.global.Stats = append(l.p.global.Stats, b) })
		}},
		globalTime("stats timeout", "Idle time of runtime API connections.", func(g *spec.Global) *time.Duration { return &g.StatsTimeout }),
		globalNumber("stats maxconn", 1, math.MaxInt32, "Connections to the runtime API.", func(g *spec.Global) *int { return &g.StatsMaxConn }),
		{name: "stats bind-process", args: "<processes>", scope: inGlobal, inert: "there is one process", doc: "Processes that listen, in the configurations of older versions.", read: func(l *line) { l.arity(1, maxWords, "processes") }},
	}
}
