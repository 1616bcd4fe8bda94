package httporigin

import "bytes"

// headReader reads request heads and remembers the last one: clients tend to send
// the same bytes again, but for the number in their ids, and comparing is much
// cheaper than reading.
type headReader struct {
	head head
	// text is the last head; what head refers to lies in it, but for the id.
	text []byte
	// id is where the id begins, and number to end where its digits are; all 0
	// without any.
	id, number, end int
}

// read reads one head from b into r.head, by the rules of parseHead.
func (r *headReader) read(b []byte) (int, problem) {
	if r.again(b) {
		if r.end > 0 {
			r.head.id = b[r.id:r.end]
		}
		return len(r.text), problem{}
	}
	r.text = r.text[:0]
	n, p := parseHead(b, &r.head)
	if n > 0 && p.status == 0 {
		r.keep(b, n)
	}
	return n, p
}

// again tells whether b begins with the last head, its number aside.
func (r *headReader) again(b []byte) bool {
	n := len(r.text)
	if n == 0 || len(b) < n || !bytes.Equal(b[:r.number], r.text[:r.number]) || !bytes.Equal(b[r.end:n], r.text[r.end:]) {
		return false
	}
	for _, c := range b[r.number:r.end] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// keep remembers the head at the beginning of b. All parts of b end where b does,
// which tells where in it they begin.
func (r *headReader) keep(b []byte, n int) {
	r.text = append(r.text, b[:n]...)
	h := &r.head
	for _, part := range []*[]byte{&h.method, &h.target, &h.agent, &h.match} {
		if *part != nil {
			at := cap(b) - cap(*part)
			*part = r.text[at : at+len(*part)]
		}
	}
	r.id, r.number, r.end = 0, 0, 0
	if len(h.id) > 0 {
		r.id = cap(b) - cap(h.id)
		r.end = r.id + len(h.id)
		r.number = r.end - len(h.id) + len(bytes.TrimRight(h.id, "0123456789"))
	}
}
