package config

// acceptedGlobalKeywords are settings of parts that the engine does not have.
// They are common in configurations that do not depend on them, so that their
// use is a warning instead of an error.
func acceptedGlobalKeywords() []keyword {
	const (
		noTLS  = "there is no TLS"
		shared = "the process has no such resource"
	)
	rows := []keyword{
		{name: "localpeer", args: "<name>", inert: "there are no peers", doc: "Name of this peer."},
		{name: "set-dumpable", no: true, inert: "core dumps follow the system's setting", doc: "Allow core dumps."},
		{name: "strict-limits", no: true, inert: "limits that cannot be set are always errors", doc: "Refuse to start when limits cannot be set."},
		{name: "insecure-fork-wanted", no: true, inert: "workers never fork", doc: "Allow forks."},
		{name: "insecure-setuid-wanted", inert: "nothing is executed", doc: "Allow set-user-ID programs."},
		{name: "numa-cpu-mapping", no: true, inert: "threads go where the scheduler puts them", doc: "Bind threads to the first NUMA node."},
		{name: "fd-hard-limit", args: "<number>", inert: "use 'ulimit-n' or 'maxconn'", doc: "Highest descriptor limit to take."},
		{name: "nogetaddrinfo", same: true, doc: "Do not use the system's resolver library: it never is."},
		{name: "noevports", same: true, doc: "Do not use event ports: there are none."},
		{name: "nokqueue", same: true, doc: "Do not use kqueue: there is none."},
		{name: "ca-base", args: "<directory>", inert: noTLS, doc: "Directory of CA files."},
		{name: "crt-base", args: "<directory>", inert: noTLS, doc: "Directory of certificates."},
		{name: "ssl-default-bind-ciphers", args: "<ciphers>", inert: noTLS, doc: "Ciphers of listeners."},
		{name: "ssl-default-bind-ciphersuites", args: "<suites>", inert: noTLS, doc: "TLS 1.3 suites of listeners."},
		{name: "ssl-default-bind-curves", args: "<curves>", inert: noTLS, doc: "Curves of listeners."},
		{name: "ssl-default-bind-options", args: "<option>...", inert: noTLS, doc: "TLS options of listeners."},
		{name: "ssl-default-server-ciphers", args: "<ciphers>", inert: noTLS, doc: "Ciphers of servers."},
		{name: "ssl-default-server-ciphersuites", args: "<suites>", inert: noTLS, doc: "TLS 1.3 suites of servers."},
		{name: "ssl-default-server-options", args: "<option>...", inert: noTLS, doc: "TLS options of servers."},
		{name: "ssl-dh-param-file", args: "<path>", inert: noTLS, doc: "DH parameters."},
		{name: "ssl-server-verify", args: "{ none | required }", inert: noTLS, doc: "Whether servers' certificates are verified."},
		{name: "tune.ssl.default-dh-param", args: "<bits>", inert: noTLS, doc: "Size of DH parameters."},
		{name: "tune.ssl.cachesize", args: "<number>", inert: noTLS, doc: "Size of the TLS session cache."},
		{name: "tune.ssl.lifetime", args: "<time>", inert: noTLS, doc: "Life time of TLS sessions."},
		{name: "tune.ssl.maxrecord", args: "<size>", inert: noTLS, doc: "Largest TLS record."},
		{name: "maxsslconn", args: "<number>", inert: noTLS, doc: "Limit of TLS connections."},
		{name: "maxsslrate", args: "<number>", inert: noTLS, doc: "Limit of new TLS connections per second."},
		{name: "tune.buffers.limit", args: "<number>", inert: shared, doc: "Number of buffers."},
		{name: "tune.buffers.reserve", args: "<number>", inert: shared, doc: "Buffers kept in reserve."},
		{name: "tune.fd.edge-triggered", args: "{ on | off }", inert: "epoll is always edge-triggered", doc: "Use edge-triggered polling."},
		{name: "tune.sched.low-latency", args: "{ on | off }", inert: "tasks run in order of arrival", doc: "Prefer short tasks."},
		{name: "tune.pattern.cache-size", args: "<number>", inert: "there are no patterns", doc: "Size of the pattern cache."},
		{name: "tune.recv_enough", args: "<size>", inert: "reads end when the kernel has no more", doc: "Bytes that end a read."},
		{name: "no-memory-trimming", inert: "memory is returned by the runtime", doc: "Keep memory after a reload."},
		{name: "profiling.tasks", args: "{ auto | on | off }", inert: "there is no profiling", doc: "Profile tasks."},
		{name: "profiling.memory", args: "{ on | off }", inert: "there is no profiling", doc: "Profile memory."},
	}
	for i := range rows {
		rows[i].scope = inGlobal
		most := maxWords
		least := 1
		if rows[i].args == "" {
			least, most = 0, 0
		}
		rows[i].read = func(l *line) { l.arity(least, most, l.kw.args) }
	}
	return rows
}

// retired pairs words that the language had long ago with what to use now.
func retired() [][2]string {
	return [][2]string{
		{"clitimeout", "timeout client"},
		{"contimeout", "timeout connect"},
		{"srvtimeout", "timeout server"},
		{"redispatch", "option redispatch"},
		{"block", "http-request deny"},
		{"redisp", "option redispatch"},
		{"reqadd", "http-request add-header"},
		{"rspadd", "http-response add-header"},
		{"reqrep", "http-request replace-header"},
		{"rsprep", "http-response replace-header"},
		{"reqdel", "http-request del-header"},
		{"rspdel", "http-response del-header"},
		{"reqdeny", "http-request deny"},
		{"rspdeny", "http-response deny"},
	}
}

// nameOfRetired is what replaces a word, "" if it is not a retired one.
func nameOfRetired(w string) string {
	for _, r := range retired() {
		if r[0] == w {
			return r[1]
		}
	}
	return ""
}

// retiredKeywords still mean something.
func retiredKeywords() []keyword {
	return []keyword{
		{name: "bind-process", args: "<processes>", scope: inAny, inert: "there is one process", doc: "Processes that listen, in the configurations of older versions.", read: func(l *line) { l.arity(1, maxWords, "processes") }},
	}
}
