package h1

import (
	"bytes"
	"testing"

	"bench/proxy/message"
)

// framings counts how many fields of a written head speak about framing.
func framings(h *message.Header) int {
	n := 0
	for _, f := range h.All() {
		if f.ID == message.ContentLength || f.ID == message.TransferEncoding {
			n++
		}
	}
	return n
}

func sameFields(a, b *message.Header) bool {
	if a.Len() != b.Len() {
		return false
	}
	j := 0
	for _, f := range a.All() {
		g := b.At(j)
		if !bytes.Equal(f.Name, g.Name) || !bytes.Equal(f.Value, g.Value) || f.ID != g.ID {
			return false
		}
		j++
	}
	return true
}

// What is accepted is written as something that parses to the same message, with
// one framing.
func FuzzRequest(f *testing.F) {
	for _, c := range requests {
		if len(c.raw) < 1000 {
			f.Add([]byte(c.raw), false)
		}
	}
	f.Add([]byte(smallRequest), false)
	f.Add([]byte(browserRequest), true)
	f.Fuzz(func(t *testing.T, raw []byte, relaxed bool) {
		lim := DefaultLimits()
		lim.Relaxed = relaxed
		var p Parser
		var req message.Request
		n, _ := p.Request(&req, bytes.Clone(raw), &lim)
		if n == 0 {
			return
		}
		if n > len(raw) {
			t.Fatalf("%d of %d bytes", n, len(raw))
		}
		out := AppendRequest(nil, &req, WriteOptions{KeepAlive: true})
		var back message.Request
		lim.MaxHead += 64 // blanks after colons and "connection: keep-alive"
		lim.MaxHead += req.Len()
		lim.MaxFields++
		k, err := p.Request(&back, bytes.Clone(out), &lim)
		if err != nil || k != len(out) {
			t.Fatalf("%q written as %q: %d %v", raw, out, k, err)
		}
		if framings(&back.Header) > 1 {
			t.Fatalf("%q written as %q: two framings", raw, out)
		}
		if back.Body != req.Body || back.MethodID != req.MethodID || back.Version != req.Version ||
			!bytes.Equal(back.Method, req.Method) || !bytes.Equal(back.Target, req.Target) || back.Form != req.Form ||
			IsUpgrade(&back) != IsUpgrade(&req) || back.Expect100 != req.Expect100 {
			t.Fatalf("%q written as %q: %+v, was %+v", raw, out, back, req)
		}
		req.DelID(message.Connection)
		back.DelID(message.Connection)
		var clean message.Header // deleted entries aside
		for _, f := range back.All() {
			clean.Append(f.ID, f.Name, f.Value)
		}
		if !sameFields(&req.Header, &clean) {
			t.Fatalf("%q written as %q: other fields", raw, out)
		}
	})
}

func FuzzResponse(f *testing.F) {
	for _, c := range responses {
		f.Add([]byte(c.raw), uint8(message.MethodGet), false)
		f.Add([]byte(c.raw), uint8(message.MethodHead), true)
	}
	f.Add([]byte(smallResponse), uint8(message.MethodConnect), false)
	f.Fuzz(func(t *testing.T, raw []byte, method uint8, relaxed bool) {
		lim := DefaultLimits()
		lim.Relaxed = relaxed
		m := message.Method(method % uint8(message.MethodPatch+1))
		var p Parser
		var resp message.Response
		n, err := p.Response(&resp, bytes.Clone(raw), m, &lim)
		if n == 0 || err != nil {
			return
		}
		opt := WriteOptions{KeepAlive: resp.KeepAlive, Peer: message.HTTP11}
		out := AppendResponse(nil, &resp, opt)
		var back message.Response
		lim.MaxHead += 64 + resp.Len()
		lim.MaxFields++
		k, err := p.Response(&back, bytes.Clone(out), m, &lim)
		if err != nil || k != len(out) {
			t.Fatalf("%q written as %q: %d %v", raw, out, k, err)
		}
		if framings(&back.Header) > 1 {
			t.Fatalf("%q written as %q: two framings", raw, out)
		}
		if back.Body != resp.Body || back.Status != resp.Status || back.KeepAlive != resp.KeepAlive && back.Status >= 200 {
			t.Fatalf("%q written as %q: %+v, was %+v", raw, out, back, resp)
		}
	})
}

// However a body is cut, and whatever becomes of the pieces, the outcome is the
// same, places of faults included; what is forwarded of an accepted one is accepted
// again, as is, with the same content.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("5;a=b\r\nhello\r\n0\r\n\r\n"), []byte{3}, uint8(0))
	f.Add([]byte("5\r\nhello\r\n0\r\nX-A: b\r\nContent-Length: 5\r\n\r\nGET / HTTP/1.1\r\n"), []byte{1, 12, 9, 1}, uint8(0))
	f.Add([]byte("0\r\nX-A: b\r\nX-B:c\r\n\r\n"), []byte{4, 9}, uint8(12))
	f.Add([]byte("00a\r\n0123456789\r\n0 ;x\r\n\r\n"), []byte{7, 7}, uint8(0))
	f.Add([]byte("fffffffffffffffff\r\n"), []byte{2}, uint8(0))
	f.Add([]byte("5\nhello\n0\n\n"), []byte{2, 3}, uint8(0))
	f.Fuzz(func(t *testing.T, raw, steps []byte, maxTrailer uint8) {
		drawn := func() func(int) int {
			i := 0
			return func(left int) int {
				if i++; i > len(steps) {
					return left
				}
				return int(steps[i-1])
			}
		}
		var outs [2][]byte
		var done bool
		var payload uint64
		for mode := range outs {
			var used int
			var err *Error
			outs[mode], used, payload, done, err = walkTo(raw, ChunkMode(mode), int(maxTrailer), whole)
			for _, cut := range []func(int) int{byByte, drawn()} {
				out2, used2, payload2, done2, err2 := walkTo(raw, ChunkMode(mode), int(maxTrailer), cut)
				if err2 != err || done2 != done || payload2 != payload || !bytes.Equal(out2, outs[mode]) || used2 != used {
					t.Fatalf("%q: at once %q %d %v %v, cut %q %d %v %v", raw, outs[mode], used, done, err, out2, used2, done2, err2)
				}
			}
		}
		out, content := outs[ChunkKeep], outs[ChunkStrip]
		if !done {
			return
		}
		if uint64(len(content)) != payload {
			t.Fatalf("payload %d, content %q", payload, content)
		}
		again, n, _, done, err := walk(out, ChunkKeep, byByte)
		if err != nil || !done || n != len(out) || !bytes.Equal(again, out) {
			t.Fatalf("%q forwarded as %q: %q %d %v %v", raw, out, again, n, done, err)
		}
		if back, _, _, _, _ := walk(out, ChunkStrip, whole); !bytes.Equal(back, content) {
			t.Fatalf("%q forwarded as %q: content changed", raw, out)
		}
	})
}
