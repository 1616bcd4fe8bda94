package stream

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"

	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/certs/dn"
	"bench/proxy/proxyproto"
	"bench/proxy/rule"
	"bench/proxy/spec"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// proxied is what a header of the PROXY protocol has said of a client's connection,
// besides its addresses.
type proxied struct {
	version             int // 0: there was none
	authority, uniqueID []byte
}

// expectsHeader tells whether connections of the frontend may begin with a header.
func (f *Front) expectsHeader() bool {
	if l := f.Spec.Rules[rule.Connection]; l != nil && slices.ContainsFunc(l.Rules, func(r *rule.Rule) bool { return r.Action() == "expect-proxy" }) {
		return true
	}
	return slices.ContainsFunc(f.Spec.Binds, func(b *spec.Bind) bool { return b.AcceptProxy })
}

// openingTimeout ends a connection that took too long to begin.
func (c *client) openingTimeout() {
	if c.fe.opening[c.opening].name == proxyStage {
		c.notProxied(txn.ProxyTimeout)
		if c.In != nil {
			sock.SetLinger0(c.FD()) // as in the reference, which has left it unread
		}
	}
	c.close()
}

// proxyStage is the stage of a connection's opening that waits for a header.
const proxyStage = "PROXY protocol"

// proxyHeader waits for a header of the PROXY protocol, where the listener or a rule
// wants one, and takes the addresses from it. A connection without one is of no use.
func (c *client) proxyHeader() txn.Verdict {
	if !c.l.Bind.AcceptProxy && (c.notes == nil || !c.notes.expectProxy) {
		return txn.Next
	}
	limit := c.t.Shared.Config.Global.Tune.BufSize
	for {
		if c.In != nil {
			var h proxyproto.Header
			n, err := proxyproto.Parse(c.In.Data(), limit, &h)
			switch {
			case err != nil:
				return c.notProxied(describe(err))
			case n > 0:
				c.takeHeader(&h, n)
				return txn.Next
			}
		}
		if !c.Readable && !c.Hup {
			return txn.Wait
		}
		p := c.t.Loop.Scratch()
		n, res := c.Recv(p[:min(len(p), limit)])
		if n > 0 {
			c.Keep(p[:n])
			continue
		}
		switch res {
		case transport.Drained:
			return txn.Wait
		case transport.End, transport.Failed:
			if c.In != nil {
				return c.notProxied(txn.ProxyTruncated)
			}
			return c.notProxied(txn.ProxyEmpty)
		case transport.More:
		}
	}
}

// takeHeader makes what a header of n bytes says true of the connection.
func (c *client) takeHeader(h *proxyproto.Header, n int) {
	x := c.noted()
	x.proxied = proxied{version: h.Version, authority: append(x.proxied.authority[:0], h.Authority...), uniqueID: append(x.proxied.uniqueID[:0], h.UniqueID...)}
	if h.Source.IsValid() {
		c.SetSource(sock.FromAddrPort(h.Source))
		c.SetDestination(sock.FromAddrPort(h.Destination))
	}
	c.Consume(n)
	// The header is no part of what the client sends; what came behind it is.
	c.BytesIn = 0
	if c.In != nil {
		rest := uint64(len(c.In.Data()))
		c.fe.C.BytesIn += rest
		c.t.Listeners[c.l.Index].C.BytesIn += rest
	}
}

// describe is what is wrong with a header.
func describe(err error) txn.Fault {
	if errors.Is(err, proxyproto.ErrNone) {
		return txn.ProxyNone
	}
	return txn.ProxyInvalid
}

// notProxied gives up a connection that has not begun as it should have.
func (c *client) notProxied(why txn.Fault) txn.Verdict {
	c.logFailure(why, c.BytesIn == 0)
	return txn.Gone
}

// Proxied implements txn.Stream.
func (c *client) Proxied() (version int, authority, uniqueID []byte) {
	if c.notes == nil {
		return 0, nil, nil
	}
	p := &c.notes.proxied
	return p.version, p.authority, p.uniqueID
}

// Proxied implements txn.Stream.
func (s *stream) Proxied() (version int, authority, uniqueID []byte) { return s.c.Proxied() }

// headerFor is what connections to the stream's server begin with, nil for nothing.
func (s *stream) headerFor() []byte {
	p := &s.srv.Spec.Proxy
	if !p.Sends() {
		return nil
	}
	_, authority, _ := s.Proxied()
	about := proxyproto.About{Source: addrPort(s.Source()), Destination: addrPort(s.Destination()), Authority: authority}
	if p.Options&proxyproto.UniqueID != 0 {
		about.UniqueID = s.UniqueID()
	}
	if info := s.TLS(); info != nil {
		about.ALPN = info.ALPN
		if len(authority) == 0 {
			about.Authority = []byte(info.SNI)
		}
		about.TLS = &proxyproto.TLS{Version: tlsio.VersionName(info.Version), Cipher: tlsio.SuiteName(info.Suite), Certificate: len(info.Peer) > 0 && !info.Resumed, Before: len(info.Peer) > 0}
		if len(info.Peer) > 0 {
			about.TLS.CN = dn.Entry(info.Peer[0].RawSubject, "CN", 1) // where there are several, the first one
		}
	}
	if p.V2 {
		return proxyproto.Append2(nil, &about, p.Options)
	}
	return proxyproto.Append1(nil, &about)
}

func addrPort(a sock.Addr) netip.AddrPort {
	if a.IsUnix() {
		return netip.AddrPort{}
	}
	return a.AddrPort()
}

// greet sends the header that a new connection to the server begins with. It reports
// how it went: Next when nothing stands in the way of the request, Wait while there is
// no connection yet, Gone if it has failed. A header is so short that the socket takes
// all of it or nothing.
func (s *stream) greet() txn.Verdict {
	if s.greeted {
		return txn.Next
	}
	header := s.headerFor()
	if header == nil {
		s.greeted = true
		return txn.Next
	}
	n, errno := sock.Send(s.sc.FD(), header)
	switch {
	case errno == 0 && n == len(header):
		s.greeted = true
		return txn.Next
	case errno == syscall.EAGAIN:
		return txn.Wait
	case errno == 0:
		errno = syscall.EAGAIN
	}
	s.sc.Errno = errno
	return txn.Gone
}
