package stream

import (
	"bytes"
	"iter"

	"bench/proxy/cookie"
	"bench/proxy/message"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// persistence is what keeps a stream to a server.
type persistence struct {
	direct bool // a cookie or a rule has chosen the server, not load balancing
	forced bool // a server that is down is used all the same ("force-persist")
}

// cookieFlag says what became of a persistence cookie, as logs do (configuration manual,
// section 8.5); 0 is 'N': there was none.
type cookieFlag byte

// What became of a cookie of a request.
const (
	cookieInvalid cookieFlag = 'I' // of no server
	cookieDown    cookieFlag = 'D' // of a server that is down
	cookieValid   cookieFlag = 'V'
	cookieExpired cookieFlag = 'E' // not seen for too long
	cookieOld     cookieFlag = 'O' // first seen too long ago
	cookieUnused  cookieFlag = 'U' // not looked at
)

// What became of a cookie of a response.
const (
	cookiePassive  cookieFlag = 'P' // left as it was
	cookieDeleted  cookieFlag = 'D'
	cookieInserted cookieFlag = 'I'
	cookieReplaced cookieFlag = 'R'
	cookieUpdated  cookieFlag = 'U' // only its date
)

// cookieDates are when a cookie was set first and last, in seconds since 1970; 0: it
// does not say.
type cookieDates struct{ first, last int64 }

// persisting is how a thread deals with a backend's cookie.
type persisting struct {
	*spec.Cookie
	name   []byte
	suffix []byte // what follows "name=value" where a cookie is set
	remove []byte // the cookie that takes itself away
}

func newPersisting(c *spec.Cookie) *persisting {
	if c == nil {
		return nil
	}
	p := &persisting{Cookie: c, name: []byte(c.Name)}
	var rest []byte
	for _, d := range c.Domains {
		rest = append(rest, "; domain="+d...)
	}
	if c.HTTPOnly {
		rest = append(rest, "; HttpOnly"...)
	}
	if c.Secure {
		rest = append(rest, "; Secure"...)
	}
	for _, a := range c.Attributes {
		rest = append(rest, "; "+a...)
	}
	p.suffix = append([]byte("; path=/"), rest...)
	p.remove = append([]byte(c.Name+"=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/"), rest...)
	return p
}

// marks tells whether the cookie leaves traces in logs: one that is only looked at does
// not.
func (p *persisting) marks() bool { return p.Insert || p.Rewrite || p.Prefix || p.Indirect }

// persistRules follows "force-persist" and "ignore-persist".
func (s *stream) persistRules() txn.Verdict {
	rules := s.be.Spec.Persist
	for i := range rules {
		if rules[i].Cond == nil || s.holds(rules[i].Cond) {
			s.forced = rules[i].Force
			if s.http {
				s.ignored = !s.forced
			}
			break
		}
	}
	return txn.Next
}

// reachable tells whether a server may be used that somebody asks for by name.
func (s *stream) reachable(srv *server.Server) bool {
	return srv.Running() || s.forced || s.be.Spec.Options.Persist
}

// stickTo sends the stream to a server.
func (s *stream) stickTo(srv *server.Server) { s.assigned, s.direct = srv, true }

// useServer follows "use-server".
func (s *stream) useServer() txn.Verdict {
	rules := s.be.Spec.UseServer
	for i := range rules {
		r := &rules[i]
		if s.assigned != nil || r.Cond != nil && !s.holds(r.Cond) {
			continue
		}
		name := ""
		if r.Server != nil {
			name = r.Server.Name
		} else {
			x := s.transaction()
			s.show(x)
			x.Final = true
			name = string(s.t.rules.Text(&x.Txn, r.Name))
		}
		srv, found := s.be.Server(name)
		switch {
		case !found && r.Server == nil:
			return txn.Next // as in the reference, no other rule is looked at
		case found && s.reachable(srv):
			s.stickTo(srv)
			return txn.Next
		}
	}
	return txn.Next
}

// requestCookies takes the server out of the persistence cookie of a request, and the
// cookie out of the request where servers are not to see it.
func (s *stream) requestCookies() txn.Verdict {
	h := &s.req.Header
	for i := h.First(message.Cookie); i >= 0; {
		next := h.Next(i)
		if f := h.At(i); bytes.Contains(f.Value, s.be.cookie.name) {
			out, changed := cookie.EditRequest(s.t.scrap[:0], f.Value, s.requestCookie)
			s.setCookies(h, &s.req.Arena, i, out, changed)
		}
		i = next
	}
	return txn.Next
}

// setCookies gives a field what is left of its cookies, and takes one away of which
// nothing is.
func (s *stream) setCookies(h *message.Header, memory *message.Arena, i int, out []byte, changed bool) {
	s.t.scrap = out[:0]
	switch {
	case !changed:
	case len(out) == 0:
		h.DelAt(i)
	default:
		h.At(i).Value = memory.Copy(out)
	}
}

// tilde parts a server's identifier from the cookie it precedes, bar from its dates.
var tilde, bar = []byte("~"), []byte("|")

// requestCookie decides on one cookie of a request.
func (s *stream) requestCookie(name, value []byte) (cookie.Act, []byte) {
	p := s.be.cookie
	if !bytes.Equal(name, p.name) {
		return cookie.Keep, nil
	}
	id := value
	rest := []byte(nil)
	if p.Prefix {
		if server, own, ok := bytes.Cut(value, tilde); ok {
			id, rest = server, own
		}
	} else if server, dates, ok := bytes.Cut(value, bar); ok {
		id = server
		s.readDates(dates)
	}
	if s.tooOld() {
		id = nil
		s.dates = cookieDates{}
	}
	s.followCookie(id)
	switch {
	case p.Prefix && rest != nil:
		return cookie.Replace, rest
	case p.Insert && p.Indirect:
		return cookie.Drop, nil
	}
	return cookie.Keep, nil
}

// readDates reads the dates in a cookie: when it was seen last, and behind another bar
// when it was set first.
func (s *stream) readDates(b []byte) {
	if d := cookie.Date(b); d > 0 {
		s.dates.last = d
	}
	if _, first, ok := bytes.Cut(b, bar); ok {
		if d := cookie.Date(first); d > 0 {
			s.dates.first = d
		}
	}
}

// tooOld tells whether the cookie has outlived its time, and notes it. One that is to
// come in more than a day is no better.
func (s *stream) tooOld() bool {
	p := s.be.cookie
	now := s.t.wall.at(s.t.Loop.Now()).Unix()
	out := func(date, limit int64) bool {
		return date > 0 && limit > 0 && (now-date > limit || date-now > 86400)
	}
	switch {
	case out(s.dates.first, int64(p.MaxLife.Seconds())):
		s.inCookie = cookieOld
	case out(s.dates.last, int64(p.MaxIdle.Seconds())):
		s.inCookie = cookieExpired
	default:
		return false
	}
	return true
}

// followCookie chooses the first server of a cookie that can be used.
func (s *stream) followCookie(id []byte) {
	skip := s.ignored || s.assigned != nil
	if len(id) > 0 && !skip {
		for _, srv := range s.be.Servers() {
			if srv.Cookie() != string(id) {
				continue
			}
			s.inCookie = cookieDown
			if s.reachable(srv) {
				if srv.Running() {
					s.inCookie = cookieValid
				}
				s.stickTo(srv)
				return
			}
		}
	}
	switch s.inCookie {
	case cookieDown, cookieExpired, cookieOld, cookieValid: // of another cookie of the name
	default:
		s.inCookie = cookieInvalid
		if skip {
			s.inCookie = cookieUnused
		}
	}
}

// setCookie2 is the field that sets cookies by RFC 2965. HAProxy looks at it, too.
const setCookie2 = "set-cookie2"

// setCookieFields are the fields by which a response sets cookies. Each may be taken away
// when its turn has come.
func setCookieFields(h *message.Header) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := h.First(message.SetCookie); i >= 0; {
			next := h.Next(i)
			if !yield(i) {
				return
			}
			i = next
		}
		for i := h.Index(setCookie2, -1); i >= 0; i = h.Index(setCookie2, i) {
			if !yield(i) {
				return
			}
		}
	}
}

// responseCookies deals with persistence cookies that the server has set, and sets one
// where the client needs it.
func (s *stream) responseCookies() txn.Verdict {
	h := &s.res.Header
	for i := range setCookieFields(h) {
		if f := h.At(i); bytes.Contains(f.Value, s.be.cookie.name) {
			out, changed := cookie.EditResponse(s.t.scrap[:0], f.Value, s.responseCookie)
			s.setCookies(h, &s.res.Arena, i, out, changed)
		}
	}
	if s.wantsCookie() {
		s.insertCookie()
	}
	return txn.Next
}

// responseCookie decides on a cookie that the server sets.
func (s *stream) responseCookie(name, value []byte) (cookie.Act, []byte) {
	p := s.be.cookie
	if s.ignored || !bytes.Equal(name, p.name) {
		return cookie.Keep, nil
	}
	id := ""
	if s.srv != nil {
		id = s.srv.Cookie()
	}
	s.outCookie = cookiePassive
	switch {
	case p.Preserve:
	case p.Insert || s.direct && p.Indirect:
		s.outCookie = cookieDeleted
		return cookie.Drop, nil
	case id != "" && p.Rewrite:
		s.outCookie = cookieReplaced
		return cookie.Replace, s.res.Arena.CopyString(id)
	case id != "" && p.Prefix:
		s.outCookie = cookieReplaced
		b := s.res.Arena.Alloc(len(id) + 1 + len(value))
		copy(b, id)
		b[len(id)] = '~'
		copy(b[len(id)+1:], value)
		return cookie.Replace, b
	}
	return cookie.Keep, nil
}

// wantsCookie tells whether the response is to set the cookie: the client has none that
// leads to the server, or its dates are to be renewed, added or taken out.
func (s *stream) wantsCookie() bool {
	p := s.be.cookie
	switch {
	case !p.Insert, s.ignored, !s.srv.Named(), s.outCookie == cookiePassive && p.Preserve:
		return false
	case p.PostOnly && s.method != message.MethodPost:
		return false
	case !s.direct:
		return true
	}
	ages := p.MaxIdle > 0 || s.dates.last > 0
	now := s.t.wall.at(s.t.Loop.Now()).Unix()
	return ages && s.dates.last < now || (p.MaxLife > 0) != (s.dates.first > 0)
}

func (s *stream) insertCookie() {
	p, res := s.be.cookie, s.res
	id := s.srv.Cookie()
	value := p.remove
	if id != "" {
		b := append(s.t.scrap[:0], p.name...)
		b = append(b, '=')
		b = append(b, id...)
		if p.MaxIdle > 0 || p.MaxLife > 0 {
			now := s.t.wall.at(s.t.Loop.Now()).Unix()
			b = cookie.AppendDate(append(b, '|'), now)
			if p.MaxLife > 0 {
				first := s.dates.first
				if first == 0 {
					first = now
				}
				b = cookie.AppendDate(append(b, '|'), first)
			}
		}
		b = append(b, p.suffix...)
		s.t.scrap = b[:0]
		value = res.Arena.Copy(b)
	}
	res.AddID(message.SetCookie, value)
	s.outCookie = cookieInserted
	if id != "" && s.direct {
		s.outCookie = cookieUpdated
	}
	if p.NoCache && s.cacheable() {
		res.AddID(message.CacheControl, private)
	}
}

var private = []byte("private")

// cacheable tells whether a cache might keep the response, and hand the cookie out to
// others: by method and status, unless Cache-Control says otherwise, and only if it is
// known how fresh it is.
func (s *stream) cacheable() bool {
	yes, fresh := false, false
	switch s.res.Status {
	case 200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501:
		yes = s.method == message.MethodGet || s.method == message.MethodHead || s.method == message.MethodOptions
	}
	h := &s.res.Header
	i := h.First(message.CacheControl)
	if i < 0 && bytes.EqualFold(h.GetID(message.Pragma), []byte("no-cache")) {
		return false
	}
	for ; i >= 0; i = h.Next(i) {
		for part := range bytes.SplitSeq(h.At(i).Value, []byte(",")) {
			part = bytes.TrimSpace(part)
			switch {
			case equalFold(part, "private"), equalFold(part, "no-cache"), equalFold(part, "no-store"), equalFold(part, "max-age=0"), equalFold(part, "s-maxage=0"):
				yes = false
			case hasPrefixFold(part, "max-age"), hasPrefixFold(part, "s-maxage"):
				fresh = true
			case equalFold(part, "public"):
				yes = true
			}
		}
	}
	return yes && (fresh || h.Index("expires", -1) >= 0 || h.Index("etag", -1) >= 0 || h.Index("last-modified", -1) >= 0)
}

// checkCache refuses a response with a cookie that a cache might hand to others
// ("option checkcache").
func (s *stream) checkCache() txn.Verdict {
	h := &s.res.Header
	if !h.Has(message.SetCookie) && h.Index(setCookie2, -1) < 0 || !s.cacheable() {
		return txn.Next
	}
	for i := h.First(message.CacheControl); i >= 0; i = h.Next(i) {
		if bytes.Contains(bytes.ToLower(h.At(i).Value), []byte(`no-cache="set-cookie`)) {
			return txn.Next
		}
	}
	s.countDenied()
	s.gotRes = 0 // for the log, the response has never come
	if !s.up.Ended {
		s.keepCli = false
	}
	s.answer(502, 'P', 'H')
	return txn.Answered
}

func equalFold(b []byte, s string) bool { return len(b) == len(s) && hasPrefixFold(b, s) }

// hasPrefixFold compares without regard to case; s is in lower case.
func hasPrefixFold(b []byte, s string) bool {
	if len(b) < len(s) {
		return false
	}
	for i := range len(s) {
		if c := b[i]; c != s[i] && (c < 'A' || c > 'Z' || c|0x20 != s[i]) {
			return false
		}
	}
	return true
}

// cookieFlags are those of the stream in logs.
func (s *stream) cookieFlags() [2]byte {
	if s.exchange == nil || s.be == nil || s.be.cookie == nil || !s.be.cookie.marks() {
		return [2]byte{'-', '-'}
	}
	return [2]byte{s.inCookie.text(), s.outCookie.text()}
}

func (f cookieFlag) text() byte {
	if f == 0 {
		return 'N'
	}
	return byte(f)
}
