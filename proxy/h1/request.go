package h1

import (
	"encoding/binary"

	"bench/proxy/message"
)

// Request parses the head of a request from the start of buf into msg, which must
// be reset. It returns the length of the head with the empty lines before it, 0
// when more bytes are needed (call again with the same bytes and more), or the
// reason why the request is refused.
//
// On success names in buf are lowered in place, msg refers to buf, and:
//   - Body, KeepAlive, Conn and Expect100 tell what follows;
//   - Content-Length and Transfer-Encoding appear at most once, one excluding the
//     other, in canonical spelling; TE holds "trailers" only.
func (p *Parser) Request(msg *message.Request, buf []byte, lim *Limits) (int, *Error) {
	if p.waiting(buf) {
		return 0, p.more(buf, p.pos, lim)
	}
	pos := p.pos
	if p.moved(buf) {
		msg.Rebase(p.base, buf)
	}
	if !p.started {
		next, err := p.requestLine(msg, buf, pos, lim)
		if next == 0 || err != nil {
			return 0, err
		}
		pos, p.started = next, true
	}
	n, err := p.fields(&msg.Header, buf, pos, lim)
	if n == 0 || err != nil {
		return 0, err
	}
	if err := p.done(n, lim); err != nil {
		return 0, err
	}
	if at, err := checkRequest(msg, lim); err != nil {
		return 0, p.fail(offset(buf, at), err)
	}
	lowerNames(&msg.Header)
	return n, nil
}

var http11 = binary.LittleEndian.Uint64([]byte("HTTP/1.1"))

// requestLine parses the request line and the empty lines before it (RFC 9112
// §2.2, §3). Several blanks between its parts are taken for one. It returns the
// start of the next line, 0 when the line has not arrived.
func (p *Parser) requestLine(msg *message.Request, buf []byte, pos int, lim *Limits) (int, *Error) {
	for pos < len(buf) && (buf[pos] == '\r' || buf[pos] == '\n') {
		next := lineEnd(buf, pos)
		if next == 0 {
			return 0, p.more(buf, pos, lim)
		}
		if next < 0 {
			return 0, p.fail(pos, ErrBareCR)
		}
		pos = next
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
	if len(buf) < i+10 {
		return 0, p.shortVersion(buf, pos, i, lim)
	}
	if binary.LittleEndian.Uint64(buf[i:]) == http11 {
		msg.Version = message.HTTP11
	} else if v, err := version(buf[i:]); err == nil {
		msg.Version = v
	} else {
		return 0, p.fail(i, err)
	}
	next := lineEnd(buf, i+8)
	if next <= 0 {
		return 0, p.fail(i+8, ErrVersion)
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

// shortVersion checks what has arrived of a version at i, too short to be one
// with its line end.
func (p *Parser) shortVersion(buf []byte, pos, i int, lim *Limits) *Error {
	const pattern = "HTTP/0.0\r\n"
	for k, c := range buf[i:] {
		want := pattern[k]
		if want == '0' && c-'0' < 10 || want == c || k == 8 && c == '\n' {
			continue
		}
		return p.fail(i+k, ErrVersion)
	}
	return p.more(buf, pos, lim)
}

// version parses the version at the start of b, at least eight bytes. Minor
// versions above 1 mean 1 (RFC 9110 §2.5).
func version(b []byte) (message.Version, *Error) {
	if string(b[:5]) != "HTTP/" || b[5]-'0' > 9 || b[6] != '.' || b[7]-'0' > 9 {
		return 0, ErrVersion
	}
	switch {
	case b[5] != '1':
		return 0, ErrVersionMajor
	case b[7] == '0':
		return message.HTTP10, nil
	}
	return message.HTTP11, nil
}
