package stream

import (
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/server"
)

// state is the step a stream has reached.
type state uint8

const (
	stateRequest  state = iota // reading the request head
	stateQueue                 // waiting for a slot
	statePause                 // waiting before the next connection attempt
	stateConnect               // connecting
	stateResponse              // request sent or being sent, no response head yet
	stateData                  // forwarding the response, or bytes in both directions
	stateFlush                 // an answer of our own is on its way to the client
	stateEnd                   // finished; the object may be in use for another
)

// stream is one request with its response, or in TCP mode one connection. A TCP
// connection that idles holds one, so what only HTTP needs belongs into exchange.
type stream struct {
	t         *Thread
	serial    uint64
	c         *client
	fe        *Front
	be        *Back          // nil until chosen
	srv       *server.Server // holds a slot of it; nil: none
	sc        *serverConn
	*exchange // nil in TCP mode
	state     state
	http      bool
	tunnel    bool // HTTP is over, bytes flow both ways
	overflow  bool // bytes beyond first were sent or taken from the client
	keepCli   bool // the client connection goes on afterwards
	keepSrv   bool // the server connection may be reused
	headOut   bool // a final response head was given to the client
	queued    bool
	redisp    bool
	reused    bool // the server connection had served before
	fresh     bool // reuse no more connections for this request
	held      bool // the server connection keeps what was not looked at yet
	cutShort  bool // the client connection is to be closed at once
	// uncounted: the request is as if it had never come, in logs and counters.
	uncounted bool
	// handedOver: the stream ended while a slot was on its way to it.
	handedOver bool
	flags      [2]byte
	status     int

	// first is the request as it is sent: the head and as much of the body as
	// fits. It is kept until the response begins, so that the request can be
	// sent again on another connection.
	first    *buffer
	up, down flow

	cliExp, srvExp int64 // deadlines of the two sides; never: none
	exp            int64 // deadline of the state: queue, pause, connect

	waiter   server.Waiter
	prevSrv  *server.Server // avoided when choosing again
	retries  int
	srvQueue int64 // position on arrival in the queues
	beQueue  int64
	dequeue  func() // dequeued, made once

	// Times of the steps, monotonic; 0: not reached.
	begin, gotReq, gotSrv, connected, gotRes int64
	outBase, inBase                          uint64 // client's bytes out and in when the stream began

	next *stream
}

// exchange is what a stream needs to speak HTTP.
type exchange struct {
	parser   h1.Parser // of the request, then of the response
	upBody   h1.Chunked
	downBody h1.Chunked
	method   message.Method
	version  message.Version
	upgrade  bool // the request offers to leave HTTP
	resKeep  bool // the response leaves the server connection open
	// line keeps the request line for the log.
	line                 []byte
	methodEnd, targetEnd int

	next *exchange
}

// newExchange returns an empty exchange.
func (t *Thread) newExchange() *exchange {
	x := t.freeExc
	if x == nil {
		t.nExc.made++
		return &exchange{}
	}
	t.nExc.free--
	t.freeExc, x.next = x.next, nil
	x.parser.Reset()
	x.method, x.version, x.upgrade, x.resKeep = 0, 0, false, false
	x.line = x.line[:0]
	x.methodEnd, x.targetEnd = 0, 0
	return x
}

// newStream gives the client a stream, in stateRequest.
func (t *Thread) newStream(c *client) *stream {
	s := t.freeStr
	if s == nil {
		s = &stream{t: t}
		s.waiter.Wake = s.wakeFromQueue
		s.dequeue = s.dequeued
		t.nStr.made++
	} else {
		t.nStr.free--
		t.freeStr = s.next
	}
	t.serial++
	s.serial = t.serial
	s.c, s.fe, s.be, s.srv, s.sc = c, c.fe, nil, nil, nil
	s.state, s.http, s.tunnel = stateRequest, c.fe.Spec.SpeaksHTTP(), false
	s.up, s.down = flow{}, flow{}
	if s.http {
		s.exchange = t.newExchange()
		s.up.chunks, s.down.chunks = &s.upBody, &s.downBody
	}
	s.overflow, s.keepCli, s.keepSrv, s.headOut = false, false, false, false
	s.cliExp, s.srvExp, s.exp = never, never, never
	s.queued, s.prevSrv, s.retries, s.redisp, s.reused, s.fresh = false, nil, 0, false, false, false
	s.cutShort, s.uncounted, s.held = false, false, false
	s.srvQueue, s.beQueue = 0, 0
	s.waiter.Forget()
	s.begin, s.gotReq, s.gotSrv, s.connected, s.gotRes = t.Loop.Now(), 0, 0, 0, 0
	s.status, s.flags = 0, [2]byte{'-', '-'}
	s.outBase, s.inBase = c.bytesOut, c.bytesIn
	c.stream = s
	if s.http {
		s.cliExp = never
		if d := firstOf(c.fe.Spec.Timeouts.HTTPRequest, c.fe.Spec.Timeouts.Client); d > 0 {
			s.cliExp = s.begin + int64(d)
			if c.served == 0 {
				// The first request has to come within the time-out counted
				// from the accept.
				s.cliExp = c.accepted + int64(d)
			}
		}
		s.arm()
	}
	return s
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
	case stateQueue, statePause, stateConnect:
		s.clientWhileWaiting()
	case stateResponse, stateData:
		if ev&poller.Out != 0 && s.down.pending() {
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
	case stateEnd:
	}
}

// serverReady is called for events of the server connection.
func (s *stream) serverReady(ev poller.Events) {
	switch s.state {
	case stateConnect:
		s.connectOutcome(ev)
	case stateResponse, stateData:
		serial := s.serial
		if ev&poller.Out != 0 && s.sending() {
			s.pumpUp()
		}
		if s.serial != serial || s.sc == nil {
			return
		}
		if ev&(poller.In|poller.Hup) != 0 {
			if s.state == stateResponse && s.http {
				s.readResponse()
			} else if s.state == stateData {
				s.pumpDown()
			}
		}
	case stateRequest, stateQueue, statePause, stateFlush, stateEnd:
	}
}

// sending tells whether something waits to be written to the server.
func (s *stream) sending() bool {
	return s.first != nil && !s.first.empty() || s.up.pending()
}

// resume goes on in both directions after a turn's share was used up.
func (s *stream) resume() {
	serial := s.serial
	switch s.state {
	case stateRequest:
		s.c.readRequest()
	case stateResponse, stateData:
		s.pumpUp()
		if s.serial == serial && s.state == stateData && s.sc != nil {
			s.pumpDown()
		} else if s.serial == serial && s.state == stateResponse && s.sc != nil && s.http {
			s.readResponse()
		}
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
			s.be.C.ErrConn++
			if srv := s.waiter.For(); srv != nil {
				s.t.Servers[srv.Slot].C.ErrConn++
			}
			s.fail(503, 's', 'Q')
		}
	case statePause:
		s.assign()
	case stateConnect:
		s.connectFailed('s')
	case stateRequest, stateResponse, stateData, stateFlush, stateEnd:
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
