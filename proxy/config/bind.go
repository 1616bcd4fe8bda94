package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bench/proxy/spec"
)

// bindOption is one row of the options of bind and "stats socket" lines.
type bindOption = lineOption[bindDraft]

// bindDraft is a line as far as it has been read.
type bindDraft struct {
	spec.Bind
	tls tlsDraft
}

func bindKeywords() []keyword {
	return []keyword{{name: "bind", args: "<address>[,<address>...] [<option>...]", scope: inFront, doc: "Listen on addresses, each perhaps with a range of ports.", read: func(l *line) {
		l.binds(true, func(b *spec.Bind) { l.sect.binds = append(l.sect.binds, b) })
	}}}
}

// binds reads addresses and options into one Bind per socket.
func (l *line) binds(needPort bool, add func(*spec.Bind)) {
	if !l.arity(1, maxWords, "an address") {
		return
	}
	proto := &bindDraft{Bind: spec.Bind{Pos: l.pos, FD: -1, Level: spec.LevelOperator}}
	if u := &l.p.unixBind.opt; needPort {
		proto.Options.Mode, proto.Options.ChangeOwner, proto.Options.UID, proto.Options.GID = u.Mode, u.ChangeOwner, u.UID, u.GID
	}
	readOptions(l, bindOptions(), "bind", proto, l.args[1:], everywhere)
	if proto.tls.on && l.kw.name != "bind" {
		l.fail(l.head, "'ssl' is not supported in '%s'", l.kw.name)
		return
	}
	l.bindAddresses(l.args[0], proto, needPort, add)
}

// bindAddresses makes one Bind for each socket of some addresses.
func (l *line) bindAddresses(addresses word, proto *bindDraft, needPort bool, add func(*spec.Bind)) {
	proto.Bind.TLS = l.bindTLS(&proto.tls)
	text, err := expandAddress(addresses.text, &l.p.look)
	if err != nil {
		l.fail(addresses, "'%s': %v", l.kw.name, err)
		return
	}
	sockets := 0
	for one := range strings.SplitSeq(text, ",") {
		if needPort {
			one = prefixed(one, l.p.unixBind.prefix)
		}
		r, err := l.readAddress(one)
		switch {
		case err != nil:
			l.fail(addresses, "'%s': %v", l.kw.name, err)
			return
		case r.relative:
			l.fail(addresses, "'%s': '%s': a port relative to the client's makes no sense here", l.kw.name, one)
			return
		case r.fd < 0 && !r.addr.IsUnix() && (r.low == 0 && (needPort || !r.written)):
			l.fail(addresses, "'%s': '%s': missing port number", l.kw.name, one)
			return
		case r.high-r.low >= maxPortRange:
			l.fail(addresses, "'%s': '%s': more than %d ports", l.kw.name, one, maxPortRange)
			return
		}
		for port := r.low; port <= r.high; port++ {
			b := proto.Bind
			b.Addr, b.FD, b.Text = r.addr, r.fd, one
			if port > 0 {
				b.Addr.SetPort(uint16(port))
			}
			if b.GUID != "" {
				b.GUID = fmt.Sprintf("%s-%d", b.GUID, sockets)
			}
			sockets++
			add(&b)
		}
	}
}

// prefixed is the name of a unix socket behind a prefix; other addresses stay what they
// are.
func prefixed(address, prefix string) string {
	switch name, ok := strings.CutPrefix(address, "unix@"); {
	case prefix == "":
	case ok:
		return "unix@" + prefix + name
	case strings.HasPrefix(address, "/"):
		return prefix + address
	}
	return address
}

// bindOptions are the rows (configuration manual, section 5.1).
var bindOptions = sync.OnceValue(func() []bindOption {
	return slices.Concat(plainBindOptions(), proxyProtocolBind(), []bindOption{namespaceBind()})
})

func plainBindOptions() []bindOption {
	number := numberOption[bindDraft]
	flag := func(name, doc string, set func(*bindDraft)) bindOption {
		return bindOption{name: name, doc: doc, read: func(_ *line, b *bindDraft, _ word) { set(b) }}
	}
	owner := func(name, doc string) bindOption {
		return bindOption{name: name, args: 1, doc: doc, read: func(l *line, b *bindDraft, w word) { l.readOwner(&b.Options, name, w) }}
	}
	return append([]bindOption{
		{name: "name", args: 1, doc: "Name in the statistics.", read: func(_ *line, b *bindDraft, w word) { b.Name = w.text }},
		number("id", 1, math.MaxInt32, "Number in the statistics.", func(b *bindDraft) *int { return &b.ID }),
		{name: "guid-prefix", args: 1, doc: "Beginning of what identifies the sockets of the line in a file of counters: a hyphen and their number follow, from 0.", read: func(l *line, b *bindDraft, w word) {
			if l.identifier(w) {
				b.GUID = w.text
			}
		}},
		number("maxconn", 1, math.MaxInt32, "Connections accepted at once.", func(b *bindDraft) *int { return &b.MaxConn }),
		number("backlog", 1, math.MaxInt32, "Connections the kernel keeps waiting.", func(b *bindDraft) *int { return &b.Options.Backlog }),
		{name: "interface", args: 1, doc: "Network interface to listen on.", read: func(_ *line, b *bindDraft, w word) { b.Options.Interface = w.text }},
		{name: "nice", args: 1, inert: "all connections are served in turn", doc: "Priority of the connections.", read: func(l *line, _ *bindDraft, w word) { l.value("nice", w, -1024, 1024) }},
		flag("v4v6", "Take IPv4 on an IPv6 socket too.", func(b *bindDraft) { b.Options.V4V6, b.Options.V6Only = true, false }),
		flag("v6only", "Take no IPv4 on an IPv6 socket.", func(b *bindDraft) { b.Options.V6Only, b.Options.V4V6 = true, false }),
		flag("transparent", "Take connections to foreign addresses.", func(b *bindDraft) { b.Options.Transparent = true }),
		flag("defer-accept", "Take connections when data has come.", func(b *bindDraft) { b.Options.DeferAccept = true }),
		flag("tfo", "TCP Fast Open.", func(b *bindDraft) { b.Options.FastOpen = fastOpenQueue }),
		number("mss", -65535, 65535, "Largest TCP segment.", func(b *bindDraft) *int { return &b.Options.MSS }),
		{name: "tcp-ut", args: 1, doc: "Longest time without acknowledgement.", read: func(l *line, b *bindDraft, w word) {
			if d, ok := l.span("tcp-ut", w, time.Millisecond); ok {
				b.Options.UserTimeout = int(d / time.Millisecond)
			}
		}},
		{name: "mode", args: 1, doc: "Access rights of a unix socket, in octal.", read: func(l *line, b *bindDraft, w word) {
			if mode, ok := l.accessRights(w); ok {
				b.Options.Mode = mode
			}
		}},
		owner("user", "Owner of a unix socket."),
		owner("group", "Group of a unix socket."),
		owner("uid", "Owner of a unix socket by number."),
		owner("gid", "Group of a unix socket by number."),
		{name: "level", args: 1, doc: "Rights on the runtime API: user, operator or admin.", read: func(l *line, b *bindDraft, w word) {
			names := []string{"user", "operator", "admin"}
			at := slices.Index(names, w.text)
			if at < 0 {
				l.unknown(w, "level", names)
				return
			}
			b.Level = []spec.CLILevel{spec.LevelUser, spec.LevelOperator, spec.LevelAdmin}[at]
		}},
		{name: "expose-fd", args: 1, doc: "\"listeners\": hand the listening sockets to a new process that asks.", read: func(l *line, b *bindDraft, w word) {
			if w.text != "listeners" {
				l.unknown(w, "argument of 'expose-fd'", []string{"listeners"})
				return
			}
			b.ExposeFDs = true
		}},
		{name: "quic-cc-algo", args: 1, inert: noQUIC, doc: "Control of congestion of QUIC.", read: func(*line, *bindDraft, word) {}},
		{name: "quic-force-retry", inert: noQUIC, doc: "Ask clients of QUIC to come again with a token.", read: func(*line, *bindDraft, word) {}},
		{name: "severity-output", args: 1, inert: "answers carry no severity", doc: "Severity in the runtime API's answers: none, number or string.", read: func(l *line, _ *bindDraft, w word) {
			if names := []string{"none", "number", "string"}; !slices.Contains(names, w.text) {
				l.unknown(w, "severity-output", names)
			}
		}},
		{name: "process", args: 1, inert: "there is one process", doc: "Processes that listen: 1 or all.", read: func(l *line, _ *bindDraft, w word) {
			set, _, _ := strings.Cut(w.text, "/") // threads of the process may follow
			if _, ok := parseSet(set, 1, 1); !ok && set != "even" {
				l.fail(w, "'process' expects 1, all or odd, not '%s': there is one process", w.text)
			}
		}},
		{name: "thread", args: 1, doc: "Threads that listen, as [1/]<set>; may be repeated.", read: readBindThreads},
		{name: "shards", args: 1, doc: "Number of sockets that the threads share out among themselves, or by-thread.", read: func(l *line, b *bindDraft, w word) {
			if w.text == "by-thread" {
				b.Shards = spec.ByThread
				return
			}
			n, err := strconv.Atoi(w.text)
			if err != nil || n < 1 || n > maxThread {
				l.fail(w, "'shards' expects a number from 1 to %d or by-thread, not '%s'", maxThread, w.text)
				return
			}
			b.Shards = n
		}},
		{name: "proto", args: 1, doc: "Protocol of the connections: h1, h2, or none for raw TCP; by default h1, and h2 where the client begins with it.", read: func(l *line, b *bindDraft, w word) {
			switch w.text {
			case "h1":
				b.Proto = spec.ProtoH1
			case "h2":
				b.Proto = spec.ProtoH2
			case "none":
			default:
				l.fail(w, "protocol '%s' is not supported in 'bind': want h1, h2 or none", w.text)
			}
		}},
	}, bindTLSOptions()...)
}

// readBindThreads takes "[GROUP/]THREADS". There is one group.
func readBindThreads(l *line, b *bindDraft, w word) {
	text := w.text
	if group, rest, ok := strings.Cut(text, "/"); ok {
		if n, err := strconv.Atoi(group); err != nil || n != 1 {
			l.fail(w, "'%s': there is one group of threads, number 1", w.text)
			return
		}
		text = rest
	}
	set, ok := parseSet(text, 1, maxThread)
	if !ok {
		l.fail(w, "'thread' expects a number or range from 1 to %d, or all, odd, even, not '%s'", maxThread, w.text)
		return
	}
	for _, n := range set {
		if !slices.Contains(b.Threads, n) {
			b.Threads = append(b.Threads, n)
		}
	}
}

// fastOpenQueue is the number of Fast Open requests that may wait.
const fastOpenQueue = 256

// value reads the number of an option.
func (l *line) value(option string, w word, least, most int64) (int, bool) {
	n, err := strconv.ParseInt(w.text, 10, 64)
	if err != nil || n < least || n > most {
		l.fail(w, "'%s' expects an integer between %d and %d, not '%s'", option, least, most, w.text)
		return 0, false
	}
	return int(n), true
}
