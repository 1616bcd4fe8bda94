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
	namespace           *sock.Namespace // nil: it named none that is known
}

// expectsHeader tells whether connections of the frontend may begin with a header of the
// PROXY protocol, expectsCIP the same of NetScaler Client IP insertion.
func (f *Front) expectsHeader() bool {
	return f.begins("expect-proxy", func(b *spec.Bind) bool { return b.AcceptProxy })
}

func (f *Front) expectsCIP() bool {
	return f.begins("expect-netscaler-cip", func(b *spec.Bind) bool { return b.AcceptCIP })
}

func (f *Front) begins(action string, by func(*spec.Bind) bool) bool {
	if l := f.Spec.Rules[rule.Connection]; l != nil && slices.ContainsFunc(l.Rules, func(r *rule.Rule) bool { return r.Action() == action }) {
		return true
	}
	return slices.ContainsFunc(f.Spec.Binds, by)
}

// openingTimeout ends a connection that took too long to begin.
func (c *client) openingTimeout() {
	late := txn.NoFault
	switch c.fe.opening[c.opening].name {
	case proxyStage:
		late = txn.ProxyTimeout
	case cipStage:
		late = txn.CIPTimeout
	}
	if late != txn.NoFault {
		c.notProxied(late)
		if c.In != nil {
			sock.SetLinger0(c.FD()) // as in the reference, which has left it unread
		}
	}
	c.close()
}

// The stages of a connection's opening that wait for a header with addresses.
const (
	proxyStage = "PROXY protocol"
	cipStage   = "NetScaler Client IP"
)

// awaitsProxy tells whether the listener or a rule wants a header of the PROXY protocol,
// awaitsCIP the same of NetScaler Client IP insertion.
func (c *client) awaitsProxy() bool {
	return c.l.Bind.AcceptProxy || c.notes != nil && c.notes.expectProxy
}

func (c *client) awaitsCIP() bool {
	return c.l.Bind.AcceptCIP || c.notes != nil && c.notes.expectCIP
}

// proxyHeader waits for a header of the PROXY protocol, where one is wanted, and takes the
// addresses from it. A connection without one is of no use.
func (c *client) proxyHeader() txn.Verdict {
	if !c.awaitsProxy() {
		return txn.Next
	}
	v := c.header(proxyproto.Parse, describe, txn.ProxyEmpty, txn.ProxyTruncated)
	if v == txn.Next {
		c.countRest()
	}
	return v
}

// cipHeader is proxyHeader for NetScaler Client IP insertion, which comes before that.
func (c *client) cipHeader() txn.Verdict {
	if !c.awaitsCIP() {
		return txn.Next
	}
	v := c.header(func(b []byte, limit int, h *proxyproto.Header) (int, error) {
		return proxyproto.ParseCIP(b, c.l.Bind.Magic, limit, h)
	}, describeCIP, txn.CIPEmpty, txn.CIPTruncated)
	if v == txn.Next && !c.awaitsProxy() {
		c.countRest()
	}
	return v
}

// header waits for what parse understands. describe says what is wrong with it, empty and
// truncated are the faults of a connection that has nothing or less of it.
func (c *client) header(parse func(b []byte, limit int, h *proxyproto.Header) (int, error), describe func(error) txn.Fault, empty, truncated txn.Fault) txn.Verdict {
	limit := c.t.Shared.Config.Global.Tune.BufSize
	for {
		if c.In != nil {
			var h proxyproto.Header
			n, err := parse(c.In.Data(), limit, &h)
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
				return c.notProxied(truncated)
			}
			return c.notProxied(empty)
		case transport.More:
		}
	}
}

// takeHeader makes what a header of n bytes says true of the connection.
func (c *client) takeHeader(h *proxyproto.Header, n int) {
	x := c.noted()
	if h.Version > 0 {
		x.proxied = proxied{version: h.Version, authority: keptText(x.proxied.authority, h.Authority), uniqueID: keptText(x.proxied.uniqueID, h.UniqueID), namespace: c.t.Shared.Config.Namespaces[string(h.Namespace)]}
	}
	if h.Source.IsValid() {
		c.SetSource(sock.FromAddrPort(h.Source))
		c.SetDestination(sock.FromAddrPort(h.Destination))
	}
	c.Consume(n)
}

// countRest leaves what a connection has begun with out of what the client has sent. What
// came behind it belongs to that.
func (c *client) countRest() {
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

// describeCIP is what is wrong with a header of NetScaler Client IP insertion.
func describeCIP(err error) txn.Fault {
	switch {
	case errors.Is(err, proxyproto.ErrMagic):
		return txn.CIPMagic
	case errors.Is(err, proxyproto.ErrTooLong):
		return txn.CIPTruncated
	}
	return txn.CIPProtocol
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

// appendHeader appends what connections to the stream's server begin with, if anything.
func (s *stream) appendHeader(dst []byte) []byte {
	p := &s.srv.Spec.Proxy
	if !p.Sends() {
		return dst
	}
	_, authority, _ := s.Proxied()
	about := proxyproto.About{Source: addrPort(s.Source()), Destination: addrPort(s.Destination()), Authority: authority, Namespace: s.c.namespace().Name()}
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
		return proxyproto.Append2(dst, &about, p.Options)
	}
	return proxyproto.Append1(dst, &about)
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
	if s.sc.intro == nil || len(s.sc.intro.header) == 0 {
		s.greeted = true
		return txn.Next
	}
	header := s.sc.intro.header
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

// keptText copies a text to memory that is there; what is empty is not what is not there.
func keptText(to, b []byte) []byte {
	switch {
	case b == nil:
		return nil
	case to == nil:
		to = []byte{}
	}
	return append(to[:0], b...)
}
