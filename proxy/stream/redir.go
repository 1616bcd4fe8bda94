package stream

import (
	"bench/proxy/message"
	"bench/proxy/txn"
)

var (
	found    = []byte("Found")
	noCache  = []byte("no-cache")
	noLength = []byte("0")
)

// sendAway tells the client of a GET or HEAD to ask the server itself, of which Redir is
// what its own addresses begin with. The stream has a slot of the server meanwhile, so that
// limits and queues hold for these requests, too. As in the reference, it is the method
// that the client has used that counts, and the path that rules have made of it; the
// connection does not go on.
func (s *stream) sendAway() txn.Verdict {
	to := s.srv.Spec.Redir
	method := s.line[:s.methodEnd]
	if to == "" || string(method) != "GET" && string(method) != "HEAD" || len(s.req.Path()) == 0 {
		return txn.Next
	}
	if to == "/" {
		to = "" // says no more than that the path is the same
	}
	path := s.req.PathAndQuery()
	m := &s.t.asking
	m.Reset()
	m.Version, m.Status, m.Reason = message.HTTP11, 302, found
	m.Body = message.Body{Kind: message.BodyLength}
	m.AddID(message.CacheControl, noCache)
	m.AddID(message.ContentLength, noLength)
	location := m.Arena.Alloc(len(to) + len(path))[:0]
	m.AddID(message.Location, append(append(location, to...), path...))
	s.setFlags('L', 'C')
	s.status = 302
	s.reply(m, nil)
	return txn.Answered
}
