package http1

import (
	"encoding/hex"
	"fmt"
	"strings"

	"bench/internal/integrity"
	"bench/loadgen/codec"
	"bench/loadgen/httpfield"
	"bench/loadgen/template"
)

// maxHeaders bounds the headers expected in one answer.
const maxHeaders = 64

// ReservedHeader says what to do instead of setting a header of which the
// generator is in charge, "" if anyone may set it.
func (h *Spec) ReservedHeader(name string) string {
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

// Problems says what is wrong with h, apart from its requests taken by themselves.
func (h *Spec) Problems() []codec.Problem {
	var bad codec.Problems
	if t, err := template.Parse(h.Host); err != nil {
		bad.Add("host", "host: %s", err)
	} else if strings.ContainsFunc(t.Constants(), httpfield.NotVisible) {
		bad.Add("host", "host %q has spaces or control characters", h.Host)
	}
	names := make([]string, len(h.Requests))
	for i := range h.Requests {
		names[i] = h.Requests[i].Name
	}
	bad.Names("requests", names)
	return bad
}

// Problems says what is wrong with a request of h.
func (r *Request) Problems(h *Spec) []codec.Problem {
	var bad codec.Problems
	if r.Weight < 0 || r.Weight > codec.MaxWeight {
		bad.Add("weight", "weight %d: want 1 to %d", r.Weight, codec.MaxWeight)
	}
	if r.Method != "" && httpfield.TokenLength([]byte(r.Method)) != len(r.Method) || r.Method == "CONNECT" {
		bad.Add("method", "method %q: want one like GET, and not CONNECT", r.Method)
	}
	if r.Path != "" {
		if t, err := template.Parse(r.Path); err != nil {
			bad.Add("path", "path: %s", err)
		} else if r.Path[0] != '/' && r.Path != "*" || strings.ContainsFunc(t.Constants(), httpfield.NotVisible) {
			bad.Add("path", "path %q: want it to begin with '/' and to have no spaces or control characters", r.Path)
		}
	}
	for _, f := range r.Headers {
		field := "headers." + f.Name
		checkHeader(&bad, field, "", &f)
		if why := h.ReservedHeader(f.Name); why != "" {
			bad.Add(field, "header %q: %s", f.Name, why)
		}
		if _, err := template.Parse(f.Value); err != nil {
			bad.Add(field, "header %q: %s", f.Name, err)
		}
	}
	r.Body.validate(&bad)
	r.Expect.validate(&bad)
	return bad
}

// checkHeader checks the name and the value of a field.
func checkHeader(p *codec.Problems, field, what string, f *Header) {
	if f.Name == "" || httpfield.TokenLength([]byte(f.Name)) != len(f.Name) {
		p.Add(field, "%sheader name %q is not a token", what, f.Name)
	}
	if strings.ContainsAny(f.Value, "\r\n\x00") {
		p.Add(field, "%svalue of header %q holds a line break or NUL", what, f.Name)
	}
}

func (b *Body) validate(bad *codec.Problems) {
	sources := 0
	for _, given := range []bool{b.Text != "", b.File != "", b.Size != 0} {
		if given {
			sources++
		}
	}
	if sources > 1 {
		bad.Add("body", "body: want one of text, file and size")
	}
	if b.Size < 0 || b.Size > codec.MaxBody || len(b.Text) > codec.MaxBody {
		bad.Add("body", "body: want 0 to %d bytes", codec.MaxBody)
	}
	if b.ChunkBytes < 0 {
		bad.Add("body.chunk", "body: chunks of %d bytes: want 1 or more", b.ChunkBytes)
	}
	if b.Template {
		if b.Size > 0 {
			bad.Add("body.template", "body: a size cannot be a template")
		}
		if _, err := template.Parse(b.Text); err != nil {
			bad.Add("body.text", "body: %s", err)
		}
	}
}

func (x *Expect) validate(bad *codec.Problems) {
	for i, st := range x.Status {
		if st < 200 || st > 599 {
			bad.Add(fmt.Sprintf("expect.status[%d]", i), "expected status %d: want 200 to 599", st)
		}
	}
	if len(x.Headers) > maxHeaders {
		bad.Add("expect.headers", "%d expected headers: want at most %d", len(x.Headers), maxHeaders)
	}
	for _, f := range x.Headers {
		checkHeader(bad, "expect.headers."+f.Name, "expected ", &f)
	}
	if x.Bytes != nil && (*x.Bytes < 0 || *x.Bytes > codec.MaxExpectedBytes) {
		bad.Add("expect.bytes", "expected length %d of the body: want 0 to %d", *x.Bytes, int64(codec.MaxExpectedBytes))
	}
	if sum, err := hex.DecodeString(x.SHA256); err != nil || len(sum) != 0 && len(sum) != 32 {
		bad.Add("expect.sha256", "expected checksum %q: want the 64 hexadecimal digits of a SHA-256", x.SHA256)
	}
}
