package worker

import (
	"bytes"
	"sync/atomic"
	"syscall"
	"testing"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
)

// testOrigin is a small HTTP origin on an event loop: it answers every request
// head with what respond says.
type testOrigin struct {
	loop *loop.Loop
	fd   int
	addr string
	// respond returns the bytes to answer with and what to do after them. It
	// runs on the loop; nth counts requests from 0, of the connection and of all.
	respond func(head []byte, nthOfConn, nth int) ([]byte, action)

	stallFrom, stallTo int64 // answers wait while the clock is between
	stalled            []*originConn
	stallTimer         loop.Timer
	requests           atomic.Int64
	conns              atomic.Int64
}

type action int

const (
	keep action = iota
	closeAfter
	resetAfter
	silent // answer nothing, keep the connection
)

type originConn struct {
	o    *testOrigin
	fd   int
	n    int
	held []byte
	wait bool
}

const okAnswer = "HTTP/1.1 200 OK\r\nX-Bench-Origin: test\r\nContent-Length: 2\r\n\r\nok"

func always(s string, a action) func([]byte, int, int) ([]byte, action) {
	p := []byte(s)
	return func([]byte, int, int) ([]byte, action) { return p, a }
}

// startOrigin runs o until the end of the test. addr "" is any port of the loopback.
func startOrigin(t testing.TB, o *testOrigin, addr string) *testOrigin {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	a, err := sock.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	if o.fd, err = sock.Listen(&a, &sock.ListenOptions{NoDelay: !a.IsUnix()}); err != nil {
		t.Fatal(err)
	}
	if o.addr = a.String(); !a.IsUnix() {
		local, _ := sock.LocalAddr(o.fd)
		o.addr = local.String()
	}
	if o.respond == nil {
		o.respond = always(okAnswer, keep)
	}
	if o.loop, err = loop.New("", 1024); err != nil {
		t.Fatal(err)
	}
	if err := o.loop.Add(o.fd, poller.In, o); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- o.loop.Run() }()
	t.Cleanup(func() {
		o.loop.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		sock.Close(o.fd)
	})
	return o
}

func (o *testOrigin) Ready(poller.Events) {
	for {
		fd, e := sock.Accept(o.fd, nil)
		if e != 0 {
			o.loop.Rearm(o.fd, poller.In)
			return
		}
		o.conns.Add(1)
		c := &originConn{o: o, fd: fd}
		if err := o.loop.Add(fd, poller.In, c); err != nil {
			sock.Close(fd)
			continue
		}
		c.Ready(poller.In)
	}
}

func (c *originConn) Ready(ev poller.Events) {
	if c.wait || ev&poller.In == 0 {
		return
	}
	buf := c.o.loop.Scratch()
	for {
		n, e := sock.Recv(c.fd, buf)
		if e == syscall.EAGAIN {
			c.o.loop.Rearm(c.fd, poller.In)
			return
		}
		if n <= 0 {
			c.o.loop.Close(c.fd)
			return
		}
		c.held = append(c.held, buf[:n]...)
		if !bytes.HasSuffix(c.held, []byte("\r\n\r\n")) {
			continue
		}
		now := loop.Nanotime()
		if o := c.o; now >= o.stallFrom && now < o.stallTo {
			c.wait = true
			o.stalled = append(o.stalled, c)
			o.loop.SetTimer(&o.stallTimer, o.stallTo, o)
			return
		}
		if !c.answer() {
			return
		}
	}
}

// Expired ends a stall.
func (o *testOrigin) Expired(*loop.Timer) {
	waiting := o.stalled
	o.stalled = nil
	for _, c := range waiting {
		c.wait = false
		if c.answer() {
			c.Ready(poller.In)
		}
	}
}

// answer answers the request held; false when the connection is gone.
func (c *originConn) answer() bool {
	p, a := c.o.respond(c.held, c.n, int(c.o.requests.Add(1)-1))
	c.held = c.held[:0]
	c.n++
	if len(p) > 0 {
		_, _ = sock.Send(c.fd, p)
	}
	switch a {
	case closeAfter:
		c.o.loop.Close(c.fd)
		return false
	case resetAfter:
		sock.SetLinger0(c.fd)
		c.o.loop.Close(c.fd)
		return false
	case keep, silent:
	}
	return true
}

// stall makes answers wait for a time from a time on, on the clock of loop.Nanotime.
func (o *testOrigin) stall(from, length int64) {
	o.loop.Call(func() { o.stallFrom, o.stallTo = from, from+length })
}
