package check

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"bench/proxy/spec"
)

// httpSteps compiles an HTTP check: a request, and what is expected of the answer.
func httpSteps(c *spec.Check) ([]step, error) {
	var steps []step
	if c.HTTPConnect != nil {
		st, err := writtenStep(c.HTTPConnect)
		if err != nil {
			return nil, err
		}
		steps = append(steps, st)
	}
	steps = append(steps, step{say: func(k *Checker) []byte {
		state := ""
		if c.SendState && k.cfg.State != nil {
			state = k.cfg.State()
		}
		return request(c, state)
	}})
	rules := c.Expect
	if len(rules) == 0 {
		rules = []spec.Expect{{Kind: spec.ExpectStatus, Pattern: "200-399"}}
	}
	for i := range rules {
		e := &rules[i]
		x, err := newHTTPPattern(e)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: http-check expect: %w", e.File, e.Line, err)
		}
		steps = append(steps, step{
			expect: func(d *dialogue) reading { return x.read(d, c.DisableOn404) }, negate: e.Negate,
			ok: statusNamed(e.Outcome.OK), failed: statusNamed(e.Outcome.Error), late: statusNamed(e.Outcome.Timeout),
		})
	}
	return steps, nil
}

// httpPattern is what an expectation looks for in an answer.
type httpPattern struct {
	*spec.Expect
	ranges      [][2]int
	re          *regexp.Regexp // of the status, or the body
	name, value func(string) bool
}

func newHTTPPattern(e *spec.Expect) (*httpPattern, error) {
	x := &httpPattern{Expect: e}
	var err error
	switch e.Kind {
	case spec.ExpectStatus:
		x.ranges, err = statusRanges(e.Pattern)
	case spec.ExpectRStatus, spec.ExpectRString:
		x.re, err = regexp.Compile(e.Pattern)
	case spec.ExpectHeader, spec.ExpectFullHeader:
		if x.name, err = comparer(e.NameBy, e.Name, true); err == nil && e.ValueBy != "" {
			x.value, err = comparer(e.ValueBy, e.Pattern, false)
		}
	case spec.ExpectString:
	}
	return x, err
}

// comparer compares texts with a pattern; fold: whatever their case is.
func comparer(by, pattern string, fold bool) (func(string) bool, error) {
	if by == "reg" {
		if fold {
			pattern = "(?i)" + pattern
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, err
		}
		return re.MatchString, nil
	}
	compare := map[string]func(s, pattern string) bool{
		"str": func(s, p string) bool { return s == p }, "beg": strings.HasPrefix, "end": strings.HasSuffix, "sub": strings.Contains,
	}[by]
	if !fold {
		return func(s string) bool { return compare(s, pattern) }, nil
	}
	pattern = strings.ToLower(pattern)
	return func(s string) bool { return compare(strings.ToLower(s), pattern) }, nil
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
// to be kept, said only where the protocol would not say so by itself. state is what it
// says of the server's state.
func request(c *spec.Check, state string) []byte {
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
	if state != "" {
		b = fmt.Appendf(b, "x-haproxy-server-state: %s\r\n", state)
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

// read looks at what has come of an answer. on404 tells that a 404 is as good as what is
// looked for: a farewell, of a server that was well so far.
func (x *httpPattern) read(d *dialogue, on404 bool) reading {
	a := &d.answer
	switch {
	case a.malformed, !a.headed && d.ended:
		return reading{bad: true, status: L7Rsp, final: true, text: x.remark("")}
	case !a.headed:
		return reading{wait: true}
	}
	d.code, d.coded = a.code, true
	if on404 && a.code == 404 && d.up {
		return reading{}
	}
	switch x.Kind {
	case spec.ExpectStatus, spec.ExpectRStatus:
		if x.matchStatus(a.code) == x.Negate {
			return fails(L7Sts, x.remark(a.reason))
		}
	case spec.ExpectHeader, spec.ExpectFullHeader:
		if x.matchField(a) == x.Negate {
			return fails(L7Sts, x.remark(a.reason))
		}
	case spec.ExpectString, spec.ExpectRString:
		return x.readBody(a, d.ended || a.complete)
	}
	return reading{}
}

func (x *httpPattern) readBody(a *answer, complete bool) reading {
	found := x.matchBody(a.body)
	switch {
	case len(a.body) == 0 && complete:
		return fails(L7Rsp, x.remark("HTTP content check could not find a response body"))
	case len(a.body) == 0, !found && !complete && !x.Once, len(a.body) < x.MinRecv && !complete:
		return reading{wait: true}
	case found && x.Negate:
		return fails(L7Rsp, x.remark("HTTP check matched unwanted content"))
	case !found && !x.Negate:
		return fails(L7Rsp, x.remark("HTTP content check did not match"))
	}
	return reading{}
}

// remark adds the comment of the rule.
func (x *httpPattern) remark(text string) string {
	if x.Comment != "" {
		text += " comment: " + x.Comment
	}
	return text
}

// matchField tells whether a field of the answer is as the rule wants one.
func (x *httpPattern) matchField(a *answer) bool {
	for _, f := range a.fields {
		if !x.name(f[0]) {
			continue
		}
		if x.value == nil {
			return true
		}
		if x.Kind == spec.ExpectFullHeader {
			if x.value(f[1]) {
				return true
			}
			continue
		}
		for part := range strings.SplitSeq(f[1], ",") {
			if x.value(strings.TrimSpace(part)) {
				return true
			}
		}
	}
	return false
}

func (x *httpPattern) matchStatus(code int) bool {
	if x.re != nil {
		return x.re.MatchString(strconv.Itoa(code))
	}
	for _, r := range x.ranges {
		if code >= r[0] && code <= r[1] {
			return true
		}
	}
	return false
}

func (x *httpPattern) matchBody(body []byte) bool {
	if x.re != nil {
		return x.re.Match(body)
	}
	return bytes.Contains(body, []byte(x.Pattern))
}
