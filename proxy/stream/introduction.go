package stream

import (
	"bytes"
	"net/netip"
	"slices"

	"bench/internal/sock"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// introduction is what a server learns of a client by the connection itself: requests of
// which it would say something else must not go over it.
type introduction struct {
	// from is the address of the client's side that the connection is bound to ("usesrc");
	// not valid: it is bound to none.
	from sock.Addr
	// in is the namespace of the client's connection, if that of the server's follows it.
	in *sock.Namespace
	// header is what the connection begins with by the PROXY protocol.
	header []byte
}

// introduce works out what the server is to learn of the client, nil for nothing. It is
// good until the next call. ok is false if there is no address to connect from.
func (s *stream) introduce() (i *introduction, ok bool) {
	if !s.srv.Introduces() {
		return nil, true
	}
	from, ok := s.presented(s.srv.Source())
	if !ok {
		return nil, false
	}
	i = &s.t.intro
	i.from, i.in = from, nil
	if s.srv.Spec.ClientsNamespace {
		i.in = s.c.namespace()
	}
	i.header = s.appendHeader(i.header[:0])
	return i, true
}

// lasting is the introduction for as long as the connection is there.
func (i *introduction) lasting() *introduction {
	if i == nil {
		return nil
	}
	return &introduction{i.from, i.in, slices.Clone(i.header)}
}

// introduces tells whether a connection has told its server just that.
func (sc *serverConn) introduces(i *introduction) bool {
	o := sc.intro
	if o == nil || i == nil {
		return o == i
	}
	return o.from == i.from && o.in == i.in && bytes.Equal(o.header, i.header)
}

// presented is the address of the client's side that a connection is bound to. It is not
// valid if an own one is to do, ok is false if there should be one.
func (s *stream) presented(src *spec.Source) (from sock.Addr, ok bool) {
	if src == nil {
		return from, true
	}
	switch src.As {
	case spec.AsSelf, spec.AsOther:
		return from, true
	case spec.AsClient, spec.AsClientIP:
		if from = s.Source(); from.IsUnix() {
			return sock.Addr{}, true
		}
		if src.As == spec.AsClientIP {
			from.SetPort(0)
		}
		return from, true
	case spec.AsHeader:
	}
	if src.Header == nil || !s.http {
		return from, false
	}
	x := s.transaction()
	if s.req == nil { // a later attempt
		return x.presented, x.presentedBy == src
	}
	s.show(x)
	x.Final = true
	s.t.rules.Ctx.Txn = &x.Txn
	v := src.Header.EvalAs(s.t.rules.Ctx, txn.Str)
	if v == nil {
		return from, false
	}
	// As in the reference it is no mistake if the text is no address of IPv4.
	if ip, err := netip.ParseAddr(string(v.B)); err == nil && ip.Is4() && !ip.IsUnspecified() {
		from = sock.FromAddrPort(netip.AddrPortFrom(ip, 0))
	}
	x.presented, x.presentedBy = from, src
	return from, true
}

// namespace is that of the client's connection, by the listener or by what the connection
// has begun with; nil: that of the process.
func (c *client) namespace() *sock.Namespace {
	if n := c.notes; n != nil && n.proxied.namespace != nil {
		return n.proxied.namespace
	}
	return c.l.Bind.Options.Namespace
}
