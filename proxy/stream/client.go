package stream

import (
	"time"

	"bench/internal/list"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/proxy/h1"
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/trace"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// client is one accepted connection. It is all there is of one that waits for a
// request, so what only a request needs does not belong here.
type client struct {
	transport.Endpoint
	t     *Thread
	timer loop.Timer
	task  loop.Task
	l     *Listener
	fe    *Front
	addr  sock.Peer
	notes *notes // nil: none were made yet

	accepted  int64 // monotonic
	idleSince int64 // end of the last request
	stream    *stream
	mux       *mux   // of a connection that carries many streams; nil: it does not
	served    uint32 // requests answered on this connection
	handshake int32  // how long it took, in ms
	// opening is the step of its opening that the connection has reached (see
	// opening.go); opened: it is through.
	opening int8
	// lingering: our side is closed; what still comes is thrown away, so that
	// the kernel does not destroy the answer with a reset.
	lingering bool
	// turned: it began in mode tcp, and is HTTP by now.
	turned bool
	fault  txn.Fault // why it has come to nothing

	place list.Node[client] // among those of its thread
}

// newClient starts serving an accepted connection, whose places have been taken.
func (t *Thread) newClient(fd int, peer sock.Addr, l *Listener) {
	c, _ := t.clis.get(t.Loop.Turns())
	now := t.Loop.Now()
	*c = client{
		Endpoint: transport.NewEndpoint(&t.Kit, fd), t: t, task: loop.Task{R: c}, notes: c.notes,
		l: l, fe: t.Fronts[l.Frontend.Spec.Index], addr: peer.Peer(), accepted: now, idleSince: now,
		opening: -1,
	}
	if c.notes != nil {
		c.notes.n, c.notes.src, c.notes.dst = 0, sock.Addr{}, sock.Addr{}
		c.notes.expectProxy, c.notes.expectCIP = false, false
		c.notes.proxied.version, c.notes.proxied.namespace = 0, nil
		c.notes.proxied.authority, c.notes.proxied.uniqueID = c.notes.proxied.authority[:0], c.notes.proxied.uniqueID[:0]
	}
	if err := t.Loop.Add(fd, poller.In, c); err != nil {
		// The poller has no room for this descriptor: nothing can be done for it.
		sock.Close(fd)
		c.fe.C.DeniedConn++
		t.left(c.l)
		t.clis.put(t.Loop.Turns(), c)
		return
	}
	t.Loop.Receive(fd)
	t.clients.PushFront(&c.place, c)
	t.connections.Add(1)

	t.Shared.ConnPace.Count(now)
	if l.TLS != nil {
		t.Shared.TLSPace.Count(now)
		t.Process.TLSRate.Add(now, 1)
	}
	c.fe.C.Conns++
	c.fe.C.ConnRate.Add(now, 1)
	t.Listeners[l.Index].C.Conns++
	t.Process.Conns++
	t.Process.ConnRate.Add(now, 1)
	c.open(txn.Next)
}

// begin lets a connection that is open do what it is for.
func (c *client) begin() {
	t := c.t
	now := t.Loop.Now()
	t.Shared.SessPace.Count(now)
	if t.Shared.Config.Rated {
		c.fe.SessPace.Note(now)
	} else {
		c.fe.SessPace.Count(now)
	}
	c.fe.C.Sessions++
	c.fe.C.SessRate.Add(now, 1)
	c.tracks().Count(table.Session, now)
	t.Listeners[c.l.Index].C.Sessions++
	t.Process.SessRate.Add(now, 1)
	opt := &c.fe.Spec.Options
	if opt.ClientKeepalive {
		sock.SetKeepAlive(c.FD())
		if p := c.fe.Spec.CliProbes; p != (spec.KeepAliveProbes{}) {
			sock.SetKeepAliveProbes(c.FD(), probes(p))
		}
	}
	tune := &t.Shared.Config.Global.Tune
	if tune.RcvBufClient > 0 || tune.SndBufClient > 0 {
		sock.SetBuffers(c.FD(), tune.RcvBufClient, tune.SndBufClient)
	}
	if !c.fe.Spec.SpeaksHTTP() {
		t.newStream(c).startTCP()
		return
	}
	if i := c.tls(); c.l.Bind.Proto == spec.ProtoH2 || i != nil && i.ALPN == "h2" {
		c.startMux()
		return
	}
	c.traceH1(trace.H1ConnNew, "begins")
	c.expect(firstOf(c.fe.Spec.Timeouts.HTTPRequest, c.fe.Spec.Timeouts.Client))
	if c.In != nil || c.Readable || c.Hup { // something came behind what it began with
		t.Loop.Wake(&c.task)
	}
}

func firstOf(ds ...time.Duration) time.Duration {
	for _, d := range ds {
		if d > 0 {
			return d
		}
	}
	return 0
}

// never is a deadline that does not come.
const never = int64(1) << 62

// expect sets the connection's timer to d from now; 0 is never.
func (c *client) expect(d time.Duration) {
	if d > 0 {
		c.t.Loop.SetTimer(&c.timer, c.t.Loop.Now()+int64(d), c)
	} else {
		c.t.Loop.StopTimer(&c.timer)
	}
}

// Ready implements loop.Handler.
func (c *client) Ready(ev poller.Events) {
	c.Note(ev)
	switch s := c.stream; {
	case s != nil:
		s.clientReady(ev)
	case c.opening != opened:
		c.openAgain()
	case c.lingering:
		c.linger()
	case c.mux != nil:
		c.mux.ready(ev)
	default:
		c.readRequest()
	}
}

// Run goes on with a request that had arrived before the last one was finished.
func (c *client) Run() {
	switch s := c.stream; {
	case !c.Open():
	case c.lingering:
		c.linger()
	case s != nil:
		s.resume()
	case c.opening != opened:
		c.openAgain()
	case c.mux != nil:
		c.mux.read()
	default:
		c.readRequest()
	}
}

// Expired implements loop.TimerHandler.
func (c *client) Expired(*loop.Timer) {
	switch s := c.stream; {
	case s != nil:
		s.expired()
	case c.lingering:
		c.close()
	case c.opening != opened && c.l.TLS != nil && c.fe.opening[c.opening].name == stageTLS:
		c.handshakeTimeout()
	case c.opening != opened:
		c.openingTimeout()
	case c.mux != nil:
		c.mux.expired()
	case c.served == 0 && c.fe.Spec.SpeaksHTTP() && !c.fe.Spec.Options.HTTPIgnoreProbes && c.readRequest():
		// data came at the very moment
	case c.Open() && c.served == 0:
		// Nothing was ever sent: the connection is answered like a request
		// that did not come in time.
		c.t.newStream(c).requestTimeout()
	case c.Open():
		c.close()
	}
}

// readRequest reads what there is of the next request. It reports whether
// anything came.
func (c *client) readRequest() bool {
	came := c.In != nil && (c.stream == nil || c.stream.turns())
	if came {
		// Pipelined: it is there already, or its beginning is and the rest may
		// still be in the socket, and nothing will report it again.
		if c.stream == nil {
			c.t.newStream(c)
		}
		c.stream.requestData(c.In.Data(), true)
		if c.stream == nil || c.stream.state != stateRequest {
			return true
		}
	}
	if c.Ended { // before it was HTTP
		c.requestAborted()
		return true
	}
	for {
		if !c.Readable && !c.Hup {
			return came
		}
		var p []byte
		if c.In != nil {
			if len(c.In.Room()) == 0 {
				c.In.Compact()
			}
			p = c.In.Room()
			if len(p) == 0 {
				// A full buffer without a complete head: the parser has
				// refused it unless the head limit is beyond the buffer.
				c.stream.badRequest(h1.ErrHeadTooLarge)
				return true
			}
		} else {
			p = c.t.Loop.Scratch()
		}
		before := c.BytesIn
		n, res := c.Recv(p)
		if n > 0 {
			if c.stream == nil {
				c.t.newStream(c)
				c.stream.inBase = before
			}
			if c.t.trace.H1.On(trace.Data) {
				c.traceBytes(n)
			}
			c.fe.C.BytesIn += uint64(n)
			c.t.Listeners[c.l.Index].C.BytesIn += uint64(n)
			if c.In != nil {
				c.In.W += n
				c.stream.requestData(c.In.Data(), true)
			} else {
				c.stream.requestData(p[:n], false)
			}
			if c.stream == nil || c.stream.state != stateRequest {
				return true
			}
		}
		switch res {
		case transport.Drained:
			return came || n > 0
		case transport.End, transport.Failed:
			c.requestAborted()
			return true
		case transport.More:
		}
	}
}

// requestAborted ends a connection that closed before, or within, a request.
func (c *client) requestAborted() {
	switch {
	case c.stream != nil:
		c.stream.requestAborted()
	case c.served == 0:
		c.t.newStream(c).requestAborted()
	default:
		c.close()
	}
}

// idle makes the connection wait for the next request.
func (c *client) idle() {
	c.stream = nil
	c.served++
	c.idleSince = c.t.Loop.Now()
	tm := &c.fe.Spec.Timeouts
	c.expect(firstOf(tm.HTTPKeepAlive, tm.HTTPRequest, tm.Client))
	if c.In != nil || c.Readable || c.Hup {
		c.t.Loop.Wake(&c.task)
	}
}

// What a client may still send after we have closed our side: up to lingerBytes, for
// lingerMost, with no pause as long as lingerTime. A slow client that is still sending has
// not read all of its answer either.
const (
	lingerTime  = 2 * time.Second
	lingerMost  = 30 * time.Second
	lingerBytes = 16 << 20
)

// finish closes the connection after the last answer has gone. Where the client
// may still be sending, its data is read and dropped for a while: closing on
// unread data would reset the connection and could destroy the answer.
func (c *client) finish(mayHaveMore bool) {
	c.stream = nil
	if !mayHaveMore || c.Ended || c.fe.Spec.Options.NoLinger {
		c.close()
		return
	}
	c.Release()
	c.Shutdown()
	c.lingering = true
	c.BytesIn = 0
	c.idleSince = c.t.Loop.Now()
	c.expect(lingerTime)
	c.Readable = true
	c.linger()
}

func (c *client) linger() {
	most := c.idleSince + int64(lingerMost)
	for share := transport.Share; c.Readable || c.Hup; {
		n, res := c.Recv(c.t.Loop.Scratch())
		share -= transport.Cost(n)
		left := time.Duration(most - c.t.Loop.Now())
		if res != transport.More && res != transport.Drained || c.BytesIn > lingerBytes || left <= 0 {
			c.close()
			return
		}
		if n > 0 {
			c.expect(min(lingerTime, left))
		}
		switch {
		case res == transport.Drained:
			return
		case share <= 0:
			c.t.Loop.Wake(&c.task)
			return
		}
	}
}

// close ends the connection and gives everything back.
func (c *client) close() { c.end(false) }

// end is close; cut says that the client is to notice that something is missing.
func (c *client) end(cut bool) {
	t := c.t
	c.traceH1(trace.H1ConnEnd, "ends")
	if c.fe.Spec.Options.NoLinger {
		sock.SetLinger0(c.FD())
	}
	t.Loop.StopTimer(&c.timer)
	c.Endpoint.Close(cut)
	c.untrack()
	if c.notes != nil {
		c.notes.discardOwn()
		c.notes.vars.Reset()
	}
	t.clients.Remove(&c.place)
	t.connections.Add(-1)
	t.left(c.l)
	// A task still queued would run on the next user of the memory; such a
	// client is left to the collector.
	if c.task.Queued() {
		t.clis.lose()
		return
	}
	t.clis.put(t.Loop.Turns(), c)
}

// retireAfter is how long a client connection must have been unused before a
// stopping process closes it. A client that is at work sends its next request
// before that, gets it answered with "Connection: close", and never meets a
// connection cut under its feet.
const retireAfter = time.Second

// retireIdleClients closes the client connections that nobody seems to use any
// more, unless "option idle-close-on-response" asks to wait for their time-outs.
func (t *Thread) retireIdleClients(now int64) {
	since := max(t.Shared.StopTime.Load(), 0)
	for c := t.clients.First(); c != nil; {
		next := c.place.Next()
		if c.mux != nil {
			c.mux.retire(now)
		} else if c.stream == nil && !c.lingering && c.In == nil && c.served > 0 &&
			!c.fe.Spec.Options.IdleCloseOnResponse &&
			now-max(c.idleSince, since) >= int64(retireAfter) {
			// A request may have come in this very turn.
			c.Readable = true
			if !c.readRequest() && c.Open() && c.stream == nil {
				c.close()
			}
		}
		c = next
	}
}
