package httporigin

import (
	"bytes"

	"bench/internal/integrity"
)

// headReader reads request heads and remembers the last one: clients tend to send
// the same bytes again, but for the number in their ids and what follows from it in
// their digests, and comparing is much cheaper than reading.
type headReader struct {
	checker
	head head
	// text is the last head; what head refers to lies in it, but for the id.
	text []byte
	// id is where the id is, number its digits; digest is where that of the head is.
	// All are empty, at 0, without any.
	id, number, digest hole
	check              headCheck
}

// hole is a part of a head.
type hole struct{ from, to int }

// read reads one head from b into r.head, by the rules of parseHead.
func (r *headReader) read(b []byte) (int, problem) {
	if r.again(b) {
		if r.id.to > 0 {
			r.head.id = b[r.id.from:r.id.to]
		}
		if r.digest.to > 0 {
			r.check.digest.Head, r.check.valid = integrity.ParseHead(b[r.digest.from:r.digest.to])
		}
		return len(r.text), problem{}
	}
	r.text = r.text[:0]
	n, p := parseHead(b, &r.head)
	if n > 0 && p.status == 0 {
		r.keep(b, n)
		if r.check = r.checker.read(&r.head, r.text); r.check.asked && !r.check.valid {
			r.text = r.text[:0] // what follows from the next one has to be read again
		}
	}
	return n, p
}

// again reports whether b begins with the last head, its number and digest aside.
func (r *headReader) again(b []byte) bool {
	n := len(r.text)
	first, second := r.number, r.digest
	if first.from > second.from {
		first, second = second, first
	}
	if n == 0 || len(b) < n || !bytes.Equal(b[:first.from], r.text[:first.from]) ||
		!bytes.Equal(b[first.to:second.from], r.text[first.to:second.from]) || !bytes.Equal(b[second.to:n], r.text[second.to:]) {
		return false
	}
	for _, c := range b[r.number.from:r.number.to] {
		if c < '0' || c > '9' {
			return false
		}
	}
	for _, c := range b[r.digest.from:r.digest.to] {
		if c <= ' ' {
			return false
		}
	}
	return true
}

// keep remembers the head at the beginning of b. All parts of b end where b does,
// which says where in it they begin.
func (r *headReader) keep(b []byte, n int) {
	r.text = append(r.text, b[:n]...)
	h := &r.head
	for _, part := range []*[]byte{&h.method, &h.target, &h.agent, &h.match} {
		if *part != nil {
			at := cap(b) - cap(*part)
			*part = r.text[at : at+len(*part)]
		}
	}
	r.id, r.number, r.digest = hole{}, hole{}, hole{}
	if len(h.id) > 0 {
		from := cap(b) - cap(h.id)
		r.id = hole{from, from + len(h.id)}
		r.number = hole{from + len(bytes.TrimRight(h.id, "0123456789")), r.id.to}
	}
	if len(h.digest) >= integrity.HeadDigits {
		from := cap(b) - cap(h.digest)
		r.digest = hole{from, from + integrity.HeadDigits}
	}
}
