package check

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"bench/proxy/logformat"
	"bench/proxy/message"
	"bench/proxy/spec"
)

// askHTTP makes the request of a step.
func askHTTP(c *spec.Check, r *spec.CheckRequest, cfg *Config) func(*Checker) ([]byte, bool) {
	method := message.LookupMethod([]byte(r.Method))
	return func(k *Checker) ([]byte, bool) {
		k.talk.method = method
		state := ""
		if c.SendState && cfg.State != nil {
			state = cfg.State()
		}
		return k.request(r, state), true
	}
}

// expectHTTP makes st a step that expects something of an answer.
func expectHTTP(c *spec.Check, r *spec.CheckStep, st step) (step, error) {
	x, err := newHTTPPattern(r)
	if err != nil {
		return st, fmt.Errorf("http-check expect: %w", err)
	}
	st.expect = func(d *dialogue) reading { return x.read(d, c.DisableOn404) }
	if x.PatternBy != nil || x.NameBy != nil {
		st.wants = x.prepare
	}
	return st, nil
}

// httpPattern is what an expectation looks for in an answer.
type httpPattern struct {
	*spec.CheckStep
	*spec.Expect
	ranges      [][2]int
	re          *regexp.Regexp // of the status, or the body
	text        string         // to be found in the body
	name, value func(string) bool
}

func newHTTPPattern(r *spec.CheckStep) (*httpPattern, error) {
	e := r.Answer
	x := &httpPattern{CheckStep: r, Expect: e, text: e.Pattern}
	var err error
	switch e.Kind {
	case spec.ExpectStatus:
		x.ranges, err = statusRanges(e.Pattern)
	case spec.ExpectRStatus, spec.ExpectRString:
		x.re, err = regexp.Compile(e.Pattern)
	case spec.ExpectHeader, spec.ExpectFullHeader:
		if x.name, err = comparer(e.MatchName, e.Name, true); err == nil && e.MatchValue != "" {
			x.value, err = comparer(e.MatchValue, e.Pattern, false)
		}
	case spec.ExpectString:
	}
	return x, err
}

// prepare makes what is looked for of samples, once there is an answer to take them from.
func (x *httpPattern) prepare(c *Checker) (failure string) {
	if !c.talk.answer.headed {
		return ""
	}
	for _, part := range []struct {
		by *logformat.Format
		to func(text string)
	}{
		{x.NameBy, func(text string) { x.name, _ = comparer(x.MatchName, text, true) }},
		{x.PatternBy, func(text string) {
			if x.text = text; x.Kind != spec.ExpectString {
				x.value, _ = comparer(x.MatchValue, text, false)
			}
		}},
	} {
		if part.by == nil {
			continue
		}
		text := c.text(part.by)
		if len(text) == 0 {
			return noText
		}
		part.to(string(text))
	}
	return ""
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
func (c *Checker) request(r *spec.CheckRequest, state string) []byte {
	uri, body := r.URI, []byte(r.Body)
	if r.URIBy != nil {
		uri = cmp.Or(string(c.text(r.URIBy)), uri)
	}
	if r.BodyBy != nil {
		body = c.text(r.BodyBy)
	}
	b := fmt.Appendf(nil, "%s %s %s\r\n", r.Method, uri, r.Version)
	closing, options := false, false
	for _, h := range r.Headers {
		name, value := strings.ToLower(h.Name), string(c.text(h.Value))
		switch name {
		case "content-length", "transfer-encoding":
			continue
		case "connection":
			options = true
			var closes bool
			if value, closes = connectionOptions(value); closes {
				closing = true
			}
		}
		if value != "" {
			b = fmt.Appendf(b, "%s: %s\r\n", name, value)
		}
	}
	if state != "" {
		b = fmt.Appendf(b, "x-haproxy-server-state: %s\r\n", state)
	}
	switch r.Method {
	case "GET", "HEAD", "OPTIONS", "DELETE":
		if len(body) == 0 {
			break
		}
		fallthrough
	default:
		b = fmt.Appendf(b, "content-length: %d\r\n", len(body))
	}
	switch closing = closing || !options; {
	case r.Version != "HTTP/1.0" && closing:
		b = append(b, "connection: close\r\n"...)
	case r.Version == "HTTP/1.0" && !closing:
		b = append(b, "connection: keep-alive\r\n"...)
	}
	b = append(b, "\r\n"...)
	return append(b, body...)
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
		return reading{bad: true, status: L7Rsp, final: true}
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
			return fails(L7Sts, a.reason)
		}
	case spec.ExpectHeader, spec.ExpectFullHeader:
		if x.matchField(a) == x.Negate {
			return fails(L7Sts, a.reason)
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
		return fails(L7Rsp, "HTTP content check could not find a response body")
	case len(a.body) == 0, !found && !complete && x.MinRecv < 0, len(a.body) < x.MinRecv && !complete:
		return reading{wait: true}
	case found && x.Negate:
		return fails(L7Rsp, "HTTP check matched unwanted content")
	case !found && !x.Negate:
		return fails(L7Rsp, "HTTP content check did not match")
	}
	return reading{}
}

// matchField tells whether a field of the answer is as the rule wants one.
func (x *httpPattern) matchField(a *answer) bool {
	for _, f := range a.message.Header.All() {
		if !x.name(string(f.Name)) {
			continue
		}
		if x.value == nil {
			return true
		}
		if x.Kind == spec.ExpectFullHeader {
			if x.value(string(f.Value)) {
				return true
			}
			continue
		}
		for part := range strings.SplitSeq(string(f.Value), ",") {
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
	return bytes.Contains(body, []byte(x.text))
}
