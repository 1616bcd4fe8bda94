package simulation

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"bench/internal/virtual"
)

// originConn is a connection at an origin, which does what the plan says of the requests that
// come.
type originConn struct {
	w   *world
	e   conn
	req reader

	at        *entry // the request at hand
	got       int    // of its body
	whole     bool   // it has come
	answering bool   // what is to be sent of the answer lies in out, or is gone
	out       []byte
	sent      int
	quit      bool
	line      []byte // in TCP mode, the first one
}

// newOriginConn is called for each connection.
func (w *world) newOriginConn(e *virtual.End) virtual.Actor {
	c := w.secureOrigin(e)
	w.servers = append(w.servers, c)
	if w.p.InnerH2 {
		return newOriginMux(w, c)
	}
	s := &originConn{w: w, e: c}
	s.req = reader{head: s.head, body: s.body, end: s.end}
	return s
}

// Ready implements virtual.Actor.
func (s *originConn) Ready() {
	for !s.e.Closed() {
		n, errno := s.e.Read(s.w.room)
		if errno == syscall.EAGAIN {
			break
		}
		if n == 0 {
			s.over(errno)
			break
		}
		if err := s.take(s.w.room[:n]); err != nil {
			s.w.books.complain("origin: %v", err)
			s.e.Reset()
		}
	}
	s.write()
}

func (s *originConn) take(p []byte) error {
	if !s.w.p.TCP {
		return s.req.feed(p)
	}
	if s.at == nil {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.line = append(s.line, p...)
			return nil
		}
		s.line = append(s.line, p[:i]...)
		id, err := strconv.Atoi(strings.TrimSuffix(string(s.line), "\r"))
		if s.at = s.w.books.requests[id]; err != nil || s.at == nil {
			return fmt.Errorf("a connection begins with %.100q", s.line)
		}
		s.serve()
		p = p[i+1:]
	}
	return s.body(p)
}

// head takes the head of a request.
func (s *originConn) head(first string, all []field) (bodiless bool, err error) {
	parts := strings.Split(first, " ")
	if len(parts) != 3 || parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0" {
		return false, fmt.Errorf("%w: first line %.100q", errMalformed, first)
	}
	e, err := s.w.books.asked(parts[0], parts[1], value(all, "host"), all)
	if err != nil {
		return false, err
	}
	if s.at != nil {
		return false, fmt.Errorf("request %d comes before %d has been answered", e.ID, s.at.ID)
	}
	s.at = e
	s.serve()
	return false, nil
}

// asked finds the request that a head is of, and holds it against what the client has sent.
func (b *books) asked(method, path, host string, all []field) (*entry, error) {
	text := value(all, "x-request")
	if text == "" {
		text = strings.TrimPrefix(path, "/")
	}
	id, _ := strconv.Atoi(text)
	e := b.requests[id]
	switch {
	case e == nil || e.Method != method || e.path() != path:
		return nil, fmt.Errorf("nobody has asked %q of %q", method, path)
	case host != e.host():
		return nil, fmt.Errorf("request %d is for %.100q", e.ID, host)
	case value(all, "x-pad") != word(e.Pad, e.ID):
		return nil, fmt.Errorf("request %d is padded with %.100q", e.ID, value(all, "x-pad"))
	}
	if was := value(all, "x-path"); was != "" && was != path {
		return nil, fmt.Errorf("request %d: its path was %.100q", e.ID, was)
	}
	return e, nil
}

// serve begins with a request whose head has come.
func (s *originConn) serve() {
	e := s.at
	s.w.serves(e, s.e)
	s.got, s.whole, s.answering, s.out, s.sent = 0, false, false, nil, 0
	if e.Answer.Early {
		s.answer()
	}
}

// serves notes that a request has come to an origin.
func (w *world) serves(e *entry, on conn) {
	e.served++
	w.tell("origin: request %d on connection %d", e.ID, on.Number())
	if e.served > 1 && (!w.p.Hostile || e.Method == "POST") {
		w.books.complain("request %d comes %d times", e.ID, e.served)
	}
}

func (s *originConn) body(p []byte) error {
	e := s.at
	if s.got+len(p) > e.Body || !follows(p, e.ID, up, s.got) {
		return fmt.Errorf("wrong bytes in request %d, within %d from %d on", e.ID, len(p), s.got)
	}
	s.got += len(p)
	return nil
}

// end takes the end of a request.
func (s *originConn) end() error {
	e := s.at
	if s.whole = true; s.got != e.Body {
		return fmt.Errorf("request %d has %d of %d bytes", e.ID, s.got, e.Body)
	}
	e.complete++
	if !e.Answer.Early {
		s.answer()
	}
	s.answered()
	return nil
}

// answer sends the answer when it is time.
func (s *originConn) answer() {
	e := s.at
	s.w.m.After(e.Answer.Delay, func() {
		if s.e.Closed() || s.at != e {
			return
		}
		s.answering = true
		e.answeredAt = s.w.m.Elapsed()
		if s.w.p.TCP {
			s.out = appendBody(nil, e.ID, down, e.Answer.Size, false)
		} else {
			s.out = e.Answer.append(nil, e)
		}
		s.write()
	})
}

// append writes the answer.
func (a *Answer) append(b []byte, e *entry) []byte {
	for range a.Interim {
		b = append(b, "HTTP/1.1 103 Early Hints\r\nx-hint: 1\r\n\r\n"...)
	}
	b = fmt.Appendf(b, "HTTP/1.1 %d Whatever\r\n", a.Status)
	for _, f := range a.fields(e.Request) {
		b = fmt.Appendf(b, "%s: %s\r\n", f.name, f.value)
	}
	if a.Close {
		b = append(b, "connection: close\r\n"...)
	}
	bodiless := a.Status == 204 || a.Status == 304
	switch {
	case bodiless:
	case a.Framing == ByLength:
		b = fmt.Appendf(b, "content-length: %d\r\n", a.Size)
	case a.Framing == ByChunks:
		b = append(b, "transfer-encoding: chunked\r\n"...)
	}
	b = append(b, "\r\n"...)
	if !bodiless && e.Method != "HEAD" {
		b = appendBody(b, e.ID, down, a.Size, a.Framing == ByChunks)
	}
	return b
}

// write sends what there is to send.
func (s *originConn) write() {
	if s.at == nil || !s.answering || s.e.Closed() || s.quit {
		return
	}
	q := &s.at.Answer.Quit
	for len(s.out) > 0 {
		p := s.out
		if q.How != Stays {
			p = p[:min(len(p), max(q.Sent-s.sent, 0))]
		}
		n, errno := s.e.Write(p)
		if errno != 0 && errno != syscall.EAGAIN {
			s.over(errno)
			return
		}
		s.sent += n
		s.out = s.out[n:]
		if q.How != Stays && s.sent >= q.Sent && len(s.out) > 0 {
			s.giveUp(q.How)
			return
		}
		if n == 0 {
			return
		}
		if len(s.out) == 0 {
			s.at.given = true
		}
	}
	s.answered()
}

// giveUp ends before the time.
func (s *originConn) giveUp(how How) {
	s.quit = true
	switch how {
	case Closes:
		s.e.Close()
	case Resets:
		s.e.Reset()
	case Halves, Stalls, Stays:
	}
}

// answered ends a request that has come whole and been answered whole.
func (s *originConn) answered() {
	e := s.at
	if e == nil || !s.whole || !s.answering || len(s.out) > 0 || s.e.Pending() || s.quit {
		return
	}
	s.at = nil
	s.w.tell("origin: request %d is answered", e.ID)
	if e.Answer.Close || s.w.p.TCP {
		s.e.Close()
	}
}

// over takes the end of the connection.
func (s *originConn) over(errno syscall.Errno) {
	e := s.at
	if !s.w.p.TCP || errno != 0 || e == nil {
		s.e.Close()
		return
	}
	if s.whole {
		return
	}
	s.whole = true
	switch {
	case s.got == e.Body:
		e.complete++
	case !s.w.p.Hostile:
		s.w.books.complain("connection %d has %d of %d bytes", e.ID, s.got, e.Body)
	}
	if !e.Answer.Early {
		s.answer()
	}
	s.answered()
}
