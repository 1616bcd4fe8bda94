package tlsio

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/poller"
)

var versions = []struct {
	name string
	id   uint16
}{{"1.2", tls.VersionTLS12}, {"1.3", tls.VersionTLS13}}

func asServer(cfg *tls.Config) func(*Queue, int, Owner) *Conn {
	return func(q *Queue, fd int, o Owner) *Conn { return q.Server(fd, cfg, o) }
}

func asClient(cfg *tls.Config) func(*Queue, int, Owner) *Conn {
	return func(q *Queue, fd int, o Owner) *Conn { return q.Client(fd, cfg, o) }
}

const question = "a question of some length, and its answer is the same"

// ask sends the question through TLS as a client of the loop, and wants it back.
func ask(t *testing.T, conn net.Conn, cfg *tls.Config) error {
	t.Helper()
	c := tls.Client(conn, cfg)
	if _, err := c.Write([]byte(question)); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(c)
	if err == nil && string(got) != question {
		err = fmt.Errorf("got %q", got)
	}
	return err
}

// A handshake, and the records after it, arrive in two pieces, cut at every byte in
// turn.
func TestCutAtEveryByte(t *testing.T) {
	for _, v := range versions {
		t.Run("server "+v.name, func(t *testing.T) {
			r := newRig(t)
			cfg := serverConfig(v.id)
			for at, total := 1, 1<<20; at < total; at++ {
				fd, peer := pair(t)
				e := r.attach(fd, false, nil, asServer(cfg))
				c := &cutter{Conn: peer, at: at, held: r.settled}
				if err := ask(t, c, clientConfig()); err != nil {
					t.Fatalf("cut at byte %d: %v", at, err)
				}
				if err := <-e.done; err != nil {
					t.Fatalf("cut at byte %d: %v", at, err)
				}
				if info := e.c.Info(); info.Version != v.id || info.ALPN != "b" || info.SNI != "localhost" || info.Suite == 0 {
					t.Fatalf("cut at byte %d: %+v", at, info)
				}
				peer.Close()
				total = c.sent
			}
			r.idle()
		})
		t.Run("client "+v.name, func(t *testing.T) {
			r := newRig(t)
			cfg := serverConfig(v.id)
			for at, total := 1, 1<<20; at < total; at++ {
				fd, peer := pair(t)
				e := r.attach(fd, true, []byte(question), asClient(clientConfig()))
				c := &cutter{Conn: peer, at: at, held: r.settled}
				s := tls.Server(c, cfg)
				p := make([]byte, len(question))
				if _, err := io.ReadFull(s, p); err != nil || string(p) != question {
					t.Fatalf("cut at byte %d: %q, %v", at, p, err)
				}
				if _, err := s.Write(p); err != nil {
					t.Fatalf("cut at byte %d: %v", at, err)
				}
				_ = s.CloseWrite()
				<-e.over
				if string(e.got) != question || e.err != nil {
					t.Fatalf("cut at byte %d: got %q, %v", at, e.got, e.err)
				}
				peer.Close()
				total = c.sent
			}
			r.idle()
		})
	}
}

// Byte by byte, with a turn of the loop for each.
func TestByteByByte(t *testing.T) {
	for _, v := range versions {
		r := newRig(t)
		fd, peer := pair(t)
		r.attach(fd, false, nil, asServer(serverConfig(v.id)))
		if err := ask(t, &cutter{Conn: peer, every: 1, held: r.settled}, clientConfig()); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		r.idle()
	}
}

// A client that goes away after any number of bytes, and an owner that gives up after
// any number of them, leave nothing behind; nor do they disturb a connection beside them.
func TestAbandonedAtEveryByte(t *testing.T) {
	for _, v := range versions {
		for _, by := range []string{"peer", "owner"} {
			t.Run(v.name+" by "+by, func(t *testing.T) {
				r := newRig(t)
				cfg := serverConfig(v.id)
				fd, peer := pair(t)
				r.attach(fd, false, nil, asServer(cfg))
				beside := tls.Client(peer, clientConfig())
				for at, total := 0, 1<<20; at <= total; at++ {
					fd, peer := pair(t)
					e := r.attach(fd, false, nil, asServer(cfg))
					c := &cutter{Conn: peer, at: at, drop: true, held: r.settled}
					if by == "owner" {
						c.held = func() {
							r.settled()
							r.l.Call(e.close)
						}
					}
					if at == 0 {
						c.held()
					}
					err := ask(t, c, clientConfig())
					peer.Close()
					<-e.over
					if err == nil {
						total = 0 // at is behind the last byte
					}
					if _, err := beside.Write([]byte("x")); err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(beside, make([]byte, 1)); err != nil {
						t.Fatalf("the connection beside, after byte %d: %v", at, err)
					}
					if by == "owner" && c.sent < at {
						total = 0
					}
				}
				r.idle()
				var held int
				r.l.Call(func() { held = len(r.q.out) })
				if held != 0 {
					t.Errorf("%d bytes wait to be sent for nobody", held)
				}
			})
		}
	}
}

// Bulk in both directions, to peers that are slow and read in odd pieces.
func TestBulk(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			r := newRig(t)
			fd, peer := pair(t)
			e := r.attach(fd, false, nil, asServer(serverConfig(v.id)))
			c := tls.Client(peer, clientConfig())
			rng := rand.New(rand.NewPCG(1, 2))
			data := make([]byte, 3<<20)
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			go func() {
				for rest := data; len(rest) > 0; {
					n, err := c.Write(rest[:min(len(rest), 1+rng.IntN(100<<10))])
					if err != nil {
						return
					}
					rest = rest[n:]
				}
				_ = c.CloseWrite()
			}()
			var got bytes.Buffer
			p := make([]byte, 64<<10)
			odd := rand.New(rand.NewPCG(3, 4))
			for {
				n, err := c.Read(p[:1+odd.IntN(len(p))])
				got.Write(p[:n])
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if odd.IntN(20) == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			if !bytes.Equal(got.Bytes(), data) {
				t.Fatalf("%d bytes came back of %d, or others", got.Len(), len(data))
			}
			<-e.over
			r.idle()
		})
	}
}

// The last byte counts as taken when the kernel has everything, and not before.
func TestLastByteIsHeldUntilAllHasGone(t *testing.T) {
	r := newRig(t)
	fd, peer := pair(t)
	e := r.attach(fd, true, nil, asServer(serverConfig(tls.VersionTLS13)))
	c := tls.Client(peer, clientConfig())
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-e.done; err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	var first, second int
	r.l.Call(func() {
		first, _ = e.c.Send(data, nil)
		second, _ = e.c.Send(data[first:], nil)
	})
	if first != len(data)-1 || second != 0 {
		t.Fatalf("took %d of %d bytes, then %d", first, len(data), second)
	}
	got := make([]byte, len(data))
	read := make(chan error, 1)
	go func() { _, err := io.ReadFull(c, got); read <- err }()
	var n int
	for n == 0 {
		r.l.Call(func() { n, _ = e.c.Send(data[first:], nil) })
		time.Sleep(time.Millisecond)
	}
	if err := <-read; n != 1 || err != nil || !bytes.Equal(got, data) {
		t.Errorf("took %d, read error %v, equal %v", n, err, bytes.Equal(got, data))
	}
	r.l.Call(e.close)
}

// A farewell that the socket has no room for is said when it has, and then the socket is
// shut down: not before, or it would be cut off, and the connection taken for a broken one.
func TestFarewellWaitsForRoom(t *testing.T) {
	r := newRig(t)
	fd, peer := pair(t)
	e := r.attach(fd, true, nil, asServer(serverConfig(tls.VersionTLS13)))
	c := tls.Client(peer, clientConfig())
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-e.done; err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	var later bool
	r.l.Call(func() {
		_, _ = e.c.Send(data, nil)
		later = e.c.Shutdown()
	})
	if !later {
		t.Fatal("said all at once")
	}
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d of %d bytes, %v", len(got), len(data), err)
	}
	if n, err := peer.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("behind the farewell: %d, %v", n, err)
	}
	var errno int32
	r.l.Call(func() { errno = e.c.errno; later = e.c.Shutdown(); e.close() })
	if errno != 0 || later {
		t.Errorf("the connection has failed with %d, and says farewell later: %v", errno, later)
	}
}

// Answers to a peer that reads nothing are kept up to a limit, and then it has failed.
func TestAnswersToAPeerThatReadsNothing(t *testing.T) {
	r := newRig(t)
	fd, peer := pair(t)
	e := r.attach(fd, true, nil, asServer(serverConfig(tls.VersionTLS13)))
	c := tls.Client(peer, clientConfig())
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-e.done; err != nil {
		t.Fatal(err)
	}
	const size = 128 << 10
	most, answers := 0, 0
	var errno syscall.Errno
	r.l.Call(func() {
		_, _ = e.c.Send(make([]byte, size), nil)
		for ; errno == 0 && answers < 10000; answers++ {
			r.q.out = append(r.q.out, make([]byte, 27)...) // a record that changes keys
			e.c.flush()
			most = max(most, len(e.c.rest))
			errno = syscall.Errno(e.c.errno)
		}
		_, sent := e.c.Send([]byte("x"), nil)
		if sent != errno {
			t.Errorf("sending goes on: %v", sent)
		}
	})
	if errno != syscall.EPROTO || answers < 500 || most > size+4096+owedLimit {
		t.Errorf("%v after %d answers, %d bytes kept", errno, answers, most)
	}
	r.l.Call(e.close)
}

// Handshakes wait for their turns: however many have come at once, a turn of the loop runs
// one step.
func TestOneStepEachTurn(t *testing.T) {
	r := newRig(t)
	cfg := serverConfig(tls.VersionTLS13)
	const many = 20
	var peers []*tls.Conn
	for range many {
		fd, peer := pair(t)
		r.attach(fd, false, nil, asServer(cfg))
		peers = append(peers, tls.Client(peer, clientConfig()))
	}
	r.settled()
	var before, after Stats
	var turn, last uint64
	r.l.Call(func() { before, turn = r.q.Stats(), r.l.Turns() })
	done := make(chan error, many)
	for _, c := range peers {
		go func() { done <- c.Handshake() }()
	}
	for range many {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	r.idle()
	r.l.Call(func() { after, last = r.q.Stats(), r.l.Turns() })
	steps := after.Steps - before.Steps
	if steps > last-turn || steps < many {
		t.Errorf("%d steps in %d turns", steps, last-turn)
	}
	if after.Done != many || after.Failed != 0 {
		t.Errorf("%+v", after)
	}
}

// The end of a loop ends the handshakes that were suspended on it.
func TestLoopEndsWithHandshakesUnderWay(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("loop", func(t *testing.T) {
		r := newRig(t)
		for range 10 {
			fd, peer := pair(t)
			r.attach(fd, false, nil, asServer(serverConfig(tls.VersionTLS13)))
			if _, err := peer.Write([]byte{22, 3, 1}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { unix.Close(fd) })
		}
		r.settled()
		var st Stats
		r.l.Call(func() { st = r.q.Stats() })
		if st.Suspended != 10 {
			t.Errorf("%d handshakes are suspended", st.Suspended)
		}
	})
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// What goes wrong is reported, and the peer is told.
func TestFailures(t *testing.T) {
	r := newRig(t)
	t.Run("no TLS", func(t *testing.T) {
		fd, peer := pair(t)
		e := r.attach(fd, false, nil, asServer(serverConfig(tls.VersionTLS13)))
		_, _ = peer.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		if err := <-e.done; err == nil {
			t.Error("taken for TLS")
		}
	})
	t.Run("no common version", func(t *testing.T) {
		fd, peer := pair(t)
		e := r.attach(fd, false, nil, asServer(serverConfig(tls.VersionTLS13)))
		cfg := clientConfig()
		cfg.MaxVersion = tls.VersionTLS12
		err := tls.Client(peer, cfg).Handshake()
		if own := <-e.done; own == nil || err == nil || errors.Is(err, io.EOF) {
			t.Errorf("server %v, client %v: want an alert", own, err)
		}
	})
	t.Run("panic", func(t *testing.T) {
		fd, peer := pair(t)
		cfg := serverConfig(tls.VersionTLS13)
		cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { panic("by the test") }
		e := r.attach(fd, false, nil, asServer(cfg))
		go func() { _ = tls.Client(peer, clientConfig()).Handshake() }()
		if err := <-e.done; err == nil {
			t.Error("a panic is no error")
		}
		<-e.over
	})
	t.Run("cut within a record", func(t *testing.T) {
		fd, peer := pair(t)
		e := r.attach(fd, true, nil, asServer(serverConfig(tls.VersionTLS13)))
		c := tls.Client(peer, clientConfig())
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.Write([]byte{23, 3, 3, 0, 40, 1, 2}); err != nil {
			t.Fatal(err)
		}
		peer.Close()
		<-e.over
		if !errors.Is(e.err, syscall.EPROTO) && !errors.Is(e.err, syscall.ECONNRESET) || string(e.got) != "x" {
			t.Errorf("error %v after %q", e.err, e.got)
		}
	})
	t.Run("reset", func(t *testing.T) {
		fd, peer := pair(t)
		e := r.attach(fd, false, nil, asServer(serverConfig(tls.VersionTLS13)))
		if _, err := tls.Client(peer, clientConfig()).Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.Read(make([]byte, 1)); err != nil { // the rest of the answer stays unread
			t.Fatal(err)
		}
		peer.Close()
		<-e.over
		if !errors.Is(e.err, syscall.ECONNRESET) {
			t.Errorf("error %v, want that of the socket", e.err)
		}
	})
	r.idle()
}

// BenchmarkEcho is one message there and back, both ends in this process.
func BenchmarkEcho(b *testing.B) {
	r := newRig(b)
	fd, peer := pair(b)
	e := r.attach(fd, false, nil, asServer(serverConfig(tls.VersionTLS13)))
	c := tls.Client(peer, clientConfig())
	p := make([]byte, 128)
	b.ReportAllocs()
	for range b.N {
		if _, err := c.Write(p); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, p); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	r.l.Call(e.close)
}

// Connections that are released while they wait for their step leave the others in line:
// the first of them, one in the middle, the last, and all.
func TestReleasedInTheQueue(t *testing.T) {
	for _, gone := range [][]int{{0}, {2}, {4}, {3, 4}, {0, 1, 2, 3, 4}} {
		r := newRig(t)
		cfg := serverConfig(tls.VersionTLS13)
		var ends [6]*echo
		var peers [6]net.Conn
		var fds [6]int
		for i := range ends {
			fds[i], peers[i] = pair(t)
		}
		r.l.Call(func() {
			make1 := func(i int) {
				e := &echo{r: r, fd: fds[i], done: make(chan error, 1), over: make(chan struct{})}
				ends[i] = e
				if err := r.l.Add(fds[i], poller.In|poller.Out, e); err != nil {
					t.Error(err)
				}
				r.l.Receive(fds[i])
				e.c = r.q.Server(fds[i], cfg, e)
				e.c.Handshake(false)
			}
			for i := range 5 {
				make1(i)
			}
			for _, i := range gone {
				ends[i].close()
			}
			make1(5)
		})
		for i := range ends {
			if slices.Contains(gone, i) {
				continue
			}
			if err := ask(t, peers[i], clientConfig()); err != nil {
				t.Errorf("%v released: connection %d: %v", gone, i, err)
			}
		}
		r.idle()
		r.l.Call(func() {
			if n := r.q.Stats().Begun; n != uint64(6-len(gone)) {
				t.Errorf("%v released: %d handshakes were begun", gone, n)
			}
		})
	}
}

// What a socket does not take is sent when there is room, whatever poller tells of it.
func TestSlowReaderOfEachPoller(t *testing.T) {
	defer func(was string) { *pollerName = was }(*pollerName)
	for _, m := range poller.Mechanisms() {
		if m.Probe() != nil {
			continue
		}
		*pollerName = m.Name
		r := newRig(t)
		fd, peer := pair(t)
		hello := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
		e := r.attach(fd, true, bytes.Clone(hello), asServer(serverConfig(tls.VersionTLS13)))
		c := tls.Client(peer, clientConfig())
		got := make([]byte, len(hello))
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, hello) {
			t.Errorf("%s: %v, or other bytes", m.Name, err)
		}
		r.l.Call(e.close)
	}
}

// A connection that waits for its peer holds no memory for records or messages, however much it
// has received, and goes on with that of the loop.
func TestWaitingConnectionsHoldNoBuffers(t *testing.T) {
	if recordsAt == noBuffer || messagesAt == noBuffer {
		t.Fatal("crypto/tls has its buffers elsewhere now: every connection keeps the largest it has had")
	}
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			r := newRig(t)
			for _, n := range []int{1, 100, 16384, 100_000} {
				fd, peer := pair(t)
				e := r.attach(fd, false, nil, asServer(serverConfig(v.id)))
				c := tls.Client(peer, clientConfig())
				for range 3 {
					data := bytes.Repeat([]byte("x"), n)
					go func() { _, _ = c.Write(data) }()
					if _, err := io.ReadFull(c, data); err != nil {
						t.Fatal(err)
					}
					r.settled()
					var records, messages, lent int
					r.l.Call(func() {
						records, messages, lent = e.c.buffer(recordsAt).Cap(), e.c.buffer(messagesAt).Cap(), r.q.records.Cap()
					})
					if records != 0 || messages != 0 || lent == 0 {
						t.Errorf("after %d bytes it holds %d for records and %d for messages, and the loop %d", n, records, messages, lent)
					}
				}
				c.Close()
				<-e.over
			}
		})
	}
}

// What a connection that waits costs in memory of the process.
func TestMemoryOfWaitingConnections(t *testing.T) {
	const number, most = 400, 5100
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what pools had
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			r := newRig(t)
			fds, peers := make([]int, number), make([]net.Conn, number)
			for i := range number {
				fds[i], peers[i] = pair(t)
			}
			all := make([]*echo, number)
			before := heap()
			for i := range number {
				all[i] = r.attach(fds[i], false, nil, asServer(serverConfig(v.id)))
				c := tls.Client(peers[i], clientConfig()) // which is forgotten: its socket is not
				if _, err := c.Write([]byte(question)); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(c, make([]byte, len(question))); err != nil {
					t.Fatal(err)
				}
			}
			r.settled()
			each := int(heap()-before) / number
			t.Logf("%d bytes each", each)
			if each > most {
				t.Errorf("a waiting connection holds %d bytes, want at most %d", each, most)
			}
			runtime.KeepAlive(all)
			for _, p := range peers {
				p.Close()
			}
			for _, e := range all {
				<-e.over
			}
		})
	}
}

// gathering keeps what is written as long as it is to.
type gathering struct {
	net.Conn
	on bool
	b  []byte
}

func (g *gathering) Write(p []byte) (int, error) {
	if g.on {
		g.b = append(g.b, p...)
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// Of many records of a byte, one call takes a few only, so that others get their turn.
func TestFewRecordsAtATime(t *testing.T) {
	for _, v := range versions {
		r := newRig(t)
		fd, peer := pair(t)
		e := r.attach(fd, true, nil, asServer(serverConfig(v.id)))
		g := &gathering{Conn: peer}
		c := tls.Client(g, clientConfig())
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		g.on = true
		const many = 1000
		for i := range many {
			if _, err := c.Write([]byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := peer.Write(g.b); err != nil {
			t.Fatal(err)
		}
		g.on = false
		_ = c.CloseWrite()
		<-e.over
		if len(e.got) != many || e.most > mostRecords {
			t.Errorf("%s: %d bytes came, %d of them at once", v.name, len(e.got), e.most)
		}
		r.idle()
	}
}

// A peer that has closed is read to its end without another event, of which there may be none.
func TestReadsToTheEndAfterHangUp(t *testing.T) {
	if *pollerName == "io_uring" {
		return // it receives by itself
	}
	r := newRig(t)
	fd, peer := pair(t)
	e := r.attach(fd, true, nil, asServer(serverConfig(tls.VersionTLS13)))
	c := tls.Client(peer, clientConfig())
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-e.done; err != nil {
		t.Fatal(err)
	}
	r.settled()
	r.l.Call(func() {
		_, _ = c.Write([]byte("x"))
		peer.Close()
		if n, more, errno := e.c.Recv(make([]byte, 100), true); n != 1 || !more || errno != 0 {
			t.Errorf("%d bytes, more %v, %v", n, more, errno)
		}
		e.close()
	})
}
