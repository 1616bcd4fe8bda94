package stream_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/proxy/spec"
	"bench/proxy/stream"
)

// splicing makes the rig splice wherever it can.
func splicing(p *spec.Proxy) { p.Options.SpliceRequest, p.Options.SpliceResponse = true, true }

// spliceCounts are what one thread counted, and its pipes.
type spliceCounts struct {
	feIn, feOut, beIn, beOut, process uint64
	used, free                        int
}

func (r *rig) spliceCounts() (c spliceCounts) {
	r.loop.Call(func() {
		t := r.thread
		fe, be := &t.Fronts[0].C.H1, &t.Backs[0].C.H1
		c = spliceCounts{fe.SplicedIn, fe.SplicedOut, be.SplicedIn, be.SplicedOut, t.Process.SplicedOut, t.PipesUsed(), t.PipesFree()}
	})
	return c
}

// noise is n bytes that tell when one is lost, doubled or moved.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(seed, 2))
	for i := 0; i+8 <= n; i += 8 {
		v := rng.Uint64()
		for j := range 8 {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	return b
}

// writeInPieces writes b in random pieces, some of them small, with pauses.
func writeInPieces(w io.Writer, b []byte, rng *rand.Rand) error {
	for len(b) > 0 {
		n := 1 + rng.IntN(len(b))
		switch rng.IntN(4) {
		case 0:
			n = min(n, 1+rng.IntN(2000))
		case 1:
			n = min(n, 1+rng.IntN(100_000))
		}
		if _, err := w.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		if rng.IntN(8) == 0 {
			time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
		}
	}
	return nil
}

// readSlowly hashes r to its end with pauses now and then.
func readSlowly(r io.Reader, rng *rand.Rand) (sum string, n int64, err error) {
	h := sha256.New()
	for {
		m, err := io.CopyN(h, r, int64(1+rng.IntN(300_000)))
		n += m
		if errors.Is(err, io.EOF) {
			return hexSum(h), n, nil
		}
		if err != nil {
			return "", n, err
		}
		if rng.IntN(6) == 0 {
			time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
		}
	}
}

func hexSum(h hash.Hash) string { return fmt.Sprintf("%x", h.Sum(nil)) }

func sumOf(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// chunked frames b in chunks of random sizes.
func chunked(b []byte, rng *rand.Rand) []byte {
	var out bytes.Buffer
	for len(b) > 0 {
		n := min(len(b), 1+rng.IntN([]int{10, 5000, 400_000, 2_000_000}[rng.IntN(4)]))
		fmt.Fprintf(&out, "%x\r\n%s\r\n", n, b[:n])
		b = b[n:]
	}
	out.WriteString("0\r\nX-Trailer: t\r\n\r\n")
	return out.Bytes()
}

// checkPipes waits until no pipe carries data.
func (r *rig) checkPipes(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Second)
	for c := r.spliceCounts(); c.used != 0; c = r.spliceCounts() {
		if time.Now().After(deadline) {
			t.Fatalf("%d pipes still in use", c.used)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if total, c := r.thread.Shared.Pipes.Load(), r.spliceCounts(); total != int64(c.free) {
		t.Errorf("%d pipes counted, %d are free", total, c.free)
	}
}

// TestSplicedTunnelIsExact relays both directions at once in pieces of any size to
// readers that pause.
func TestSplicedTunnelIsExact(t *testing.T) {
	const size = 6 << 20
	up, down := noise(1, size), noise(2, size+12345)
	got := make(chan string, 1)
	addr := origin(t, func(c net.Conn, _ *bufio.Reader) {
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() {
			_ = writeInPieces(c, down, rand.New(rand.NewPCG(3, 3)))
			_ = c.(*net.TCPConn).CloseWrite()
		})
		sum, n, err := readSlowly(c, rand.New(rand.NewPCG(4, 4)))
		if err != nil || n != size {
			sum = fmt.Sprintf("%d bytes, %v", n, err)
		}
		got <- sum
	})
	rig := newRig(t, spec.ModeTCP, splicing, addr)
	c := rig.dial()
	go func() {
		_ = writeInPieces(c, up, rand.New(rand.NewPCG(5, 5)))
		_ = c.Conn.(*net.TCPConn).CloseWrite()
	}()
	sum, n, err := readSlowly(c.r, rand.New(rand.NewPCG(6, 6)))
	if err != nil || sum != sumOf(down) {
		t.Errorf("the client got %d bytes, %v", n, err)
	}
	if sum := <-got; sum != sumOf(up) {
		t.Errorf("the origin got %s", sum)
	}
	rec := <-rig.lines
	if rec.BytesIn != size || rec.BytesOut != size+12345 || rec.Flags != [2]byte{'-', '-'} {
		t.Errorf("logged %d in, %d out, flags %s", rec.BytesIn, rec.BytesOut, rec.Flags)
	}
	if counts := rig.spliceCounts(); counts.process < size {
		t.Errorf("%d bytes went through pipes, want more than half of %d", counts.process, 2*size)
	}
	rig.checkPipes(t)
}

// TestSplicedBodiesAreExact sends bodies of every framing in both directions.
func TestSplicedBodiesAreExact(t *testing.T) {
	const size = 5<<20 + 77
	up, down := noise(7, size), noise(8, size)
	framings := []string{"length", "chunked", "close"}
	// The race detector on a busy machine needs seconds for each of them.
	patient := func(c net.Conn) { _ = c.SetDeadline(time.Now().Add(time.Minute)) }
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		patient(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			h := sha256.New()
			if _, err := io.Copy(h, req.Body); err != nil {
				return
			}
			rng := rand.New(rand.NewPCG(9, uint64(len(req.RequestURI))))
			head, body := "HTTP/1.1 200 OK\r\nX-Sum: "+hexSum(h)+"\r\n", down
			switch req.RequestURI[1:] {
			case "length":
				head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
			case "chunked":
				head += "Transfer-Encoding: chunked\r\n"
				body = chunked(down, rng)
			}
			if _, err := io.WriteString(c, head+"\r\n"); err != nil || writeInPieces(c, body, rng) != nil || req.RequestURI == "/close" {
				return
			}
		}
	})
	for _, version := range []string{"1.1", "1.0"} {
		rig := newRig(t, spec.ModeHTTP, splicing, addr)
		for _, reqFraming := range framings[:2] {
			for _, respFraming := range framings {
				if version == "1.0" && reqFraming == "chunked" {
					continue
				}
				c := rig.dial()
				patient(c)
				rng := rand.New(rand.NewPCG(uint64(len(reqFraming)), uint64(len(respFraming))))
				head, body := fmt.Sprintf("POST /%s HTTP/%s\r\nHost: x\r\n", respFraming, version), up
				if reqFraming == "chunked" {
					head += "Transfer-Encoding: chunked\r\n\r\n"
					body = chunked(up, rng)
				} else {
					head += fmt.Sprintf("Content-Length: %d\r\n\r\n", len(up))
				}
				go func() { _ = writeInPieces(c, append([]byte(head), body...), rng) }()
				resp, err := http.ReadResponse(c.r, &http.Request{Method: "POST"})
				if err != nil {
					t.Fatal(err)
				}
				sum, n, err := readSlowly(resp.Body, rand.New(rand.NewPCG(10, 10)))
				if err != nil || sum != sumOf(down) || resp.Header.Get("X-Sum") != sumOf(up) {
					t.Errorf("HTTP/%s, request by %s, response by %s: %d bytes, %v; request exact: %v",
						version, reqFraming, respFraming, n, err, resp.Header.Get("X-Sum") == sumOf(up))
				}
				c.Close()
			}
		}
		counts := rig.spliceCounts()
		if counts.feIn == 0 || counts.feOut == 0 || counts.feIn != counts.beOut || counts.feOut != counts.beIn || counts.process != counts.feOut+counts.beOut {
			t.Errorf("HTTP/%s: counted %+v", version, counts)
		}
		rig.checkPipes(t)
	}
}

// TestSplicingSwitches tells which work goes through pipes: bulk only, and only
// where the options say so.
func TestSplicingSwitches(t *testing.T) {
	const bulk = 4 << 20
	serve := func(size int) string {
		return origin(t, func(c net.Conn, r *bufio.Reader) {
			if _, err := http.ReadRequest(r); err == nil {
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
			}
		})
	}
	for _, c := range []struct {
		name   string
		change func(*spec.Proxy)
		pipes  int64
		size   int
		spliced,
		free int
	}{
		{"response", func(p *spec.Proxy) { p.Options.SpliceResponse = true }, 10, bulk, 1, 1},
		{"auto", func(p *spec.Proxy) { p.Options.SpliceAuto = true }, 10, bulk, 1, 1},
		{"small", splicing, 10, 60_000, 0, 0},
		{"request only", func(p *spec.Proxy) { p.Options.SpliceRequest = true }, 10, bulk, 0, 0},
		{"not asked for", nil, 10, bulk, 0, 0},
		{"no pipe to be had", splicing, 0, bulk, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			rig := newRig(t, spec.ModeHTTP, c.change, serve(c.size))
			rig.loop.Call(func() { rig.thread.Shared.Pipes.Max = c.pipes })
			conn := rig.dial()
			conn.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			// The body piles up in front of the proxy, so that its reads are full.
			time.Sleep(20 * time.Millisecond)
			if _, body := conn.response("GET"); len(body) != c.size {
				t.Fatalf("%d bytes", len(body))
			}
			counts := rig.spliceCounts()
			if (counts.feOut > 0) != (c.spliced > 0) || counts.feOut >= uint64(c.size) {
				t.Errorf("%d bytes of %d spliced, want any: %v", counts.feOut, c.size, c.spliced > 0)
			}
			if counts.free != c.free {
				t.Errorf("%d free pipes, want %d", counts.free, c.free)
			}
		})
	}
}

// TestPipesAreTrimmed sees unused pipes closed within a few sweeps.
func TestPipesAreTrimmed(t *testing.T) {
	before := openPipes(t)
	rig := newRig(t, spec.ModeTCP, splicing, origin(t, func(c net.Conn, _ *bufio.Reader) { _, _ = c.Write(make([]byte, 8<<20)) }))
	c := rig.dial()
	if n, err := io.Copy(io.Discard, c.r); n != 8<<20 || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if free, ends := rig.spliceCounts().free, openPipes(t)-before; free != 1 || ends != 2 {
		t.Fatalf("%d free pipes, %d descriptors more, want 1 and 2", free, ends)
	}
	rig.loop.Call(func() { rig.thread.Sweep(); rig.thread.Sweep() })
	if counts := rig.spliceCounts(); counts.free != 0 || openPipes(t) != before {
		t.Errorf("%d free pipes, %d descriptors more after two sweeps, want none", counts.free, openPipes(t)-before)
	}
	if n := rig.thread.Shared.Pipes.Load(); n != 0 {
		t.Errorf("%d pipes still counted", n)
	}
}

// openPipes is the number of descriptors of this process that are ends of pipes.
func openPipes(t *testing.T) int {
	t.Helper()
	const dir = "/proc/self/fd/"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink(dir + e.Name()); err == nil && strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}

// TestSplicedStreamsEndInEveryWay cuts transfers with data in the pipe: a reader
// that stops, resets, time-outs, a kill. No pipe may stay behind.
func TestSplicedStreamsEndInEveryWay(t *testing.T) {
	endless := origin(t, func(c net.Conn, _ *bufio.Reader) {
		b := make([]byte, 256<<10)
		for {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	cases := []struct {
		name  string
		end   func(t *testing.T, rig *rig, c *rawConn)
		flags string
	}{
		{"client resets", func(_ *testing.T, _ *rig, c *rawConn) {
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			c.Close()
		}, "CD"},
		{"client stalls", func(*testing.T, *rig, *rawConn) {}, "cD"},
		{"operator kills", func(_ *testing.T, rig *rig, _ *rawConn) {
			rig.loop.Call(func() {
				rig.thread.Describe(rig.thread.Live(), func(s *stream.Session) { defer rig.thread.KillStream(s.ID) })
			})
		}, "K-"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rig := newRig(t, spec.ModeTCP, func(p *spec.Proxy) { splicing(p); p.Timeouts.Client = 300 * time.Millisecond }, endless)
			conn := rig.dial()
			// The reader stands still. The buffers of the kernel fill up, then the pipe,
			// and it stays full. Where a lull in the source had led back to copying for
			// a moment, it is a buffer that fills: then once more.
			filled := 0
			for try := 0; try < 5 && filled == 0; try++ {
				if _, err := io.CopyN(io.Discard, conn.r, 4<<20); err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(50 * time.Millisecond); filled < 5 && time.Now().Before(deadline); {
					time.Sleep(2 * time.Millisecond)
					if filled++; rig.spliceCounts().used != 1 {
						filled = 0
					}
				}
			}
			if filled == 0 {
				t.Fatal("no data in a pipe behind a reader that stopped")
			}
			c.end(t, rig, conn)
			if rec := <-rig.lines; string(rec.Flags[:]) != c.flags {
				t.Errorf("flags %s, want %s", rec.Flags, c.flags)
			}
			rig.checkPipes(t)
		})
	}
}
