package h1

import (
	"encoding/binary"

	"bench/proxy/message"
)

// Request parses the head of a request from the start of buf into msg. It returns
// the length of the head with the empty lines before it, 0 when more bytes are
// needed (call again with the same bytes and more, in any buffer), or the reason
// why the request is refused.
//
// On success names in buf are lowered in place, msg refers to buf, and:
//   - Body, KeepAlive, Conn and Expect100 tell what follows;
//   - Content-Length and Transfer-Encoding appear at most once, one excluding the
//     other, in canonical spelling; TE holds "trailers" only.
//
// Otherwise msg says nothing: it is empty, or as it was.
func (p *Parser) Request(msg *message.Request, buf []byte, lim *Limits) (int, *Error) {
	buf = lim.head(buf)
	if p.waiting(buf, lim) {
		p.seen = len(buf)
		return 0, nil
	}
	msg.Reset()
	again := p.started
	n, err := p.requestHead(msg, buf, lim)
	if n > 0 && again {
		// It came in pieces, and msg has the lines of the last one only.
		msg.Reset()
		p.Reset()
		n, err = p.requestHead(msg, buf, lim)
	}
	if n > 0 {
		p.Reset()
		var at []byte
		if at, err = checkRequest(msg, lim); err == nil {
			lowerNames(&msg.Header)
			return n, nil
		}
		err = p.fail(offset(buf, at), err)
	} else if err == nil {
		p.count += msg.Len()
	}
	msg.Reset()
	return 0, err
}

// requestHead parses the lines that were not checked yet and returns the end of
// the head, 0 when it has not arrived.
func (p *Parser) requestHead(msg *message.Request, buf []byte, lim *Limits) (int, *Error) {
	pos := p.pos
	if !p.started {
		next, err := p.requestLine(msg, buf, pos, lim)
		if next == 0 || err != nil {
			return 0, err
		}
		pos, p.started = next, true
	}
	return p.fields(&msg.Header, buf, pos, lim)
}

var http11 = binary.LittleEndian.Uint64([]byte("HTTP/1.1"))

// requestLine parses the request line and the empty lines before it (RFC 9112
// §2.2, §3). Several blanks between its parts are taken for one. It returns the
// start of the next line, 0 when the line has not arrived.
func (p *Parser) requestLine(msg *message.Request, buf []byte, pos int, lim *Limits) (int, *Error) {
	pos, arrived := emptyLines(buf, pos)
	if !arrived {
		return 0, p.more(buf, pos, lim)
	}
	if pos < len(buf) && buf[pos] == '\r' {
		return 0, p.fail(pos, ErrBareCR)
	}
	i := scanToken(buf, pos)
	if i >= len(buf) {
		return 0, p.more(buf, pos, lim)
	}
	if buf[i] != ' ' || i == pos {
		return 0, p.fail(i, ErrMethod)
	}
	msg.SetMethod(buf[pos:i:i])
	for i < len(buf) && buf[i] == ' ' {
		i++
	}
	start := i
	i = scanTarget(buf, i)
	for lim.Relaxed && i < len(buf) && buf[i] >= 0x80 {
		i = scanTarget(buf, i+1)
	}
	if i >= len(buf) {
		return 0, p.more(buf, pos, lim)
	}
	if buf[i] != ' ' || i == start {
		return 0, p.fail(i, targetError(buf[i], i > start))
	}
	target := buf[start:i:i]
	for i < len(buf) && buf[i] == ' ' {
		i++
	}
	next := i + 10
	if len(buf) < next || binary.LittleEndian.Uint64(buf[i:]) != http11 || buf[i+8] != '\r' || buf[i+9] != '\n' {
		var err *Error
		if next, err = p.oddVersion(buf, pos, i, lim); next == 0 || err != nil {
			return 0, err
		}
	}
	msg.Version = message.HTTP11
	if buf[i+7] == '0' {
		msg.Version = message.HTTP10
	}
	msg.Line = buf[pos : i+8 : i+8]
	msg.SetTarget(target)
	return next, nil
}

// targetError tells what is wrong with a target that ends with c.
func targetError(c byte, some bool) *Error {
	switch {
	case (c == '\r' || c == '\n') && some:
		return ErrHTTP09
	case c == '\r' || c == '\n' || c == ' ':
		return ErrRequestLine
	}
	return ErrTarget
}

// oddVersion checks what has arrived of a version and its line end at i. It returns
// the start of the next line, 0 when the line has not arrived.
func (p *Parser) oddVersion(buf []byte, pos, i int, lim *Limits) (int, *Error) {
	const pattern = "HTTP/0.0\r\n"
	for k := range len(pattern) {
		if i+k == len(buf) {
			return 0, p.more(buf, pos, lim)
		}
		c, want := buf[i+k], pattern[k]
		if k == 8 && c == '\n' {
			return i + 9, p.major(buf, i)
		}
		if c != want && (want != '0' || c-'0' > 9) {
			return 0, p.fail(i+k, ErrVersion)
		}
	}
	return i + 10, p.major(buf, i)
}

// major refuses major versions other than 1. Minor ones above 1 mean 1 (RFC 9110
// §2.5).
func (p *Parser) major(buf []byte, i int) *Error {
	if buf[i+5] != '1' {
		return p.fail(i+5, ErrVersionMajor)
	}
	return nil
}
