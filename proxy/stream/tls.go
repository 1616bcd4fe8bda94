package stream

import (
	"errors"
	"io"
	"strconv"
	"syscall"

	"bench/internal/tlsio"
	"bench/proxy/certs"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// secure is the stage of an opening that shakes hands with a client that is to speak
// TLS.
func (c *client) secure() txn.Verdict {
	if c.l.TLS == nil {
		return txn.Next
	}
	if !c.Readable && !c.Hup && c.In == nil {
		return txn.Wait // nothing is made for a client that says nothing
	}
	if c.Layer == nil {
		if !c.t.roomForTLS() {
			return txn.Gone
		}
		l := c.t.TLS.Server(c.FD(), c.l.TLS.Config(), c)
		if c.In != nil { // it came behind a header of the PROXY protocol
			l.Feed(c.In.Data())
			c.Release()
		}
		c.Layer = l
	}
	c.Layer.Handshake(c.Hup)
	return txn.Wait
}

// tracing is what is to be kept of handshakes: what samples ask for, and what is ordered.
func tracing(cfg *spec.Config) tlsio.Tracing {
	t, g := cfg.Tracing, &cfg.Global.TLS
	t.Hellos = t.Hellos || g.Capture > 0 || g.KeyLog
	t.Capture, t.Traffic = g.Capture, g.KeyLog
	return t
}

// roomForTLS tells whether the process may have one more connection in TLS ("maxsslconn").
func (t *Thread) roomForTLS() bool {
	most := t.Shared.Config.Global.TLS.MaxConns
	return most == 0 || t.Shared.TLSConns.Load() < int64(most)
}

// Secured implements tlsio.Owner.
func (c *client) Secured(err error) {
	if err != nil {
		c.handshakeFailed(err)
		return
	}
	now := c.t.Loop.Now()
	resumed := c.tls().Resumed
	if !resumed {
		c.t.Process.KeyRate.Add(now, 1)
	}
	c.fe.C.TLS.Done(resumed)
	c.t.Listeners[c.l.Index].C.TLS.Done(resumed)
	c.handshake = int32(ms(now - c.accepted))
	c.idleSince = now
	c.Readable = true // what came with the end of the handshake does not show at the socket
	c.open(txn.Next)
	switch {
	case c.opening != opened || c.stream != nil || !c.Open():
	case c.mux != nil:
		c.mux.read()
	default:
		c.readRequest()
	}
}

// handshakeFailed ends a connection whose handshake has come to nothing, and logs why
// in the words of the reference. A client that only looked in is as one that sent
// nothing.
func (c *client) handshakeFailed(err error) {
	why, gone := txn.TLSHandshake, false
	authority, ofCertificate := certs.Failure(err)
	_, broken := errors.AsType[syscall.Errno](err)
	switch {
	case authority:
		why = txn.TLSAuthority
	case ofCertificate:
		why = txn.TLSUntrusted
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		why, gone = txn.TLSClosed, true
	case broken:
		why, gone = txn.TLSBroken, true
	}
	if i := c.tls(); i != nil {
		i.Verified = certs.Judged(err)
	}
	c.logFailure(why, gone)
	c.fe.C.TLS.Failed++
	c.t.Listeners[c.l.Index].C.TLS.Failed++
	c.close()
}

// handshakeTimeout ends a connection whose handshake has taken too long.
func (c *client) handshakeTimeout() {
	c.logFailure(txn.TLSTimeout, false)
	c.close()
}

// logFailure writes a line about a connection that has led to no stream. gone says that the
// client has left by itself, which "option dontlognull" does not want to know.
func (c *client) logFailure(why txn.Fault, gone bool) {
	c.fault = why
	if c.fe.Sink == nil || gone && c.fe.Spec.Options.DontLogNull {
		return
	}
	bind := c.l.Bind.Name
	if bind == "" {
		bind = strconv.Itoa(c.l.Bind.ID)
	}
	t := c.t
	c.Describe(&t.rec)
	t.bare = txn.Txn{Stream: c, Final: true}
	t.rules.Ctx.Txn = &t.bare
	c.fe.Sink.Failure(&t.rec, t.rules.Ctx, bind, why.String())
}

// tls is what the client's handshake has led to, nil without TLS.
func (c *client) tls() *tlsio.Info {
	switch l := c.Layer.(type) {
	case *tlsio.Conn:
		return l.Info()
	case *lane:
		return l.m.c.tls()
	}
	return nil
}

// TLS implements txn.Stream. A client that is to speak TLS counts as one that does.
func (c *client) TLS() *tlsio.Info {
	if i := c.tls(); i != nil || c.l.TLS == nil {
		return i
	}
	return new(tlsio.Info)
}

// TLS implements txn.Stream.
func (s *stream) TLS() *tlsio.Info { return s.c.tls() }

// ServerTLS implements txn.Stream.
func (c *client) ServerTLS() *tlsio.Info { return nil }

// ServerTLS implements txn.Stream.
func (s *stream) ServerTLS() *tlsio.Info {
	if s.sc == nil {
		return s.last
	}
	return s.sc.handshake()
}

// handshake is what the handshake with the server has led to, nil in clear.
func (sc *serverConn) handshake() *tlsio.Info {
	if l := sc.tls(); l != nil {
		return l.Info()
	}
	return nil
}

// Fault implements txn.Stream.
func (c *client) Fault() txn.Fault { return c.fault }

// Fault implements txn.Stream.
func (s *stream) Fault() txn.Fault { return s.c.fault }

// ServerFault implements txn.Stream.
func (c *client) ServerFault() (txn.Fault, bool) { return txn.NoFault, false }

// ServerFault implements txn.Stream.
func (s *stream) ServerFault() (f txn.Fault, known bool) { return s.fault, s.met }

// choosePeer finds out whether the server is spoken to in TLS, and by which name; nil: in
// clear. The name may come from the request, of which a later attempt need not know
// any more.
func (s *stream) choosePeer() *certs.Peer {
	tls := s.srv.TLS
	if tls == nil || s.srv.Clear.Load() {
		return nil
	}
	if s.http && s.req == nil && s.peer != nil {
		return s.asAsked(tls.To(s.peer.Name()))
	}
	var name []byte
	if sni := s.srv.Spec.TLS.SNI; sni != nil {
		x := s.transaction()
		s.show(x)
		x.Final = true
		s.t.rules.Ctx.Txn = &x.Txn
		if v := sni.EvalAs(s.t.rules.Ctx, txn.Str); v != nil {
			name = v.B
		}
	}
	peer := tls.To(name)
	if s.http {
		s.peer = peer
	}
	return s.asAsked(peer)
}

// asAsked is a server as it is spoken to about what the request asks for.
func (s *stream) asAsked(peer *certs.Peer) *certs.Peer {
	if s.http && s.websocket {
		return peer.Websocket()
	}
	return peer
}

// secure shakes hands with a server that has been connected to, if it speaks TLS.
func (s *stream) secure() txn.Verdict {
	sc := s.sc
	if sc.Layer == nil {
		return txn.Next
	}
	s.arm()
	sc.Layer.Handshake(sc.Hup)
	return txn.Wait
}

// tls is the layer of a connection in TLS, nil in clear.
func (sc *serverConn) tls() *tlsio.Conn {
	if l := sc.lane(); l != nil {
		sc = l.m.sc
	}
	l, _ := sc.Layer.(*tlsio.Conn)
	return l
}

// leadsTo tells whether the connection is one to that peer; nil: in clear.
func (sc *serverConn) leadsTo(peer *certs.Peer) bool {
	l := sc.tls()
	if l == nil || peer == nil {
		return l == nil && peer == nil
	}
	return l.Config() == peer.Config()
}

// serverFault is why a handshake with a server has failed.
func serverFault(err error) txn.Fault {
	if m, ok := errors.AsType[*certs.Mismatch](err); ok {
		if m.Asked {
			return txn.TLSOtherSNI
		}
		return txn.TLSOtherName
	}
	return txn.TLSHandshake
}

// Secured implements tlsio.Owner.
func (sc *serverConn) Secured(err error) {
	s := sc.stream
	own := &s.server().C.TLS
	if err != nil {
		own.Failed++
		s.be.C.TLS.Failed++
		s.last, s.fault = sc.handshake(), serverFault(err)
		if s.fault == txn.TLSOtherSNI {
			s.retries = max(s.retries, int32(s.be.Spec.Retries)) // it has no certificate for the name, and will not have one
		}
		s.dropServer()
		s.advance(s.connectFailed('S'))
		return
	}
	resumed := sc.handshake().Resumed
	if !resumed {
		s.t.Process.ServerKeyRate.Add(s.t.Loop.Now(), 1)
	}
	own.Done(resumed)
	s.be.C.TLS.Done(resumed)
	sc.Readable = true // what came with the end of the handshake does not show at the socket
	s.advance(txn.Next)
}
