package stream

import (
	"bytes"

	"bench/proxy/certs"
	"bench/proxy/message"
	"bench/proxy/server"
)

// maxOwn is how many server connections are kept for one client alone, as in the
// reference.
const maxOwn = 5

// keepOwn keeps a server connection for the client alone. It reports false if that was
// closed instead, as the client has enough of them.
func (c *client) keepOwn(sc *serverConn) bool {
	n := c.noted()
	if n.own.Len() >= maxOwn {
		sc.close()
		return false
	}
	sc.owner = n
	n.own.PushFront(&sc.place, sc)
	return true
}

// ownConn takes the connection to a server that is kept for the client alone, nil if there
// is none. One that does not lead where this request goes is of no more use; one that says
// something else of the client may be, to another request.
func (c *client) ownConn(srv *server.Server, peer *certs.Peer, intro *introduction) *serverConn {
	if c.notes == nil {
		return nil
	}
	for sc := c.notes.own.First(); sc != nil; {
		next := sc.place.Next()
		switch {
		case sc.srv != srv:
		case sc.mux != nil && !sc.mux.hasRoom():
			sc.discard()
		case !sc.introduces(intro):
		case sc.leadsTo(peer) && !sc.outdated():
			c.notes.own.Remove(&sc.place)
			sc.owner = nil
			return sc
		default:
			sc.discard()
		}
		sc = next
	}
	return nil
}

// discardOwn closes what was kept for a client that has gone.
func (n *notes) discardOwn() {
	n.gone = true
	for sc := n.own.First(); sc != nil; sc = n.own.First() {
		sc.discard()
	}
}

// knownTo is the server that knows who the client is, by a connection that waits for its
// next request, nil if none does. It is asked before load balancing: anywhere else the
// client would have to say again who it is.
func (s *stream) knownTo() *server.Server {
	if s.c.notes == nil || s.be.Spec.Balance.Hashes() {
		return nil
	}
	for sc := s.c.notes.own.First(); sc != nil; sc = sc.place.Next() {
		if sc.personal && sc.srv.Backend == s.be.Backend && sc.srv != s.prevSrv && sc.srv.Running() {
			return sc.srv
		}
	}
	return nil
}

// authenticates tells whether a response asks for a password in a way that holds for its
// connection: NTLM and Negotiate prove once who is at the other end of it, and all that
// comes over it is then taken to be of that user. Such a connection can never be
// another client's.
func authenticates(res *message.Response) bool {
	if res.Status != 401 && res.Status != 407 {
		return false
	}
	name := "www-authenticate"
	if res.Status == 407 {
		name = "proxy-authenticate"
	}
	for _, value := range res.Each(name) {
		for scheme := range bytes.SplitSeq(value, []byte(",")) {
			if scheme = bytes.TrimSpace(scheme); hasPrefixFold(scheme, "ntlm") || hasPrefixFold(scheme, "nego") {
				return true
			}
		}
	}
	return false
}
