package check

import (
	"syscall"

	"bench/internal/poller"
	"bench/proxy/h1"
	"bench/proxy/h2"
	"bench/proxy/stats"
)

// http2 is the connection of a check that speaks HTTP/2: the script says and hears HTTP/1.
type http2 struct {
	h2.Conn
	h2.Exchange
	c      *Checker
	limits h1.Limits
	set    h2.Settings
	counts stats.H2 // nobody's
}

// startHTTP2 makes the connection one of HTTP/2, if the check is to speak that.
func (c *Checker) startHTTP2() {
	if !c.script.http || !c.cfg.HTTP2 && (c.tls == nil || c.tls.Info().ALPN != "h2") {
		return
	}
	m := &http2{c: c, limits: c.lim}
	m.set = h2.Settings{TableSize: 4096, MaxStreams: 1, MaxFrame: 16384, Window: 65535, ConnWindow: 65535, Limits: &m.limits}
	m.InitOutgoing(h2.NewWorkspace(&m.set), &m.set, m, &m.counts)
	m.Begin(&m.Conn, m)
	c.http2 = m
}

// Transmit implements h2.Owner.
func (m *http2) Transmit(p []byte) (int, bool) {
	n, errno := m.c.sendBytes(p)
	switch {
	case errno == syscall.EAGAIN, errno == 0 && n < len(p):
		m.c.l.Rearm(m.c.fd, poller.Out)
		return max(n, 0), true
	case errno != 0:
		return 0, false
	}
	return n, true
}

// Wake implements h2.Owner: what there is to be sent is sent when the script goes on.
func (m *http2) Wake() {}

// Ready implements h2.Listener: the script asks for itself, and so with the others.
func (m *http2) Ready() {}

// Writable implements h2.Listener.
func (m *http2) Writable() {}

// Aborted implements h2.Listener.
func (m *http2) Aborted(h2.Code) {}

// send takes what the script says.
func (m *http2) send(p []byte) (int, syscall.Errno) {
	n, ok := m.Transfer(p)
	m.Flush()
	if !ok {
		return 0, syscall.EPIPE
	}
	return n, 0
}

// recv gives what has come of the answer.
func (m *http2) recv(p []byte) (n int, more bool, errno syscall.Errno) {
	for more = true; ; {
		n, over, failed := m.Take(p)
		switch {
		case n > 0 || over:
			return n, true, 0
		case failed:
			return 0, false, syscall.ECONNRESET
		case !more:
			return 0, false, syscall.EAGAIN
		}
		if n, more, errno = m.c.recvBytes(p); errno != 0 {
			return 0, false, errno
		}
		m.Feed(p[:n], m.c.l.Now())
		if n == 0 {
			m.Kill(h2.Cancel)
		}
		m.Dispatch()
		m.Flush()
	}
}
