package stream

import (
	"bytes"

	"bench/proxy/compress"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/stats"
	"bench/proxy/txn"
)

// encoding is the content of a response that is encoded on its way.
type encoding struct {
	*compress.Encoder
	t      *Thread // nil: it does not count
	fe, be *stats.Compression
}

// Code implements transport.Coder.
func (e *encoding) Code(dst, content []byte, last bool) []byte {
	before := len(dst)
	dst = e.Encoder.Code(dst, content, last)
	if e.t == nil {
		return dst
	}
	in, out := uint64(len(content)), uint64(len(dst)-before)
	now := e.t.Loop.Now()
	e.t.Process.CompIn.Add(now, in)
	e.t.Process.CompOut.Add(now, out)
	e.t.Shared.CompressionPace.CountMany(now, (in+1023)/1024)
	for _, c := range []*stats.Compression{e.fe, e.be} {
		c.In += in
		c.Out += out
		if last {
			c.Responses++
		}
	}
	return dst
}

// compression is what frontend and backend say about encoding: the backend's word counts,
// and the frontend's where it says nothing.
type compression struct {
	algorithms []compress.Algorithm
	types      []string
	offload    bool
}

func (s *stream) compression() (c compression) {
	for _, px := range []*spec.Proxy{s.be.Spec, s.fe.Spec} {
		if px.Compression == nil {
			continue
		}
		if len(c.algorithms) == 0 {
			c.algorithms = px.Compression.Algorithms
		}
		if len(c.types) == 0 {
			c.types = px.Compression.Types
		}
		c.offload = c.offload || px.Compression.Offload
	}
	return c
}

// chooseEncoding finds out how the response may be encoded.
func (s *stream) chooseEncoding() txn.Verdict {
	c := s.compression()
	if len(c.algorithms) == 0 || oldBrowser(s.req.GetID(message.UserAgent)) {
		return txn.Next
	}
	h := &s.req.Header
	var choice compress.Choice
	for i := h.First(message.AcceptEncoding); i >= 0; i = h.Next(i) {
		choice.Add(h.At(i).Value, c.algorithms)
	}
	if s.encode, s.encodes = choice.Algorithm(); s.encodes {
		if c.offload {
			h.DelID(message.AcceptEncoding)
		}
		return txn.Next
	}
	for _, a := range c.algorithms {
		s.encodes = s.encodes || a == compress.Identity // which nobody has to ask for
	}
	return txn.Next
}

// oldBrowser tells whether a client takes encodings that it cannot read, as some browsers
// of the nineties did, but not the later ones that call themselves by the same name.
func oldBrowser(agent []byte) bool {
	if !bytes.HasPrefix(agent, []byte("Mozilla/4")) {
		return false
	}
	const msie = 25
	if len(agent) < msie+len("MSIE 6") || !bytes.HasPrefix(agent[msie:], []byte("MSIE ")) {
		return true
	}
	version := agent[msie+len("MSIE ")]
	const pack = 51
	return version < '6' || version == '6' && (len(agent) < pack+len("SV1") || !bytes.HasPrefix(agent[pack:], []byte("SV1")))
}

// judgeResponse decides whether the response is encoded, by its head as it came: rules have
// no say in it, as in the reference.
func (s *stream) judgeResponse() txn.Verdict {
	s.encodes = s.encodes && s.encodable(s.compression().types) && s.t.mayEncode()
	return txn.Next
}

// encodeResponse makes the head of a response that of an encoded one, if it is to be.
func (s *stream) encodeResponse() txn.Verdict {
	res := s.res
	if !s.encodes || s.bodiless(res.Status) {
		return txn.Next
	}
	if s.encode != compress.Identity {
		res.AddID(message.ContentEncoding, []byte(s.encode.Coding()))
	}
	if res.Body.Kind != message.BodyChunked {
		res.DelID(message.ContentLength)
		h1.MakeChunked(res)
	}
	if i := res.First(message.ETag); i >= 0 {
		if tag := res.At(i); len(tag.Value) > 0 && tag.Value[0] == '"' {
			tag.Value = append(append(res.Arena.Alloc(len(tag.Value) + len("W/"))[:0], "W/"...), tag.Value...)
		}
	}
	res.AddID(message.Vary, acceptEncoding)
	s.encoding = encoding{s.t.encoders.Get(s.encode), s.t, &s.fe.C.Compression, &s.be.C.Compression}
	s.coder = &s.encoding
	return txn.Next
}

var acceptEncoding = []byte("Accept-Encoding")

// encodable tells whether the response is one to be encoded: a complete one with content of
// a type that is wanted, that was not encoded yet and may be changed on its way.
func (s *stream) encodable(types []string) bool {
	res := s.res
	switch {
	case s.method == message.MethodHead, s.version < message.HTTP11, res.Version < message.HTTP11, res.Status < 200, res.Status > 203,
		res.Body.Kind != message.BodyChunked && (res.Body.Kind != message.BodyLength || res.Body.Length == 0),
		res.Has(message.ContentEncoding):
		return false
	}
	for i := res.First(message.CacheControl); i >= 0; i = res.Next(i) {
		for part := range bytes.SplitSeq(res.At(i).Value, []byte(",")) {
			if equalFold(bytes.TrimSpace(part), "no-transform") {
				return false
			}
		}
	}
	if i := res.First(message.ETag); i >= 0 && (!validTag(res.At(i).Value) || res.Next(i) >= 0) {
		return false
	}
	kind := res.GetID(message.ContentType)
	if hasPrefixFold(kind, "multipart") {
		return false
	}
	if len(types) == 0 {
		return true
	}
	for _, t := range types {
		if len(kind) >= len(t) && len(kind) > 0 && bytes.EqualFold(kind[:len(t)], []byte(t)) {
			return true
		}
	}
	return false
}

// validTag tells whether an ETag is one, strong or weak (RFC 9110 section 8.8.3).
func validTag(tag []byte) bool {
	tag = bytes.TrimPrefix(tag, []byte("W/"))
	return len(tag) >= 2 && tag[0] == '"' && tag[len(tag)-1] == '"'
}

// releaseEncoder gives back what encodes the response.
func (s *stream) releaseEncoder() {
	if s.exchange != nil && s.encoding.Encoder != nil {
		s.t.encoders.Put(s.encoding.Encoder)
		s.encoding = encoding{}
	}
}
