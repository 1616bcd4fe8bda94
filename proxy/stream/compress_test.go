package stream_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"

	"bench/proxy/compress"
	"bench/proxy/rule"
	"bench/proxy/spec"
)

// piecemeal answers with n bytes of pattern ("?n="), in pieces of any length that are cut
// anywhere, chunked with a trailer where the path says so. Of "/cut" the last third is missing.
// note is told each path.
func piecemeal(seed uint64, note func(path string)) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		rng := rand.New(rand.NewPCG(seed, 1))
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			note(req.URL.Path)
			n := 0
			_, _ = fmt.Sscan(req.URL.Query().Get("n"), &n)
			content := pattern(n)
			var b bytes.Buffer
			if strings.HasPrefix(req.URL.Path, "/chunked") {
				b.WriteString("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n")
				for len(content) > 0 {
					k := min(1+rng.IntN(3000), len(content))
					fmt.Fprintf(&b, "%x\r\n%s\r\n", k, content[:k])
					content = content[k:]
				}
				b.WriteString("0\r\nX-Trailer: t\r\n\r\n")
			} else {
				fmt.Fprintf(&b, "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: %d\r\n\r\n%s", n, content)
			}
			out := b.Bytes()
			cut := req.URL.Path == "/cut"
			if cut {
				out = out[:len(out)*2/3]
			}
			if _, err := (&cutter{Conn: c, rng: rng}).Write(out); err != nil || cut {
				return
			}
		}
	}
}

// All of a response is there once it was decoded, however it came, over either protocol, and
// the connections go on.
func TestCompressedInPieces(t *testing.T) {
	const seed = 11
	addr := origin(t, piecemeal(seed, func(string) {}))
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Compression = &spec.Compression{Algorithms: []compress.Algorithm{compress.Gzip}}
		p.Options.SpliceAuto = true
	}, addr)
	client1 := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	t.Cleanup(client1.CloseIdleConnections)
	ask := func(client *http.Client, path string, n int) error {
		req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://%s%s?n=%d", rig.addr, path, n), http.NoBody)
		if err != nil {
			return err
		}
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if n == 0 && path == "/length" {
			return nil // there is nothing to encode
		}
		if e := resp.Header.Get("Content-Encoding"); e != "gzip" {
			return fmt.Errorf("encoding %q", e)
		}
		coded, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		r, err := gzip.NewReader(bytes.NewReader(coded))
		if err != nil {
			return err
		}
		got, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, pattern(n)) {
			return fmt.Errorf("%d bytes are not the %d that were sent", len(got), n)
		}
		if path == "/chunked" && resp.Trailer.Get("X-Trailer") != "t" {
			return fmt.Errorf("trailer %v", resp.Trailer)
		}
		return nil
	}
	for name, client := range map[string]*http.Client{"HTTP/1": client1, "HTTP/2": rig.client2(0)} {
		for _, path := range []string{"/length", "/chunked"} {
			for _, n := range []int{0, 1, 100, 5000, 70_000, 400_000} {
				if err := ask(client, path, n); err != nil {
					t.Fatalf("%s %s, %d bytes: %v", name, path, n, err)
				}
			}
		}
		if err := ask(client, "/cut", 100_000); err == nil {
			t.Errorf("%s: a response that was cut off is not", name)
		}
	}
}

// A client that reads slowly gets all of it.
func TestCompressedToSlowReader(t *testing.T) {
	const size = 4 << 20
	noise := make([]byte, size)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		_, _ = c.Write(noise)
	})
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Compression = &spec.Compression{Algorithms: []compress.Algorithm{compress.Gzip}}
	}, addr)
	c := rig.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
	c.readUntil("\r\n\r\n") // and nothing for as long as the proxy can do without
	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), c.r)), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, noise) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// What the proxy answers itself goes as it is, also where a response was encoded before it.
func TestOwnAnswersAfterCompressedOnes(t *testing.T) {
	addr := origin(t, piecemeal(3, func(string) {}))
	own := rulesOf(t, rule.Request, "return status 200 content-type text/plain string hello if { path /own }")
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Compression = &spec.Compression{Algorithms: []compress.Algorithm{compress.Gzip}}
		p.Rules[rule.Request] = own
	}, addr)
	c := r.dial()
	for range 3 {
		c.send("GET /chunked?n=5000 HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
		if resp, _ := c.response("GET"); resp.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("not encoded: %v", resp.Header)
		}
		c.send("GET /own HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
		if resp, body := c.response("GET"); resp.Header.Get("Content-Encoding") != "" || string(body) != "hello" {
			t.Fatalf("%v %q", resp.Header, body)
		}
	}
}
