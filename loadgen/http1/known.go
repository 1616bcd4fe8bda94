package http1

import "bytes"

// knownHead is a response head with what followed from it. Most servers send the same
// bytes again and again, but for the digest and the id that integrity puts into them,
// and comparing is much cheaper than reading.
type knownHead struct {
	bytes   []byte // none: nothing is known
	status  int
	minor   int
	framing framing
	claim   claim
}

// holes are the parts of a known head that need not be the same: the digest of the
// head and the digits of the id behind it. Without a digest both are empty, at 0.
func (k *knownHead) holes() (digest, number [2]int) {
	c := &k.claim
	return [2]int{c.digestAt, c.digestEnd}, [2]int{c.numberAt, c.numberEnd}
}

// begins reports whether p begins with the head, its holes aside.
func (k *knownHead) begins(p []byte) bool {
	n := len(k.bytes)
	if n == 0 || len(p) < n {
		return false
	}
	digest, number := k.holes()
	return bytes.Equal(p[:digest[0]], k.bytes[:digest[0]]) &&
		bytes.Equal(p[digest[1]:number[0]], k.bytes[digest[1]:number[0]]) &&
		bytes.Equal(p[number[1]:n], k.bytes[number[1]:]) && digits(p[number[0]:number[1]])
}

func digits(p []byte) bool {
	for _, c := range p {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// knownHeads are the latest different heads, which the virtual users of a thread have
// in common: as many as there may be origins behind a proxy, and some more.
type knownHeads struct {
	heads [4]knownHead
	used  int // of them
	next  int // to be replaced
}

// find is the head that p begins with, nil if none is.
func (k *knownHeads) find(p []byte) *knownHead {
	for i := range k.used {
		if h := &k.heads[i]; h.begins(p) {
			return h
		}
	}
	return nil
}

// add keeps a head, of which it copies the bytes.
func (k *knownHeads) add(h knownHead) {
	to := &k.heads[k.next]
	h.bytes = append(to.bytes[:0], h.bytes...)
	*to = h
	k.used = max(k.used, k.next+1)
	k.next = (k.next + 1) % len(k.heads)
}
