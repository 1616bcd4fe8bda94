package h1

import (
	"bench/proxy/message"
)

// Response parses the head of a response from the start of buf into msg. method is
// that of the request it answers. It returns the length of the head, 0 when more
// bytes are needed (call again with the same bytes and more, in any buffer), or the
// reason why the response is refused.
//
// On success names in buf are lowered in place, msg refers to buf, Body and
// KeepAlive tell what follows, and Content-Length and Transfer-Encoding are
// canonical as for requests; they are gone from responses that cannot have them
// (1xx, 204, 2xx to CONNECT), and describe the absent content of a response to
// HEAD and of a 304. Otherwise msg says nothing: it is empty, or as it was.
func (p *Parser) Response(msg *message.Response, buf []byte, method message.Method, lim *Limits) (int, *Error) {
	buf = lim.head(buf)
	if p.waiting(buf, lim) {
		p.seen = len(buf)
		return 0, nil
	}
	msg.Reset()
	again := p.started
	n, err := p.responseHead(msg, buf, lim)
	if n > 0 && again {
		// It came in pieces, and msg has the lines of the last one only.
		msg.Reset()
		p.Reset()
		n, err = p.responseHead(msg, buf, lim)
	}
	if n > 0 {
		p.Reset()
		var at []byte
		if at, err = checkResponse(msg, method, lim); err == nil {
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

// responseHead parses the lines that were not checked yet and returns the end of
// the head, 0 when it has not arrived.
func (p *Parser) responseHead(msg *message.Response, buf []byte, lim *Limits) (int, *Error) {
	pos := p.pos
	if !p.started {
		next, err := p.statusLine(msg, buf, pos, lim)
		if next == 0 || err != nil {
			return 0, err
		}
		pos, p.started = next, true
	}
	return p.fields(&msg.Header, buf, pos, lim)
}

// statusLine parses the status line (RFC 9112 §4) and empty lines before it, which some
// servers send behind the content of the response before. The reason may be missing,
// with or without the space before it. It returns the start of the next line, 0 when
// the line has not arrived.
func (p *Parser) statusLine(msg *message.Response, buf []byte, pos int, lim *Limits) (int, *Error) {
	const start = "HTTP/0.0 "
	pos, arrived := emptyLines(buf, pos)
	if !arrived {
		return 0, p.more(buf, pos, lim)
	}
	for i := range min(len(buf)-pos, len(start)) {
		if c := buf[pos+i]; c != start[i] && (start[i] != '0' || c-'0' > 9) {
			return 0, p.fail(pos+i, ErrStatusLine)
		}
	}
	if len(buf)-pos <= len(start)+3 {
		return 0, p.more(buf, pos, lim)
	}
	if err := p.major(buf, pos); err != nil {
		return 0, err
	}
	i := pos + len(start)
	a, b, c := buf[i]-'0', buf[i+1]-'0', buf[i+2]-'0'
	if a-1 > 8 || b > 9 || c > 9 {
		return 0, p.fail(i, ErrStatusCode)
	}
	i += 3
	from := i
	if buf[i] == ' ' {
		from = i + 1
	} else if buf[i] != '\r' && buf[i] != '\n' {
		return 0, p.fail(i, ErrStatusCode)
	}
	i = scanValue(buf, from)
	if i >= len(buf) {
		return 0, p.more(buf, pos, lim)
	}
	next := lineEnd(buf, i)
	if next == 0 {
		return 0, p.more(buf, pos, lim)
	}
	if next < 0 {
		return 0, p.fail(i, ErrStatusLine)
	}
	msg.Version = message.HTTP11
	if buf[pos+7] == '0' {
		msg.Version = message.HTTP10
	}
	msg.Status = int(a)*100 + int(b)*10 + int(c)
	msg.Reason = buf[from:i:i]
	return next, nil
}
