package httporigin

import (
	"bytes"
	"encoding/base64"
	"slices"

	"bench/internal/integrity"
)

// keptBody bounds what is kept of a request's body to say what came in place of what
// was sent.
const keptBody = 1 << 10

// maxExceptions bounds the different lists of exceptions that are remembered.
const maxExceptions = 64

// headCheck is what the digest of a request says, as far as it follows from the head.
type headCheck struct {
	asked  bool // the request has a digest
	valid  bool // that can be read
	except *integrity.Exceptions
	sum    uint64 // of the head without the id
	digest integrity.Digest
}

// nothing is what is left out where a request says nothing of it.
var nothing = &integrity.Exceptions{}

// checker reads the digests of requests. Its zero value is ready.
type checker struct {
	sums integrity.Head
	// lists are the exceptions that have come, by their text: their number is small.
	lists map[string]*integrity.Exceptions
}

// read reads what a head says, which is well formed.
func (k *checker) read(h *head, text []byte) (c headCheck) {
	c = headCheck{asked: h.digests > 0, except: nothing}
	if !c.asked {
		return c
	}
	var rest []byte
	if c.digest, rest, c.valid = integrity.Parse(h.digest); !c.valid {
		return c
	}
	list, ok := integrity.CutExcept(rest)
	if ok && len(list) > 0 {
		c.except, ok = k.list(list)
	}
	if c.valid = ok && h.digests == 1; c.valid {
		c.sum, _ = k.sums.SumRequest(c.except, text)
	}
	return c
}

func (k *checker) list(text []byte) (*integrity.Exceptions, bool) {
	if x := k.lists[string(text)]; x != nil {
		return x, true
	}
	x, err := integrity.ReadExceptions(string(text))
	if err != nil {
		return nothing, false
	}
	if k.lists == nil || len(k.lists) >= maxExceptions {
		k.lists = map[string]*integrity.Exceptions{}
	}
	k.lists[string(text)] = x
	return x, true
}

// requestCheck is the check of a connection's present request, and what its answer
// has to say of it.
type requestCheck struct {
	headCheck
	body integrity.Body
	kept []byte // the beginning of the body
	id   []byte
	// wrong is what differs from what was sent, "" if nothing does: "head", "body" or
	// "raw", and got what came in its place.
	wrong string
	got   []byte
}

// begin takes on a request whose head has been read.
func (q *requestCheck) begin(h headCheck, id, text []byte) {
	q.headCheck, q.body, q.kept, q.wrong = h, integrity.Body{}, q.kept[:0], ""
	if !q.asked {
		return
	}
	q.id = append(q.id[:0], id...)
	sum := q.sum
	if len(id) > 0 {
		sum += integrity.IDTerm(integrity.Body{}, id)
	}
	if !q.valid || integrity.Seal(sum, q.digest.Body) != q.digest.Head {
		got := integrity.CanonicalRequest(q.except, text)
		q.wrong, q.got = "head", got[:min(len(got), integrity.MaxReceived)]
	}
}

// content takes a part of the body.
func (q *requestCheck) content(p []byte) {
	if !q.asked {
		return
	}
	q.body.Add(p)
	if room := keptBody - len(q.kept); room > 0 {
		q.kept = append(q.kept, p[:min(room, len(p))]...)
	}
}

// checkRequest judges a request that has been read.
func (c *conn) checkRequest() {
	q := &c.check
	if !q.asked {
		return
	}
	if q.wrong == "" && q.except.RequestBody() && q.body != q.digest.Body {
		q.wrong = "body"
		q.got = slices.Concat(integrity.AppendLength(nil, q.body), []byte(" "), q.kept)
	}
	if q.wrong != "" {
		c.o.Tally().Altered++
	} else {
		c.o.Tally().Intact++
	}
}

// unreadable notes input that is no request, or no body of one. That it had a digest,
// or what is left of one, reports that its client sent something else.
func (q *requestCheck) unreadable(input []byte, sheet *uint64) {
	if q.asked = q.asked || namesDigest(input); !q.asked {
		return
	}
	*sheet++
	q.valid, q.wrong = false, "raw"
	q.got = bytes.Clone(input[:min(len(input), integrity.MaxReceived)])
}

// digestName is the name of the field with the digest.
var digestName = []byte(integrity.Header)

// namesDigest reports whether the field stands anywhere in input, in any case.
func namesDigest(input []byte) bool {
	for len(input) >= len(digestName) {
		if bytes.EqualFold(input[:len(digestName)], digestName) {
			return true
		}
		next := bytes.IndexAny(input[1:], "xX")
		if next < 0 {
			return false
		}
		input = input[1+next:]
	}
	return false
}

// sealHead ends the head of an answer, which lacks its empty line, with its digest,
// and with what came in place of the request.
func (q *requestCheck) sealHead(b []byte, sum uint64, body integrity.Body) []byte {
	if q.valid {
		if !q.except.AnswerBody() {
			body = integrity.Body{}
		}
		if q.except.Binds() {
			sum += integrity.Bind(q.digest.Head)
		}
		b = append(b, integrity.Header+": "...)
		b = integrity.Append(b, integrity.Digest{Head: integrity.Seal(sum, body), Body: body})
		if len(q.id) > 0 {
			b = append(b, ' ')
			b = append(b, q.id...)
		}
		b = append(b, crlf...)
	}
	if q.wrong != "" {
		b = append(b, integrity.HeaderReceived+": "...)
		b = append(b, q.wrong...)
		b = append(b, '=')
		b = base64.StdEncoding.AppendEncode(b, q.got)
		b = append(b, crlf...)
	}
	return append(b, crlf...)
}

// sealed makes the head b of an answer, its empty line included, one with a digest.
func (c *conn) sealed(b []byte, status int, body integrity.Body) []byte {
	if !c.check.asked {
		return b
	}
	sum := c.o.heads.sums.SumAnswer(c.check.except, status, b)
	return c.check.sealHead(b[:len(b)-len(crlf)], sum, body)
}

// small bounds the bodies that are copied behind a head of their own.
const small = 4 << 10

// sealReady makes the response of one that is kept ready.
func (c *conn) sealReady(p *prepared, status int) {
	if p.except != c.check.except {
		p.sum, p.except = c.o.heads.sums.SumAnswer(c.check.except, status, p.text[:p.headLen]), c.check.except
	}
	body, content := p.text[p.headLen:], p.body
	if c.headOnly {
		body, content = nil, integrity.Body{}
	}
	c.out = append(c.out[:0], p.text[:p.headLen-len(crlf)]...)
	c.out = c.check.sealHead(c.out, p.sum, content)
	c.ans = answer{headLen: len(c.out)}
	if len(body) <= small {
		c.out = append(c.out, body...)
	} else {
		c.ans.middle, c.ans.repeat = body, int64(len(body))
	}
	c.ans.head = c.out
}

// step is the distance of the lengths for which digests of the payload are kept.
const step = 1 << 10

// digests are those of bodies by their length.
type digests struct {
	body  *payload
	until []integrity.Body // of so many steps
	last  integrity.Body   // the latest: sizes are often the same
}

func newDigests(body *payload) digests {
	d := digests{body: body, until: make([]integrity.Body, 1, len(body.plain)/step+1)}
	for sum := (integrity.Body{}); sum.Length < int64(len(body.plain)); {
		sum.Add(body.plain[sum.Length : sum.Length+step])
		d.until = append(d.until, sum)
	}
	return d
}

// of is the digest of the first size bytes of the payload.
func (d *digests) of(size int64) integrity.Body {
	if d.last.Length == size {
		return d.last
	}
	whole := int64(len(d.body.plain))
	sum := d.until[min(size, whole)/step]
	for sum.Length < size {
		from := sum.Length % whole
		sum.Add(d.body.plain[from:min(whole, from+size-sum.Length)])
	}
	d.last = sum
	return sum
}
