package stream

import (
	"bench/internal/list"
	"bench/internal/sock"
	"bench/proxy/server"
)

// Session describes one client connection and its stream, as "show sess" does.
type Session struct {
	ID               uint64
	Source           sock.Addr
	Frontend         *Frontend
	Backend          *server.Backend // nil: none is chosen
	Server           string
	ServerID         int
	ServerAddr       string
	Listener         *Listener
	HTTP             bool
	State            string
	Status           int   // of the response; 0: none yet
	Started, Expires int64 // monotonic
	// ClientExpires and ServerExpires are when one side will have been silent for too long;
	// in the far future if it may be.
	ClientExpires, ServerExpires int64
	BytesIn, BytesOut            uint64
	ClientFD, ServerFD           int
	// ClientTLS and ServerTLS tell which connection is in TLS, Muxed that the client's
	// carries several streams.
	ClientTLS, ServerTLS, Muxed bool
	Retries                     int
}

// names of the states, as operators see them.
var stateNames = [...]string{
	stateRequest: "REQ", stateRules: "INI", stateQueue: "QUE", statePause: "TAR", stateConnect: "CON",
	stateResponse: "RSP", stateData: "EST", stateFlush: "CLO", stateService: "EST", stateEnd: "DIS",
}

// Live is a stream that was there at a moment.
type Live struct {
	c      *client
	serial uint64
}

// Live are the streams of the thread, for Describe.
func (t *Thread) Live() []Live {
	all := make([]Live, 0, t.clients.Len()+t.laned.Len())
	t.eachStream(func(st *stream) bool {
		all = append(all, Live{st.c, st.serial})
		return true
	})
	return all
}

// Describe calls fn for those of the streams that have not ended meanwhile. The Session is
// only valid during the call.
func (t *Thread) Describe(some []Live, fn func(s *Session)) {
	t.Loop.Own()
	for _, l := range some {
		st := l.c.stream
		if st == nil || st.serial != l.serial {
			continue
		}
		c := st.c
		s := Session{
			ID: st.serial, Source: c.addr.Addr(), Frontend: c.fe.Frontend, Listener: c.l, HTTP: st.http, State: stateNames[st.state], Status: int(st.status),
			Started: st.begin, BytesIn: c.BytesIn - st.inBase, BytesOut: c.BytesOut - st.outBase,
			ClientFD: c.socket(), ServerFD: -1, Retries: int(st.retries),
			Expires: min(st.cliExp, st.srvExp, st.exp), ClientExpires: st.cliExp, ServerExpires: st.srvExp,
			ClientTLS: c.l.TLS != nil, Muxed: c.mux != nil || c.socket() != c.FD(),
		}
		if st.be != nil {
			s.Backend = st.be.Backend
		}
		if st.srv != nil {
			s.Server, s.ServerID = st.srv.Spec.Name, st.srv.Spec.ID
			s.ServerAddr = st.srv.Addr().String()
		}
		if st.exchange != nil && st.by != "" {
			s.Server = st.by
		}
		if st.sc != nil {
			s.ServerFD, s.ServerTLS = st.sc.socket(), st.sc.tls() != nil
		}
		fn(&s)
	}
}

// eachStream calls fn for every live stream, which it may end, until fn reports false.
func (t *Thread) eachStream(fn func(*stream) bool) {
	t.Loop.Own()
	for _, some := range [...]*list.List[client]{&t.clients, &t.laned} {
		for c := some.First(); c != nil; {
			next := c.place.Next()
			if c.stream != nil && !fn(c.stream) {
				return
			}
			c = next
		}
	}
}

// Clients is the number of client connections of the thread.
func (t *Thread) Clients() int { return t.clients.Len() }

// Idle are idle connections to a server. Safe are those that have carried more than one
// request: their server does not end them after the first.
type Idle struct{ Unsafe, Safe int64 }

// IdleConns are the idle connections to s in this thread.
func (t *Thread) IdleConns(s *server.Server) Idle {
	if side := t.Server(s); side != nil {
		return Idle{Unsafe: int64(side.idle.Len() - side.safe), Safe: int64(side.safe)}
	}
	return Idle{}
}

// KillStream ends the stream with that number; it reports false if the thread
// has none.
func (t *Thread) KillStream(serial uint64) (killed bool) {
	t.eachStream(func(s *stream) bool {
		if s.serial == serial {
			s.kill('K')
			killed = true
		}
		return !killed
	})
	return killed
}

// KillServerStreams ends all streams that use s. cause is the first termination
// flag: K killed by an operator, D server went down, U a better server came up.
func (t *Thread) KillServerStreams(s *server.Server, cause byte) {
	t.eachStream(func(st *stream) bool {
		if st.srv == s {
			st.kill(cause)
		}
		return true
	})
}

// kill ends the stream from outside, with an answer if none was begun. Where the
// request has gone to the server, what is missing is the server's answer.
func (s *stream) kill(cause byte) {
	switch s.state {
	case stateRequest, stateRules:
		s.abort(cause, s.whereInRules())
	case stateQueue:
		s.fail(503, cause, 'Q')
	case statePause, stateConnect:
		s.fail(503, cause, 'C')
	case stateResponse:
		s.be.C.ErrResp++
		s.server().C.ErrResp++
		s.fail(502, cause, 'H')
	case stateData:
		if s.raw() {
			s.abort(cause, '-')
			return
		}
		s.countServerAbort()
		s.abort(cause, 'D')
	case stateFlush, stateService, stateEnd:
		s.abort(cause, 'D')
	}
}
