package config

import "strings"

// noQUIC is why keywords about QUIC have no effect.
const noQUIC = "there is no QUIC"

// acceptedGlobalKeywords are settings of parts that the engine does not have.
// They are common in configurations that do not depend on them, so that their
// use is a warning instead of an error.
func acceptedGlobalKeywords() []keyword {
	const (
		shared = "the process has no such resource"
		noZlib = "encoders take no memory of that kind"
	)
	rows := []keyword{
		{name: "set-dumpable", no: true, inert: "core dumps follow the system's setting", doc: "Allow core dumps."},
		{name: "strict-limits", no: true, inert: "limits that cannot be set are always errors", doc: "Refuse to start when limits cannot be set."},
		{name: "insecure-fork-wanted", no: true, inert: "the commands of external checks do not need it, and nothing else forks", doc: "Allow forks."},
		{name: "insecure-setuid-wanted", inert: "nothing is executed", doc: "Allow set-user-ID programs."},
		{name: "numa-cpu-mapping", no: true, inert: "threads go where the scheduler puts them", doc: "Bind threads to the first NUMA node."},
		{name: "fd-hard-limit", args: "<number>", inert: "use 'ulimit-n' or 'maxconn'", doc: "Highest descriptor limit to take."},
		{name: "nogetaddrinfo", same: true, doc: "Do not use the system's resolver library: it never is."},
		{name: "noevports", same: true, doc: "Do not use event ports: there are none."},
		{name: "nokqueue", same: true, doc: "Do not use kqueue: there is none."},
		{name: "tune.buffers.limit", args: "<number>", inert: shared, doc: "Number of buffers."},
		{name: "tune.buffers.reserve", args: "<number>", inert: shared, doc: "Buffers kept in reserve."},
		{name: "tune.fd.edge-triggered", args: "{ on | off }", inert: "epoll is always edge-triggered", doc: "Use edge-triggered polling."},
		{name: "tune.sched.low-latency", args: "{ on | off }", inert: "tasks run in order of arrival", doc: "Prefer short tasks."},
		{name: "tune.pattern.cache-size", args: "<number>", inert: "patterns lie in indexes, which are quick by themselves", doc: "Size of the pattern cache."},
		{name: "tune.recv_enough", args: "<size>", inert: "reads end when the kernel has no more", doc: "Bytes that end a read."},
		{name: "no-memory-trimming", inert: "memory is returned by the runtime", doc: "Keep memory after a reload."},
		{name: "cluster-secret", args: "<text>", inert: noQUIC, doc: "Secret of the tokens of QUIC."},
		{name: "tune.quic.frontend.conn-tx-buffers.limit", args: "<number>", inert: noQUIC, doc: "Buffers for sending of a connection."},
		{name: "tune.quic.frontend.max-idle-timeout", args: "<time>", inert: noQUIC, doc: "Quiet time of a connection."},
		{name: "tune.quic.frontend.max-streams-bidi", args: "<number>", inert: noQUIC, doc: "Streams of a connection."},
		{name: "tune.quic.retry-threshold", args: "<number>", inert: noQUIC, doc: "Number of half-open connections above which addresses are checked."},
		{name: "tune.zlib.memlevel", args: "<number>", inert: noZlib, doc: "Memory for compression."},
		{name: "tune.zlib.windowsize", args: "<number>", inert: noZlib, doc: "Window of compression."},
		{name: "maxzlibmem", args: "<number>", inert: noZlib, doc: "Megabytes for compression."},
		{name: "tune.fail-alloc", args: "<number>", inert: "memory is never refused for a test", doc: "Percentage of allocations that fail, for tests."},
		{name: "expose-experimental-directives", same: true, doc: "Allow keywords that may change."},
		{name: "pp2-never-send-local", inert: "no check sends a PROXY header", doc: "Let checks say in PROXY headers that they come from outside."},
		{name: "close-spread-time", args: "<time>", inert: "idle connections are closed as their clients have been quiet", doc: "Time over which a soft stop closes idle connections."},
		{name: "thread-groups", args: "<number>", inert: "there is one group of threads", doc: "Number of groups of threads."},
		{name: "thread-group", args: "<group> <threads>...", inert: "there is one group of threads", doc: "Threads of a group."},
		{name: "profiling.memory", args: "{ on | off }", inert: "memory is profiled by the tools of Go", doc: "Profile memory."},
	}
	for i := range rows {
		rows[i].scope = inGlobal
		most := maxWords
		least := 1
		if rows[i].args == "" {
			least, most = 0, 0
		}
		if strings.HasPrefix(rows[i].args, "[") {
			least = 0
		}
		rows[i].read = func(l *line) { l.arity(least, most, l.kw.args) }
	}
	return rows
}

// acceptedProxyKeywords are the same for proxies.
func acceptedProxyKeywords() []keyword {
	return []keyword{
		{name: "max-keep-alive-queue", args: "<number>", scope: inDefaults | inBack, inert: "requests do not keep to a server for the sake of its connection", doc: "Length of a server's queue above which a request may leave the connection of the one before it.", read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				l.integer(w, -1, 1<<31-1)
			}
		}},
		{name: "max-session-srv-conns", args: "<number>", scope: inDefaults | inFront, inert: "connections to servers are shared by all clients, or belong to one", doc: "Idle connections to servers that a client may have.", read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				l.integer(w, 0, 1<<31-1)
			}
		}},
	}
}

// retiredKeywords still mean something.
func retiredKeywords() []keyword {
	return []keyword{
		{name: "bind-process", args: "<processes>", scope: inAny, inert: "there is one process", doc: "Processes that listen, in the configurations of older versions.", read: func(l *line) { l.arity(1, maxWords, "processes") }},
	}
}
