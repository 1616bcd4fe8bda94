package config

import (
	"math"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/proxy/spec"
)

// globalDraft is the global section as far as it has been read.
type globalDraft struct {
	spec.Global
	logs []logDraft
	// externalChecks: servers may be checked by commands.
	externalChecks bool
	// Of files of server states: the directory, and the file that backends share.
	stateBase, stateFile string
	// cookieLen is the longest "capture cookie".
	cookieLen int
	client    clientDraft
}

// newGlobal holds what the engine does when a global section says nothing
// (configuration manual, section 3).
func newGlobal() spec.Global {
	return spec.Global{
		UID: -1, GID: -1,
		MasterMaxReloads: math.MaxInt32,
		StatsTimeout:     10 * time.Second,
		StatsMaxConn:     10,
		TLS:              spec.GlobalTLS{MadeCerts: 1000, Lifetime: 2 * time.Hour},
		Tune: spec.Tune{
			BufSize: 16384, MaxRewrite: 1024, MaxAccept: 4,
			HTTPMaxHdr: 101, HTTPLogURILen: 1024, StickCounters: 3, PeerUpdates: 200,
			PoolHighFDRatio: 25, CompLevel: 1, MultiQueue: true,
			H2TableSize: 4096, H2Window: 65535, H2MaxStreams: 100, H2MaxFrame: 16384,
		},
	}
}

// globalFlag is a keyword without arguments.
func globalFlag(name, doc string, field func(*spec.Global) *bool) keyword {
	return keyword{name: name, scope: inGlobal, doc: doc, read: func(l *line) {
		if l.arity(0, 0, "") {
			*field(&l.p.global.Global) = true
		}
	}}
}

// globalNumber is a keyword with one number within bounds.
func globalNumber(name string, least, most int64, doc string, field func(*spec.Global) *int) keyword {
	return keyword{name: name, args: "<number>", scope: inGlobal, doc: doc, read: func(l *line) {
		if w, ok := l.one("a number"); ok {
			if n, ok := l.integer(w, least, most); ok {
				*field(&l.p.global.Global) = n
			}
		}
	}}
}

// globalText is a keyword with one word.
func globalText(name, arg, doc string, field func(*spec.Global) *string) keyword {
	return keyword{name: name, args: arg, scope: inGlobal, doc: doc, read: func(l *line) {
		if w, ok := l.one(arg); ok {
			*field(&l.p.global.Global) = w.text
		}
	}}
}

// globalTime is a keyword with one time.
func globalTime(name, doc string, field func(*spec.Global) *time.Duration) keyword {
	return keyword{name: name, args: "<time>", scope: inGlobal, doc: doc, read: func(l *line) {
		if w, ok := l.one("a time"); ok {
			if d, ok := l.duration(w, time.Millisecond); ok {
				*field(&l.p.global.Global) = d
			}
		}
	}}
}

// globalKeywords are process-wide settings (configuration manual, section 3.1
// and 3.2).
func globalKeywords() []keyword {
	type g = spec.Global
	return []keyword{
		globalFlag("daemon", "Run in the background.", func(s *g) *bool { return &s.Daemon }),
		globalFlag("quiet", "Print nothing at start.", func(s *g) *bool { return &s.Quiet }),
		globalFlag("h1-accept-payload-with-any-method", "Take requests of HTTP/1.0 with a content also by GET, HEAD and DELETE.", func(s *g) *bool { return &s.AnyPayload }),
		globalFlag("zero-warning", "Refuse a configuration with warnings.", func(s *g) *bool { return &s.ZeroWarning }),
		globalFlag("noepoll", "Do not use epoll.", func(s *g) *bool { return &s.NoEpoll }),
		globalFlag("nopoll", "Do not use poll.", func(s *g) *bool { return &s.NoPoll }),
		globalFlag("noiouring", "Do not use io_uring.", func(s *g) *bool { return &s.NoIOUring }),
		globalFlag("nosplice", "Do not use splice.", func(s *g) *bool { return &s.NoSplice }),
		globalFlag("noreuseport", "Do not use SO_REUSEPORT.", func(s *g) *bool { return &s.NoReusePort }),
		{name: "busy-polling", scope: inGlobal, no: true, inert: "threads sleep when there is nothing to do", doc: "Keep the threads awake for lower latency.", read: func(l *line) { l.arity(0, 0, "") }},
		{name: "master-worker", args: "[no-exit-on-failure]", scope: inGlobal, doc: "Supervise the worker from a master process.", read: readMasterWorker},
		globalNumber("mworker-max-reloads", 0, math.MaxInt32, "Reloads that a worker outlives before it is killed.", func(s *g) *int { return &s.MasterMaxReloads }),
		globalNumber("nbthread", 1, 64, "Number of threads; by default one per usable CPU.", func(s *g) *int { return &s.NbThread }),
		{name: "nbproc", args: "1", scope: inGlobal, doc: "Only 1: there is one process, with threads.", read: func(l *line) {
			if w, ok := l.one("the number 1"); ok {
				if w.text != "1" {
					l.fail(w, "'nbproc' only supports 1: use 'nbthread %s'", w.text)
					return
				}
				l.warn(l.head, "'nbproc' is deprecated: there is always one process")
			}
		}},
		globalNumber("maxconn", 0, math.MaxInt32, "Connections of the process; by default what the descriptor limit allows.", func(s *g) *int { return &s.MaxConn }),
		globalNumber("maxconnrate", 0, math.MaxInt32, "New connections per second of the process; 0: any number.", func(s *g) *int { return &s.MaxConnRate }),
		globalNumber("maxsessrate", 0, math.MaxInt32, "New sessions per second of the process; 0: any number.", func(s *g) *int { return &s.MaxSessRate }),
		globalNumber("maxcomprate", 0, math.MaxInt32, "Kilobytes per second that are encoded before responses stay as they are; 0: any number.", func(s *g) *int { return &s.MaxCompRate }),
		{name: "maxcompcpuusage", args: "<number>", scope: inGlobal, doc: "Load of a thread, in percent, above which responses stay as they are.", read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				if n, ok := l.integer(w, 0, 100); ok {
					l.p.global.MinCompIdle = 100 - n
				}
			}
		}},
		globalNumber("maxpipes", 0, math.MaxInt32, "Pipes for splicing; by default a quarter of the connections that may be spliced.", func(s *g) *int { return &s.MaxPipes }),
		globalNumber("ulimit-n", 0, math.MaxInt32, "Limit of descriptors to set.", func(s *g) *int { return &s.ULimitN }),
		globalText("pidfile", "<path>", "File to write the process number to.", func(s *g) *string { return &s.PIDFile }),
		globalText("chroot", "<directory>", "Directory to lock the process into.", func(s *g) *string { return &s.Chroot }),
		{name: "user", args: "<name>", scope: inGlobal, doc: "User to change to.", read: readUser},
		{name: "group", args: "<name>", scope: inGlobal, doc: "Group to change to.", read: readGroup},
		globalNumber("uid", 0, math.MaxInt32, "User number to change to.", func(s *g) *int { return &s.UID }),
		globalNumber("gid", 0, math.MaxInt32, "Group number to change to.", func(s *g) *int { return &s.GID }),
		{name: "anonkey", args: "<number>", scope: inGlobal, doc: "Key by which \"set anon\" hides names and addresses; without one or with 0 it is another one for each connection.", read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				if n, ok := l.integer(w, 0, math.MaxUint32); ok {
					l.p.global.AnonKey = uint32(n)
				}
			}
		}},
		globalText("node", "<name>", "Name of the machine for the statistics.", func(s *g) *string { return &s.Node }),
		{name: "description", args: "<text>...", scope: inGlobal, doc: "Text for the statistics.", read: func(l *line) {
			if l.arity(1, maxWords, "a text") {
				l.p.global.Description = joinWords(l.args)
			}
		}},
		globalTime("hard-stop-after", "Longest time of a soft stop.", func(s *g) *time.Duration { return &s.HardStopAfter }),
		inertly("grace", "<time>", "Time between the signal of a soft stop and the end of listening.", "listening ends at the signal", someTime),
		globalNumber("spread-checks", 0, 50, "Percentage by which check intervals vary.", func(s *g) *int { return &s.SpreadChecks }),
		globalTime("max-spread-checks", "Longest variation of check intervals.", func(s *g) *time.Duration { return &s.MaxSpreadChecks }),
		{name: "cpu-map", args: "[auto:]<group>[/<threads>] <cpus>...", scope: inGlobal, doc: "CPUs that threads may run on; with auto: one for each thread.", read: readCPUMap},
	}
}

func readMasterWorker(l *line) {
	if !l.arity(0, 1, "") {
		return
	}
	if len(l.args) == 1 {
		if l.args[0].text != "no-exit-on-failure" {
			l.unknown(l.args[0], "argument", []string{"no-exit-on-failure"})
			return
		}
		l.p.global.NoExitOnFailure = true
	}
	l.p.global.MasterWorker = true
}

func readUser(l *line) {
	if w, ok := l.one("a user name"); ok {
		if id, ok := l.lookUpUser(w); ok {
			l.p.global.UID = id
		}
	}
}

func readGroup(l *line) {
	if w, ok := l.one("a group name"); ok {
		if id, ok := l.lookUpGroup(w); ok {
			l.p.global.GID = id
		}
	}
}

// lookUpUser finds the number of a user.
func (l *line) lookUpUser(w word) (int, bool) {
	u, err := user.Lookup(w.text)
	if err != nil {
		l.fail(w, "cannot find user '%s'", w.text)
		return 0, false
	}
	id, _ := strconv.Atoi(u.Uid)
	return id, true
}

// lookUpGroup finds the number of a group.
func (l *line) lookUpGroup(w word) (int, bool) {
	g, err := user.LookupGroup(w.text)
	if err != nil {
		l.fail(w, "cannot find group '%s'", w.text)
		return 0, false
	}
	id, _ := strconv.Atoi(g.Gid)
	return id, true
}

// maxThread and maxCPU bound the numbers in cpu-map.
const (
	maxThread = 64
	maxCPU    = 4095
)

// readCPUMap takes "[auto:]GROUP[/THREADS] CPUS...". There is one group of threads:
// what is said of others has no effect.
func readCPUMap(l *line) {
	if !l.arity(2, maxWords, "threads and CPUs") {
		return
	}
	w := l.args[0]
	text, auto := strings.CutPrefix(w.text, "auto:")
	group, text, ok := strings.Cut(text, "/")
	if !ok {
		text = "all"
	}
	groups, ok := parseSet(group, 1, maxThread)
	if !ok {
		l.fail(w, "'cpu-map' expects a group of threads as a number or range from 1 to %d, or all, odd, even, not '%s'", maxThread, w.text)
		return
	}
	threads, ok := parseSet(text, 1, maxThread)
	if !ok {
		l.fail(w, "'cpu-map' expects threads as a number or range from 1 to %d, or all, odd, even, not '%s'", maxThread, w.text)
		return
	}
	if !slices.Contains(groups, 1) {
		threads = nil
	}
	var cpus []int
	for _, a := range l.args[1:] {
		for part := range strings.SplitSeq(a.text, ",") {
			set, ok := parseSet(part, 0, maxCPU)
			if !ok {
				l.fail(a, "'cpu-map' expects CPUs as numbers or ranges from 0, not '%s'", a.text)
				return
			}
			cpus = append(cpus, set...)
		}
	}
	slices.Sort(cpus)
	cpus = slices.Compact(cpus)
	if !auto {
		l.p.global.CPUMap = append(l.p.global.CPUMap, spec.CPUMap{Threads: threads, CPUs: cpus})
		return
	}
	// With fewer CPUs than threads the reference leaves the last ones free, too.
	for i := range min(len(threads), len(cpus)) {
		l.p.global.CPUMap = append(l.p.global.CPUMap, spec.CPUMap{Threads: threads[i : i+1], CPUs: cpus[i : i+1]})
	}
}

// parseSet reads "3", "1-4", "2-", "all", "odd" or "even". The ends of a range may
// come in either order.
func parseSet(s string, least, most int) ([]int, bool) {
	step := 1
	from, to := least, most
	switch s {
	case "all":
	case "odd":
		from, step = least|1, 2
	case "even":
		from, step = least+least&1, 2
	default:
		low, high, ranged := strings.Cut(s, "-")
		var err error
		if from, err = strconv.Atoi(low); err != nil {
			return nil, false
		}
		to = from
		switch {
		case ranged && high == "":
			to = most
		case ranged:
			if to, err = strconv.Atoi(high); err != nil {
				return nil, false
			}
			from, to = min(from, to), max(from, to)
		}
	}
	if from < least || to > most || from > to {
		return nil, false
	}
	var set []int
	for n := from; n <= to; n += step {
		set = append(set, n)
	}
	return set, true
}
