package http1

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"

	"bench/internal/integrity"
	"bench/loadgen/codec"
	"bench/loadgen/draw"
	"bench/loadgen/httpfield"
	"bench/loadgen/template"
)

// seal is what is known beforehand of the digest of one kind of request.
type seal struct {
	fixed bool           // nothing but the id differs from request to request
	sum   uint64         // of the head without the id, if fixed
	body  integrity.Body // of a constant body
	tail  []byte         // what follows the digest of the head, if the body is constant
}

const integrityLine = integrity.Header + ": 0000000000000000"

// checkBy sets the check up as a load asks for it.
func (c *client) checkBy(l *codec.Load) (err error) {
	if l.Integrity == nil {
		return nil
	}
	if c.check, err = integrity.ParseExceptions(l.Integrity.Except); err != nil {
		return fmt.Errorf("integrity: %w", err)
	}
	c.name = l.Name
	c.idPrefix.Add([]byte(l.Name + "."))
	return nil
}

// prepareSeal computes what is the same in all requests of a kind.
func (c *client) prepareSeal(q *request) {
	if q.varied == nil {
		if c.check.RequestBody() {
			q.seal.body = q.content
		}
		q.seal.tail = c.sealTail(nil, q.seal.body)
	}
	_, head := q.head.Fixed()
	_, host := q.host.Fixed()
	_, fields := q.fields.Fixed()
	if q.seal.fixed = head && host && fields && !c.cookies; q.seal.fixed {
		text := draw.AppendNumber(q.host.Append(q.head.Append(nil, &template.Values{}), &template.Values{}), 0)
		text = append(q.fields.Append(text, &template.Values{}), "\r\n"...)
		q.seal.sum, _ = c.sums.SumRequest(c.check, text)
	}
}

// sealTail appends what follows the digest of the head in its line.
func (c *client) sealTail(dst []byte, body integrity.Body) []byte {
	dst = integrity.AppendBody(dst, body)
	dst = integrity.AppendExcept(dst, c.check)
	return append(dst, "\r\n"...)
}

// sealed appends the line with the digest to the request that begins at start, has its
// number at number, and is complete but for what frames its body.
func (s *session) sealed(dst []byte, start, number int, q *request, o *codec.Order, bare bool) []byte {
	c := s.codec
	from := len(dst)
	dst = append(dst, integrityLine...)
	at := len(dst) - integrity.HeadDigits
	var body integrity.Body
	switch {
	case !bare && q.varied == nil:
		body = q.seal.body
		dst = append(dst, q.seal.tail...)
	case !bare && c.check.RequestBody():
		body.Add(s.varied)
		fallthrough
	default:
		dst = c.sealTail(dst, body)
	}
	sum := q.seal.sum
	if !q.seal.fixed || o.Item >= 0 {
		sum, _ = c.sums.SumRequest(c.check, dst[start:from])
	}
	o.Digest = integrity.Seal(sum+integrity.IDTerm(c.idPrefix, dst[number:number+draw.NumberDigits]), body)
	integrity.PutHead(dst[at:], o.Digest)
	return dst
}

// claim is what an answer's head says of integrity.
type claim struct {
	sum    uint64 // of the head
	digest integrity.Digest
	has    bool
	// Where in the head the digest of it stands, and the digits of the number of the
	// request it answers; all 0 without a digest.
	digestAt, digestEnd, numberAt, numberEnd int
	received                                 bool // it speaks of a request that was not what was sent
}

// keptBody bounds what is kept of a body to show where it differs.
const keptBody = 4 << 10

// checkedAnswer is an answer being checked.
type checkedAnswer struct {
	request uint64 // the digest of what it answers
	claim   claim
	known   *knownHead // that it began with; nil for a head that had to be read
	status  int
	minor   int
	framing framing
	text    []byte // of a head that had to be read
	body    integrity.Body
	kept    []byte // the beginning of the body
	sums    integrity.Head
}

// begin is called before an answer.
func (a *checkedAnswer) begin(request uint64) {
	a.request, a.known, a.claim, a.body = request, nil, claim{}, integrity.Body{}
	a.kept = a.kept[:0]
}

// again takes a head that is known, from the beginning of p.
func (a *checkedAnswer) again(k *knownHead, p []byte) {
	a.known, a.claim, a.status = k, k.claim, k.status
	if k.claim.has {
		a.claim.digest.Head, a.claim.has = integrity.ParseHead(p[k.claim.digestAt:k.claim.digestEnd])
	}
	a.text = append(a.text[:0], p[:len(k.bytes)]...)
}

// head takes a head that has been read and is well formed.
func (a *checkedAnswer) head(x *integrity.Exceptions, status, minor int, f *framing, whole []byte) {
	a.status, a.minor, a.framing = status, minor, *f
	a.text = append(a.text[:0], whole...)
	a.claim = claim{sum: a.sums.SumAnswer(x, status, whole)}
	rest := whole[bytes.IndexByte(whole, '\n')+1:]
	for len(rest) > 2 {
		eol := bytes.IndexByte(rest, '\n')
		line := rest[:eol-1]
		at := len(whole) - len(rest)
		rest = rest[eol+1:]
		colon := bytes.IndexByte(line, ':')
		switch {
		case httpfield.FoldEqual(line[:colon], "x-bench-integrity"):
			a.claim.read(line, at, colon)
		case httpfield.FoldEqual(line[:colon], "x-bench-received"):
			a.claim.received = true
		}
	}
}

// read takes the digest in a line that begins at a place in the head. A second one
// makes both worthless.
func (c *claim) read(line []byte, at, colon int) {
	again := c.digestEnd > 0
	value := httpfield.Trim(line[colon+1:])
	from := at + bytes.Index(line, value)
	d, rest, ok := integrity.Parse(value)
	c.digest, c.has = d, ok && !again
	c.digestAt, c.digestEnd = from, from+integrity.HeadDigits
	c.numberEnd = from + len(value)
	c.numberAt = c.numberEnd - (len(rest) - len(bytes.TrimRight(rest, "0123456789")))
	if !c.has {
		c.digestAt, c.numberAt, c.numberEnd = 0, 0, 0
		c.digestEnd = 0
	}
}

// content takes a part of the body.
func (a *checkedAnswer) content(p []byte) {
	a.body.Add(p)
	if room := keptBody - len(a.kept); room > 0 {
		a.kept = append(a.kept, p[:min(room, len(p))]...)
	}
}

// verify judges an answer that is complete.
func (s *session) verify() {
	a := &s.checked
	r := codec.Intact
	switch c := &a.claim; {
	case c.received:
		r = codec.WrongRequest
	case !c.has && !s.origin:
		r = codec.Unchecked // the proxy's own, or another server's
	case !c.has || !a.headIntact(s.codec.check) || !a.bodyIntact(s.codec.check):
		r = codec.WrongAnswer
	}
	s.answer.Check = r
	if r <= codec.Intact && a.known == nil {
		s.codec.known.add(knownHead{bytes: a.text, status: a.status, minor: a.minor, framing: a.framing, claim: a.claim})
	}
}

// headIntact reports whether the head is the one that was sent, as the answer to the
// request.
func (a *checkedAnswer) headIntact(x *integrity.Exceptions) bool {
	sum := a.claim.sum
	if x.Binds() {
		sum += integrity.Bind(a.request)
	}
	return integrity.Seal(sum, a.claim.digest.Body) == a.claim.digest.Head
}

func (a *checkedAnswer) bodyIntact(x *integrity.Exceptions) bool {
	return !x.AnswerBody() || a.body == a.claim.digest.Body
}

// Explain implements explainer.
func (s *session) Explain(o *codec.Order) codec.Difference {
	a, x := &s.checked, s.codec.check
	switch {
	case s.answer.Check == codec.WrongRequest:
		return s.explainRequest(o)
	case !a.claim.has:
		return codec.Difference{Part: "no digest in the answer of an origin: the digest of the request or of the answer was lost", Offset: -1, Got: a.text[:min(len(a.text), codec.MaxShown)]}
	case !a.headIntact(x):
		return s.explainHead(o)
	}
	return a.explainBody()
}

// explainHead finds where a head differs from others that were intact: what exactly
// the origin sent nobody kept.
func (s *session) explainHead(o *codec.Order) codec.Difference {
	a, x := &s.checked, s.codec.check
	got := integrity.CanonicalAnswer(x, a.status, a.text)
	best := codec.Difference{Part: "head", Offset: -1, Got: got[:min(len(got), codec.MaxShown)]}
	for i := range s.codec.known.used {
		k := &s.codec.known.heads[i]
		expected := integrity.CanonicalAnswer(x, k.status, k.bytes)
		d, ok := integrity.Compare(expected, got, 0)
		if !ok {
			best = codec.Difference{Part: "head", Offset: -1}
			break
		}
		if k.claim.has && d.Offset > best.Offset { // the most similar one
			best = codec.Difference{Part: integrity.Part(got, d.Offset), Offset: d.Offset, Expected: d.Expected, Got: d.Got}
		}
	}
	// The digest says which request an answer belongs to.
	if id, own := a.answers(), s.id(o); id != own && id != "" {
		return codec.Difference{Part: "the answer to another request", Offset: -1, Expected: []byte(own), Got: []byte(id)}
	}
	if best.Expected == nil {
		best.Part = "the digest of the head"
	}
	return best
}

// answers is the id of the request that the answer says to belong to.
func (a *checkedAnswer) answers() string {
	i := bytes.Index(bytes.ToLower(a.text), []byte("\r\nx-bench-integrity:"))
	if i < 0 {
		return ""
	}
	line, _, _ := bytes.Cut(a.text[i+2:], []byte("\r\n"))
	_, id, _ := bytes.Cut(httpfield.Trim(line[len(integrity.Header)+1:]), []byte(" "))
	return string(id)
}

// id is that of a request.
func (s *session) id(o *codec.Order) string {
	return s.codec.name + "." + string(draw.AppendNumber(nil, o.Seq))
}

// explainBody finds where a body differs from what the origin sent, where that was
// the content all mock origins send.
func (a *checkedAnswer) explainBody() codec.Difference {
	want := a.claim.digest.Body
	d := codec.Difference{Part: fmt.Sprintf("body: %d bytes arrived of %d sent", a.body.Length, want.Length), Offset: -1, Got: a.kept[:min(len(a.kept), codec.MaxShown)]}
	if !integrity.IsPayload(want) {
		return d
	}
	expected := integrity.Payload(0, int(min(want.Length, keptBody)))
	cut := 0
	if a.body.Length > int64(len(a.kept)) { // there is more than was kept
		cut = len(a.kept)
	}
	if diff, ok := integrity.Compare(expected, a.kept, cut); ok {
		return codec.Difference{Part: d.Part, Offset: diff.Offset, Expected: diff.Expected, Got: diff.Got}
	}
	d.Part += fmt.Sprintf("; the first %d are right", len(a.kept))
	d.Got = nil
	return d
}

// explainRequest compares what the origin says to have received with the request,
// written once more.
func (s *session) explainRequest(o *codec.Order) codec.Difference {
	what, got, ok := s.received()
	digest := o.Digest
	sent, body := s.Request(nil, o)
	if !ok {
		return codec.Difference{Part: "what the origin received cannot be read", Offset: -1, Got: s.checked.text[:min(len(s.checked.text), codec.MaxShown)]}
	}
	end := bytes.Index(sent, HeadEnd) + len(HeadEnd)
	if o.Digest != digest && s.codec.cookies {
		return codec.Difference{Part: what + " (what was sent is not known: the cookies have changed since)", Offset: -1, Got: got[:min(len(got), codec.MaxShown)]}
	}
	cut := 0
	if len(got) == integrity.MaxReceived {
		cut = len(got)
	}
	switch what {
	case "head":
		d, ok := integrity.Compare(integrity.CanonicalRequest(s.codec.check, sent[:end]), got, cut)
		if !ok {
			return codec.Difference{Part: fmt.Sprintf("head, after its first %d bytes", len(got)), Offset: -1}
		}
		return codec.Difference{Part: integrity.Part(got, d.Offset), Offset: d.Offset, Expected: d.Expected, Got: d.Got}
	case "body":
		return s.explainSent(o, sent[end:], body, got)
	default:
		return codec.Difference{Part: "not a request that can be read", Offset: 0, Expected: sent[:min(len(sent), codec.MaxShown)], Got: got[:min(len(got), codec.MaxShown)]}
	}
}

// explainSent compares the body of a request with what the origin received of it: its
// length, a space and the beginning.
func (s *session) explainSent(o *codec.Order, framed, apart, got []byte) codec.Difference {
	q := &s.codec.requests[o.Class]
	expected := s.varied
	if q.varied == nil {
		expected = append(framed, apart...)
		if q.chunked {
			expected = unchunk(expected)
		}
	}
	length, got, _ := bytes.Cut(got, []byte(" "))
	n, _ := strconv.ParseInt(string(length), 10, 64) // 0 of what is no number
	part := fmt.Sprintf("body: %d bytes arrived of %d sent", n, len(expected))
	cut := 0
	if n > int64(len(got)) {
		cut = len(got)
	}
	d, ok := integrity.Compare(expected, got, cut)
	if !ok {
		return codec.Difference{Part: fmt.Sprintf("%s; the first %d are right", part, len(got)), Offset: -1}
	}
	return codec.Difference{Part: part, Offset: d.Offset, Expected: d.Expected, Got: d.Got}
}

// unchunk is the content of a chunked body that was written here.
func unchunk(p []byte) (content []byte) {
	for {
		size, rest, _ := bytes.Cut(p, []byte("\r\n"))
		n, err := strconv.ParseInt(string(size), 16, 64)
		if err != nil || n == 0 || int64(len(rest)) < n+2 {
			return content
		}
		content = append(content, rest[:n]...)
		p = rest[n+2:]
	}
}

// received is what the origin says to have received.
func (s *session) received() (what string, got []byte, ok bool) {
	i := bytes.Index(bytes.ToLower(s.checked.text), []byte("\r\nx-bench-received:"))
	if i < 0 {
		return "", nil, false
	}
	line, _, _ := bytes.Cut(s.checked.text[i+2:], []byte("\r\n"))
	kind, text, ok := bytes.Cut(httpfield.Trim(line[len(integrity.HeaderReceived)+1:]), []byte("="))
	got, err := base64.StdEncoding.DecodeString(string(text))
	return string(kind), got, ok && err == nil
}
