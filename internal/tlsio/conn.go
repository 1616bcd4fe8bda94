package tlsio

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"bench/internal/poison"
	"bench/internal/poller"
	"bench/internal/sock"
)

// Owner is told when a handshake is over.
type Owner interface {
	// Secured is called once, from the queue, with the error of a handshake that has
	// failed. Until then neither Recv nor Send may be called, nor Info.
	Secured(err error)
}

// Info is what a handshake has led to.
type Info struct {
	Version, Suite uint16
	Resumed        bool
	ALPN, SNI      string // "" if none
	Peer           []*x509.Certificate
	// Own is the certificate that the peer was shown, and Verified what became of its own one;
	// both as far as somebody has noted it.
	Own      []*x509.Certificate
	Verified Verified
	// Trace is what else was kept, nil: nothing was to be.
	Trace *Trace
	// Fault is why the handshake has failed, nil if it has not.
	Fault error
}

// Verified is what was found wrong with the peer's certificate and passed over, by
// OpenSSL's numbers of errors; 0: nothing.
type Verified struct {
	Err            int // of the certificate itself, the first one
	CAErr, CADepth int // of its authorities, the first one, and where
	Result         int // the last one
}

// Conn is one connection in TLS. Its methods belong to the goroutine of the loop.
type Conn struct {
	q     *Queue
	tls   *tls.Conn
	cfg   *tls.Config
	owner Owner
	co    *coroutine // its handshake is under way
	next  *Conn      // in the queue
	info  *Info      // the handshake has succeeded
	draft *Info      // what was noted during the handshake
	// tracer follows the handshake; nil: nobody wants to know.
	tracer *tracer
	// rest is what the socket has not taken, from sent on.
	rest []byte
	sent int
	// owed is how much of rest TLS itself has to say, in answer to the peer.
	owed int
	// ahead was received before the connection was wrapped.
	ahead []byte
	fd    int32
	errno int32 // the socket has failed
	// held: the last byte that was given to Send is reported as taken when rest has gone.
	held bool
	// dry: the socket has nothing more now. hup: it will say so by itself.
	dry, hup bool
	queued   bool
	begun    bool
	gone     bool // released
	// last: nothing is written behind rest, and the socket is to be told so then.
	last bool
}

// Server wraps an accepted connection.
func (q *Queue) Server(fd int, cfg *tls.Config, owner Owner) *Conn {
	c := q.wrap(fd, cfg, owner)
	c.trace()
	c.tls = tls.Server((*wire)(c), cfg)
	return c
}

// Client wraps a connection that was made to a server.
func (q *Queue) Client(fd int, cfg *tls.Config, owner Owner) *Conn {
	c := q.wrap(fd, cfg, owner)
	c.trace()
	c.tls = tls.Client((*wire)(c), Traced(cfg, (*wire)(c)))
	return c
}

func (q *Queue) wrap(fd int, cfg *tls.Config, owner Owner) *Conn {
	q.stats.Conns++
	if q.Conns != nil {
		q.Conns.Add(1)
	}
	return &Conn{q: q, fd: int32(fd), cfg: cfg, owner: owner}
}

// Feed gives the connection what was received of its beginning before it was wrapped.
func (c *Conn) Feed(b []byte) { c.ahead = append(c.ahead, b...) }

// Note lets a function of a tls.Config, which is called within a handshake, say something
// about its outcome. conn is what crypto/tls hands to it.
func Note(conn net.Conn, say func(*Info)) {
	w, ok := conn.(*wire)
	if !ok {
		return
	}
	if w.draft == nil {
		w.draft = new(Info)
	}
	say(w.draft)
}

// Info is what the handshake has led to, nil before. One that has failed leaves what was noted
// of it.
func (c *Conn) Info() *Info {
	if c.info == nil && c.draft != nil && c.draft.Fault != nil {
		return c.draft
	}
	return c.info
}

// Config is what the connection was made with.
func (c *Conn) Config() *tls.Config { return c.cfg }

// Begun tells whether the handshake has begun.
func (c *Conn) Begun() bool { return c.begun }

// Handshake begins the handshake, or goes on with it after an event, in a turn of the
// queue. hup is what the poller says of the socket.
func (c *Conn) Handshake(hup bool) {
	c.hup = c.hup || hup
	if !c.queued && c.info == nil && (!c.begun || c.co != nil) {
		c.begun = true
		c.q.push(c)
	}
}

// step goes on with the handshake until the peer is to say something.
func (c *Conn) step() {
	c.dry = false
	over, err := c.q.step(c)
	c.flush()
	if !over {
		c.q.l.Rearm(int(c.fd), poller.In)
		return
	}
	if err != nil {
		c.q.stats.Failed++
		if c.draft == nil {
			c.draft = new(Info)
		}
		c.draft.Fault = err
		c.owner.Secured(err)
		return
	}
	st := c.tls.ConnectionState()
	i := c.draft
	if c.draft = nil; i == nil {
		i = new(Info)
	}
	i.Version, i.Suite, i.Resumed, i.ALPN, i.SNI, i.Peer = st.Version, st.CipherSuite, st.DidResume, st.NegotiatedProtocol, st.ServerName, st.PeerCertificates
	i.Trace = c.traced(&st)
	c.info = i
	c.q.stats.Done++
	if st.DidResume {
		c.q.stats.Resumed++
	}
	c.owner.Secured(nil)
}

// Recv reads what has come. more says that it is to be called again before waiting
// for an event; without it the socket has nothing more, and is to be rearmed. n == 0
// is the end of the stream, or with EAGAIN nothing yet.
func (c *Conn) Recv(p []byte, hup bool) (n int, more bool, errno syscall.Errno) {
	c.dry, c.hup = false, hup
	c.lend()
	var err error
	for range mostRecords {
		if n == len(p) || err != nil {
			break
		}
		var m int
		m, err = c.tls.Read(p[n:])
		n += m
	}
	if len(c.q.out) > 0 {
		c.flush() // an answer to a change of keys, or an alert
	}
	switch {
	case err == nil:
		return n, true, 0
	case err == errNothing: //nolint:errorlint // crypto/tls hands it through as it is
		c.takeBack()
		if n == 0 {
			return 0, false, syscall.EAGAIN
		}
		return n, false, 0
	case n > 0:
		return n, true, 0 // it is said again
	case err == io.EOF: //nolint:errorlint // as above
		return 0, false, 0
	case c.errno != 0:
		return 0, false, syscall.Errno(c.errno)
	}
	return 0, false, syscall.EPROTO
}

// mostRecords is how many records are read by one call: they cost as much to open if they have a
// byte each, of which a peer can send a great many.
const mostRecords = 64

// Send takes a, and b behind it, and sends them by one call. What it does not
// report as taken is to be offered again once the socket can be written to, the same
// bytes first: all has been taken when the last byte is.
func (c *Conn) Send(a, b []byte) (n int, errno syscall.Errno) {
	if len(c.rest) > 0 {
		if c.flush(); len(c.rest) > 0 || c.errno != 0 {
			return 0, syscall.Errno(c.errno)
		}
	}
	n = len(a) + len(b)
	if c.held { // its first byte has gone
		c.held = false
		if len(a) > 0 {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	for _, p := range [...][]byte{a, b} {
		for len(p) > 0 {
			record := p
			if most := c.q.MaxRecord; most > 0 {
				record = p[:min(len(p), most)]
			}
			p = p[len(record):]
			if _, err := c.tls.Write(record); err != nil {
				c.flush()
				if c.errno != 0 {
					return 0, syscall.Errno(c.errno)
				}
				return 0, syscall.EPIPE
			}
		}
	}
	c.flush()
	switch {
	case c.errno != 0:
		return 0, syscall.Errno(c.errno)
	case len(c.rest) > 0:
		c.held = true
		return n - 1, 0
	}
	return n, 0
}

// Flush goes on sending what the socket has not taken.
func (c *Conn) Flush() {
	if len(c.rest) > 0 {
		c.flush()
	}
}

// owedLimit is how much may be kept of what TLS has to say to a peer that takes nothing,
// beside what Send was given. Each change of keys that a peer wants is answered with one of
// ours, so one that sends them all the time and reads none would fill the memory.
const owedLimit = 16 << 10

// flush sends what the call at hand has written, behind what waits already. What the
// socket does not take is kept, and an edge will come.
func (c *Conn) flush() {
	q := c.q
	out := q.out
	q.out = q.out[:0]
	if c.errno != 0 {
		c.dropRest()
		return
	}
	if len(c.rest) > 0 {
		c.rest = append(c.rest, out...)
		poison.Fill(out)
		if c.owed += len(out); c.owed > owedLimit {
			c.errno = int32(syscall.EPROTO)
			c.dropRest()
			return
		}
		n, ok := c.send(c.rest[c.sent:])
		if c.sent += n; !ok || c.sent == len(c.rest) {
			c.dropRest()
			if ok && c.last {
				_ = sock.ShutdownWrite(int(c.fd))
			}
			return
		}
		q.l.Rearm(int(c.fd), poller.Out)
		return
	}
	n, ok := c.send(out)
	if ok && n < len(out) {
		c.rest = append(q.takeSpare(), out[n:]...)
		q.l.Rearm(int(c.fd), poller.Out)
	}
	poison.Fill(out)
}

func (c *Conn) send(p []byte) (n int, ok bool) {
	if len(p) == 0 {
		return 0, true
	}
	n, errno := sock.Send(int(c.fd), p)
	if errno != 0 && errno != syscall.EAGAIN {
		c.errno = int32(errno)
		return 0, false
	}
	return n, true
}

func (c *Conn) dropRest() {
	c.q.putSpare(c.rest)
	c.rest, c.sent, c.owed = nil, 0, 0
}

// Shutdown says that nothing more will be sent (close_notify). later tells that the socket
// has not taken all of that: the connection shuts it down itself when it has.
func (c *Conn) Shutdown() (later bool) {
	if c.info != nil && c.errno == 0 {
		_ = c.tls.CloseWrite() // an error has been noted
		c.flush()
	}
	c.last = len(c.rest) > 0
	return c.last
}

// Release gives back what the connection holds, at any moment. A handshake that is
// under way is given up.
func (c *Conn) Release() {
	if c.q.Conns != nil && !c.gone {
		c.q.Conns.Add(-1)
	}
	c.gone = true
	if c.queued {
		c.q.remove(c)
	}
	if c.co != nil {
		c.q.stats.Failed++
		_, _ = c.q.step(c) // to its end: it finds the connection gone
		c.q.out = c.q.out[:0]
	}
	c.dropRest()
}

// errGone ends a handshake whose connection was released.
var errGone = errors.New("the connection was given up")
