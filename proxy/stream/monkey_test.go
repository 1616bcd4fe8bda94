package stream_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/proxy/spec"
	"bench/proxy/stream"
)

// wildOrigin answers, or misbehaves, at random.
func wildOrigin(seed uint64) func(c net.Conn, r *bufio.Reader) {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 1))
	draw := func(n int) int { mu.Lock(); defer mu.Unlock(); return rng.IntN(n) }
	return func(c net.Conn, r *bufio.Reader) {
		tcp := c.(*net.TCPConn)
		for {
			if draw(20) == 0 {
				return // before reading anything
			}
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if draw(10) != 0 {
				_, _ = io.Copy(io.Discard, req.Body)
			}
			size := draw(3) * draw(200_000)
			switch draw(14) {
			case 0:
				_ = tcp.SetLinger(0)
				return
			case 1:
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConte")
				return
			case 2:
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size+10, strings.Repeat("y", size))
				return
			case 3:
				_, _ = io.WriteString(c, "nonsense\r\n\r\n")
				return
			case 4:
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n\r\n%s", strings.Repeat("z", size))
				return
			case 5:
				_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
				_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			case 6:
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nZZ\r\n", size+1, strings.Repeat("c", size+1))
				return
			case 7, 8:
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", size+1, strings.Repeat("c", size+1))
			case 9:
				time.Sleep(time.Duration(draw(150)) * time.Millisecond)
				fallthrough
			default:
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("y", size))
			}
		}
	}
}

// wildClient sends requests, or parts of them, and reads, or does not.
func wildClient(addr string, rng *rand.Rand) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	tcp := c.(*net.TCPConn)
	for range 1 + rng.IntN(6) {
		body := strings.Repeat("b", rng.IntN(3)*rng.IntN(100_000))
		text := []string{
			"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET /a HTTP/1.0\r\n\r\n",
			"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n",
			fmt.Sprintf("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
			fmt.Sprintf("PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body)+1, body+"x"),
			"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
			"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX",
		}[rng.IntN(8)]
		if rng.IntN(5) == 0 {
			text = text[:rng.IntN(len(text))]
		}
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
		switch rng.IntN(8) {
		case 0:
			_ = tcp.SetLinger(0)
			return
		case 1:
			_ = tcp.CloseWrite()
		case 2:
			time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
		case 3:
			return
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Duration(1+rng.IntN(80)) * time.Millisecond))
		_, _ = io.CopyN(io.Discard, c, int64(rng.IntN(400_000)))
	}
}

// TestNothingLeaksWhateverPeersDo lets peers misbehave in every way at once and
// then asks for everything back: places, slots, buffers, connections.
func TestNothingLeaksWhateverPeersDo(t *testing.T) {
	for _, kind := range []struct {
		name   string
		mode   spec.Mode
		splice bool
	}{
		{"http", spec.ModeHTTP, false},
		{"tcp", spec.ModeTCP, false},
		{"http spliced", spec.ModeHTTP, true},
		{"tcp spliced", spec.ModeTCP, true},
	} {
		t.Run(kind.name, func(t *testing.T) {
			short := 300 * time.Millisecond
			rig := newRig(t, kind.mode, func(p *spec.Proxy) {
				p.Options.SpliceRequest, p.Options.SpliceResponse = kind.splice, kind.splice
				p.Timeouts = spec.Timeouts{Client: short, Server: short, Connect: short, Queue: short / 2, HTTPKeepAlive: short}
				p.Redispatch = 1
				p.Servers[0].MaxConn = 3
				p.Servers[1].MaxConn = 3
				p.HTTPReuse = spec.ReuseAlways
			}, origin(t, wildOrigin(1)), origin(t, wildOrigin(2)))
			go func() {
				for range rig.lines {
				}
			}()
			var clients sync.WaitGroup
			for i := range 24 {
				clients.Go(func() {
					rng := rand.New(rand.NewPCG(uint64(i), 7))
					for range 25 {
						wildClient(rig.addr, rng)
					}
				})
			}
			clients.Wait()
			sh := rig.thread.Shared
			be := rig.backend
			deadline := time.Now().Add(5 * time.Second)
			for {
				left := fmt.Sprintf("clients %d, frontend %d, backend %d, queued %d, slots %d %d",
					sh.Conns.Load(), rig.fe.Cur.Load(), be.Cur.Load(), be.Queued.Load(), be.Servers()[0].Cur.Load(), be.Servers()[1].Cur.Load())
				used, busy := 0, int64(0)
				rig.loop.Call(func() { used = rig.thread.BuffersInUse() })
				for _, s := range be.Servers() {
					busy += s.Conns.Used()
				}
				if left == "clients 0, frontend 0, backend 0, queued 0, slots 0 0" && used == 0 && busy == 0 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("still held: %s, buffers %d, server connections in use %d", left, used, busy)
				}
				time.Sleep(20 * time.Millisecond)
			}
			rig.checkPipes(t)
			var pools []stream.Pool
			rig.loop.Call(func() { pools = rig.thread.Pools() })
			for _, p := range pools {
				// Connections to servers may idle.
				if idle := be.Servers()[0].Conns.Idle() + be.Servers()[1].Conns.Idle(); p.Made-p.Free != 0 && (p.Name != "srvconn" || int64(p.Made-p.Free) != idle) {
					t.Errorf("pool %s: %d of %d are in use", p.Name, p.Made-p.Free, p.Made)
				}
			}
			if spliced := rig.spliceCounts().process > 0; spliced != kind.splice {
				t.Errorf("bytes went through pipes: %v, want %v", spliced, kind.splice)
			}
		})
	}
}
