package loadgen

import (
	"encoding/hex"
	"fmt"
	"strings"

	"bench/internal/integrity"
)

// ReservedHeader says what to do instead of setting a header of which the
// generator is in charge, "" if anyone may set it.
func (h *HTTP) ReservedHeader(name string) string {
	switch strings.ToLower(name) {
	case "host":
		return "set host instead"
	case "connection":
		return "set connections.requestsPerConnection instead"
	case "content-length", "transfer-encoding":
		return "it follows from the body"
	case strings.ToLower(HeaderID):
		return "the generator numbers the requests itself"
	case strings.ToLower(integrity.Header), strings.ToLower(integrity.HeaderReceived):
		return "the integrity check uses it"
	case "cookie":
		if h.Cookies {
			return "the generator keeps the cookies itself"
		}
	}
	return ""
}

// Problem is what is wrong with a part of a description.
type Problem struct {
	// Field is the part, by its key in a scenario: "path", "headers.Accept".
	Field string
	Text  string
}

// problems gathers what is wrong.
type problems []Problem

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, Problem{field, fmt.Sprintf(format, args...)})
}

func validateHTTP1(s *Spec, bad func(string, ...any)) {
	h := &s.HTTP
	for _, p := range h.Problems() {
		bad("%s", p.Text)
	}
	for i := range h.Requests {
		r := &h.Requests[i]
		in := ""
		if r.Name != "" {
			in = fmt.Sprintf("request %s: ", r.Name)
		}
		for _, p := range r.Problems(h) {
			bad("%s%s", in, p.Text)
		}
	}
}

// Problems tells what is wrong with h, apart from its requests taken by themselves.
func (h *HTTP) Problems() []Problem {
	var bad problems
	switch {
	case strings.ContainsFunc(h.Host, notVisible):
		bad.add("host", "host %q has spaces or control characters", h.Host)
	case strings.Contains(h.Host, "{{"):
		bad.add("host", "host %q: a host is no template", h.Host)
	}
	names := make([]string, len(h.Requests))
	for i := range h.Requests {
		names[i] = h.Requests[i].Name
	}
	bad.names("requests", names)
	return bad
}

// names checks the names of the kinds of requests of a load, which are at key.
func (p *problems) names(key string, names []string) {
	if len(names) > maxRequests {
		p.add(key, "%d kinds of requests: want at most %d", len(names), maxRequests)
	}
	known := map[string]bool{}
	for i, name := range names {
		field := fmt.Sprintf("%s[%d].name", key, i)
		switch {
		case len(names) == 1 && name == "":
		case name == "" || len(name) > maxName || strings.Trim(name, nameCharacters) != "":
			p.add(field, "request name %q: want 1 to %d letters, digits, '-', '_' or '.'", name, maxName)
		case known[name]:
			p.add(field, "there are two requests %q", name)
		}
		known[name] = true
	}
}

// Problems tells what is wrong with a request of h.
func (r *Request) Problems(h *HTTP) []Problem {
	var bad problems
	if r.Weight < 0 || r.Weight > maxWeight {
		bad.add("weight", "weight %d: want 1 to %d", r.Weight, maxWeight)
	}
	if r.Method != "" && tokenLength([]byte(r.Method)) != len(r.Method) || r.Method == "CONNECT" {
		bad.add("method", "method %q: want one like GET, and not CONNECT", r.Method)
	}
	if r.Path != "" {
		if t, err := parseTemplate(r.Path); err != nil {
			bad.add("path", "path: %s", err)
		} else if r.Path[0] != '/' && r.Path != "*" || strings.ContainsFunc(t.constants(), notVisible) {
			bad.add("path", "path %q: want it to begin with '/' and to have no spaces or control characters", r.Path)
		}
	}
	for _, f := range r.Headers {
		field := "headers." + f.Name
		bad.header(field, "", &f)
		if why := h.ReservedHeader(f.Name); why != "" {
			bad.add(field, "header %q: %s", f.Name, why)
		}
		if _, err := parseTemplate(f.Value); err != nil {
			bad.add(field, "header %q: %s", f.Name, err)
		}
	}
	r.Body.validate(&bad)
	r.Expect.validate(&bad)
	return bad
}

func (p *problems) header(field, what string, f *Header) {
	if f.Name == "" || tokenLength([]byte(f.Name)) != len(f.Name) {
		p.add(field, "%sheader name %q is not a token", what, f.Name)
	}
	if strings.ContainsAny(f.Value, "\r\n\x00") {
		p.add(field, "%svalue of header %q holds a line break or NUL", what, f.Name)
	}
}

func (b *Body) validate(bad *problems) {
	sources := 0
	for _, given := range []bool{b.Text != "", b.File != "", b.Size != 0} {
		if given {
			sources++
		}
	}
	if sources > 1 {
		bad.add("body", "body: want one of text, file and size")
	}
	if b.Size < 0 || b.Size > MaxBody || len(b.Text) > MaxBody {
		bad.add("body", "body: want 0 to %d bytes", MaxBody)
	}
	if b.ChunkBytes < 0 {
		bad.add("body.chunk", "body: chunks of %d bytes: want 1 or more", b.ChunkBytes)
	}
	if b.Template {
		if b.Size > 0 {
			bad.add("body.template", "body: a size is no template")
		}
		if _, err := parseTemplate(b.Text); err != nil {
			bad.add("body.text", "body: %s", err)
		}
	}
}

func (x *Expect) validate(bad *problems) {
	for i, st := range x.Status {
		if st < 200 || st > 599 {
			bad.add(fmt.Sprintf("expect.status[%d]", i), "expected status %d: want 200 to 599", st)
		}
	}
	if len(x.Headers) > maxHeaders {
		bad.add("expect.headers", "%d expected headers: want at most %d", len(x.Headers), maxHeaders)
	}
	for _, f := range x.Headers {
		bad.header("expect.headers."+f.Name, "expected ", &f)
	}
	if x.Bytes != nil && (*x.Bytes < 0 || *x.Bytes > maxExpectedBytes) {
		bad.add("expect.bytes", "expected length %d of the body: want 0 to %d", *x.Bytes, int64(maxExpectedBytes))
	}
	if sum, err := hex.DecodeString(x.SHA256); err != nil || len(sum) != 0 && len(sum) != 32 {
		bad.add("expect.sha256", "expected checksum %q: want the 64 hexadecimal digits of a SHA-256", x.SHA256)
	}
}

// constants is what stands between the variables.
func (t template) constants() string {
	var b strings.Builder
	for i := range t {
		b.WriteString(t[i].text)
	}
	return b.String()
}
