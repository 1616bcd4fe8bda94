package rule

import (
	"bytes"
	"strings"

	"bench/proxy/message"
	"bench/proxy/pattern"
	"bench/proxy/regex"
	"bench/proxy/txn"
)

// editing are the actions that change a message.
func editing() []Action {
	both := in(Request, Response, AfterResponse)
	return []Action{
		{Name: "set-header", Usage: "<name> <format>", Places: both, parse: parseField, run: setHeader, Doc: "Replace all fields of that name by one, or add it."},
		{Name: "add-header", Usage: "<name> <format>", Places: both, parse: parseField, run: addHeader, Doc: "Add a field."},
		{Name: "del-header", Usage: "<name> [-m { str | beg | end | sub | reg }]", Places: both, parse: parseDelHeader, run: delHeader, Doc: "Remove all fields of that name, or of those that match."},
		{Name: "replace-header", Usage: "<name> <regex> <format>", Places: both, parse: parseReplaceField, run: replaceHeader, Doc: "Replace the whole value of fields that match; \\1 and so on are groups."},
		{Name: "replace-value", Usage: "<name> <regex> <format>", Places: both, parse: parseReplaceField, run: replaceValue, Doc: "As replace-header, for each of the values between commas."},
		{Name: "set-method", Usage: "<format>", Places: in(Request), parse: parseFormat, run: setMethod, Doc: "Replace the method."},
		{Name: "set-path", Usage: "<format>", Places: in(Request), parse: parseFormat, run: setPath, Doc: "Replace the path, and leave the query."},
		{Name: "set-pathq", Usage: "<format>", Places: in(Request), parse: parseFormat, run: setPathq, Doc: "Replace path and query."},
		{Name: "set-query", Usage: "<format>", Places: in(Request), parse: parseFormat, run: setQuery, Doc: "Replace the query, without its question mark."},
		{Name: "set-uri", Usage: "<format>", Places: in(Request), parse: parseFormat, run: setURI, Doc: "Replace the whole target."},
		{Name: "replace-path", Usage: "<regex> <format>", Places: in(Request), parse: parseReplace, run: replacePath, Doc: "Replace a path that matches; \\1 and so on are groups."},
		{Name: "replace-pathq", Usage: "<regex> <format>", Places: in(Request), parse: parseReplace, run: replacePathq, Doc: "Replace path and query if they match; \\1 and so on are groups."},
		{Name: "replace-uri", Usage: "<regex> <format>", Places: in(Request), parse: parseReplace, run: replaceURI, Doc: "Replace a target that matches; \\1 and so on are groups."},
		{Name: "normalize-uri", Usage: "<normalizer> [full | strict]", Places: in(Request), parse: parseNormalize, run: normalize, Doc: "Bring the target into a normal form: " + strings.Join(normalizerNames(), ", ") + "."},
		{Name: "early-hint", Usage: "<name> <format>", Places: in(Request), parse: parseField, run: earlyHint, Doc: "Send the client a field in an interim response 103; several such rules in a row send one response."},
		{Name: "strict-mode", Usage: "{ on | off }", Places: both, parse: parseStrict, run: setStrict, Doc: "Whether a message that the rules of the list cannot rewrite is answered with an error (on, as always before this) or left alone."},
		{Name: "set-status", Usage: "<status> [reason <text>]", Places: in(Response, AfterResponse), parse: parseSetStatus, run: setStatus, Doc: "Replace the status."},
	}
}

// message is the header of the message that the rule is about, and its arena.
func (x *Runner) message() (*message.Header, *message.Arena) {
	if t := x.Ctx.Txn; x.list.Place >= Response {
		return &t.Res.Header, &t.Res.Arena
	}
	req := x.Ctx.Txn.Req
	return &req.Header, &req.Arena
}

func parseField(p *Parser, r *Rule) (err error) {
	if err = p.written(r); err != nil {
		return err
	}
	r.format, err = p.format("a value")
	return err
}

func setHeader(x *Runner, r *Rule) txn.Verdict {
	h, a := x.message()
	v := a.Copy(value(x.text(r.format)))
	h.Remove(r.id, r.name)
	h.Append(r.id, r.name, v)
	x.hostWritten(r)
	return txn.Next
}

// hostWritten makes an absolute target follow a Host that a rule has written: servers
// go by the target, others by the field (RFC 9112 section 3.2.2).
func (x *Runner) hostWritten(r *Rule) {
	if r.id != message.Host || x.list.Place != Request {
		return
	}
	req := x.Ctx.Txn.Req
	old := req.Authority()
	if req.Form != message.AbsoluteForm || old == nil {
		return
	}
	host := x.clean(&req.Arena, req.GetID(message.Host))
	if len(host) == 0 {
		return
	}
	before := bytes.Index(req.Target, schemeEnd) + len(schemeEnd)
	after := before + len(old)
	target := req.Arena.Alloc(len(req.Target) - len(old) + len(host))
	n := copy(target, req.Target[:before])
	n += copy(target[n:], host)
	copy(target[n:], req.Target[after:])
	req.SetTarget(target)
}

var schemeEnd = []byte("://")

func addHeader(x *Runner, r *Rule) txn.Verdict {
	h, a := x.message()
	h.Append(r.id, r.name, a.Copy(value(x.text(r.format))))
	return txn.Next
}

func parseDelHeader(p *Parser, r *Rule) error {
	w, err := p.word("the name of a header field")
	if err != nil {
		return err
	}
	if p.optional("-m") == "" {
		p.at--
		return p.field(r)
	}
	how, err := p.word("a method")
	if err != nil {
		return err
	}
	m, ok := pattern.ByName(how)
	switch {
	case !ok || m != pattern.Str && m != pattern.Beg && m != pattern.End && m != pattern.Sub && m != pattern.Reg:
		return p.fail("'%s' is no method for names of fields: want str, beg, end, sub or reg", how)
	}
	if r.names, err = pattern.Compile(m, m != pattern.Reg, []string{w}); err != nil {
		return p.fail("%v", err)
	}
	return nil
}

func delHeader(x *Runner, r *Rule) txn.Verdict {
	h, _ := x.message()
	if r.names == nil {
		h.Remove(r.id, r.name)
		return txn.Next
	}
	for i, f := range h.All() {
		if f.ID != message.ContentLength && f.ID != message.TransferEncoding && r.names.MatchText(&x.Ctx.Patterns, f.Name) {
			h.DelAt(i)
		}
	}
	return txn.Next
}

func parseReplaceField(p *Parser, r *Rule) error {
	if err := p.written(r); err != nil {
		return err
	}
	return parseReplace(p, r)
}

func parseReplace(p *Parser, r *Rule) error {
	w, err := p.word("a regular expression")
	if err != nil {
		return err
	}
	if r.re, err = regex.Compile(w, false); err != nil {
		return p.fail("%v", err)
	}
	r.format, err = p.format("a replacement")
	return err
}

// replaced is a template with the groups of a match, in memory of the runner. It reports
// false if there is no match.
func (x *Runner) replaced(r *Rule, b []byte) (text []byte, ok bool) {
	loc := r.re.Find(&x.Ctx.Regex, b, 0)
	if loc == nil {
		return nil, false
	}
	template := x.text(r.format)
	x.scrap = regex.Expand(x.scrap[:0], template, b, loc)
	return x.scrap, true
}

func replaceHeader(x *Runner, r *Rule) txn.Verdict {
	h, a := x.message()
	for _, f := range h.All() {
		if f.ID != r.id || r.id == message.Other && !bytes.Equal(f.Name, r.name) {
			continue
		}
		if v, ok := x.replaced(r, f.Value); ok {
			f.Value = a.Copy(value(v))
		}
	}
	x.hostWritten(r)
	return txn.Next
}

// replaceValue goes through the values between commas of each field.
func replaceValue(x *Runner, r *Rule) txn.Verdict {
	h, a := x.message()
	for _, f := range h.All() {
		if f.ID != r.id || r.id == message.Other && !bytes.Equal(f.Name, r.name) {
			continue
		}
		changed := false
		x.parts = x.parts[:0]
		for rest := f.Value; ; {
			part, more, comma := bytes.Cut(rest, comma)
			trimmed := bytes.Trim(part, " \t")
			if v, ok := x.replaced(r, trimmed); ok {
				x.parts = append(x.parts, value(v)...)
				changed = true
			} else {
				x.parts = append(x.parts, part...)
			}
			if !comma {
				break
			}
			x.parts = append(x.parts, ',')
			rest = more
		}
		if changed {
			f.Value = a.Copy(x.parts)
		}
	}
	x.hostWritten(r)
	return txn.Next
}

var comma = []byte{','}

func parseFormat(p *Parser, r *Rule) (err error) {
	r.format, err = p.format("a text")
	return err
}

func setMethod(x *Runner, r *Rule) txn.Verdict { return x.method(x.text(r.format)) }

func (x *Runner) method(b []byte) txn.Verdict {
	req := x.Ctx.Txn.Req
	if !isToken(string(b)) {
		return x.failed()
	}
	if m := message.LookupMethod(b); m != req.MethodID && (m == message.MethodConnect || req.MethodID == message.MethodConnect) {
		return x.failed() // a tunnel has another target, and no messages in it
	}
	req.SetMethod(req.Arena.Copy(b))
	return txn.Next
}

// failed answers a request that rules have made one that cannot be sent.
func (x *Runner) failed() txn.Verdict {
	if x.Ctx.Txn.Lenient {
		return txn.Next
	}
	x.out.Status, x.out.Failed = 500, true
	return txn.Answered
}

// clean copies a text into the request such that it can be a part of its target:
// blanks and control characters become %XX.
func (x *Runner) clean(a *message.Arena, b []byte) []byte {
	n := 0
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			n++
		}
	}
	if n == 0 {
		return a.Copy(b)
	}
	out := a.Alloc(len(b) + 2*n)[:0]
	const digits = "0123456789ABCDEF"
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			out = append(out, '%', digits[c>>4], digits[c&15])
		} else {
			out = append(out, c)
		}
	}
	return out
}

func setPath(x *Runner, r *Rule) txn.Verdict { return x.path(x.text(r.format)) }

// path replaces the path, or the asterisk in its place; requests for a tunnel have
// neither.
func (x *Runner) path(b []byte) txn.Verdict {
	req := x.Ctx.Txn.Req
	if req.Form == message.AuthorityForm {
		return txn.Next
	}
	if len(b) == 0 {
		b = slash
	}
	req.ReplacePath(x.clean(&req.Arena, b))
	return txn.Next
}

var slash = []byte{'/'}

func hasPath(req *message.Request) bool {
	return req.Form == message.OriginForm || req.Form == message.AbsoluteForm
}

func setQuery(x *Runner, r *Rule) txn.Verdict { return x.query(x.text(r.format)) }

func (x *Runner) query(b []byte) txn.Verdict {
	req := x.Ctx.Txn.Req
	if !hasPath(req) {
		return txn.Next
	}
	if len(b) > 0 && b[0] == '?' {
		b = b[1:]
	}
	req.ReplaceQuery(x.clean(&req.Arena, b))
	return txn.Next
}

func setPathq(x *Runner, r *Rule) txn.Verdict { return x.pathq(x.text(r.format)) }

func (x *Runner) pathq(b []byte) txn.Verdict {
	req := x.Ctx.Txn.Req
	if !hasPath(req) {
		return txn.Next
	}
	if len(b) == 0 {
		b = slash
	}
	b = x.clean(&req.Arena, b)
	keep := len(req.Target) - len(req.PathAndQuery())
	target := req.Arena.Alloc(keep + len(b))
	copy(target, req.Target[:keep])
	copy(target[keep:], b)
	req.SetTarget(target)
	return txn.Next
}

func setURI(x *Runner, r *Rule) txn.Verdict { return x.uri(x.text(r.format)) }

func (x *Runner) uri(b []byte) txn.Verdict {
	req := x.Ctx.Txn.Req
	if len(b) == 0 {
		return x.failed()
	}
	req.SetTarget(x.clean(&req.Arena, b))
	req.FromParts = false
	if req.Form == message.AbsoluteForm && req.Authority() != nil {
		// RFC 9112 section 3.2.2: both name the same host, the field without a user.
		host := req.Authority()
		host = host[bytes.LastIndexByte(host, '@')+1:]
		if len(host) == 0 {
			return x.failed()
		}
		req.SetID(message.Host, host)
	}
	return txn.Next
}

func replacePath(x *Runner, r *Rule) txn.Verdict {
	if req := x.Ctx.Txn.Req; hasPath(req) {
		if b, ok := x.replaced(r, req.Path()); ok {
			return x.path(b)
		}
	}
	return txn.Next
}

func replacePathq(x *Runner, r *Rule) txn.Verdict {
	if req := x.Ctx.Txn.Req; hasPath(req) {
		if b, ok := x.replaced(r, req.PathAndQuery()); ok {
			return x.pathq(b)
		}
	}
	return txn.Next
}

func replaceURI(x *Runner, r *Rule) txn.Verdict {
	if b, ok := x.replaced(r, x.Ctx.Txn.Req.Target); ok {
		return x.uri(b)
	}
	return txn.Next
}

func parseStrict(p *Parser, r *Rule) error {
	w, err := p.word("'on' or 'off'")
	if err != nil {
		return err
	}
	if w != "on" && w != "off" {
		return p.fail("'strict-mode' is 'on' or 'off', not '%s'", w)
	}
	r.number = len(w) - len("on")
	return nil
}

func setStrict(x *Runner, r *Rule) txn.Verdict {
	x.Ctx.Txn.Lenient = r.number != 0
	return txn.Next
}

// earlyHint collects fields, and sends them unless another one is to follow in any case.
func earlyHint(x *Runner, r *Rule) txn.Verdict {
	m := &x.hint
	if !x.hinting {
		x.hinting = true
		m.Reset()
		m.Version, m.Status, m.Reason, m.KeepAlive = message.HTTP11, 103, earlyHints, true
	}
	m.Append(r.id, r.name, m.Arena.Copy(value(x.text(r.format))))
	rules := x.list.Rules
	if next := x.at + 1; next == len(rules) || rules[next].act != r.act || rules[next].cond != nil {
		x.hinting = false
		x.Ctx.Txn.Stream.Hint(m)
	}
	return txn.Next
}

var earlyHints = []byte("Early Hints")

func parseSetStatus(p *Parser, r *Rule) (err error) {
	if r.number, err = p.integer("a status", 200, 599); err != nil {
		return err
	}
	r.name = reason(r.number)
	if p.optional("reason") != "" {
		w, err := p.word("a reason")
		if err != nil {
			return err
		}
		r.name = value([]byte(w))
	}
	return nil
}

func setStatus(x *Runner, r *Rule) txn.Verdict {
	res := x.Ctx.Txn.Res
	res.Status, res.Reason = r.number, r.name
	return txn.Next
}
