package config

import (
	"fmt"
	"strconv"
	"time"

	"bench/internal/nearest"
	"bench/proxy/spec"
)

// line is one keyword with its arguments on the way to its reader.
type line struct {
	p    *parser
	sect *section
	kw   *keyword
	head word   // the first word of the keyword
	args []word // what follows the keyword
	// inner is what stands in parentheses behind the keyword, with them, if it is named.
	inner word
	// no and reset: "no" or "default" stood before the keyword.
	no, reset bool
	text      string
	pos       spec.Pos // of the keyword
	runtime   bool     // it comes from the runtime API, not from a file
}

// at is the position of a word.
func (l *line) at(w word) spec.Pos {
	return spec.Pos{File: l.pos.File, Line: l.pos.Line, Col: w.col}
}

// fail reports an error about a word of the line.
func (l *line) fail(w word, format string, a ...any) {
	l.report(Alert, w, "", format, a...)
}

// warn reports a warning about a word of the line.
func (l *line) warn(w word, format string, a ...any) {
	l.report(Warning, w, "", format, a...)
}

func (l *line) report(s Severity, w word, suggestion, format string, a ...any) {
	l.p.report(Diagnostic{Severity: s, Pos: l.at(w), Word: w.text, Msg: fmt.Sprintf(format, a...), Suggestion: suggestion, Source: l.text})
}

// unknown reports a word that is none of the choices.
func (l *line) unknown(w word, what string, choices []string) {
	l.report(Alert, w, nearest.Word(w.text, choices), "unknown %s '%s' in '%s'", what, w.text, l.kw.name)
}

// missing reports that the line ends too early.
func (l *line) missing(what string) {
	l.p.report(Diagnostic{Severity: Alert, Pos: spec.Pos{File: l.pos.File, Line: l.pos.Line, Col: len(l.text) + 1}, Msg: fmt.Sprintf("'%s' expects %s", l.kw.name, what), Source: l.text})
}

// arity checks the number of arguments; what describes them.
func (l *line) arity(least, most int, what string) bool {
	if len(l.args) < least {
		l.missing(what)
		return false
	}
	if len(l.args) > most && surplusIgnored[l.kw.name] {
		l.warn(l.args[most], "'%s' is ignored after the arguments of '%s'", l.args[most].text, l.kw.name)
		l.args = l.args[:most]
	}
	if len(l.args) > most {
		l.fail(l.args[most], "'%s' cannot handle unexpected argument '%s'", l.kw.name, l.args[most].text)
		return false
	}
	return true
}

// surplusIgnored are the keywords behind whose arguments the reference looks at nothing, so
// that words there, as those that should be a remark, keep no configuration from loading.
var surplusIgnored = setOf(
	"log-send-hostname", "stats timeout", "stats maxconn", "setenv", "presetenv", "hard-stop-after", "grace",
	"server-state-base", "server-state-file", "mworker-max-reloads",
	"stats enable", "stats uri", "stats auth", "stats refresh", "stats scope", "stats realm", "stats hide-version", "stats show-legends", "stats show-node", "stats show-modules",
	"clitcpka-cnt", "clitcpka-idle", "clitcpka-intvl", "srvtcpka-cnt", "srvtcpka-idle", "srvtcpka-intvl",
	"errorfile", "errorloc", "errorloc302", "errorloc303", "option redispatch",
	"email-alert from", "email-alert to", "email-alert level", "email-alert mailers", "email-alert myhostname",
	"dynamic-cookie-key", "http-send-name-header", "load-server-state-from-file", "max-keep-alive-queue", "hash-balance-factor", "hash-type",
	"tcp-request inspect-delay", "tcp-response inspect-delay", "bind-process", "compression offload", "log-tag",
	"unique-id-header", "max-session-srv-conns", "declare capture", "capture cookie", "rate-limit sessions",
)

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// one returns the only argument.
func (l *line) one(what string) (word, bool) {
	if !l.arity(1, 1, what) {
		return word{}, false
	}
	return l.args[0], true
}

// integer reads a number within bounds.
func (l *line) integer(w word, least, most int64) (int, bool) {
	n, err := strconv.ParseInt(w.text, 10, 64)
	if err != nil {
		l.fail(w, "'%s' expects an integer, not '%s'", l.kw.name, w.text)
		return 0, false
	}
	if n < least || n > most {
		l.fail(w, "'%s' expects an integer between %d and %d, not %d", l.kw.name, least, most, n)
		return 0, false
	}
	return int(n), true
}

// duration reads a time; a bare number counts in unit.
func (l *line) duration(w word, unit time.Duration) (time.Duration, bool) {
	return l.span(l.kw.name, w, unit)
}

// span reads the time that a keyword or an option is followed by. As in the reference,
// what comes after the unit is reported and ignored.
func (l *line) span(name string, w word, unit time.Duration) (time.Duration, bool) {
	d, rest, err := cutTime(w.text, unit)
	if err != nil {
		l.fail(w, "'%s' %v", name, err)
		return 0, false
	}
	if rest != "" {
		l.warn(w, "'%s' is ignored after the time in '%s'", rest, w.text)
	}
	return d, true
}

// opt is a setting that may be unset, which is not the same as zero: what is
// unset is taken from the defaults of the engine when all has been read.
type opt[T any] struct {
	val T
	set bool
	pos spec.Pos
}

func (o *opt[T]) put(v T, at spec.Pos) { *o = opt[T]{v, true, at} }

func (o *opt[T]) or(v T) T {
	if o.set {
		return o.val
	}
	return v
}
