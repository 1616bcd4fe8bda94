package loadgen

import (
	"encoding/hex"
	"fmt"
	"strings"
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
	case "cookie":
		if h.Cookies {
			return "the generator keeps the cookies itself"
		}
	}
	return ""
}

func validateHTTP1(s *Spec, bad func(string, ...any)) {
	h := &s.HTTP
	if strings.ContainsFunc(h.Host, notVisible) {
		bad("host %q has spaces or control characters", h.Host)
	}
	if strings.Contains(h.Host, "{{") {
		bad("host %q: a host is no template", h.Host)
	}
	if len(h.Requests) > maxRequests {
		bad("%d kinds of requests: want at most %d", len(h.Requests), maxRequests)
	}
	names := map[string]bool{}
	for i := range h.Requests {
		r := &h.Requests[i]
		in := ""
		switch {
		case len(h.Requests) == 1 && r.Name == "":
		case r.Name == "" || len(r.Name) > maxName || strings.Trim(r.Name, nameCharacters) != "":
			bad("request name %q: want 1 to %d letters, digits, '-', '_' or '.'", r.Name, maxName)
		case names[r.Name]:
			bad("there are two requests %q", r.Name)
		default:
			in = fmt.Sprintf("request %s: ", r.Name)
		}
		names[r.Name] = true
		r.validate(h, func(format string, args ...any) { bad(in+format, args...) })
	}
}

func (r *Request) validate(h *HTTP, bad func(string, ...any)) {
	if r.Weight < 0 || r.Weight > 1_000_000 {
		bad("weight %d: want 1 to 1,000,000", r.Weight)
	}
	if r.Method != "" && tokenLength([]byte(r.Method)) != len(r.Method) || r.Method == "CONNECT" {
		bad("method %q: want one like GET, and not CONNECT", r.Method)
	}
	if r.Path != "" {
		if t, err := parseTemplate(r.Path); err != nil {
			bad("path: %w", err)
		} else if r.Path[0] != '/' && r.Path != "*" || strings.ContainsFunc(t.constants(), notVisible) {
			bad("path %q: want it to begin with '/' and to have no spaces or control characters", r.Path)
		}
	}
	for _, f := range r.Headers {
		validateHeader(&f, bad)
		if why := h.ReservedHeader(f.Name); why != "" {
			bad("header %q: %s", f.Name, why)
		}
		if _, err := parseTemplate(f.Value); err != nil {
			bad("header %q: %w", f.Name, err)
		}
	}
	r.Body.validate(bad)
	r.Expect.validate(bad)
}

func validateHeader(f *Header, bad func(string, ...any)) {
	if f.Name == "" || tokenLength([]byte(f.Name)) != len(f.Name) {
		bad("header name %q is not a token", f.Name)
	}
	if strings.ContainsAny(f.Value, "\r\n\x00") {
		bad("value of header %q holds a line break or NUL", f.Name)
	}
}

func (b *Body) validate(bad func(string, ...any)) {
	sources := 0
	for _, given := range []bool{b.Text != "", b.File != "", b.Size != 0} {
		if given {
			sources++
		}
	}
	if sources > 1 {
		bad("body: want one of text, file and size")
	}
	if b.Size < 0 || b.Size > MaxBody || len(b.Text) > MaxBody {
		bad("body: want 0 to %d bytes", MaxBody)
	}
	if b.ChunkBytes < 0 {
		bad("body: chunks of %d bytes: want 1 or more", b.ChunkBytes)
	}
	if b.Template {
		if b.Size > 0 {
			bad("body: a size is no template")
		}
		if _, err := parseTemplate(b.Text); err != nil {
			bad("body: %w", err)
		}
	}
}

func (x *Expect) validate(bad func(string, ...any)) {
	for _, st := range x.Status {
		if st < 200 || st > 599 {
			bad("expected status %d: want 200 to 599", st)
		}
	}
	if len(x.Headers) > maxHeaders {
		bad("%d expected headers: want at most %d", len(x.Headers), maxHeaders)
	}
	for _, f := range x.Headers {
		validateHeader(&f, func(format string, args ...any) { bad("expected "+format, args...) })
	}
	if x.Bytes != nil && *x.Bytes < 0 {
		bad("expected length %d of the body: want 0 or more", *x.Bytes)
	}
	if sum, err := hex.DecodeString(x.SHA256); err != nil || len(sum) != 0 && len(sum) != 32 {
		bad("expected checksum %q: want the 64 hexadecimal digits of a SHA-256", x.SHA256)
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
