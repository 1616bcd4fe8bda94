package config

import "bench/proxy/spec"

// option is one "option" that is on or off.
type option struct {
	name  string
	scope scope
	field func(*spec.Options) []*bool
	inert string // as in keyword
	doc   string
}

// optionRows are the switches (configuration manual, section 4.2).
func optionRows() []option {
	type o = spec.Options
	const (
		front = inDefaults | inFront
		back  = inDefaults | inBack
	)
	one := func(field func(*o) *bool) func(*o) []*bool {
		return func(s *o) []*bool { return []*bool{field(s)} }
	}
	nothing := func(*o) []*bool { return nil } // of those without effect
	return []option{
		{"abortonclose", back, one(func(s *o) *bool { return &s.AbortOnClose }), "", "Drop requests of clients that closed while waiting for a server."},
		{"accept-invalid-http-request", front, one(func(s *o) *bool { return &s.AcceptInvalidRequest }), "", "Be lax with characters in requests."},
		{"accept-invalid-http-response", back, one(func(s *o) *bool { return &s.AcceptInvalidResponse }), "", "Be lax with characters in responses."},
		{"allbackups", back, one(func(s *o) *bool { return &s.AllBackups }), "", "Use all backup servers at once, not the first one only."},
		{"checkcache", back, one(func(s *o) *bool { return &s.CheckCache }), "", "Answer with an error instead of a response that sets a cookie and that caches may hand to others."},
		{"clitcpka", front, one(func(s *o) *bool { return &s.ClientKeepalive }), "", "TCP keep-alive towards clients."},
		{"srvtcpka", back, one(func(s *o) *bool { return &s.ServerKeepalive }), "", "TCP keep-alive towards servers."},
		{"tcpka", inAny, func(s *o) []*bool { return []*bool{&s.ClientKeepalive, &s.ServerKeepalive} }, "", "TCP keep-alive on both sides."},
		{"contstats", front, nothing, "bytes are always counted as they pass", "Count bytes while they pass."},
		{"dontlog-normal", front, one(func(s *o) *bool { return &s.DontLogNormal }), "", "Log errors only."},
		{"dontlognull", front, one(func(s *o) *bool { return &s.DontLogNull }), "", "Do not log connections without data."},
		{"disable-h2-upgrade", front, one(func(s *o) *bool { return &s.DisableH2Upgrade }), "", "Refuse HTTP/2 from clients that begin with it on a connection of HTTP/1."},
		{"h1-case-adjust-bogus-client", front, one(func(s *o) *bool { return &s.AdjustClientCase }), "", "Write field names to clients as \"h1-case-adjust\" says."},
		{"h1-case-adjust-bogus-server", back, one(func(s *o) *bool { return &s.AdjustServerCase }), "", "Write field names to servers as \"h1-case-adjust\" says."},
		{"http-buffer-request", inAny, one(func(s *o) *bool { return &s.HTTPBufferRequest }), "", "Have the body of a request, or as much of it as a buffer holds, before anything is done with it."},
		{"http-ignore-probes", front, one(func(s *o) *bool { return &s.HTTPIgnoreProbes }), "", "Do not log or answer connections that close without a request."},
		{"http-no-delay", inAny, nothing, "data is never delayed", "Send small parts at once."},
		{"http-pretend-keepalive", back, nothing, "responses are framed by the proxy", "Claim keep-alive towards servers."},
		{"http-use-proxy-header", front, nothing, "Connection is the header always", "Use Proxy-Connection where a proxy is addressed."},
		{"idle-close-on-response", front, one(func(s *o) *bool { return &s.IdleCloseOnResponse }), "", "At a soft stop, do not close idle connections of clients before one last response."},
		{"independent-streams", inAny, one(func(s *o) *bool { return &s.IndependentStreams }), "", "Count inactivity by direction."},
		{"log-health-checks", back, one(func(s *o) *bool { return &s.LogHealthChecks }), "", "Log every change in the results of health checks."},
		{"log-separate-errors", front, one(func(s *o) *bool { return &s.LogSeparateErrors }), "", "Raise the level of failed requests in logs."},
		{"logasap", front, one(func(s *o) *bool { return &s.LogASAP }), "", "Log when the response begins, in mode tcp when there is a connection to a server."},
		{"nolinger", inAny, one(func(s *o) *bool { return &s.NoLinger }), "", "Reset connections instead of closing them."},
		{"persist", back, one(func(s *o) *bool { return &s.Persist }), "", "Send clients to the servers that cookies or rules name, even to those that are down."},
		{"prefer-last-server", back, nothing, "every request is balanced", "Stay with a client's last server."},
		{"socket-stats", front, one(func(s *o) *bool { return &s.SocketStats }), "", "Statistics by listener."},
		{"splice-auto", inAny, one(func(s *o) *bool { return &s.SpliceAuto }), "", "Let bulk data in both directions bypass the process, where it comes fast enough."},
		{"splice-request", inAny, one(func(s *o) *bool { return &s.SpliceRequest }), "", "Let bulk data of requests bypass the process."},
		{"splice-response", inAny, one(func(s *o) *bool { return &s.SpliceResponse }), "", "Let bulk data of responses bypass the process."},
		{"transparent", back, nothing, "", "Connect to where the client meant to go, unless something names a server."},
		{"tcp-smart-accept", front, nothing, "acknowledgements are left to the kernel", "Save an acknowledgement on accepted connections."},
		{"tcp-smart-connect", back, nothing, "acknowledgements are left to the kernel", "Save an acknowledgement on connections to servers."},
	}
}

// optionKeywords are the "option" lines that concern neither checks nor HTTP.
func optionKeywords() []keyword {
	rows := optionRows()
	kws := make([]keyword, 0, len(rows)+4)
	for _, r := range rows {
		kws = append(kws, keyword{name: "option " + r.name, scope: r.scope, no: true, doc: r.doc, read: func(l *line) {
			if !l.arity(0, 0, "") {
				return
			}
			opts := l.sect.settings.options
			if l.reset {
				delete(opts, r.name)
				return
			}
			if !l.no {
				l.remark(l.head, "option "+r.name, r.inert, "")
			}
			opts[r.name] = opt[bool]{val: !l.no, set: true, pos: l.pos}
		}})
	}
	return append(kws,
		keyword{name: "option httplog", args: "[clf]", scope: inAny, doc: "Log HTTP requests with their timers.", read: func(l *line) {
			if !l.arity(0, 1, "") {
				return
			}
			if len(l.args) == 1 && l.args[0].text != "clf" {
				l.unknown(l.args[0], "argument", []string{"clf"})
				return
			}
			if len(l.args) == 1 {
				l.setLogFormat(spec.LogCLF)
				return
			}
			l.setLogFormat(spec.LogHTTP)
		}},
		keyword{name: "option httpslog", scope: inAny, doc: "Log HTTP requests with their timers, and with what is known of the client's TLS.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.setLogFormat(spec.LogHTTPS)
			}
		}},
		keyword{name: "option tcplog", scope: inAny, doc: "Log connections with their timers.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.setLogFormat(spec.LogTCP)
			}
		}},
		keyword{name: "option redispatch", args: "[<retries>]", scope: inDefaults | inBack, no: true, doc: "Let retries go to another server: every n-th, or from the last one back.", read: readRedispatch},
	)
}

// defaultRedispatch is the last retry only.
const defaultRedispatch = -1

func readRedispatch(l *line) {
	if !l.arity(0, 1, "") {
		return
	}
	r := &l.sect.settings.redispatch
	switch {
	case l.reset:
		*r = opt[int]{}
	case l.no:
		r.put(0, l.pos)
	case len(l.args) == 1:
		if n, ok := l.integer(l.args[0], -1<<31, 1<<31-1); ok {
			r.put(n, l.pos)
		}
	default:
		r.put(defaultRedispatch, l.pos)
	}
}
