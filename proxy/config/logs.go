package config

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"bench/internal/sock"
	"bench/proxy/logformat"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// logDraft is one log line: a target, or "log global".
type logDraft struct {
	global bool
	text   string // of the line
	target spec.LogTarget
}

// Facilities and levels of syslog by number (RFC 5424, section 6.2.1).
func facilities() []string {
	return []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp",
		"ntp", "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
}

func levels() []string {
	return []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
}

func logFormats() []string {
	return []string{"local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw"}
}

// logKeywords are about where and how lines are logged (configuration manual,
// sections 3.1, 4.2 and 8).
func logKeywords() []keyword {
	const target = "<address> [len <length>] [format <format>] [sample <ranges>:<size>] <facility> [<level> [<minlevel>]]"
	return []keyword{
		{name: "log", args: target, scope: inGlobal, no: true, doc: "Send log lines to a syslog server; several lines are several servers.", read: readGlobalLog},
		{name: "log", args: "global | " + target, scope: inAny, no: true, doc: "Send the proxy's log lines to a syslog server; several lines are several servers.", read: readLog},
		{name: "log-tag", args: "<text>", scope: inGlobal, doc: "Name of the program in log lines.", read: func(l *line) {
			if w, ok := l.one("a tag"); ok {
				l.p.global.LogTag = w.text
			}
		}},
		{name: "log-tag", args: "<text>", scope: inAny, doc: "Name of the program in the proxy's log lines.", read: func(l *line) {
			if w, ok := l.one("a tag"); ok {
				l.sect.settings.logTag.put(w.text, l.pos)
			}
		}},
		{name: "log-send-hostname", args: "[<name>]", scope: inGlobal, doc: "Put the host's name into log lines.", read: readLogSendHostname},
		{name: "log-format", args: "<format>", scope: inAny, doc: "Layout of log lines.", read: readLogFormat},
		otherFormat("log-format-sd", "Structured data of log lines in the format of RFC 5424.", func(s *settings) *opt[*logformat.Format] { return &s.logData }),
		otherFormat("error-log-format", "Layout of log lines about connections that failed before they could be used.", func(s *settings) *opt[*logformat.Format] { return &s.errorLog }),
	}
}

// checkFormats refuses what formats of a proxy in mode tcp ask about requests of HTTP.
func (p *parser) checkFormats(s *section, px *spec.Proxy) {
	if px.Mode == spec.ModeHTTP || px.Caps&spec.Frontend == 0 {
		return
	}
	set := &s.settings
	refuse := func(keyword string, f *logformat.Format, at spec.Pos) {
		if f != nil && f.NeedsHTTP() != "" {
			p.alert(s, at, "'%s' of '%s' has '%%%s', which needs 'mode http'", keyword, px.Name, f.NeedsHTTP())
		}
	}
	refuse("log-format", set.logLine, set.logFormat.pos)
	refuse("log-format-sd", set.logData.val, set.logData.pos)
	refuse("error-log-format", set.errorLog.val, set.errorLog.pos)
	refuse("unique-id-format", set.uniqueID.val, set.uniqueID.pos)
}

func readLogSendHostname(l *line) {
	if !l.arity(0, 1, "") {
		return
	}
	if len(l.args) == 1 {
		l.p.global.LogSendHost = l.args[0].text
		return
	}
	name, err := os.Hostname()
	if err != nil {
		l.fail(l.head, "cannot find the host's name: %v", err)
		return
	}
	l.p.global.LogSendHost = name
}

func readGlobalLog(l *line) {
	if l.no {
		l.p.global.logs = nil
		l.arity(0, 0, "")
		return
	}
	if t, ok := l.logTarget(); ok {
		l.p.global.logs = append(l.p.global.logs, logDraft{target: t, text: l.text})
	}
}

func readLog(l *line) { l.readLogs(&l.sect.settings.logs) }

// readLogs adds the target of a line to those of a section.
func (l *line) readLogs(logs *[]logDraft) {
	switch {
	case l.no:
		*logs = nil
		l.arity(0, 0, "")
	case len(l.args) > 0 && l.args[0].text == "global":
		if l.arity(1, 1, "") {
			*logs = append(*logs, logDraft{global: true})
		}
	default:
		if t, ok := l.logTarget(); ok {
			*logs = append(*logs, logDraft{target: t, text: l.text})
		}
	}
}

// logTargets are those that lines name, the ones of the global section included.
func (p *parser) logTargets(drafts []logDraft) []spec.LogTarget {
	var all []spec.LogTarget
	for i := range drafts {
		if drafts[i].global {
			for _, g := range p.global.logs {
				all = append(all, g.target)
			}
			continue
		}
		p.findRing(&drafts[i])
		all = append(all, drafts[i].target)
	}
	return all
}

// logTarget reads the arguments of a log line.
func (l *line) logTarget() (spec.LogTarget, bool) {
	t := spec.LogTarget{Pos: l.pos, Len: 1024, Level: 7}
	if !l.arity(2, maxWords, "an address and a facility") {
		return t, false
	}
	var ok bool
	if ok = l.logAddress(l.args[0], &t); !ok {
		return t, false
	}
	rest := l.args[1:]
	for len(rest) >= 2 && slices.Contains([]string{"len", "format", "sample"}, rest[0].text) {
		if !l.logOption(&t, rest[0].text, rest[1]) {
			return t, false
		}
		rest = rest[2:]
	}
	if len(rest) == 0 {
		l.missing("a facility")
		return t, false
	}
	if t.Facility = slices.Index(facilities(), rest[0].text); t.Facility < 0 {
		l.unknown(rest[0], "log facility", append(facilities(), "len", "format", "sample"))
		return t, false
	}
	for i, dst := range []*int{&t.Level, &t.MinLevel} {
		if len(rest) > i+1 {
			if *dst = slices.Index(levels(), rest[i+1].text); *dst < 0 {
				l.unknown(rest[i+1], "log level", levels())
				return t, false
			}
		}
	}
	if len(rest) > 3 {
		l.fail(rest[3], "'log' cannot handle unexpected argument '%s'", rest[3].text)
		return t, false
	}
	return t, true
}

func (l *line) logOption(t *spec.LogTarget, name string, w word) bool {
	switch name {
	case "len":
		n, ok := l.integer(w, 80, 65535)
		t.Len = n
		return ok
	case "format":
		if !slices.Contains(logFormats(), w.text) {
			l.unknown(w, "log format", logFormats())
			return false
		}
		t.Format = w.text
		return true
	}
	return l.logSample(t, w)
}

// logSample reads "1,3-5:10": which of so many lines are sent.
func (l *line) logSample(t *spec.LogTarget, w word) bool {
	wrong := func() bool {
		l.fail(w, "'log' expects a sample like 1-2:5 or 1,3:5, not '%s'", w.text)
		return false
	}
	ranges, size, ok := strings.Cut(w.text, ":")
	n, err := strconv.Atoi(size)
	if !ok || err != nil {
		return wrong()
	}
	t.Sample = spec.LogSample{Size: n}
	for one := range strings.SplitSeq(ranges, ",") {
		from, to, ranged := strings.Cut(one, "-")
		if !ranged {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || a < 1 || b < a || n < b {
			return wrong()
		}
		t.Sample.Ranges = append(t.Sample.Ranges, [2]int{a, b})
	}
	return true
}

// defaultSyslogPort is where syslog servers listen.
const defaultSyslogPort = 514

// logAddress reads where lines go, and gives an address a port.
func (l *line) logAddress(w word, t *spec.LogTarget) bool {
	text, err := expandAddress(w.text, &l.p.look)
	if err != nil {
		l.fail(w, "invalid log address '%s': %v", w.text, err)
		return false
	}
	t.Addr = text
	if text == "stdout" || text == "stderr" || strings.HasPrefix(text, "ring@") {
		return true
	}
	if n, ok := strings.CutPrefix(text, "fd@"); ok {
		if fd, err := strconv.Atoi(n); err != nil || fd < 0 {
			l.fail(w, "invalid log address '%s': want fd@NUMBER", text)
			return false
		}
		return true
	}
	if to, ok := streamAddress(text); ok {
		t.Ring = l.implicitRing(w, to)
		return t.Ring != nil
	}
	a, err := l.resolveAddress(strings.TrimPrefix(text, "uxdg@"))
	if err != nil {
		l.fail(w, "invalid log address: %v", err)
		return false
	}
	if a.Family() == sock.FamilyIPv4 || a.Family() == sock.FamilyIPv6 {
		if a.AddrPort().Port() == 0 {
			a.SetPort(defaultSyslogPort)
		}
		t.Addr = a.String()
	}
	return true
}

// streamAddress is an address that lines are sent to over a connection, without what
// says so; ok is false if they are sent as datagrams.
func streamAddress(text string) (to string, ok bool) {
	switch kind, rest, found := strings.Cut(text, "@"); {
	case !found:
	case kind == "tcp":
		return rest, true
	case kind == "tcp4", kind == "tcp6":
		return "ipv" + kind[3:] + "@" + rest, true
	case kind == "uxst":
		return "unix@" + rest, true
	}
	return "", false
}

// readLogFormat takes a layout of one's own.
func readLogFormat(l *line) {
	w, ok := l.one("a format")
	if !ok {
		return
	}
	if l.sect.kind == inBackend {
		l.setLogFormat(spec.LogCustom)
		return
	}
	f, err := logformat.CompileLog(w.text, l.sampleEnv(txn.At(txn.StepLog), txn.StepLog.String()))
	if err != nil {
		l.misreadFormat(err, w)
		return
	}
	if l.setLogFormat(spec.LogCustom) {
		l.sect.settings.logLine = f
	}
}

// otherFormat is a layout beside that of the lines themselves.
func otherFormat(name, doc string, field func(*settings) *opt[*logformat.Format]) keyword {
	return keyword{name: name, args: "<format>", scope: inDefaults | inFront, doc: doc, read: func(l *line) {
		w, ok := l.one("a format")
		if !ok {
			return
		}
		f, err := logformat.CompileLog(w.text, l.sampleEnv(txn.At(txn.StepLog), txn.StepLog.String()))
		if err != nil {
			l.misreadFormat(err, w)
			return
		}
		field(&l.sect.settings).put(f, l.pos)
	}}
}

// setLogFormat chooses the layout of log lines; a different one chosen before
// in the same section is replaced with a warning.
func (l *line) setLogFormat(f spec.LogFormat) bool {
	s := &l.sect.settings.logFormat
	if l.sect.kind == inBackend {
		l.warn(l.head, "'%s' is ignored in a backend: lines are logged by the frontend", l.kw.name)
		return false
	}
	if s.set && s.pos.File == l.sect.pos.File && s.pos.Line > l.sect.pos.Line && s.val != f {
		l.warn(l.head, "'%s' overrides the log format set on line %d", l.kw.name, s.pos.Line)
	}
	s.put(f, l.pos)
	return true
}
