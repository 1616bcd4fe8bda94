package stream

import (
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/tlsio"
	"bench/proxy/certs"
	"bench/proxy/compress"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/server"
	"bench/proxy/trace"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// state is what a stream waits for.
type state uint8

const (
	stateRequest  state = iota // reading the request head
	stateRules                 // a step waits for more of the message, or for time to pass
	stateQueue                 // waiting for a slot
	statePause                 // waiting before the next connection attempt
	stateConnect               // connecting
	stateResponse              // request sent or being sent, no response head yet
	stateData                  // forwarding the response, or bytes in both directions
	stateFlush                 // an answer of our own is on its way to the client
	stateService               // a service answers
	stateEnd                   // finished; the object is used again in a later turn
)

// stream is one request with its response, or in TCP mode one connection. A TCP
// connection that idles holds one, so what only HTTP needs belongs into exchange.
type stream struct {
	// Made once.
	t       *Thread
	waiter  server.Waiter
	dequeue func() // dequeued

	life
}

// life is what a stream is from its beginning to its end.
type life struct {
	serial uint64
	c      *client
	fe     *Front
	be     *Back // nil until chosen
	// way and at are the step that the stream has reached.
	way       *way
	*exchange                // nil in TCP mode
	txn       *transaction   // what rules see; nil until there are any
	srv       *server.Server // holds a slot of it; nil: none
	prevSrv   *server.Server // avoided when choosing again
	assigned  *server.Server // to be used, and no slot of it yet; nil: any
	attempt

	at       int8
	reached  bool   // bytes went to a server, or came from one
	calls    uint32 // how often the stream was called to go on
	state    state
	http     bool
	tunnel   bool // HTTP is over, bytes flow both ways
	judging  bool // in TCP mode, rules have not let through yet what the server sends
	overflow bool // bytes beyond first were sent or taken from the client
	keepCli  bool // the client connection goes on afterwards
	keepSrv  bool // the server connection may be reused
	headOut  bool // a final response head was given to the client
	queued   bool
	redisp   bool
	fresh    bool // reuse no more connections for this request
	cutShort bool // the client connection is to be closed at once
	// uncounted: the request is as if it had never come, in logs and counters.
	uncounted bool
	unlogged  bool // there is no log line
	// handedOver: the stream ended while a slot was on its way to it.
	handedOver bool
	persistence
	hashed  bool // hash is known
	flags   [2]byte
	status  int32
	retries int32
	// hash is that of what the algorithm of the backend asks for, taken once: whatever
	// happens to the request afterwards, it is the same when the stream chooses again.
	hash uint32

	// first is the request as it is sent: the head and as much of the body as
	// fits. It is kept until the response begins, so that the request can be
	// sent again on another connection.
	first    *transport.Buffer
	up, down transport.Flow

	deadlines
	times
	srvQueue, beQueue int32  // places in the queues
	outBase, inBase   uint64 // client's bytes out and in when the stream began
}

// attempt is one try at a server.
type attempt struct {
	sc      *serverConn
	reused  bool // the connection had served before
	greeted bool // the header that it begins with was sent, if there is any
	held    bool // the connection keeps what was not looked at yet
	// fault is what went wrong with the connection, met: there was one that got that far.
	fault txn.Fault
	met   bool
	// last is what the handshake of the connection has led to that sc was, for the log.
	last *tlsio.Info
}

// deadlines are those of the two sides and of what the stream waits for; never: none.
type deadlines struct{ cliExp, srvExp, exp int64 }

// times are those of the steps, monotonic; 0: not reached.
type times struct{ begin, gotReq, gotSrv, connected, gotRes int64 }

// exchange is what a stream needs to speak HTTP.
type exchange struct {
	upBody   transport.Content
	downBody transport.Content
	line     []byte // the request line, for the log
	request
}

// request is what is known of the request of an exchange, and of its response.
type request struct {
	parser  h1.Parser      // of the request, then of the response
	method  message.Method // as the client sent it
	asked   message.Method // as the server gets it: rules may have changed it
	version message.Version
	upgrade bool // the request offers to leave HTTP
	// websocket: it offers to speak that.
	websocket bool
	svc       *serving // nil: no service is at work
	// turned is what a connection that was in mode tcp goes on with, nil for others.
	turned  *turning
	by      string // the service that answers, in the place of a server
	resKeep bool   // the response leaves the server connection open
	ignored bool   // no cookie is looked at ("ignore-persist")
	dates   cookieDates
	// encodes: the response may be encoded by encode. coder is what changes its content on
	// its way, nil if nothing does, encoding the one that encodes it.
	encodes  bool
	encode   compress.Algorithm
	encoding encoding
	coder    transport.Coder
	caching  caching
	// inCookie and outCookie are the flags in logs of the cookie of the request and of
	// the response.
	inCookie, outCookie cookieFlag
	// req is the request from its arrival until its head was written, res the response;
	// nil: there is none. They are good for this turn, unless they have been detached,
	// to kept.
	req  *message.Request
	res  *message.Response
	kept *detached
	// scheme is what a client of HTTP/2 has said it uses; nil: "http" or "https" only.
	scheme []byte
	peer   *certs.Peer // the server as TLS knows it; nil: in clear, or not known yet
	// The head in first is headLen bytes long, and written for headFor.
	headFor              *server.Server
	headLen              int32
	methodEnd, targetEnd int // in line
}

// newExchange returns an empty exchange.
func (t *Thread) newExchange() *exchange {
	x, _ := t.excs.get(t.Loop.Turns())
	x.request = request{}
	x.line = x.line[:0]
	x.upBody.Coder, x.downBody.Coder = nil, nil
	return x
}

// newStream gives the client a stream, in stateRequest.
func (t *Thread) newStream(c *client) *stream {
	s, isNew := t.strs.get(t.Loop.Turns())
	if isNew {
		s.t = t
		s.waiter.Wake = s.wakeFromQueue
		s.dequeue = s.dequeued
	}
	t.serial++
	s.life = life{}
	s.serial, s.c, s.fe = t.serial, c, c.fe
	s.flags = [2]byte{'-', '-'}
	s.deadlines = deadlines{never, never, never}
	s.waiter.Forget()
	s.begin = t.Loop.Now()
	s.outBase, s.inBase = c.BytesOut, c.BytesIn-c.kept()
	c.stream = s
	if c.fe.Spec.SpeaksHTTP() || c.isHTTP() {
		s.beginHTTP()
	}
	if t.trace.OfStreams(trace.User) {
		s.trace(trace.StreamNew, trace.User, "begins")
	}
	return s
}

// beginHTTP makes the stream one that waits for a request.
func (s *stream) beginHTTP() {
	c := s.c
	s.http = true
	s.exchange = s.t.newExchange()
	s.up.Chunks, s.down.Chunks = &s.upBody, &s.downBody
	if d := firstOf(c.fe.Spec.Timeouts.HTTPRequest, c.fe.Spec.Timeouts.Client); d > 0 {
		s.cliExp = s.begin + int64(d)
		if c.served == 0 {
			// The first request has to come within the time-out counted from the
			// accept, or the end of the handshake.
			s.cliExp = c.accepted + int64(c.handshake)*int64(time.Millisecond) + int64(d)
		}
	}
	s.arm()
}

// arm sets the one timer of the connection to the nearest deadline.
func (s *stream) arm() {
	if s.c == nil {
		return
	}
	if d := min(s.cliExp, s.srvExp, s.exp); d < never {
		s.t.Loop.SetTimer(&s.c.timer, d, s.c)
	} else {
		s.t.Loop.StopTimer(&s.c.timer)
	}
}

// after is the deadline d from now; 0 is never.
func (s *stream) after(d time.Duration) int64 {
	if d <= 0 {
		return never
	}
	return s.t.Loop.Now() + int64(d)
}

// clientReady is called for events of the client while the stream lives.
func (s *stream) clientReady(ev poller.Events) {
	switch s.state {
	case stateRequest:
		s.c.readRequest()
	case stateRules:
		s.input()
	case stateQueue, statePause, stateConnect:
		s.clientWhileWaiting()
	case stateResponse, stateData:
		if ev&poller.Out != 0 && s.down.Pending() {
			if s.state == stateResponse {
				s.flushInterim()
			} else {
				s.pumpDown()
			}
			if s.state == stateEnd || s.c == nil {
				return
			}
		}
		if ev&(poller.In|poller.Hup) != 0 {
			s.pumpUp()
		}
	case stateFlush:
		s.flushAnswer()
	case stateService:
		s.serviceReady()
	case stateEnd:
	}
}

// serverReady is called for events of the server connection.
func (s *stream) serverReady(ev poller.Events) {
	switch s.state {
	case stateConnect:
		if l := s.sc.tls(); l != nil && l.Begun() {
			l.Handshake(s.sc.Hup)
			return
		}
		if s.sc.led() {
			s.advance(s.wired())
			return
		}
		s.connectOutcome(ev)
	case stateResponse, stateData:
		sc := s.sc
		if ev&poller.Out != 0 && s.sending() {
			s.pumpUp()
		}
		if s.sc != sc {
			return
		}
		if ev&(poller.In|poller.Hup) != 0 {
			if s.state == stateResponse && s.http {
				s.readResponse()
			} else if s.state == stateData {
				s.pumpDown()
			}
		}
	case stateRules:
		sc := s.sc
		if ev&poller.Out != 0 && s.answering() && s.sending() {
			s.pumpUp()
		}
		if s.sc == sc {
			s.output()
		}
	case stateRequest, stateQueue, statePause, stateFlush, stateService, stateEnd:
	}
}

// sending tells whether something waits to be written to the server.
func (s *stream) sending() bool {
	return s.first != nil && !s.first.Empty() || s.up.Pending()
}

// resume goes on in both directions after a turn's share was used up.
func (s *stream) resume() {
	switch s.state {
	case stateRequest:
		s.c.readRequest()
	case stateRules:
		sc := s.sc
		s.input()
		if s.sc == sc {
			s.output()
		}
	case stateResponse, stateData:
		s.pumpUp()
		if s.state == stateData && s.sc != nil {
			s.pumpDown()
		} else if s.state == stateResponse && s.sc != nil && s.http {
			s.readResponse()
		}
	case stateService:
		s.serviceReady()
	case stateQueue, statePause, stateConnect, stateFlush, stateEnd:
	}
}

// yield continues in the next turn.
func (s *stream) yield() { s.t.Loop.Wake(&s.c.task) }

// expired is called when the nearest deadline may have come.
func (s *stream) expired() {
	now := s.t.Loop.Now()
	switch {
	case s.exp <= now:
		s.exp = never
		s.stateExpired()
	case s.cliExp <= now && s.cliExp <= s.srvExp:
		s.cliExp = never
		s.clientTimeout()
	case s.srvExp <= now:
		s.srvExp = never
		s.serverTimeout()
	default:
		s.arm()
	}
}

func (s *stream) stateExpired() {
	switch s.state {
	case stateQueue:
		if s.be.Leave(&s.waiter) {
			s.queued = false
			s.notePlace()
			s.be.C.ErrConn++
			if srv := s.waiter.For(); srv != nil {
				s.t.Servers[srv.Slot].C.ErrConn++
			}
			s.fail(503, 's', 'Q')
		}
	case statePause:
		s.advance(s.returnTo(s.way.server))
	case stateConnect:
		s.advance(s.connectFailed('s'))
	case stateRules:
		s.timeOver()
	case stateData:
		if s.judging {
			s.judgeLate()
		}
	case stateRequest, stateResponse, stateFlush, stateService, stateEnd:
	}
}

// server is this thread's side of the stream's server.
func (s *stream) server() *ServerSide { return s.t.Servers[s.srv.Slot] }

// setFlags notes why the stream ends and in which state, unless known already.
func (s *stream) setFlags(cause, at byte) {
	if s.flags[0] == '-' {
		s.flags = [2]byte{cause, at}
	}
}

var _ loop.TimerHandler = (*client)(nil)
