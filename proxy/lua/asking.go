package lua

import (
	"crypto/tls"
	"net/netip"
	"time"

	lua "github.com/yuin/gopher-lua"

	"bench/internal/sock"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/transport"
)

// clientTries is how often a connection is tried for a request, and clientPause how long
// it is waited in between.
const (
	clientTries = 4
	clientPause = time.Second
)

// ask makes the request and waits for the response. Where there is none it returns one
// that says why, as the proxy would give it to a client.
func (q *question) ask(l *lua.LState, c *call) *lua.LTable {
	var secure *tls.Config
	if q.secure {
		if c.m.program.facts.Client.Secure == nil {
			return failure(l, 503)
		}
		secure = c.m.program.facts.Client.Secure(q.name)
	}
	if q.to == nil {
		ip := c.find(l, q.name)
		if !ip.IsValid() {
			return failure(l, 503)
		}
		to := sock.FromAddrPort(netip.AddrPortFrom(ip, q.port))
		q.to = &to
	}
	msg := q.message()
	status := 503
	for try := range clientTries {
		if try > 0 {
			c.sleep(l, clientPause)
		}
		a := &response{method: message.LookupMethod([]byte(q.method))}
		again := false
		if status, again = q.once(l, c, secure, msg, a); status == 0 {
			return a.table(l)
		}
		if !again {
			break
		}
	}
	return failure(l, status)
}

// find is the address of a host; one that is not valid: it has none.
func (c *call) find(l *lua.LState, name string) netip.Addr {
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip
	}
	f := &c.m.program.facts.Client
	if f.Resolvers < 0 || c.m.rules.LookUp == nil {
		return netip.Addr{}
	}
	var found netip.Addr
	answered, left := false, false
	if !c.m.rules.LookUp(f.Resolvers, name, f.PreferIPv4, func(ip netip.Addr) {
		if !left {
			found, answered = ip, true
			c.wake()
		}
	}) {
		return netip.Addr{}
	}
	defer func() { left = true }() // also of a script that is ended meanwhile
	for !answered {
		c.pause(l, 0)
	}
	return found
}

// once tries once. It returns the status that says why there is no response, 0 if there
// is one; again: another try may have more success.
func (q *question) once(l *lua.LState, c *call, secure *tls.Config, msg []byte, a *response) (status int, again bool) {
	s := &socket{m: c.m, Endpoint: transport.NewEndpoint(c.m.wires.Kit, -1), patience: q.patience}
	defer s.hangUp() // also of a script that is ended meanwhile
	if !s.open(l, c, q.to, secure, c.now()+int64(q.patience)) {
		return 503, true
	}
	s.say(l, c, msg)
	for !a.done {
		switch bad := a.take(l, s); {
		case bad:
			return 502, false
		case a.done:
		case s.more(l, c):
		case a.headed: // it is all that there is of it, as in the reference
			return 0, false
		case s.Ended || s.Errno != 0:
			return 502, len(s.in) == 0
		default:
			return 504, false
		}
	}
	return 0, false
}

// say sends a request. What comes meanwhile is taken in, for the server may answer before
// it has read all.
func (s *socket) say(l *lua.LState, c *call, p []byte) {
	for s.ready {
		n, ok := s.Send(p)
		if !ok {
			s.Errno, s.Readable = 0, true // what it has said before it closed
			return
		}
		if p = p[n:]; len(p) == 0 {
			return
		}
		until := c.now() + int64(s.patience)
		for s.writable = false; s.ready && !s.writable; {
			for s.takeIn() && len(s.in) < maxReceived {
				// Once more.
			}
			if s.over() {
				return
			}
			if !s.wait(l, c, until) {
				s.hangUp()
			}
		}
	}
}

// response is one to a request of a script, as far as it has come.
type response struct {
	method message.Method
	parser h1.Parser
	msg    message.Response // good until more is taken
	headed bool
	fields *lua.LTable
	status int
	reason string
	chunks h1.Chunked
	left   uint64 // of a content of known length
	body   []byte
	done   bool
}

// take takes what a connection has received. bad: it is no response.
func (a *response) take(l *lua.LState, s *socket) (bad bool) {
	limits := h1.DefaultLimits()
	for !a.headed {
		n, err := a.parser.Response(&a.msg, s.in, a.method, &limits)
		if err != nil {
			return true
		}
		if n == 0 {
			return false
		}
		if a.msg.Status == 101 {
			return true // nobody has asked for another protocol
		}
		if a.msg.Status >= 200 {
			a.headed, a.left = true, a.msg.Body.Length
			a.msg.Header.Del("connection") // which is about this connection
			a.fields, a.status, a.reason = headers(l, &a.msg.Header), a.msg.Status, string(a.msg.Reason)
			a.done = a.msg.Body.Kind == message.BodyNone
			a.chunks.Start(h1.ChunkStrip, 0)
		}
		s.in = s.in[n:]
	}
	return a.content(s)
}

// content takes what belongs to the content.
func (a *response) content(s *socket) (bad bool) {
	in := s.in
	s.in = nil
	switch a.msg.Body.Kind {
	case message.BodyNone:
	case message.BodyLength:
		in = in[:min(uint64(len(in)), a.left)]
		a.body = append(a.body, in...)
		a.left -= uint64(len(in))
		a.done = a.left == 0
	case message.BodyChunked:
		_, n, err := a.chunks.Walk(in)
		a.body = append(a.body, in[:n]...)
		a.done = a.chunks.Done()
		bad = err != nil
	default: // until the connection ends
		a.body = append(a.body, in...)
	}
	a.done = a.done || len(a.body) >= maxReceived
	return bad
}

// table is the response as a script gets it.
func (a *response) table(l *lua.LState) *lua.LTable {
	t := l.NewTable()
	t.RawSetString("status", lua.LNumber(a.status))
	t.RawSetString("reason", lua.LString(a.reason))
	t.RawSetString("headers", a.fields)
	t.RawSetString("body", lua.LString(a.body))
	return t
}

// failure is what the proxy says in place of a response.
func failure(l *lua.LState, status int) *lua.LTable {
	r := h1.StandardReply(status)
	a := response{fields: headers(l, &r.Message().Header), status: status, reason: string(r.Message().Reason), body: r.Body}
	return a.table(l)
}
