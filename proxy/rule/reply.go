package rule

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"bench/proxy/logformat"
	"bench/proxy/message"
	"bench/proxy/txn"
)

// reply is an answer of the proxy's own: one of the standard ones, a file with all of an
// answer, or one with a content of its own, which may be empty.
type reply struct {
	status   int
	standard bool  // the standard answer, or what the proxy has in its place
	page     *Page // nil: none
	kind     []byte
	content  []byte
	format   *logformat.Format // of the content, instead
	fields   []field
}

// Page is an answer that was made before: a file with a head and a content. It is shared.
type Page struct {
	Message *message.Response // nil: the file is empty, and the connection ends without an answer
	Content []byte
}

// field is a header field with its value.
type field struct {
	name   []byte
	format *logformat.Format
}

// maxContent bounds the contents of answers, which are kept in memory.
const maxContent = 1 << 20

// reply reads the options of an answer.
func (p *Parser) reply(status int, refuses bool) (*reply, error) {
	a := &reply{status: status, standard: refuses}
	content, of := "", ""
	for p.more() {
		w, _ := p.word("")
		var err error
		switch w {
		case "status", "deny_status":
			if w == "deny_status" && !refuses {
				return nil, p.fail("'deny_status' belongs to 'deny' and 'tarpit': want 'status'")
			}
			a.status, err = p.integer("a status", 200, 599)
			a.standard = a.standard && w == "deny_status"
		case "content-type":
			var t string
			t, err = p.word("a type")
			a.kind = []byte(t)
		case "string", "lf-string", "file", "lf-file", "default-errorfiles", "errorfile", "errorfiles":
			if content != "" {
				return nil, p.fail("'%s' after '%s': an answer has only one content", w, content)
			}
			content, a.standard = w, w == "default-errorfiles" || w == "errorfiles"
			of, err = p.contentOf(w, a)
		case "hdr":
			err = p.replyField(a)
		default:
			return nil, p.fail("unknown argument '%s': want status, content-type, string, lf-string, file, lf-file, errorfile, errorfiles, default-errorfiles or hdr", w)
		}
		if err != nil {
			return nil, err
		}
	}
	if content == "" && (len(a.fields) > 0 || a.kind != nil) {
		a.standard = false
	}
	if content == "errorfiles" {
		if p.ErrorFiles == nil {
			return nil, p.fail("'errorfiles' cannot be named here")
		}
		p.ErrorFiles(of, a.status, func(page *Page) { a.page = page })
	}
	return a, a.check(p, content)
}

// contentOf reads what a content is made of, and returns the word that says so.
func (p *Parser) contentOf(how string, a *reply) (of string, err error) {
	switch how {
	case "default-errorfiles":
		return "", nil
	case "errorfiles":
		return p.word("the name of an 'http-errors' section")
	case "errorfile":
		if of, err = p.word("a file"); err != nil {
			return of, err
		}
		text, err := readContent(of)
		if err == nil {
			a.page, err = p.page(text)
		}
		if err != nil {
			return of, p.fail("cannot use the error file: %v", err)
		}
		return of, nil
	}
	return "", p.content(how, a)
}

// page makes an answer of the text of a file.
func (p *Parser) page(text string) (*Page, error) {
	if p.Page == nil {
		return nil, errors.New("there can be none here")
	}
	return p.Page([]byte(text))
}

// check holds that all of an answer fits together.
func (a *reply) check(p *Parser, content string) error {
	filled := a.content != nil || a.format != nil
	warn := func(format string, args ...any) {
		if p.Warn != nil {
			p.Warn(fmt.Sprintf(format, args...))
		}
	}
	whole := a.standard || a.page != nil
	switch {
	case a.kind != nil && whole:
		warn("'content-type %s' has no effect: the error file has its own", a.kind)
	case a.kind != nil && !filled:
		warn("'content-type %s' has no effect without a content", a.kind)
	}
	if whole && len(a.fields) > 0 {
		warn("'hdr' has no effect beside '%s'", content)
	}
	switch {
	case a.standard && !hasStandard(a.status):
		return p.fail("there is no standard answer with status %d: give a content", a.status)
	case filled && (a.status == 204 || a.status == 304):
		return p.fail("an answer with status %d can have no content", a.status)
	case filled && a.kind == nil && !(len(a.content) == 0 && a.format == nil):
		return p.fail("the content needs a 'content-type'")
	}
	return nil
}

// hasStandard reports whether the proxy has an answer of its own for a status.
func hasStandard(status int) bool {
	switch status {
	case 200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504:
		return true
	}
	return false
}

// content reads the content of an answer.
func (p *Parser) content(how string, a *reply) error {
	w, err := p.word("a content")
	if err != nil {
		return err
	}
	text := w
	if strings.HasSuffix(how, "file") {
		if text, err = readContent(w); err != nil {
			return p.fail("cannot use the file: %v", err)
		}
	}
	if !strings.HasPrefix(how, "lf-") {
		a.content = []byte(text)
		return nil
	}
	if a.format, err = logformat.CompileText(text, p.env()); err != nil {
		return p.fail("%v", err)
	}
	return nil
}

func readContent(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(b) > maxContent {
		err = fmt.Errorf("%d bytes are more than %d", len(b), maxContent)
	}
	return string(b), err
}

// framing are the fields of an answer that follow from its content, whatever "hdr" says.
var framing = []string{"content-length", "content-type", "transfer-encoding"}

func (p *Parser) replyField(a *reply) error {
	if p.more() && slices.Contains(framing, strings.ToLower(p.Words[p.at])) {
		w, _ := p.word("")
		if p.Warn != nil {
			p.Warn(fmt.Sprintf("'hdr %s' has no effect: the field follows from the content ('content-type' names its type)", w))
		}
		a.standard = false
		_, err := p.word("a value of the field")
		return err
	}
	var r Rule
	if err := p.written(&r); err != nil {
		return err
	}
	f, err := p.format("a value of the field")
	if !r.moot {
		a.fields = append(a.fields, field{r.name, f})
	}
	return err
}

// give makes the answer.
func (x *Runner) give(a *reply) txn.Verdict {
	x.out.Status = a.status
	if a.page != nil && a.page.Message == nil {
		x.out.Mute = true
		return txn.Answered
	}
	if a.page != nil {
		a.page.Message.ShareTo(&x.reply)
		x.out.Reply, x.out.Content = &x.reply, a.page.Content
		return txn.Answered
	}
	if a.standard {
		return txn.Answered
	}
	m := x.newReply(a.status)
	x.body = append(x.body[:0], a.content...)
	if a.format != nil {
		x.body = a.format.Append(x.body, &x.writer, x.Ctx)
	}
	for i := range a.fields {
		f := &a.fields[i]
		if v := x.text(f.format); len(v) > 0 {
			m.Add(f.name, m.Arena.Copy(value(v)))
		}
	}
	m.AddID(message.ContentLength, appendUint(m.Arena.Alloc(20)[:0], len(x.body)))
	m.Body = message.Body{Kind: message.BodyLength, Length: uint64(len(x.body))}
	if len(x.body) > 0 {
		m.AddID(message.ContentType, a.kind)
	}
	x.out.Reply, x.out.Content = m, x.body
	return txn.Answered
}

// OwnAnswer is an answer of the proxy's own that is given wherever its status is the one to
// answer with ("http-error").
type OwnAnswer struct{ reply *reply }

// ParseAnswer reads the words of one.
func (p *Parser) ParseAnswer() (*OwnAnswer, error) {
	a, err := p.reply(0, false)
	switch {
	case err != nil:
		return nil, err
	case p.at < len(p.Words):
		p.at++
		return nil, p.fail("'%s' does not belong here: an answer that takes the place of another has no condition", p.Words[p.at-1])
	case a.status == 0:
		return nil, &Error{Msg: "'status' is missing: it says which answer is replaced"}
	}
	return &OwnAnswer{a}, nil
}

// Status is the one that it is for.
func (a *OwnAnswer) Status() int { return a.reply.status }

// Answer makes an answer for a transaction; without a message it is the standard one after
// all, or mute: none. It is good until the runner makes another one.
func (x *Runner) Answer(t *txn.Txn, a *OwnAnswer) (msg *message.Response, content []byte, mute bool) {
	out := txn.Outcome{}
	x.Ctx.Txn, x.out = t, &out
	x.give(a.reply)
	return out.Reply, out.Content, out.Mute
}

// newReply begins an answer.
func (x *Runner) newReply(status int) *message.Response {
	m := &x.reply
	m.Reset()
	m.Version, m.Status, m.KeepAlive = message.HTTP11, status, true
	m.Reason = reason(status)
	return m
}

func appendUint(b []byte, n int) []byte {
	if n >= 10 {
		b = appendUint(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

// reasons are the phrases of the reference, which are not all those of RFC 9110: clients and
// logs see them.
var reasons = map[int][]byte{
	200: []byte("OK"), 201: []byte("Created"), 202: []byte("Accepted"), 203: []byte("Non-Authoritative Information"), 204: []byte("No Content"),
	205: []byte("Reset Content"), 206: []byte("Partial Content"), 207: []byte("Multi-Status"), 210: []byte("Content Different"),
	226: []byte("IM Used"),
	300: []byte("Multiple Choices"), 301: []byte("Moved Permanently"), 302: []byte("Moved Temporarily"), 303: []byte("See Other"),
	304: []byte("Not Modified"), 305: []byte("Use Proxy"), 307: []byte("Temporary Redirect"), 308: []byte("Permanent Redirect"),
	310: []byte("Too many Redirects"),
	400: []byte("Bad Request"), 401: []byte("Unauthorized"), 402: []byte("Payment Required"), 403: []byte("Forbidden"), 404: []byte("Not Found"),
	405: []byte("Method Not Allowed"), 406: []byte("Not Acceptable"), 407: []byte("Proxy Authentication Required"),
	408: []byte("Request Time-out"), 409: []byte("Conflict"), 410: []byte("Gone"), 411: []byte("Length Required"),
	412: []byte("Precondition Failed"), 413: []byte("Request Entity Too Large"), 414: []byte("Request-URI Too Long"),
	415: []byte("Unsupported Media Type"), 416: []byte("Requested range unsatisfiable"), 417: []byte("Expectation failed"),
	418: []byte("I'm a teapot"), 421: []byte("Misdirected Request"), 422: []byte("Unprocessable Content"), 423: []byte("Locked"),
	424: []byte("Method failure"), 425: []byte("Too Early"), 426: []byte("Upgrade Required"), 428: []byte("Precondition Required"),
	429: []byte("Too Many Requests"), 431: []byte("Request Header Fields Too Large"), 449: []byte("Retry With"),
	450: []byte("Blocked by Windows Parental Controls"), 451: []byte("Unavailable For Legal Reasons"), 456: []byte("Unrecoverable Error"),
	499: []byte("client has closed connection"),
	500: []byte("Internal Server Error"), 501: []byte("Not Implemented"), 502: []byte("Bad Gateway or Proxy Error"),
	503: []byte("Service Unavailable"), 504: []byte("Gateway Time-out"), 505: []byte("HTTP Version not supported"),
	506: []byte("Variant also negotiate"), 507: []byte("Insufficient storage"), 508: []byte("Loop detected"),
	509: []byte("Bandwidth Limit Exceeded"), 510: []byte("Not extended"), 511: []byte("Network authentication required"),
	520: []byte("Web server is returning an unknown error"),
}

// reason is the phrase for a status; for others that of its class.
func reason(status int) []byte {
	if r := reasons[status]; r != nil {
		return r
	}
	return classes[status/100]
}

// classes are what statuses without a phrase of their own are called.
var classes = [6][]byte{2: []byte("Success"), 3: []byte("Redirection"), 4: []byte("Client Error"), 5: []byte("Server Error")}
