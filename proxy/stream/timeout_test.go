package stream_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
	"bench/proxy/spec"
	"bench/proxy/stats"
	"bench/proxy/txn"
)

// ended is the log line of the stream that ends next.
func (r *rig) ended() txn.Record {
	r.t.Helper()
	select {
	case rec := <-r.lines:
		return rec
	case <-time.After(10 * time.Second):
		r.t.Fatal("the stream goes on")
		return txn.Record{}
	}
}

// counted reads the counters of the backend on the thread that writes them.
func (r *rig) counted() (c stats.Backend) {
	r.loop.Call(func() { c = r.thread.Backs[0].C })
	return c
}

// Which of the times a silent side of a stream has depends on who has ended what:
// "fin" is for a side that has been sent the other's end, "tunnel" for all others where
// bytes flow both ways, and the times of client and server are for what remains.
func TestSilenceInTCPMode(t *testing.T) {
	const short, long = 300 * time.Millisecond, 5 * time.Second
	halfClose := func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }
	nothing := func(net.Conn) {}
	tick := func(c net.Conn) {
		for range 100 { // for longer than what is to end soon takes
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
			time.Sleep(short / 10)
		}
	}
	for _, c := range []struct {
		name           string
		set            func(*spec.Timeouts)
		independent    bool
		holds          bool // both sides keep what the other has ended
		client, server func(net.Conn)
		flags          string
		soon           bool // after short, not as long as other times or the sender have it
	}{
		{"client", func(s *spec.Timeouts) { s.Client = short }, false, false, nothing, nothing, "cD", true},
		{"server", func(s *spec.Timeouts) { s.Server = short }, false, false, nothing, nothing, "sD", true},
		{"tunnel instead of them", func(s *spec.Timeouts) { s.Client, s.Server, s.Tunnel = short, short, 4*short }, false, false, nothing, nothing, "", false},
		{"server-fin once the client has ended", func(s *spec.Timeouts) { s.ServerFin, s.Tunnel = short, long }, false, true, halfClose, nothing, "sD", true},
		{"client-fin once the server has ended", func(s *spec.Timeouts) { s.ClientFin, s.Tunnel = short, long }, false, true, nothing, halfClose, "cD", true},
		{"no fin while neither has", func(s *spec.Timeouts) { s.ClientFin, s.ServerFin, s.Client, s.Server = short, short, 4*short, 4*short }, false, false, nothing, nothing, "", false},
		{"client-fin is not for a client that ends", func(s *spec.Timeouts) { s.ClientFin, s.Server = short, 4*short }, false, true, halfClose, nothing, "sD", false},
		{"a client that takes something is active", func(s *spec.Timeouts) { s.Client = 2 * short }, false, false, nothing, tick, "", false},
		{"but not with independent streams", func(s *spec.Timeouts) { s.Client = short }, true, false, nothing, tick, "cD", true},
		{"a server that takes something is active", func(s *spec.Timeouts) { s.Server = 2 * short }, false, false, tick, nothing, "", false},
		{"but not with independent streams", func(s *spec.Timeouts) { s.Server = short }, true, false, tick, nothing, "sD", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			read := func(conn net.Conn, r io.Reader) {
				if _, _ = io.Copy(io.Discard, r); !c.holds {
					_ = conn.Close()
				}
			}
			over := make(chan struct{})
			t.Cleanup(func() { close(over) })
			addr := origin(t, func(conn net.Conn, r *bufio.Reader) {
				if _, err := r.ReadByte(); err == nil {
					go read(conn, r)
					c.server(conn)
					<-over
				}
			})
			r := newRig(t, spec.ModeTCP, func(p *spec.Proxy) {
				p.Timeouts.Client, p.Timeouts.Server = long, long
				p.Options.IndependentStreams = c.independent
				c.set(&p.Timeouts)
			}, addr)
			began := time.Now()
			conn := r.dial()
			conn.send("x")
			go read(conn, conn.r)
			go c.client(conn.Conn)
			rec := r.ended()
			took := time.Since(began)
			if c.flags != "" && string(rec.Flags[:]) != c.flags {
				t.Errorf("ended with %s, want %s", rec.Flags, c.flags)
			}
			if took < short || c.soon && took > long/2 || !c.soon && took < 3*short {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A server that is silent for too long counts as one that has ended its stream: the
// client may still be sending, and what it ends by later is not counted again.
func TestSilentServerLetsTheClientSend(t *testing.T) {
	got := make(chan string, 1)
	addr := origin(t, func(_ net.Conn, r *bufio.Reader) {
		b, _ := io.ReadAll(r)
		got <- string(b)
	})
	r := newRig(t, spec.ModeTCP, func(p *spec.Proxy) { p.Timeouts.Server = 100 * time.Millisecond }, addr)
	c := r.dial()
	c.send("before")
	if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil {
		t.Fatalf("%q, %v; want the end of the stream", b, err)
	}
	c.send(" and after")
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	if b := <-got; b != "before and after" {
		t.Errorf("the server got %q", b)
	}
	if rec := r.ended(); rec.Flags != [2]byte{'s', 'D'} {
		t.Errorf("flags %s, want sD", rec.Flags)
	}
	if n := r.counted(); n.ServerAborts != 1 || n.ClientAborts != 0 {
		t.Errorf("%d aborts by servers and %d by clients, want the one of the server", n.ServerAborts, n.ClientAborts)
	}
}

// A stream that both sides leave in silence is counted for the one that did first.
func TestFirstToBeSilentIsCounted(t *testing.T) {
	addr := origin(t, func(_ net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r); time.Sleep(time.Second) })
	r := newRig(t, spec.ModeTCP, func(p *spec.Proxy) { p.Timeouts.Client, p.Timeouts.Server = 100*time.Millisecond, 300*time.Millisecond }, addr)
	began := time.Now()
	c := r.dial()
	c.send("x")
	rec := r.ended()
	if took := time.Since(began); rec.Flags != [2]byte{'c', 'D'} || took < 300*time.Millisecond {
		t.Errorf("flags %s after %v, want cD when the server's time is over, too", rec.Flags, took)
	}
	if n := r.counted(); n.ClientAborts != 1 || n.ServerAborts != 0 {
		t.Errorf("%d aborts by clients and %d by servers, want the one of the client", n.ClientAborts, n.ServerAborts)
	}
}

// A client that waits for a server has its time while it is silent; once it has sent
// something it waits itself.
func TestClientsThatWaitForAServer(t *testing.T) {
	for send, flags := range map[string]string{"": "cQ", "hello": "sQ"} {
		addr := origin(t, func(c net.Conn, _ *bufio.Reader) {
			for {
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		r := newRig(t, spec.ModeTCP, func(p *spec.Proxy) {
			p.Servers[0].MaxConn = 1
			p.Timeouts.Client, p.Timeouts.Queue = 150*time.Millisecond, 500*time.Millisecond
		}, addr)
		first := r.dial() // keeps the slot as long as it takes something
		if _, err := first.r.ReadByte(); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, first.r) }()
		r.dial().send(send)
		if rec := r.ended(); string(rec.Flags[:]) != flags {
			t.Errorf("a client that sent %q ended with %s, want %s", send, rec.Flags, flags)
		}
	}
}

// Where another server can be asked, the pause before the next attempt is spared.
func TestRedispatchDoesNotPause(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	for _, b := range []spec.Balance{"roundrobin", "leastconn", "first"} {
		r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Balance, p.Redispatch, p.Timeouts.Connect = b, 1, 2*time.Second }, testpeer.Refusing(t), origin(t, echoHTTP))
		began := time.Now()
		for range 2 { // one of them comes to the server that is dead
			c := r.dial()
			c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if resp, _ := c.response("GET"); resp.StatusCode != 200 {
				t.Fatalf("%s: status %d", b, resp.StatusCode)
			}
		}
		if took := time.Since(began); took > 800*time.Millisecond {
			t.Errorf("%s: it took %v", b, took)
		}
	}
}

// A session that is killed after its request was sent has had no answer of the server.
func TestKilledWhileWaitingForTheAnswer(t *testing.T) {
	asked := make(chan struct{}, 1)
	r := newRig(t, spec.ModeHTTP, nil, origin(t, func(_ net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			asked <- struct{}{}
			_, _ = io.Copy(io.Discard, br)
		}
	}))
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-asked
	r.loop.Call(func() { r.thread.KillServerStreams(r.backend.Servers()[0], 'K') })
	if resp, _ := c.response("GET"); resp.StatusCode != 502 {
		t.Errorf("status %d, want 502", resp.StatusCode)
	}
	if rec := r.ended(); rec.Flags != [2]byte{'K', 'H'} {
		t.Errorf("flags %s, want KH", rec.Flags)
	}
}

// An answer that switches protocols has to say so as RFC 9110 section 7.8 wants it,
// also to a client that asked for it.
func TestSwitchWithoutSayingSoIsRefused(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, nil, origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			_, _ = io.Copy(io.Discard, br)
		}
	}))
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
	if resp, _ := c.response("GET"); resp.StatusCode != 502 {
		t.Errorf("status %d, want 502", resp.StatusCode)
	}
}

// A client that leaves while interim responses wait for it leaves nothing to the next
// one.
func TestNextClientAfterOneThatLeftInterimResponses(t *testing.T) {
	hint := "HTTP/1.1 103 Early Hints\r\nlink: <" + strings.Repeat("a", 4000) + ">\r\n\r\n"
	r := newRig(t, spec.ModeHTTP, nil, origin(t, func(c net.Conn, br *bufio.Reader) {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if req.URL.Path == "/hints" {
			_, _ = io.WriteString(c, strings.Repeat(hint, 5000))
			return
		}
		time.Sleep(50 * time.Millisecond) // the engine looks for an answer before there is one
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}))
	leaving := r.dial()
	leaving.send("GET /hints HTTP/1.1\r\nHost: x\r\n\r\n")
	time.Sleep(300 * time.Millisecond)
	_ = leaving.Conn.(*net.TCPConn).SetLinger(0)
	_ = leaving.Close()
	r.ended()
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp, body := c.response("GET"); resp.StatusCode != 200 || body != "ok" {
		t.Errorf("status %d, %q", resp.StatusCode, body)
	}
}

// All ports of a range are used, the last one too, and none beside it.
func TestSourcePortsOfARange(t *testing.T) {
	ports := make(chan int, 2)
	hold := make(chan struct{})
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err == nil {
			ports <- c.RemoteAddr().(*net.TCPAddr).Port
			<-hold
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	first := freePair(t)
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		from, err := sock.Parse(fmt.Sprintf("127.0.0.1:%d", first))
		if err != nil {
			t.Fatal(err)
		}
		p.Servers[0].Source = &spec.Source{Addr: from, LastPort: uint16(first + 1)}
	}, addr)
	clients := []*rawConn{r.dial(), r.dial()}
	seen := map[int]bool{}
	for _, c := range clients {
		c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		select {
		case port := <-ports:
			seen[port] = true
		case <-time.After(3 * time.Second):
			t.Fatalf("no connection; so far from %v", seen)
		}
	}
	close(hold)
	if !seen[first] || !seen[first+1] {
		t.Errorf("connections came from %v, want %d and %d", seen, first, first+1)
	}
}

// freePair is the first of two ports in a row that nobody uses.
func freePair(t *testing.T) int {
	t.Helper()
	for range 50 {
		port, err := strconv.Atoi(testpeer.FreePort(t))
		if err != nil {
			t.Fatal(err)
		}
		b, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1))
		if err == nil {
			_ = b.Close()
			return port
		}
	}
	t.Fatal("no two ports in a row are free")
	return 0
}
