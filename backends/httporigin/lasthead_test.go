package httporigin

import (
	"bytes"
	"testing"
)

// TestKnownHeadOutlivesItsBuffer reads the same head twice, from buffers of which the
// first has been overwritten meanwhile.
func TestKnownHeadOutlivesItsBuffer(t *testing.T) {
	const text = "PUT /a HTTP/1.1\r\nHost: x\r\nUser-Agent: me\r\nIf-None-Match: \"64\"\r\nX-Bench-Id: web.7\r\n\r\n"
	var r headReader
	first := []byte(text)
	for _, b := range [][]byte{first, []byte(text)} {
		n, p := r.read(b)
		h := &r.head
		if n != len(text) || p.status != 0 || string(h.method) != "PUT" || string(h.target) != "/a" ||
			string(h.agent) != "me" || string(h.match) != `"64"` || string(h.id) != "web.7" {
			t.Errorf("read %d, %+v, %+v", n, p, h)
		}
		copy(first, bytes.Repeat([]byte("z"), len(first)))
	}
}
