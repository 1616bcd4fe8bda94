package stream_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bench/internal/poison"
	"bench/internal/poller"
	"bench/proxy/spec"
)

// In these tests every message carries a digest of all it says, under this name.
const digestName = "x-digest"

// own tells which fields are the test's: those between carry digests of it, the
// others are the proxy's and the framing's business.
func own(name string) bool { return name == "cookie" || strings.HasPrefix(name, "x-own-") }

// digest sums up a message: its start line, the fields that are the test's own and
// its body.
func digest(start string, h http.Header, body []byte) string {
	sum := fnv.New64a()
	fmt.Fprintf(sum, "%q\n", start)
	var names []string
	for name := range h {
		if lower := strings.ToLower(name); own(lower) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(sum, "%q %q\n", strings.ToLower(name), h[name])
	}
	fmt.Fprintf(sum, "%q", body)
	return fmt.Sprintf("%016x", sum.Sum64())
}

// letters are n letters drawn from rng.
func letters(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(rng.IntN(26))
	}
	return string(b)
}

// randomMessage writes a message with this start line, with up to eight fields of
// its own and a body, chunked or not, and its digest.
func randomMessage(rng *rand.Rand, start, wire string) []byte {
	h := http.Header{}
	h.Add("cookie", letters(rng, 20))
	for range 1 + rng.IntN(8) {
		h.Add("x-own-"+letters(rng, 1+rng.IntN(3)), letters(rng, 1+rng.IntN(200)))
	}
	var body []byte
	if rng.IntN(3) > 0 {
		body = []byte(letters(rng, rng.IntN(3000)))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\r\n", wire)
	for name, values := range h {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	fmt.Fprintf(&b, "%s: %s\r\n", digestName, digest(start, h, body))
	if rng.IntN(2) == 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
		return b.Bytes()
	}
	b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
	for rest := body; len(rest) > 0; {
		n := 1 + rng.IntN(len(rest))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

// inPieces writes b in three to nine pieces, most of them of the head, each with
// time to be read before the next one comes.
func inPieces(w io.Writer, rng *rand.Rand, b []byte) error {
	head := bytes.Index(b, []byte("\r\n\r\n")) + 4
	cuts := []int{0, len(b)}
	for range 2 + rng.IntN(7) {
		cuts = append(cuts, rng.IntN(head))
	}
	slices.Sort(cuts)
	for i, at := range cuts[1:] {
		if _, err := w.Write(b[cuts[i]:at]); err != nil {
			return err
		}
		time.Sleep(time.Duration(rng.IntN(300)) * time.Microsecond)
	}
	return nil
}

// verifier counts what arrives, and what arrives other than it was sent.
type verifier struct {
	seen, wrong atomic.Int64
	first       sync.Once
	example     string
}

func (v *verifier) check(what, start string, h http.Header, body []byte) {
	v.seen.Add(1)
	if want := h.Get(digestName); want != digest(start, h, body) {
		v.wrong.Add(1)
		v.first.Do(func() { v.example = fmt.Sprintf("%s %q with %q and %d bytes", what, start, h, len(body)) })
	}
}

// serve answers every request with a random message in pieces.
func (v *verifier) serve(seed uint64) func(net.Conn, *bufio.Reader) {
	var conns atomic.Uint64
	return func(c net.Conn, r *bufio.Reader) {
		rng := rand.New(rand.NewPCG(seed, conns.Add(1)))
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				// The engine resets connections it has no use for.
				if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
					v.wrong.Add(1)
					v.first.Do(func() { v.example = fmt.Sprintf("request that cannot be read: %v", err) })
				}
				return
			}
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return
			}
			v.check("request", req.Method+" "+req.RequestURI, req.Header, body)
			reason := letters(rng, 5)
			if rng.IntN(4) == 0 {
				if inPieces(c, rng, []byte("HTTP/1.1 103 Early Hints\r\nlink: <"+letters(rng, 30)+">\r\n\r\n")) != nil {
					return
				}
			}
			if inPieces(c, rng, randomMessage(rng, "200 "+reason, "HTTP/1.1 200 "+reason)) != nil {
				return
			}
		}
	}
}

// ask sends n requests in pieces and checks what is answered.
func (v *verifier) ask(c *rawConn, rng *rand.Rand, n int) error {
	for range n {
		method, target := "M"+strings.ToUpper(letters(rng, 4)), "/"+letters(rng, rng.IntN(60))
		msg := randomMessage(rng, method+" "+target, method+" "+target+" HTTP/1.1\r\nHost: h")
		if err := inPieces(c, rng, msg); err != nil {
			return err
		}
		for {
			resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
			if err != nil {
				return err
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			if resp.StatusCode == http.StatusEarlyHints {
				continue
			}
			v.check("response", resp.Status, resp.Header, body)
			break
		}
	}
	return nil
}

// TestHeadsInPieces has many clients send their heads in pieces at a time, to
// origins that answer so too. Each byte must arrive where it belongs, whatever
// passes through the thread's buffers between two pieces.
func TestHeadsInPieces(t *testing.T) {
	const clients, each = 12, 40
	names := []string{*pollerName}
	if *pollerName == "" {
		names = nil
		for _, m := range poller.Mechanisms() {
			if m.Name != "io_uring" { // TestMain's second round
				names = append(names, m.Name)
			}
		}
	}
	defer func(was string) { *pollerName = was }(*pollerName)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			*pollerName = name
			seed := uint64(time.Now().UnixNano())
			var v verifier
			rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) { p.HTTPReuse = spec.ReuseAlways }, discard{},
				origin(t, v.serve(seed)), origin(t, v.serve(seed+1)))
			errs := make([]error, clients)
			var asking sync.WaitGroup
			for i := range clients {
				c := rig.dial()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				asking.Go(func() { errs[i] = v.ask(c, rand.New(rand.NewPCG(seed+2, uint64(i))), each) })
			}
			asking.Wait()
			for _, err := range errs {
				if err != nil {
					t.Error(err)
				}
			}
			if n := v.wrong.Load(); n != 0 {
				t.Errorf("seed %d: %d of %d messages arrived other than they were sent; the first: %s", seed, n, v.seen.Load(), v.example)
			}
			if n := v.seen.Load(); n < 2*clients*each && !t.Failed() {
				t.Errorf("%d messages arrived, want %d", n, 2*clients*each)
			}
		})
	}
}

// The tests of this package can only find who keeps a piece of a buffer if buffers
// are overwritten.
func TestBuffersAreOverwritten(t *testing.T) {
	rig := newRigWith(t, spec.ModeHTTP, nil, discard{}, origin(t, echoHTTP))
	var scratch byte
	rig.loop.Call(func() { rig.loop.Scratch()[1] = 'x' })
	rig.loop.Call(func() { scratch = rig.loop.Scratch()[1] })
	if scratch != poison.Byte {
		t.Errorf("the scratch buffer holds %q after a turn", scratch)
	}
}
