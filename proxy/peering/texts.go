package peering

import "bench/proxy/varint"

// texts bounds how many texts both sides of a connection remember. Those that are sent
// again are only named by their place.
const texts = 128

// sentTexts are the texts that the other side knows.
type sentTexts struct {
	places map[string]int
	list   [texts]string
	next   int
}

// append appends a text, or its place if it is known. An entry without one sends nothing.
func (d *sentTexts) append(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, 0)
	}
	if at, ok := d.places[text]; ok {
		return append(dst, 1, byte(at+1))
	}
	at := d.next
	d.next = (d.next + 1) % texts
	if d.places == nil {
		d.places = map[string]int{}
	}
	delete(d.places, d.list[at])
	d.places[text], d.list[at] = at, text
	var room [varint.Max]byte
	length := varint.Append(room[:0], uint64(len(text)))
	dst = varint.Append(dst, uint64(1+len(length)+len(text)))
	dst = append(append(dst, byte(at+1)), length...)
	return append(dst, text...)
}

// knownTexts are the texts that the other side has sent.
type knownTexts struct{ list [texts]string }

// maxText bounds the texts that are kept: they are names and addresses of servers.
const maxText = 4096

// read reads a text, and reports false where the entry has none.
func (d *knownTexts) read(r *reader) (string, bool) {
	body := reader{b: r.bytes(r.int())}
	if r.failed || len(body.b) == 0 {
		return "", false
	}
	at := body.int()
	if body.failed || at < 1 || at > texts {
		r.failed = true
		return "", false
	}
	known := &d.list[at-1]
	if len(body.b) > 0 {
		text := body.bytes(body.int())
		if body.failed || len(text) > maxText {
			r.failed = true
			return "", false
		}
		if *known != string(text) {
			*known = string(text)
		}
	}
	return *known, *known != ""
}
