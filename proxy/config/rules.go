package config

import (
	"math"
	"time"

	"bench/proxy/acl"
	"bench/proxy/h1"
	"bench/proxy/rule"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// ruleKeywords are lists of rules (configuration manual, section 4.2).
func ruleKeywords() []keyword {
	const cond = " [{ if | unless } <condition>]"
	list := func(place rule.Place, sc scope, doc string) keyword {
		return keyword{name: place.String(), args: "<action> [<argument>...]" + cond, scope: sc, strict: true, doc: doc, read: func(l *line) { readRule(l, place) }}
	}
	return []keyword{
		list(rule.Connection, inFront, "Rules about connections that were accepted."),
		list(rule.Session, inFront, "Rules about connections that are ready to be used."),
		list(rule.Content, inFront|inBack, "Rules about what clients send before it is understood."),
		inspectDelay("tcp-request inspect-delay", inFront|inBack, "How long rules about content wait for more.", func(s *section) *opt[time.Duration] { return &s.inspect }),
		list(rule.Answer, inBack, "Rules about what servers send before it is understood."),
		inspectDelay("tcp-response inspect-delay", inBack, "How long rules about what servers send wait for more.", func(s *section) *opt[time.Duration] { return &s.inspectAnswer }),
		list(rule.Request, inFront|inBack, "Rules about requests."),
		list(rule.Response, inFront|inBack, "Rules about responses of servers."),
		list(rule.AfterResponse, inFront|inBack, "Rules about all responses, those of the proxy's own included."),
		{name: "redirect", args: "{ location | prefix | scheme } <format> [<option>...]" + cond, scope: inFront | inBack, strict: true, doc: "Send clients elsewhere, after all \"http-request\" rules.", read: readRedirect},
		{name: "monitor fail", args: "{ if | unless } <condition>", scope: inFront, doc: "Answer requests for the monitor URI with an error if the condition holds.", read: readMonitorFail},
		capture("request", "Keep a header field of requests for the log.", func(s *section) *[]spec.Capture { return &s.reqCaptures }),
		capture("response", "Keep a header field of responses for the log.", func(s *section) *[]spec.Capture { return &s.resCaptures }),
		{name: "tune.http.cookielen", args: "<number>", scope: inGlobal, doc: "Longest \"capture cookie\", to which longer ones are cut: 63 by default.", read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				if n, ok := l.integer(w, 0, math.MaxInt32); ok {
					l.p.global.cookieLen = n
				}
			}
		}},
		{name: "capture cookie", args: "<name> len <length>", scope: inFront, doc: "Keep a cookie of requests, and of responses, for the log: the first whose name begins so, or with \"=\" at the end, is this.", read: readCaptureCookie},
		{name: "declare capture", args: "{ request | response } len <length>", scope: inFront, strict: true, doc: "Make a slot in which rules keep something for the log.", read: readDeclareCapture},
	}
}

// inspectDelay is how long rules about content wait.
func inspectDelay(name string, sc scope, doc string, field func(*section) *opt[time.Duration]) keyword {
	return keyword{name: name, args: "<time>", scope: sc, strict: true, doc: doc, read: func(l *line) {
		if w, ok := l.one("a time"); ok {
			if d, ok := l.duration(w, time.Millisecond); ok {
				field(l.sect).put(d, l.pos)
			}
		}
	}}
}

// steps are those at which the rules of a place of the section run, and their name.
func (l *line) steps(place rule.Place) (txn.Steps, string) {
	switch place {
	case rule.Connection:
		return txn.At(txn.StepConnection), txn.StepConnection.String()
	case rule.Session:
		return txn.At(txn.StepSession), txn.StepSession.String()
	case rule.Content:
		return txn.At(txn.StepContent), txn.StepContent.String()
	case rule.Response, rule.AfterResponse, rule.Answer:
		return txn.At(txn.StepResponse), txn.StepResponse.String()
	case rule.Request, rule.NumPlaces:
	}
	var at txn.Steps
	where := txn.StepBackend
	if l.sect.kind&inBack != 0 {
		at |= txn.At(txn.StepBackend)
	}
	if l.sect.kind&inFront != 0 {
		at |= txn.At(txn.StepRequest)
		where = txn.StepRequest
	}
	return at, where.String()
}

// ruleParser reads the arguments of a line as a rule.
func (l *line) ruleParser(place rule.Place) *rule.Parser {
	at, where := l.steps(place)
	p := &rule.Parser{
		Place: place, Words: texts(l.args), Section: l.sect.name, Backend: l.sect.kind&inBack != 0, Page: l.errorPage, ErrorFiles: l.errorFilesOf, Cache: l.useCache, Resolvers: l.useResolvers,
		Lookup:   &acl.Lookup{Named: l.sect.acls, Env: l.sampleEnv(at, where)},
		Duration: func(s string) (time.Duration, error) { return parseTime(s, time.Millisecond) },
		Size:     parseSize,
		Warn:     func(msg string) { l.warn(l.args[0], "'%s': %s", l.kw.name, msg) },
	}
	if l.sect.kind&inFront != 0 {
		p.AddCapture = func(length int) int {
			l.sect.reqCaptures = append(l.sect.reqCaptures, spec.Capture{Length: length})
			return len(l.sect.reqCaptures) - 1
		}
	}
	return p
}

// errorPage makes an answer of the text of an error file.
func (l *line) errorPage(text []byte) (*rule.Page, error) {
	r, err := h1.ParseReply(0, text, l.p.global.Tune.BufSize)
	if err != nil {
		return nil, err
	}
	if r.Empty() {
		return &rule.Page{}, nil
	}
	return &rule.Page{Message: r.Message(), Content: r.Body}, nil
}

// errorFilesOf notes an answer of an "http-errors" section that a rule gives.
func (l *line) errorFilesOf(section string, status int, set func(*rule.Page)) {
	l.p.pageUses = append(l.p.pageUses, pageUse{reference{section, l.pos, l.text}, status, set, l})
}

func readRule(l *line, place rule.Place) {
	if !l.arity(1, maxWords, "an action") {
		return
	}
	if kind, ok := ruleKinds[place]; ok {
		l.misplaced(kind)
	}
	r, err := l.ruleParser(place).Parse()
	l.addRule(place, &l.sect.rules[place], r, err)
}

// addRule takes a rule that was read, or reports why it was not.
func (l *line) addRule(place rule.Place, to *[]*rule.Rule, r *rule.Rule, err error) {
	if err != nil {
		l.misread(err, 0)
		return
	}
	at, where := l.steps(place)
	l.checkCond(r.Cond(), at, where)
	if file, _ := r.List(); file != "" {
		l.p.changed = append(l.p.changed, listUse{r, l.pos, l.text, l.sect})
	}
	if e, ok := r.HTTP(); ok {
		l.sect.noteHTTP(e, l.pos, l.text)
	}
	if n := len(*to); n > 0 && (*to)[n-1].Final() {
		l.warn(l.head, "'%s' is never reached: the rule before it, '%s', has no condition", l.kw.name, (*to)[n-1])
	}
	if place >= rule.Request && l.sect.httpRules.Line == 0 {
		l.sect.httpRules = l.pos
	}
	*to = append(*to, r)
}

// readRedirect takes a "redirect" line, which counts as a rule about requests that
// comes after all others.
func readRedirect(l *line) {
	if !l.arity(1, maxWords, "a destination") {
		return
	}
	l.misplaced(afterSwitching)
	r, err := l.ruleParser(rule.Request).ParseRedirect()
	l.addRule(rule.Request, &l.sect.redirects, r, err)
}

func readMonitorFail(l *line) {
	if !l.arity(1, maxWords, "'if' or 'unless', and a condition") {
		return
	}
	if w := l.args[0]; w.text != "if" && w.text != "unless" {
		l.fail(w, "'monitor fail' expects 'if' or 'unless', not '%s'", w.text)
		return
	}
	if c, ok := l.cond(txn.At(txn.StepRequest), "answers to the monitor URI", 0); ok {
		l.misplaced(afterRequest)
		l.sect.monitorFail = append(l.sect.monitorFail, c)
	}
}

// maxCapture is the longest text to be kept.
const maxCapture = 65535

func capture(of, doc string, list func(*section) *[]spec.Capture) keyword {
	return keyword{name: "capture " + of + " header", args: "<name> len <length>", scope: inFront, doc: doc, read: func(l *line) {
		if !l.arity(3, 3, "a name, 'len' and a length") {
			return
		}
		if !isToken(l.args[0].text) {
			l.fail(l.args[0], "'%s' is not a valid header field name", l.args[0].text)
			return
		}
		if l.args[1].text != "len" {
			l.fail(l.args[1], "'%s' expects 'len', not '%s'", l.kw.name, l.args[1].text)
			return
		}
		if n, ok := l.integer(l.args[2], 1, maxCapture); ok {
			to := list(l.sect)
			*to = append(*to, spec.Capture{Field: lowered(l.args[0].text), Length: n})
		}
	}}
}

func readCaptureCookie(l *line) {
	if !l.arity(3, 3, "a name, 'len' and a length") {
		return
	}
	if l.args[1].text != "len" {
		l.fail(l.args[1], "'%s' expects 'len', not '%s'", l.kw.name, l.args[1].text)
		return
	}
	if n, ok := l.integer(l.args[2], 1, maxCapture); ok {
		l.sect.cookieCapture = &spec.CookieCapture{Prefix: l.args[0].text, Length: n}
	}
}

func readDeclareCapture(l *line) {
	if !l.arity(3, 3, "'request' or 'response', 'len' and a length") {
		return
	}
	to := &l.sect.reqCaptures
	switch w := l.args[0]; w.text {
	case "request":
	case "response":
		to = &l.sect.resCaptures
	default:
		l.unknown(w, "message", []string{"request", "response"})
		return
	}
	if l.args[1].text != "len" {
		l.fail(l.args[1], "'%s' expects 'len', not '%s'", l.kw.name, l.args[1].text)
		return
	}
	if n, ok := l.integer(l.args[2], 1, maxCapture); ok {
		*to = append(*to, spec.Capture{Length: n})
	}
}
