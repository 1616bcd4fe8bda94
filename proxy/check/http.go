package check

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"bench/proxy/message"
	"bench/proxy/spec"
)

// program is a compiled HTTP check.
type program struct {
	request   []byte
	method    message.Method
	expect    []expectation
	on404     bool // a 404 takes the server out of balancing only
	needsBody bool
}

type expectation struct {
	kind   spec.ExpectKind
	negate bool
	text   string
	ranges [][2]int
	re     *regexp.Regexp
}

// compile prepares a check; nil for plain connection checks.
func compile(c *spec.Check) (*program, error) {
	if c == nil || c.Kind != spec.CheckHTTP {
		return nil, nil
	}
	p := &program{request: request(c), method: message.LookupMethod([]byte(c.Method)), on404: c.DisableOn404}
	for _, e := range c.Expect {
		x := expectation{kind: e.Kind, negate: e.Negate, text: e.Pattern}
		var err error
		switch e.Kind {
		case spec.ExpectStatus:
			x.ranges, err = statusRanges(e.Pattern)
		case spec.ExpectRStatus, spec.ExpectRString:
			x.re, err = regexp.Compile(e.Pattern)
		case spec.ExpectString:
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: http-check expect: %w", e.File, e.Line, err)
		}
		p.needsBody = p.needsBody || e.Kind == spec.ExpectString || e.Kind == spec.ExpectRString
		p.expect = append(p.expect, x)
	}
	return p, nil
}

// statusRanges reads "200", "200,204" or "200-399,404".
func statusRanges(s string) (out [][2]int, err error) {
	for part := range strings.SplitSeq(s, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		a, err1 := strconv.Atoi(strings.TrimSpace(low))
		b, err2 := strconv.Atoi(strings.TrimSpace(high))
		if err1 != nil || err2 != nil || a < 100 || b > 999 || a > b {
			return nil, fmt.Errorf("invalid status %q: want numbers and ranges from 100 to 999, like 200-399,404", part)
		}
		out = append(out, [2]int{a, b})
	}
	return out, nil
}

// request writes the request as the reference does: names in lower case, framing
// of its own in place of any configured, and one word on whether the connection is
// to be kept, said only where the protocol would not say so by itself.
func request(c *spec.Check) []byte {
	version := c.Version
	if version == "" {
		version = "HTTP/1.0"
	}
	b := fmt.Appendf(nil, "%s %s %s\r\n", c.Method, c.URI, version)
	closing, options := false, false
	for _, h := range c.Headers {
		name, value := strings.ToLower(h[0]), h[1]
		switch name {
		case "content-length", "transfer-encoding":
			continue
		case "connection":
			options = true
			var closes bool
			if value, closes = connectionOptions(value); closes {
				closing = true
			}
			if value == "" {
				continue
			}
		}
		b = fmt.Appendf(b, "%s: %s\r\n", name, value)
	}
	switch c.Method {
	case "GET", "HEAD", "OPTIONS", "DELETE":
		if c.Body == "" {
			break
		}
		fallthrough
	default:
		b = fmt.Appendf(b, "content-length: %d\r\n", len(c.Body))
	}
	switch closing = closing || !options; {
	case version != "HTTP/1.0" && closing:
		b = append(b, "connection: close\r\n"...)
	case version == "HTTP/1.0" && !closing:
		b = append(b, "connection: keep-alive\r\n"...)
	}
	b = append(b, "\r\n"...)
	return append(b, c.Body...)
}

// connectionOptions takes the words on keeping the connection out of a Connection
// field.
func connectionOptions(value string) (rest string, closes bool) {
	var others []string
	for option := range strings.SplitSeq(value, ",") {
		switch option = strings.TrimSpace(option); strings.ToLower(option) {
		case "close":
			closes = true
		case "keep-alive", "":
		default:
			others = append(others, option)
		}
	}
	return strings.Join(others, ", "), closes
}

// verdict of an answer that may not be complete yet.
type verdict struct {
	done bool
	r    Result
}

// judge looks at what has been received. ended tells that no more will come, up
// that the server was well so far: only then can a 404 be a farewell.
func (p *program) judge(a *answer, ended, up bool) verdict {
	switch {
	case a.malformed, !a.headed && ended:
		return verdict{true, Result{Status: L7Rsp}}
	case !a.headed:
		return verdict{}
	}
	if p.on404 && a.code == 404 && up {
		return verdict{true, Result{Status: L7OKC, Code: a.code}}
	}
	if len(p.expect) == 0 && (a.code < 200 || a.code > 399) {
		return verdict{true, Result{Status: L7Sts, Code: a.code, Output: a.reason}}
	}
	complete := ended || a.complete
	for i := range p.expect {
		e := &p.expect[i]
		switch e.kind {
		case spec.ExpectStatus, spec.ExpectRStatus:
			if e.matchStatus(a.code) == e.negate {
				return verdict{true, Result{Status: L7Sts, Code: a.code, Output: a.reason}}
			}
		case spec.ExpectString, spec.ExpectRString:
			if len(a.body) == 0 && complete {
				return verdict{true, Result{Status: L7Rsp, Output: "HTTP content check could not find a response body"}}
			}
			found := e.matchBody(a.body)
			if !found && !complete {
				return verdict{}
			}
			switch {
			case found && e.negate:
				return verdict{true, Result{Status: L7Rsp, Output: "HTTP check matched unwanted content"}}
			case !found && !e.negate:
				return verdict{true, Result{Status: L7Rsp, Output: "HTTP content check did not match"}}
			}
		}
	}
	return verdict{true, Result{Status: L7OK, Code: a.code}}
}

func (e *expectation) matchStatus(code int) bool {
	if e.re != nil {
		return e.re.MatchString(strconv.Itoa(code))
	}
	for _, r := range e.ranges {
		if code >= r[0] && code <= r[1] {
			return true
		}
	}
	return false
}

func (e *expectation) matchBody(body []byte) bool {
	if e.re != nil {
		return e.re.Match(body)
	}
	return bytes.Contains(body, []byte(e.text))
}
