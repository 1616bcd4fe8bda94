package stream_test

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bench/proxy/rule"
	"bench/proxy/spec"
)

// literal adds a field to the next block that no table takes and no code shortens.
func (p *peer2) literal(name string, size int) []byte {
	p.must(p.enc.WriteField(hpack.HeaderField{Name: name, Value: strings.Repeat("|", size), Sensitive: true}))
	return p.buf.Bytes()
}

// Requests that have come are answered however much the answers before them come to in one
// turn: what was left unread for want of room is read when there is some.
func TestMuxReadsOnWhenItHasSent(t *testing.T) {
	l := rulesOf(t, rule.Request, "return status 200 hdr X-Large "+strings.Repeat("y", 3000))
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Rules[rule.Request] = l }, origin(t, digesting))
	c := r.dial()
	var out bytes.Buffer
	out.WriteString(http2.ClientPreface)
	p := &peer2{Framer: http2.NewFramer(&out, c.r), c: c, t: t, dec: hpack.NewDecoder(4096, nil)}
	p.enc = hpack.NewEncoder(&p.buf)
	p.must(p.WriteSettings())
	const requests = 95 // together more than is read at once
	for i := range uint32(requests) {
		p.buf.Reset()
		for _, f := range get2 {
			name, value, _ := strings.Cut(f[1:], "=")
			p.must(p.enc.WriteField(hpack.HeaderField{Name: ":" + name, Value: value}))
		}
		p.must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: p.literal("x-fill", 900), EndHeaders: true, EndStream: true}))
	}
	done := make(chan struct{})
	r.loop.Post(func() { <-done }) // all of it has come before the engine looks
	c.send(out.String())
	close(done)
	for i := range uint32(requests) {
		if got := p.next(2*i + 1); !strings.HasPrefix(got, ":status=200 ") {
			t.Fatalf("request %d: %q", i, got)
		}
	}
}
