package loadgen

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"

	"bench/internal/integrity"
)

// seal is what is known beforehand of the digest of one kind of request.
type seal struct {
	fixed bool           // nothing but the id differs from request to request
	sum   uint64         // of the head without the id, if fixed
	body  integrity.Body // of a constant body
	tail  []byte         // what follows the digest of the head, if the body is constant
}

const integrityLine = integrity.Header + ": 0000000000000000"

// checkBy sets the check up as a Spec says.
func (c *http1) checkBy(spec *Spec) (err error) {
	if spec.Integrity == nil {
		return nil
	}
	if c.check, err = integrity.ParseExceptions(spec.Integrity.Except); err != nil {
		return fmt.Errorf("integrity: %w", err)
	}
	c.name = spec.Name
	c.idPrefix.Add([]byte(spec.Name + "."))
	return nil
}

// prepareSeal computes what is the same in all requests of a kind.
func (c *http1) prepareSeal(q *http1Request) {
	if q.varied == nil {
		if c.check.RequestBody() {
			q.seal.body = q.content
		}
		q.seal.tail = c.sealTail(nil, q.seal.body)
	}
	_, head := q.head.fixed()
	_, fields := q.fields.fixed()
	if q.seal.fixed = head && fields && !c.cookies; q.seal.fixed {
		text := appendID(q.head.append(nil, &values{}), 0)
		text = append(q.fields.append(text, &values{}), "\r\n"...)
		q.seal.sum, _ = c.sums.SumRequest(c.check, text)
	}
}

// sealTail appends what follows the digest of the head in its line.
func (c *http1) sealTail(dst []byte, body integrity.Body) []byte {
	dst = integrity.AppendBody(dst, body)
	dst = integrity.AppendExcept(dst, c.check)
	return append(dst, "\r\n"...)
}

// sealed appends the line with the digest to the request that begins at start, has its
// number at number, and is complete but for what frames its body.
func (s *http1Session) sealed(dst []byte, start, number int, q *http1Request, o *Order, bare bool) []byte {
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
	o.digest = integrity.Seal(sum+integrity.IDTerm(c.idPrefix, dst[number:number+idDigits]), body)
	integrity.PutHead(dst[at:], o.digest)
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
	received                                 bool // it tells of a request that was not what was sent
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
		case foldEqual(line[:colon], "x-bench-integrity"):
			a.claim.read(line, at, colon)
		case foldEqual(line[:colon], "x-bench-received"):
			a.claim.received = true
		}
	}
}

// read takes the digest in a line that begins at a place in the head. A second one
// makes both worthless.
func (c *claim) read(line []byte, at, colon int) {
	again := c.digestEnd > 0
	value := trim(line[colon+1:])
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
func (s *http1Session) verify() {
	a := &s.checked
	r := intact
	switch c := &a.claim; {
	case c.received:
		r = wrongRequest
	case !c.has && !s.origin:
		r = unchecked // the proxy's own, or another server's
	case !c.has || !a.headIntact(s.codec.check) || !a.bodyIntact(s.codec.check):
		r = wrongAnswer
	}
	s.answer.check = r
	if r <= intact && a.known == nil {
		s.codec.known.add(knownHead{bytes: a.text, status: a.status, minor: a.minor, framing: a.framing, claim: a.claim})
	}
}

// headIntact tells whether the head is the one that was sent, as the answer to the
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

// explain implements explainer.
func (s *http1Session) explain(o *Order) difference {
	a, x := &s.checked, s.codec.check
	switch {
	case s.answer.check == wrongRequest:
		return s.explainRequest(o)
	case !a.claim.has:
		return difference{part: "no digest in the answer of an origin: the digest of the request or of the answer was lost", offset: -1, got: a.text[:min(len(a.text), maxShown)]}
	case !a.headIntact(x):
		return s.explainHead(o)
	}
	return a.explainBody()
}

// explainHead finds where a head differs from others that were intact: what exactly
// the origin sent nobody kept.
func (s *http1Session) explainHead(o *Order) difference {
	a, x := &s.checked, s.codec.check
	got := integrity.CanonicalAnswer(x, a.status, a.text)
	best := difference{part: "head", offset: -1, got: got[:min(len(got), maxShown)]}
	for i := range s.codec.known.used {
		k := &s.codec.known.heads[i]
		expected := integrity.CanonicalAnswer(x, k.status, k.bytes)
		d, ok := integrity.Compare(expected, got, 0)
		if !ok {
			best = difference{part: "head", offset: -1}
			break
		}
		if k.claim.has && d.Offset > best.offset { // the most similar one
			best = difference{integrity.Part(got, d.Offset), d.Offset, d.Expected, d.Got}
		}
	}
	// The digest says which request an answer belongs to.
	if id, own := a.answers(), s.id(o); id != own && id != "" {
		return difference{part: "the answer to another request", offset: -1, expected: []byte(own), got: []byte(id)}
	}
	if best.expected == nil {
		best.part = "the digest of the head"
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
	_, id, _ := bytes.Cut(trim(line[len(integrity.Header)+1:]), []byte(" "))
	return string(id)
}

// id is that of a request.
func (s *http1Session) id(o *Order) string {
	return s.codec.name + "." + string(appendID(nil, o.Seq))
}

// explainBody finds where a body differs from what the origin sent, where that was
// the content all mock origins send.
func (a *checkedAnswer) explainBody() difference {
	want := a.claim.digest.Body
	d := difference{part: fmt.Sprintf("body: %d bytes came of %d", a.body.Length, want.Length), offset: -1, got: a.kept[:min(len(a.kept), maxShown)]}
	if !integrity.IsPayload(want) {
		return d
	}
	expected := integrity.Payload(0, int(min(want.Length, keptBody)))
	cut := 0
	if a.body.Length > int64(len(a.kept)) { // there is more than was kept
		cut = len(a.kept)
	}
	if diff, ok := integrity.Compare(expected, a.kept, cut); ok {
		return difference{d.part, diff.Offset, diff.Expected, diff.Got}
	}
	d.part += fmt.Sprintf("; the first %d are right", len(a.kept))
	d.got = nil
	return d
}

// explainRequest compares what the origin says to have received with the request,
// written once more.
func (s *http1Session) explainRequest(o *Order) difference {
	what, got, ok := s.received()
	digest := o.digest
	sent, body := s.Request(nil, o)
	if !ok {
		return difference{part: "what the origin received cannot be read", offset: -1, got: s.checked.text[:min(len(s.checked.text), maxShown)]}
	}
	end := bytes.Index(sent, crlfcrlf) + len(crlfcrlf)
	if o.digest != digest && s.codec.cookies {
		return difference{part: what + " (what was sent is not known: the cookies have changed since)", offset: -1, got: got[:min(len(got), maxShown)]}
	}
	cut := 0
	if len(got) == integrity.MaxReceived {
		cut = len(got)
	}
	switch what {
	case "head":
		d, ok := integrity.Compare(integrity.CanonicalRequest(s.codec.check, sent[:end]), got, cut)
		if !ok {
			return difference{part: fmt.Sprintf("head, behind its first %d bytes", len(got)), offset: -1}
		}
		return difference{integrity.Part(got, d.Offset), d.Offset, d.Expected, d.Got}
	case "body":
		return s.explainSent(o, sent[end:], body, got)
	default:
		return difference{"not a request that can be read", 0, sent[:min(len(sent), maxShown)], got[:min(len(got), maxShown)]}
	}
}

// explainSent compares the body of a request with what the origin received of it: its
// length, a space and the beginning.
func (s *http1Session) explainSent(o *Order, framed, apart, got []byte) difference {
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
	part := fmt.Sprintf("body: %d bytes came of %d", n, len(expected))
	cut := 0
	if n > int64(len(got)) {
		cut = len(got)
	}
	d, ok := integrity.Compare(expected, got, cut)
	if !ok {
		return difference{part: fmt.Sprintf("%s; the first %d are right", part, len(got)), offset: -1}
	}
	return difference{part, d.Offset, d.Expected, d.Got}
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
func (s *http1Session) received() (what string, got []byte, ok bool) {
	i := bytes.Index(bytes.ToLower(s.checked.text), []byte("\r\nx-bench-received:"))
	if i < 0 {
		return "", nil, false
	}
	line, _, _ := bytes.Cut(s.checked.text[i+2:], []byte("\r\n"))
	kind, text, ok := bytes.Cut(trim(line[len(integrity.HeaderReceived)+1:]), []byte("="))
	got, err := base64.StdEncoding.DecodeString(string(text))
	return string(kind), got, ok && err == nil
}
