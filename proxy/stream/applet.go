package stream

import (
	"strings"

	"bench/internal/loop"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/script"
	"bench/proxy/service"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// applet is a service of a script at work for a stream: to a request, or in mode tcp to a
// connection. All of it belongs to the loop. What the script sends is gathered until it
// waits, and no more than a piece is kept for a client that takes it slowly.
type applet struct {
	t     *Thread
	s     *stream // nil: it has ended
	run   script.Serving
	name  string
	req   message.Request
	timer loop.Timer

	head    service.Head
	chunked bool // content of unknown length is sent in chunks
	begun   bool // there is a head
	sent    bool // it was sent
	mute    bool // no content is sent
	owed    int  // of a content whose length was said
	buf     []byte
	framed  []byte

	running bool // the script is
	over    bool // it has ended, and what it has sent is on its way
	asked   bool // for the content of the request
	reading bool // it waits for the client to send something
	writing bool // it waits for the client to take something
}

// failedService is what a service answers that has failed before it has answered. It is
// an answer as any other one: rules about responses see it, and error files do not
// replace it.
var failedService = h1.StandardReply(500)

// serveScript lets a service of a script answer.
func (s *stream) serveScript(name string) txn.Verdict {
	t, now := s.t, s.t.Loop.Now()
	f := t.Shared.Config.Scripts.Service(strings.TrimPrefix(name, script.Prefix))
	x := s.transaction()
	v := &applet{t: t, s: s, name: "<" + name + ">"}
	s.countService()
	s.setFlags('L', 'R')
	// For the log, it is as if a server had been connected to at once.
	if s.gotReq == 0 {
		s.gotReq = now
	}
	s.gotSrv, s.connected = now, now
	if s.http {
		v.chunked = s.chunkMode() == h1.ChunkKeep
		s.req.CopyTo(&v.req, make([]byte, s.req.TextLen()))
		s.putAway()
		s.forget()
		s.by = v.name
	}
	x.Req, x.Res, x.Body, x.BodyEnd, x.Final = nil, nil, nil, true, true
	x.applet = v
	s.state = stateService
	s.cliExp, s.srvExp, s.exp = never, never, never
	s.arm()
	v.run = t.scripts.Serve(f, v)
	v.resume()
	return txn.Answered
}

// resume goes on with the script.
func (v *applet) resume() {
	if v.running || v.over || v.s == nil {
		return
	}
	v.t.Loop.StopTimer(&v.timer)
	v.reading, v.writing = false, false
	v.running = true
	over, failed, wait := v.run.Resume()
	v.running = false
	s := v.s
	switch {
	case s == nil:
		if !over {
			v.run.Abort()
		}
	case !over:
		if v.flush(false); v.s == nil {
			return
		}
		if wait > 0 {
			v.t.Loop.SetTimer(&v.timer, v.t.Loop.Now()+wait, v)
		}
		s.expectOfApplet()
	case failed && !v.begun && s.http:
		v.over = true
		v.Begin(service.Head{
			Status: failedService.Code, Reason: "Internal Server Error", Length: len(failedService.Body), Known: true,
			Fields: [][2]string{{"cache-control", "no-cache"}, {"content-type", "text/html"}},
		})
		v.head.Old = false
		v.buf = append(v.buf, failedService.Body...)
		v.flush(true)
	case failed && s.http || v.owed > 0 && !v.mute:
		v.over = true
		v.flush(false)
		if v.s != nil {
			s.abort('I', 'D')
		}
	default:
		v.over = true
		v.flush(true)
	}
}

// expectOfApplet sets the time-out of the client while a script waits for it.
func (s *stream) expectOfApplet() {
	if v := s.txn.applet; v.reading || v.writing {
		s.touchClient()
	} else {
		s.cliExp = never
	}
	s.arm()
}

// Expired implements loop.TimerHandler.
func (v *applet) Expired(*loop.Timer) { v.resume() }

// leave lets go of the stream, which has ended.
func (v *applet) leave() {
	v.s = nil
	v.t.Loop.StopTimer(&v.timer)
	if !v.running && !v.over {
		v.over = true
		v.run.Abort()
	}
}

// Txn implements script.Applet.
func (v *applet) Txn() *txn.Txn { return &v.s.txn.Txn }

// Request implements script.Applet.
func (v *applet) Request() *message.Request { return &v.req }

// Gone implements script.Applet.
func (v *applet) Gone() bool { return v.s == nil }

// Wake implements script.Applet.
func (v *applet) Wake() {
	if v.s != nil && !v.over {
		v.t.Loop.SetTimer(&v.timer, v.t.Loop.Now(), v)
	}
}

// Receive implements script.Applet.
func (v *applet) Receive(most int) (data []byte, end bool) {
	s := v.s
	if s == nil {
		return nil, true
	}
	v.flush(false) // whoever waits for an answer before it says more
	if s = v.s; s == nil {
		return nil, true
	}
	if s.http {
		data, end = v.content()
	} else {
		data, end = v.bytes(most)
	}
	v.reading = len(data) == 0 && !end
	return data, end
}

// content is what has come of the request's content.
func (v *applet) content() (data []byte, end bool) {
	s := v.s
	f, src := &s.up, &s.c.Endpoint
	if !v.asked {
		v.asked = true
		v.goOn()
		if f.Out != nil {
			if f.Frame || f.Kind == message.BodyChunked {
				data = h1.AppendContent(nil, f.Out.Data())
			} else {
				data = append(data, f.Out.Data()...)
			}
			f.Release(&s.t.Kit)
		}
		if f.Kind == message.BodyChunked {
			f.Chunks.Strip()
		}
		f.Frame = false
		if len(data) > 0 || f.Ended {
			return data, f.Ended
		}
	}
	for !f.Ended && f.Err == nil && len(data) < servingPiece {
		if src.In != nil {
			s.collect(f, src.In.Data(), src.Consume)
		} else if src.Ended || !src.Readable && !src.Hup {
			break
		} else {
			p := s.t.Loop.Scratch()
			p = f.Want(p[:servingPiece])
			n, res := src.Recv(p)
			if n > 0 {
				s.countInput(n)
				s.collect(f, p[:n], func(used int) { src.Keep(p[used:n]) })
			}
			switch {
			case res == transport.Failed:
				src.Ended = true
			case res == transport.End && f.Kind == message.BodyUntilClose:
				f.Ended = true
			case res == transport.End:
				src.Ended = true
			}
			if res != transport.More && f.Out == nil {
				break
			}
		}
		if f.Out != nil {
			data = append(data, f.Out.Data()...)
			f.Release(&s.t.Kit)
		}
	}
	return data, f.Ended || f.Err != nil || src.Ended
}

// bytes is what has come on a connection in mode tcp.
func (v *applet) bytes(most int) (data []byte, end bool) {
	s := v.s
	src := &s.c.Endpoint
	if src.In != nil {
		n := min(len(src.In.Data()), most)
		data = append(data, src.In.Data()[:n]...)
		src.Consume(n)
		return data, false
	}
	if !src.Ended && (src.Readable || src.Hup) {
		p := s.t.Loop.Scratch()
		n, res := src.Recv(p[:min(len(p), most)])
		if n > 0 {
			s.countInput(n)
			data = append(data, p[:n]...)
		}
		if res == transport.End || res == transport.Failed {
			src.Ended = true
		}
	}
	return data, src.Ended && len(data) == 0
}

// goOn tells a client that waits for that to send its content.
func (v *applet) goOn() {
	s := v.s
	if !v.req.Expect100 {
		return
	}
	v.req.Expect100 = false
	if s.up.Ended || s.up.Out != nil || s.c.In != nil || v.sent {
		return
	}
	_ = s.sendHead(&goOn, nil, nil) // a connection that fails is noticed when it is read from
}

// Begin implements script.Applet.
func (v *applet) Begin(h service.Head) {
	v.head, v.begun = h, true
	v.head.Old = v.s != nil && v.s.http && v.s.version == message.HTTP10
	if h.Known {
		v.owed = h.Length
	}
}

// Send implements script.Applet.
func (v *applet) Send(p []byte) (n int) {
	if v.head.Known {
		p = p[:min(len(p), v.owed)] // what goes beyond would be taken for the next answer
		v.owed -= len(p)
		defer func(all int) { v.owed += all - n }(len(p))
	}
	for n < len(p) && v.s != nil {
		if v.s.down.Pending() {
			v.writing = true
			return n
		}
		m := min(servingPiece-len(v.buf), len(p)-n)
		v.buf = append(v.buf, p[n:n+m]...)
		if n += m; len(v.buf) == servingPiece {
			v.flush(false)
		}
	}
	return n
}

// flush sends what was gathered; last: it is the end of the answer.
func (v *applet) flush(last bool) {
	s := v.s
	if s == nil || !last && len(v.buf) == 0 && (!v.begun || v.sent) || s.down.Pending() && !last {
		return
	}
	piece := v.buf
	var tail []byte
	var head *message.Response
	if s.http && !v.sent {
		v.sent = true
		framed := v.chunked && !v.head.Known && s.method != message.MethodHead
		if !s.up.Ended {
			s.keepCli = false
		}
		head, v.mute = s.serviceHead(&v.head, framed, s.method == message.MethodHead, false)
		v.chunked = framed
	}
	switch {
	case v.mute:
		piece = nil
	case s.http && v.chunked:
		if len(piece) > 0 {
			v.framed = append(h1.AppendChunkHead(v.framed[:0], uint64(len(piece))), piece...)
			v.framed = append(v.framed, h1.ChunkEnd...)
			piece = v.framed
		}
		if last {
			tail = lastChunk
		}
	}
	v.buf = v.buf[:0]
	s.down.Ended = last
	if head != nil {
		v.took(s.sendHead(head, piece, tail))
	} else {
		v.took(s.down.Push(&s.t.Kit, &s.c.Endpoint, piece, tail))
	}
}

// took notes how the client has taken a piece.
func (v *applet) took(st transport.FlowState) {
	s := v.s
	switch {
	case st == transport.FlowDstErr:
		s.countClientAbort()
		s.abort('C', 'D')
	case st == transport.FlowBlocked:
		v.writing = true
		s.touchClient()
		s.arm()
	case s.down.Ended:
		if !s.http {
			s.keepCli = false
		}
		s.end(true)
	}
}

// ready looks after the client.
func (v *applet) ready() {
	s := v.s
	if s.down.Pending() {
		st := s.down.Flush(&s.t.Kit, &s.c.Endpoint)
		if v.took(st); st != transport.FlowWait || v.s == nil {
			return
		}
		v.flush(v.over)
		if v.s == nil || v.over {
			return
		}
		v.resume()
		return
	}
	switch {
	case v.reading && (s.c.Readable || s.c.Hup || s.c.In != nil):
		v.resume()
	case s.clientClosed() && s.clientBroken():
		s.countClientAbort()
		s.abort('C', 'D')
	}
}
