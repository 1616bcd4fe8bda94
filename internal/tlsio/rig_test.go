package tlsio

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/loop"
	"bench/internal/poison"
	"bench/internal/poller"
	"bench/internal/sock"
)

var pollerName = flag.String("poller", "", "poller of the loops; the best, then io_uring, if not given")

func TestMain(m *testing.M) {
	poison.Enable()
	code := m.Run()
	if p, err := poller.New("io_uring", 64); err == nil && code == 0 && *pollerName == "" && flag.Lookup("test.bench").Value.String() == "" {
		p.Close()
		*pollerName = "io_uring"
		if code = m.Run(); code != 0 {
			fmt.Println("failed on io_uring")
		}
	}
	os.Exit(code)
}

var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

func serverConfig(version uint16) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{certificate()}, MinVersion: version, MaxVersion: version, DynamicRecordSizingDisabled: true, NextProtos: []string{"a", "b"}}
}

func clientConfig() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{"b"}, CurvePreferences: []tls.CurveID{tls.X25519}} //nolint:gosec // nobody else is here
}

// rig is a loop with a queue, running.
type rig struct {
	t testing.TB
	l *loop.Loop
	q *Queue
}

func newRig(t testing.TB) *rig {
	t.Helper()
	l, err := loop.New(*pollerName, 256)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, l: l, q: NewQueue(l)}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

// settled waits until the loop has handled what had come, and what came of it.
func (r *rig) settled() {
	for range 3 {
		r.l.Call(func() {})
	}
}

// idle checks that nothing of any handshake is left.
func (r *rig) idle() {
	r.t.Helper()
	end := time.Now().Add(5 * time.Second)
	for {
		var st Stats
		var made, idle int
		r.l.Call(func() { st = r.q.Stats(); made, idle = r.q.Coroutines() })
		if st.Suspended == 0 && made == idle {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("%d handshakes are suspended, %d of %d coroutines idle", st.Suspended, idle, made)
		}
		time.Sleep(time.Millisecond)
	}
}

// echo is a connection on the loop that sends back what comes.
type echo struct {
	r       *rig
	fd      int
	c       *Conn
	secured bool
	err     error
	closed  bool
	out     []byte // still to be sent
	ended   bool
	hello   []byte // to send first
	got     []byte // instead of sending it back, if keep
	keep    bool
	done    chan error // the outcome of the handshake
	over    chan struct{}
	hup     bool
	most    int // what came of one call of Recv
}

// attach gives a socket to the loop.
func (r *rig) attach(fd int, keep bool, hello []byte, wrap func(q *Queue, fd int, o Owner) *Conn) *echo {
	e := &echo{r: r, fd: fd, keep: keep, hello: hello, done: make(chan error, 1), over: make(chan struct{})}
	r.l.Call(func() {
		if err := r.l.Add(fd, poller.In|poller.Out, e); err != nil {
			r.t.Error(err)
			return
		}
		r.l.Receive(fd)
		e.c = wrap(r.q, fd, e)
		e.c.Handshake(false)
	})
	return e
}

func (e *echo) Ready(ev poller.Events) {
	if e.closed {
		return
	}
	e.hup = e.hup || ev&poller.Hup != 0
	if ev&poller.Out != 0 {
		e.c.Flush()
	}
	if !e.secured {
		e.c.Handshake(e.hup)
		return
	}
	e.move()
}

func (e *echo) Secured(err error) {
	e.err = err
	e.done <- err
	if err != nil {
		e.close()
		return
	}
	e.secured = true
	e.out = e.hello
	e.move()
}

func (e *echo) move() {
	for !e.ended {
		if !e.write() {
			return
		}
		p := e.r.l.Scratch()
		n, more, errno := e.c.Recv(p, e.hup)
		e.most = max(e.most, n)
		switch {
		case errno != 0 && errno != syscall.EAGAIN:
			e.err = errno
			e.close()
			return
		case n == 0 && errno == 0:
			e.ended = true
		case e.keep:
			e.got = append(e.got, p[:n]...)
		default:
			e.out = append([]byte(nil), p[:n]...)
		}
		if !more && !e.ended {
			e.r.l.Rearm(e.fd, poller.In)
			e.write()
			return
		}
	}
	if e.write() {
		e.c.Shutdown()
		e.close()
	}
}

func (e *echo) write() bool {
	for len(e.out) > 0 {
		half := len(e.out) / 2
		n, errno := e.c.Send(e.out[:half], e.out[half:])
		if errno != 0 {
			e.err = errno
			e.close()
			return false
		}
		// What is offered again must be the same bytes; elsewhere in memory.
		rest := append([]byte(nil), e.out[n:]...)
		poison.Fill(e.out)
		e.out = rest
		if len(rest) > 0 {
			return false
		}
	}
	return !e.closed
}

func (e *echo) close() {
	if !e.closed {
		e.closed = true
		e.c.Release()
		e.r.l.Close(e.fd)
		close(e.over)
	}
}

// pair is two ends of a connection: one for the loop, one for the test.
func pair(t testing.TB) (fd int, peer net.Conn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[1]), "peer")
	defer f.Close()
	peer, err = net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	_ = peer.SetDeadline(time.Now().Add(20 * time.Second))
	sock.SetBuffers(fds[0], 0, 4096)
	return fds[0], peer
}

// cutter is a connection whose writes are held up at one place, and optionally end
// there.
type cutter struct {
	net.Conn
	at, sent int
	every    int // instead: after this many bytes each time; 0: once
	held     func()
	drop     bool // nothing goes beyond at
}

var errDropped = fmt.Errorf("dropped by the test")

func (c *cutter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		step := len(p)
		switch {
		case c.every > 0:
			step = min(step, c.every)
		case c.sent < c.at:
			step = min(step, c.at-c.sent)
		case c.drop:
			return n, errDropped
		}
		m, err := c.Conn.Write(p[:step])
		n += m
		c.sent += m
		if err != nil {
			return n, err
		}
		p = p[m:]
		if c.every > 0 || c.sent == c.at {
			c.held()
		}
	}
	return n, nil
}
