package config

import (
	"slices"
	"strings"

	"bench/proxy/logformat"
	"bench/proxy/spec"
)

// httpRequest is the request of an HTTP check; empty parts are unset.
type httpRequest struct {
	method, uri, version string
	uriBy                *logformat.Format
	headers              []spec.CheckHeader
	body                 string
	bodyBy               *logformat.Format
}

// over puts what r says in the place of what s says.
func (r httpRequest) over(s httpRequest) httpRequest {
	s.method, s.version = first(r.method, s.method), first(r.version, s.version)
	if r.uri != "" || r.uriBy != nil {
		s.uri, s.uriBy = r.uri, r.uriBy
	}
	if len(r.headers) > 0 {
		s.headers = r.headers
	}
	if r.body != "" || r.bodyBy != nil {
		s.body, s.bodyBy = r.body, r.bodyBy
	}
	return s
}

// whole fills in what is unset.
func (r httpRequest) whole() *spec.CheckRequest {
	return &spec.CheckRequest{
		Method: first(r.method, "OPTIONS"), URI: first(r.uri, "/"), Version: first(r.version, "HTTP/1.0"),
		URIBy: r.uriBy, Headers: r.headers, Body: r.body, BodyBy: r.bodyBy,
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// complete makes the rules those of a whole HTTP check: with the request of "option
// httpchk", and something expected of the last answer.
func (c *checkDraft) complete() []spec.CheckStep {
	set := &c.http
	steps := slices.Clone(set.steps)
	at := set.asks()
	for i := range steps {
		if steps[i].Request != nil {
			r := c.requests[steps[i].Number]
			switch {
			case i != at || set.request == nil:
			case set.followed:
				r = set.request.over(r)
			default:
				r = r.over(*set.request)
			}
			steps[i].Request = r.whole()
		}
	}
	if at < 0 && set.request != nil {
		to := 0
		if len(steps) > 0 && steps[0].Connect != nil {
			to = 1
		}
		steps = slices.Insert(steps, to, spec.CheckStep{Request: set.request.whole()})
	}
	for i, step := range slices.Backward(steps) {
		if step.Request != nil {
			good := spec.CheckStep{Answer: &spec.Expect{Kind: spec.ExpectStatus, Pattern: "200-399"}, MinRecv: -1}
			return slices.Insert(steps, i+1, good)
		}
		if step.Var == nil {
			break
		}
	}
	return steps
}

func readHTTPCheck(l *line) {
	r := &httpRequest{}
	switch len(l.args) {
	case 0:
	case 1:
		r.uri = l.args[0].text
	default:
		r.method, r.uri = l.args[0].text, l.args[1].text
		if !isToken(r.method) {
			l.fail(l.args[0], "'%s' is not an HTTP method", r.method)
			return
		}
		if len(l.args) > 2 && !l.oldRequest(r) {
			return
		}
	}
	c := &l.sect.settings.check
	c.kind.put(spec.CheckHTTP, l.pos)
	set := l.rulesOf(&c.http)
	set.request, set.followed = r, set.asks() >= 0
}

// oldRequest takes what stands behind the version: header fields, and even a body, used to
// be given there.
func (l *line) oldRequest(r *httpRequest) bool {
	head, body, _ := strings.Cut(joinWords(l.args[2:]), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	r.version, r.body = lines[0], body
	if !isHTTPVersion(r.version) {
		l.warn(l.args[2], "'%s' is not an HTTP version like HTTP/1.1: HTTP/1.0 is used", r.version)
		r.version = "HTTP/1.0"
	}
	for _, h := range lines[1:] {
		name, value, ok := strings.Cut(h, ":")
		if h == "" {
			continue
		}
		if !ok || !isToken(name) {
			l.fail(l.args[2], "'%s' is not a header field", h)
			return false
		}
		f, err := logformat.CompileRaw(strings.TrimSpace(value), l.checkEnv())
		if err != nil {
			l.misreadFormat(err, l.args[2])
			return false
		}
		r.headers = append(r.headers, spec.CheckHeader{Name: name, Value: f})
	}
	if len(lines) > 1 {
		l.warn(l.args[2], "header fields after the version are deprecated: use 'http-check send hdr'")
	}
	return true
}

func isHTTPVersion(s string) bool {
	return len(s) == len("HTTP/1.1") && strings.HasPrefix(s, "HTTP/1.") && (s[7] == '0' || s[7] == '1')
}

func readCheckSend(l *line) {
	r := httpRequest{}
	st := spec.CheckStep{Request: &spec.CheckRequest{}}
	words := []string{"meth", "uri", "uri-lf", "ver", "hdr", "body", "body-lf", "comment"}
	for rest := l.args; len(rest) > 0; {
		name, n := rest[0].text, 1
		if name == "hdr" {
			n = 2
		}
		if !slices.Contains(words, name) {
			l.unknown(rest[0], "argument", words)
			return
		}
		if len(rest) <= n {
			l.missing("a value after '" + name + "'")
			return
		}
		if !l.requestPart(&r, &st, name, rest[1:n+1]) {
			return
		}
		rest = rest[n+1:]
	}
	c := &l.sect.settings.check
	set := l.rulesOf(&c.http)
	if last := set.last(); last != nil && last.Connect == nil {
		l.fail(l.head, "'http-check send' is not supported behind another rule than 'http-check connect': each request has its connection")
		return
	}
	l.addStep(set, st)
	if c.requests == nil {
		c.requests = map[int]httpRequest{}
	}
	c.requests[set.rules] = r
}

// requestPart takes one part of a request.
func (l *line) requestPart(r *httpRequest, st *spec.CheckStep, name string, values []word) bool {
	v, ok := values[0], true
	switch name {
	case "meth":
		r.method, ok = v.text, isToken(v.text)
	case "uri":
		r.uri, r.uriBy = v.text, nil
	case "uri-lf":
		r.uriBy = l.checkFormat(v)
		return r.uriBy != nil
	case "ver":
		r.version, ok = v.text, isHTTPVersion(v.text)
	case "hdr":
		if ok = isToken(v.text); !ok {
			break
		}
		f := l.checkFormat(values[1])
		r.headers = append(r.headers, spec.CheckHeader{Name: v.text, Value: f})
		return f != nil
	case "body":
		r.body, r.bodyBy = v.text, nil
	case "body-lf":
		r.bodyBy = l.checkFormat(v)
		return r.bodyBy != nil
	case "comment":
		st.Comment = v.text
	}
	if !ok {
		l.fail(v, "'%s' is not a value for '%s' in 'http-check send'", v.text, name)
	}
	return ok
}
