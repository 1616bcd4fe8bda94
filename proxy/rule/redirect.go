package rule

import (
	"errors"
	"slices"
	"strings"

	"bench/proxy/logformat"
	"bench/proxy/message"
	"bench/proxy/txn"
)

// redirect is where the client is sent.
type redirect struct {
	how                                 string // location, prefix or scheme
	to                                  *logformat.Format
	code                                int
	dropQuery, appendSlash, ignoreEmpty bool
	cookie                              []byte // of a Set-Cookie field; nil: none
}

// ParseRedirect reads a "redirect" line, whose words begin behind the keyword. Its
// destination is taken as it stands: only rules have expressions in theirs.
func (p *Parser) ParseRedirect() (*Rule, error) {
	p.literal = true
	p.Words = append([]string{"redirect"}, p.Words...)
	r, err := p.Parse()
	if e, ok := errors.AsType[*Error](err); ok {
		e.Word = max(e.Word-1, 0)
	}
	return r, err
}

func parseRedirect(p *Parser, r *Rule) error {
	d := &redirect{code: 302}
	r.redir = d
	for p.more() {
		w, _ := p.word("")
		var err error
		switch w {
		case "location", "prefix", "scheme":
			if d.to != nil {
				return p.fail("'%s' after '%s': there can be only one destination", w, d.how)
			}
			d.how = w
			d.to, err = p.destination("a " + w)
		case "code":
			if d.code, err = p.integer("a code", 300, 399); err == nil && !slices.Contains([]int{301, 302, 303, 307, 308}, d.code) {
				return p.fail("code %d is not one of 301, 302, 303, 307 and 308", d.code)
			}
		case "drop-query":
			d.dropQuery = true
		case "append-slash":
			d.appendSlash = true
		case "ignore-empty":
			d.ignoreEmpty = true
		case "set-cookie", "clear-cookie":
			err = p.redirectCookie(d, w)
		default:
			return p.fail("unknown argument '%s' of 'redirect': want location, prefix, scheme, code, drop-query, append-slash, ignore-empty, set-cookie or clear-cookie", w)
		}
		if err != nil {
			return err
		}
	}
	if d.to == nil {
		return p.fail("'redirect' needs a destination: 'location', 'prefix' or 'scheme'")
	}
	if p.Place == Response && d.how != "location" {
		return p.fail("'%s' needs the request, which is gone when the response comes: want 'location'", d.how)
	}
	return nil
}

func (p *Parser) destination(what string) (*logformat.Format, error) {
	if !p.literal {
		return p.format(what)
	}
	w, err := p.word(what)
	if err != nil {
		return nil, err
	}
	return logformat.CompileText(strings.ReplaceAll(w, "%", "%%"), p.env())
}

func (p *Parser) redirectCookie(d *redirect, how string) error {
	w, err := p.word("a cookie")
	if err != nil {
		return err
	}
	if how == "set-cookie" {
		d.cookie = []byte(w + "; path=/;")
	} else {
		d.cookie = []byte(w + "; path=/; Max-Age=0;")
	}
	return nil
}

func runRedirect(x *Runner, r *Rule) txn.Verdict {
	d := r.redir
	to := value(x.text(d.to))
	if d.ignoreEmpty && len(to) == 0 {
		return txn.Next
	}
	m := x.newReply(d.code)
	if d.code == 302 {
		m.Reason = found // there are two phrases for it there, too
	}
	var location []byte
	if d.how == "location" {
		location = m.Arena.Copy(to)
	} else {
		location = d.join(m, x.Ctx.Txn.Req, to)
	}
	m.AddID(message.ContentLength, zero)
	m.Body = message.Body{Kind: message.BodyLength}
	m.AddID(message.Location, location)
	if d.code == 302 || d.code == 303 || d.code == 307 {
		m.AddID(message.CacheControl, noCache)
	}
	if d.cookie != nil {
		m.AddID(message.SetCookie, d.cookie)
	}
	// As in the reference, a content is not waited for, even if it is there already:
	// whether the connection goes on must not hang on how soon it comes.
	if req := x.Ctx.Txn.Req; req != nil {
		x.out.Close = bringsContent(&req.Body)
	}
	x.out.Status, x.out.Reply, x.out.Content = d.code, m, nil
	return txn.Answered
}

// bringsContent reports whether something follows the head.
func bringsContent(b *message.Body) bool {
	return b.Kind == message.BodyChunked || b.Kind == message.BodyLength && b.Length > 0
}

var (
	zero    = []byte("0")
	noCache = []byte("no-cache")
	found   = []byte("Found")
)

// join puts a prefix or a scheme before what the request asks for.
func (d *redirect) join(m *message.Response, req *message.Request, to []byte) []byte {
	path, query := req.Path(), req.Query()
	if len(path) == 0 || req.Form == message.AsteriskForm {
		path = slash // as in the reference, also of what asks for a tunnel
	}
	host := req.GetID(message.Host)
	if d.how == "prefix" && len(to) == 1 && to[0] == '/' {
		to = nil // says no more than that the path is the same
	}
	b := m.Arena.Alloc(len(to) + len("://") + len(host) + len(path) + 2 + len(query))[:0]
	b = append(b, to...)
	if d.how == "scheme" {
		b = append(append(b, "://"...), host...)
	}
	b = append(b, path...)
	if query != nil && !d.dropQuery {
		b = append(append(b, '?'), query...)
	}
	// As in the reference, the slash goes behind a query that is not dropped.
	if d.appendSlash && b[len(b)-1] != '/' {
		b = append(b, '/')
	}
	return b
}

// value makes a text one that a header field can hold: without blanks around it, and
// without control characters, which no format should have left.
func value(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	for i, c := range b {
		if c == '\r' || c == '\n' || c == 0 {
			b[i] = ' '
		}
	}
	return b
}
