package config

import (
	"math"
	"slices"
	"strings"

	"bench/internal/poller"
	"bench/proxy/spec"
)

// tuneNumber is a tune setting with one number.
func tuneNumber(name string, least, most int64, doc string, field func(*spec.Tune) *int) keyword {
	return globalNumber("tune."+name, least, most, doc, func(g *spec.Global) *int { return field(&g.Tune) })
}

// tuneSize is a tune setting with one size in bytes.
func tuneSize(name string, least, most int64, doc string, field func(*spec.Tune) *int) keyword {
	return keyword{name: "tune." + name, args: "<size>", scope: inGlobal, doc: doc, read: func(l *line) {
		w, ok := l.one("a size")
		if !ok {
			return
		}
		n, err := parseSize(w.text)
		switch {
		case err != nil:
			l.fail(w, "'%s' %v", l.kw.name, err)
		case n < least || n > most:
			l.fail(w, "'%s' expects a size between %d and %d, not %d", l.kw.name, least, most, n)
		default:
			*field(&l.p.global.Tune) = int(n)
		}
	}}
}

// tuneKeywords are the performance settings (configuration manual, section 3.2).
func tuneKeywords() []keyword {
	type t = spec.Tune
	const longBuffer = 16 << 20
	return []keyword{
		{name: "profiling.tasks", args: "{ auto | on | off }", scope: inGlobal, doc: "Measure how long handlers take, for \"show profiling\".", read: func(l *line) {
			w, ok := l.one("auto, on or off")
			if !ok {
				return
			}
			switch w.text {
			case "on":
				l.p.global.Profiling = spec.ProfilingOn
			case "off":
				l.p.global.Profiling = spec.ProfilingOff
			case "auto":
				l.p.global.Profiling = spec.ProfilingAuto
			default:
				l.unknown(w, "argument", []string{"auto", "on", "off"})
			}
		}},
		tuneSize("bufsize", 1024, longBuffer, "Size of a buffer, and with it the longest request head.", func(s *t) *int { return &s.BufSize }),
		tuneSize("maxrewrite", 0, longBuffer, "Room kept in a buffer for added header fields.", func(s *t) *int { return &s.MaxRewrite }),
		tuneNumber("maxaccept", -1, math.MaxInt32, "Connections accepted in a row; -1: all.", func(s *t) *int { return &s.MaxAccept }),
		inertly("tune.maxpollevents", "<number>", "Events taken from the poller at once.", "the pollers choose", someInteger(1, math.MaxInt32)),
		{name: "tune.poller", args: "{ " + strings.Join(poller.Names(), " | ") + " }", scope: inGlobal, doc: "Polling mechanism to use where it works and is not switched off, in place of the best one.", read: readPoller},
		tuneNumber("comp.maxlevel", 1, 9, "How hard encoders try, from 1, where they keep nothing in memory, to 9.", func(s *t) *int { return &s.CompLevel }),
		tuneNumber("http.maxhdr", 1, 32767, "Header fields in a message.", func(s *t) *int { return &s.HTTPMaxHdr }),
		tuneNumber("http.logurilen", 1, math.MaxInt32, "Longest request line in logs.", func(s *t) *int { return &s.HTTPLogURILen }),
		inertly("tune.idletimer", "<time>", "Quiet time after which a stream counts as idle.", "no decision depends on it", someTime),
		tuneSize("pipesize", 0, math.MaxInt32, "Size of the pipes for splicing; by default 128 kB for the first 128 of them, then the system's.", func(s *t) *int { return &s.PipeSize }),
		tuneNumber("pool-high-fd-ratio", 0, 100, "Percentage of descriptors above which idle server connections are closed for new ones.", func(s *t) *int { return &s.PoolHighFDRatio }),
		inertly("tune.pool-low-fd-ratio", "<number>", "Percentage of descriptors above which idle server connections are not kept.", "idle connections are kept up to pool-high-fd-ratio", someInteger(0, 100)),
		{name: "tune.listener.multi-queue", args: "{ on | off }", scope: inGlobal, doc: "Whether threads hand accepted connections to those that have fewer.", read: readSwitch(func(g *spec.Global) *bool { return &g.Tune.MultiQueue })},
		inertly("tune.idle-pool.shared", "{ on | off }", "Whether threads may take over each other's idle connections.", "idle connections stay with their thread", func(l *line, w word) {
			if w.text != "on" && w.text != "off" {
				l.fail(w, "'%s' expects 'on' or 'off', not '%s'", l.kw.name, w.text)
			}
		}),
		tuneSize("rcvbuf.client", 0, math.MaxInt32, "Kernel receive buffer of client connections.", func(s *t) *int { return &s.RcvBufClient }),
		tuneSize("rcvbuf.server", 0, math.MaxInt32, "Kernel receive buffer of server connections.", func(s *t) *int { return &s.RcvBufServer }),
		tuneSize("sndbuf.client", 0, math.MaxInt32, "Kernel send buffer of client connections.", func(s *t) *int { return &s.SndBufClient }),
		tuneSize("sndbuf.server", 0, math.MaxInt32, "Kernel send buffer of server connections.", func(s *t) *int { return &s.SndBufServer }),
		inertly("tune.runqueue-depth", "<number>", "Tasks run between two polls.", "all tasks that are ready run between two polls", someInteger(1, math.MaxInt32)),
	}
}

// readPoller reads the name of a polling mechanism.
func readPoller(l *line) {
	names := strings.Join(poller.Names(), ", ")
	w, ok := l.one("one of " + names)
	switch {
	case !ok:
	case !slices.Contains(poller.Names(), w.text):
		l.fail(w, "'%s' expects one of %s, not '%s'", l.kw.name, names, w.text)
	default:
		l.p.global.Tune.Poller = w.text
	}
}

// readSwitch reads on or off.
func readSwitch(field func(*spec.Global) *bool) func(*line) {
	return func(l *line) {
		w, ok := l.one("'on' or 'off'")
		if !ok {
			return
		}
		switch w.text {
		case "on", "off":
			*field(&l.p.global.Global) = w.text == "on"
		default:
			l.fail(w, "'%s' expects 'on' or 'off', not '%s'", l.kw.name, w.text)
		}
	}
}
